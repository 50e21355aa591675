"""What `docsearch query` does once its arguments are read: answers, prints hits, saves images.

Nothing slow is imported before it is needed: a short process is mostly imports.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..engine.errors import UsageError
from ..engine.printable import also_at, printable
from .answer_notes import answer_notes
from .defaults import DEFAULT_HITS, DEFAULT_INDEX, RERANKED_HITS
from .indexes import opened
from .output import message, plural, print_json

if TYPE_CHECKING:
    from ..engine.ranking.third_stage import ThirdStage
    from ..engine.records import U8, Mode
    from .ask_server import ServedAnswer

HEATMAP_SUFFIXES = (".png", ".jpg", ".jpeg", "")


@dataclass(frozen=True, slots=True)
class QueryArguments:
    """The arguments of `docsearch query`, as its help describes them."""

    words: tuple[str, ...] = ()
    index: Path = DEFAULT_INDEX
    k: int = DEFAULT_HITS
    candidates: int | None = None
    device: str = "auto"
    exact: bool = False
    path: str | None = None
    image: Path | None = None
    as_json: bool = False
    heatmap: Path | None = None
    save_pages: Path | None = None
    server: str | None = None
    all_copies: bool = False
    mode: str | None = None
    rerank: str | None = None
    rerank_hits: int = RERANKED_HITS
    other_indexes: tuple[Path, ...] = ()

    @property
    def indexes(self) -> tuple[Path, ...]:
        """The folders of all indexes that are searched."""
        return (self.index, *self.other_indexes)


def run(asked: QueryArguments) -> None:
    """Answer a question: hits on stdout, everything else on stderr. Raises UsageError and what `open_searcher` does."""
    text = " ".join(map(_decoded, asked.words)).strip()
    if not text and asked.image is None:
        raise UsageError('the question is empty; ask for something, like: docsearch query "revenue chart 2023"')
    _check_outputs(asked)
    if asked.server is not None and (found := _of_server(asked, text)) is not None:
        print_hits(found.hits, found.about, as_json=asked.as_json)
        for note in answer_notes(found.about, found.model, is_empty=False):
            message(note)
        return
    from ..engine import threads

    threads.import_numpy_without_blas_threads()
    from ..engine.searcher import open_searcher

    pixels = None if asked.image is None else _read(asked.image)
    directory = opened(asked.indexes)
    with open_searcher(directory, device=asked.device) as searcher:
        hits = searcher.search(
            text,
            k=asked.k,
            candidates=asked.candidates,
            exact=asked.exact,
            path=asked.path,
            image=pixels,
            all_copies=asked.all_copies,
            mode=cast("Mode | None", asked.mode),
            rerank=third_stage(asked.rerank, asked.rerank_hits, asked.device),
        )
        print_hits([hit.as_dict() for hit in hits], hits.as_dict(), as_json=asked.as_json)
        for note in answer_notes(hits.as_dict(), searcher.encoder.spec.name, is_empty=not hits):
            message(note)
        if not hits:
            unsaved = "; no picture was saved" if asked.heatmap or asked.save_pages else ""
            where = "" if asked.path is None else f" in documents that match {asked.path}"
            message(f"no page matches{where}{unsaved}")
        if not hits or (asked.heatmap is None and asked.save_pages is None):
            return
        from . import pictures

        if asked.heatmap is not None:
            pictures.save_heatmap(asked.heatmap, text, hits[0], searcher, directory, mode=hits.mode, image=pixels)
            message(f"{asked.heatmap}: {hits[0].ref.path}, page {hits[0].ref.page}")
        if asked.save_pages is not None:
            saved = pictures.save_pages(asked.save_pages, hits, searcher.snapshot, directory)
            message(f"{asked.save_pages}: {plural(saved, 'page')} saved")


def third_stage(model: str | None, count: int, device: str) -> ThirdStage | None:
    """What reranks the first `count` hits with the cross-encoder `model`; None without one. Raises UsageError."""
    if model is None:
        return None
    from ..engine.models.reranker import Reranker
    from ..engine.ranking.third_stage import ThirdStage

    return ThirdStage(Reranker.open(model, device=device), count)


def print_hits(hits: Sequence[Mapping[str, Any]], about: Mapping[str, Any], *, as_json: bool) -> None:
    """Print hits, each as `Hit.as_dict` has it: as JSON, one object per line, with what is known `about` the answer; or
    as a table in a terminal, and as tab-separated columns elsewhere.
    """
    if as_json:
        for hit in hits:
            print_json({**hit, **about})
    elif hits:
        _print_table(hits)


def _of_server(asked: QueryArguments, text: str) -> ServedAnswer | None:
    """The answer of a running server; None, and a line that says why, where this process has to answer."""
    from . import ask_server

    assert asked.server is not None
    try:
        if asked.image is not None or asked.heatmap is not None or asked.save_pages is not None:
            raise ask_server.NotAnswered("pictures are not asked of servers")
        if asked.rerank is not None:
            raise ask_server.NotAnswered("--rerank is of this process")
        if asked.device != "auto":
            raise ask_server.NotAnswered("--device is of this process")
        if asked.other_indexes:
            raise ask_server.NotAnswered("several indexes are not asked of servers")
        return ask_server.answer(
            asked.server,
            asked.index,
            text,
            k=asked.k,
            candidates=asked.candidates,
            exact=asked.exact,
            path=asked.path,
            all_copies=asked.all_copies,
            mode=asked.mode,
        )
    except ask_server.NotAnswered as err:
        message(f"answered without a server: {err}")
        return None


def _check_outputs(asked: QueryArguments) -> None:
    """Raise UsageError for a place where pictures may not be written."""
    if asked.heatmap is None and asked.save_pages is None:
        return
    from .output_files import check_file, check_folder

    if asked.heatmap is not None:
        inputs = [asked.image] if asked.image else []
        for index in asked.indexes:
            check_file(asked.heatmap, HEATMAP_SUFFIXES, index, what="heat map", inputs=inputs)
    if asked.save_pages is not None:
        for index in asked.indexes:
            check_folder(asked.save_pages, index)


def _decoded(argument: str) -> str:
    """An argument whose bytes are not UTF-8, read as Windows-1252; what is neither becomes "�"."""
    raw = argument.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _read(image: Path) -> U8:
    from .pictures import read_image  # imports numpy and the renderers

    return read_image(image)


def _print_table(hits: Sequence[Mapping[str, Any]]) -> None:
    """Print a table in a terminal, and tab-separated columns elsewhere; the last one only if there are copies."""
    if not sys.stdout.isatty():
        has_copies = any(hit["also"] for hit in hits)
        has_indexes = any("index" in hit for hit in hits)
        print("rank\tscore\tfile\tpage" + "\tindex" * has_indexes + "\tcopies" * has_copies)
        for hit in hits:
            also = f"\t{printable(hit['index'])}" if has_indexes else ""
            also += f"\t{also_at(hit['also'])}" if has_copies else ""
            print(f"{hit['rank']}\t{hit['score']:.3f}\t{printable(hit['path'])}\t{hit['page']}{also}")
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("rank", justify="right")
    table.add_column("score", justify="right")
    table.add_column("file", overflow="fold")
    table.add_column("page", justify="right")
    for hit in hits:
        file = Text(printable(hit["path"]))
        if "index" in hit:
            file.append(f"\nin {printable(hit['index'])}", style="dim")
        if hit["also"]:
            file.append(f"\n{also_at(hit['also'])}", style="dim")
        table.add_row(str(hit["rank"]), f"{hit['score']:.3f}", file, str(hit["page"]))
    Console().print(table)
