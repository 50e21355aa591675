"""What `docsearch query` does once its arguments are read: answers, prints hits, saves images.

Nothing slow is imported before it is needed: a short process is mostly imports.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..engine.errors import UsageError
from .answer_notes import answer_notes
from .defaults import DEFAULT_HITS, DEFAULT_INDEX
from .indexes import Opened, opened
from .output import message, plural
from .reranking import check_rerank_hits, give_pictures, tell_undrawn, third_stage

if TYPE_CHECKING:
    from ..engine.hits import Hits
    from ..engine.records import U8, Mode
    from ..engine.searcher import Searcher
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
    rerank_hits: int | None = None
    where: str | None = None
    other_indexes: tuple[Path, ...] = ()
    output: str = "table"
    snippets: bool | None = None
    group_by: str | None = None
    open_rank: int | None = None
    explain: bool = False
    like: str | None = None
    task: str | None = None
    ray: str | None = None
    replicas: int = 1
    partial: bool = False

    @property
    def indexes(self) -> tuple[Path, ...]:
        """The folders of all indexes that are searched."""
        return (self.index, *self.other_indexes)

    @property
    def format(self) -> str:
        """The format of the answer: --json is short for one."""
        return "json" if self.as_json else self.output

    @property
    def hits_wanted(self) -> int:
        """How many pages to ask for."""
        from .hit_output import hits_wanted

        return self.k if self.group_by is None else hits_wanted(self.k)

    @property
    def has_details(self) -> bool:
        """Whether snippets and titles are shown: in a terminal, and in formats that have room for them, unless not."""
        if self.snippets is not None:
            return self.snippets
        return self.format in ("json", "csv") or (self.format == "table" and sys.stdout.isatty())


def run(asked: QueryArguments) -> None:
    """Answer a question: hits on stdout, everything else on stderr. Raises UsageError and what `open_searcher` does."""
    text = " ".join(map(_decoded, asked.words)).strip()
    _check(asked, text)
    if asked.server is not None and (found := _of_server(asked, text)) is not None:
        _show_served(asked, found)
    else:
        _answer(asked, text)


def _check(asked: QueryArguments, text: str) -> None:
    """Raise UsageError for arguments that are out of range, or have no place beside others."""
    if asked.like is not None:
        _check_like(asked, text)
    elif not text and asked.image is None:
        raise UsageError('the question is empty; ask for something, like: docsearch query "revenue chart 2023"')
    if asked.explain and (not text or asked.image is not None):
        raise UsageError("--explain tells which words matched: ask with words, and without --image")
    if asked.explain and asked.rerank is not None:
        raise UsageError("--explain tells what scores of search are made of; leave --rerank out")
    if asked.format in ("paths", "csv") and asked.explain:
        raise UsageError(f"--explain has no place in --format {asked.format}; use table or json, or leave it out")
    if asked.format == "paths" and asked.snippets:
        raise UsageError("--snippets has no place in --format paths, which prints files only; leave one of them out")
    if asked.rerank is not None and not asked.rerank.strip():
        raise UsageError("--rerank is empty; name a cross-encoder: an id on the hub (OWNER/NAME) or a folder")
    check_candidates(asked.candidates, exact=asked.exact)
    check_rerank_hits(asked.rerank, asked.rerank_hits)
    _check_outputs(asked)


def _show_served(asked: QueryArguments, found: ServedAnswer) -> None:
    """Print the answer of a running server."""
    shown = _shown(asked, found.hits)
    _print(asked, shown, found.about)
    for note in answer_notes(found.about, found.model, is_empty=False):
        message(note)
    if asked.open_rank is not None:
        _open(asked, shown)


def _answer(asked: QueryArguments, text: str) -> None:
    """Open the index, print its answer, and write the pictures that are asked for."""
    from ..engine import threads

    threads.import_numpy_without_blas_threads()

    pixels = None if asked.image is None else _read(asked.image)
    directory = opened(asked.indexes)
    with _searcher(asked, directory) as searcher:
        _check_task(asked.task, searcher.snapshot.fingerprint)
        hits = _hits(asked, text, pixels, searcher)
        shown = _with_details(asked, text, hits, searcher)
        _print(asked, shown, hits.as_dict())
        for note in answer_notes(hits.as_dict(), searcher.encoder.spec.name, is_empty=not hits):
            message(note)
        if not hits:
            unsaved = "; no picture was saved" if asked.heatmap or asked.save_pages else ""
            selected = " and ".join(filter(None, (asked.path, asked.where)))
            among = f" in documents that match {selected}" if selected else ""
            message(f"no page matches{among}{unsaved}")
            return
        if asked.open_rank is not None:
            _open(asked, shown)
        _save_pictures(asked, text, pixels, hits, searcher, directory)


def _with_details(asked: QueryArguments, text: str, hits: Hits, searcher: Searcher) -> list[Mapping[str, Any]]:
    """The hits that are shown, as they are printed, with the details and explanations that are asked for."""
    by_page = {_page(hit.as_dict()): hit for hit in hits}
    shown = _shown(asked, [hit.as_dict() for hit in hits])
    if asked.has_details:
        shown = [{**each, **by_page[_page(each)].details.as_dict()} for each in shown]
    if asked.explain and hits:
        explained = searcher.explain(text, [by_page[_page(each)] for each in shown], mode=hits.mode)
        shown = [{**each, "explanation": its.as_dict()} for each, its in zip(shown, explained, strict=True)]
    return shown


def _save_pictures(
    asked: QueryArguments, text: str, pixels: U8 | None, hits: Hits, searcher: Searcher, directory: Opened
) -> None:
    """Write the heat map of the first hit, and the pages of all, if they are asked for."""
    if asked.heatmap is None and asked.save_pages is None:
        return
    from . import pictures

    if asked.heatmap is not None:
        pictures.save_heatmap(asked.heatmap, text, hits[0], searcher, directory, mode=hits.mode, image=pixels)
        message(f"{asked.heatmap}: {hits[0].place}")
    if asked.save_pages is not None:
        saved = pictures.save_pages(asked.save_pages, hits, searcher.snapshot, directory)
        message(f"{asked.save_pages}: {plural(saved, 'page')} saved")


def _hits(asked: QueryArguments, text: str, pixels: U8 | None, searcher: Searcher) -> Hits:
    """The answer of an open index: to a question, or to a page that others are to be like."""
    if asked.like is not None:
        from .like_page import find_page

        return searcher.more_like(
            find_page(asked.like, searcher.snapshot),
            k=asked.hits_wanted,
            candidates=asked.candidates,
            exact=asked.exact,
            path=asked.path,
            all_copies=asked.all_copies,
            where=asked.where,
        )
    stage = third_stage(asked.rerank, asked.rerank_hits, asked.device)
    give_pictures(stage, searcher, opened(asked.indexes))
    hits = searcher.search(
        text,
        k=asked.hits_wanted,
        candidates=asked.candidates,
        exact=asked.exact,
        path=asked.path,
        image=pixels,
        all_copies=asked.all_copies,
        mode=cast("Mode | None", asked.mode),
        rerank=stage,
        where=asked.where,
    )
    tell_undrawn(stage)
    return hits


def _check_like(asked: QueryArguments, text: str) -> None:
    """Raise UsageError for what cannot be asked together with --like."""
    given = {
        "a question": bool(text),
        "--image": asked.image is not None,
        "--mode": asked.mode is not None,
        "--rerank": asked.rerank is not None,
        "--explain": asked.explain,
        "--heatmap": asked.heatmap is not None,
        "several --index": bool(asked.other_indexes),
    }
    if wrong := [name for name, is_given in given.items() if is_given]:
        raise UsageError(f"--like searches by the page that it names; leave {wrong[0]} out")


def _check_task(task: str | None, fingerprint: Mapping[str, Any]) -> None:
    """Raise UsageError unless the model of the index embeds for this task."""
    if task is None or fingerprint.get("task") == task:
        return
    name = str(fingerprint["name"])
    if "task" not in fingerprint:
        raise UsageError(f"--task {task}: the model of this index, {name}, has no tasks")
    base = ",".join(part for part in name.split(",") if not part.startswith("task="))
    raise UsageError(
        f"--task {task}: this index was made for the task {fingerprint['task']}, and vectors of two tasks cannot be "
        f"compared; make another one with 'docsearch index PATH... --index OTHER --model {base},task={task}'"
    )


def check_candidates(candidates: int | None, *, exact: bool) -> None:
    """Raise UsageError where --candidates is given for a search that scores every page."""
    if exact and candidates is not None:
        raise UsageError("--exact scores every page, so --candidates has no effect; leave one of them out")


def _searcher(asked: QueryArguments, directory: Opened) -> Searcher:
    """The searcher of the indexes, here or on a cluster. Raises UsageError, and what `open_searcher` raises."""
    if asked.ray is not None or asked.partial or asked.replicas != 1:
        from .shard_search import open_to_search

        return open_to_search(
            asked.indexes, device=asked.device, ray=asked.ray, replicas=asked.replicas, partial=asked.partial
        )
    from ..engine.searcher import open_searcher

    return open_searcher(directory, device=asked.device)


def _shown(asked: QueryArguments, hits: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Hits as they are shown: as they are, or put together by document."""
    from .hit_output import by_document

    return list(hits) if asked.group_by is None else list(by_document(hits, asked.k))


def _print(asked: QueryArguments, hits: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> None:
    """Print hits, each as `Hit.as_dict` has it, with details if there are some."""
    from . import hyperlinks
    from .hit_output import print_hits

    links = asked.format == "table" and sys.stdout.isatty() and hyperlinks.are_known(os.environ)
    print_hits(hits, about, output=asked.format, locate=lambda hit: _file(asked, hit), links=links)


def _page(hit: Mapping[str, Any]) -> tuple[str, str, int]:
    return hit.get("index", ""), hit["doc_id"], hit["page"]


def _file(asked: QueryArguments, hit: Mapping[str, Any]) -> Path | None:
    """The file of a hit's document, or of a copy, or of what it is attached to; None where all are gone."""
    from ..indexer import source_folders

    roots = source_folders.recorded(_index(asked, hit))
    for path in (hit["path"], *hit["also"]):
        try:
            return source_folders.locate(path, roots)
        except UsageError:
            continue
    held = source_folders.holder(hit["path"], roots)
    return None if held is None else held[0]


def _index(asked: QueryArguments, hit: Mapping[str, Any]) -> Path:
    return next((each for each in asked.indexes if str(each) == hit.get("index")), asked.index)


def _open(asked: QueryArguments, hits: Sequence[Mapping[str, Any]]) -> None:
    """Open the page of the hit that was asked for in a viewer. Raises UsageError where there is no such hit or file."""
    from ..indexer import source_folders
    from .hit_output import hit_place
    from .open_page import open_page

    rank = asked.open_rank or 1
    if rank > len(hits):
        raise UsageError(f"--open {rank}: there are only {plural(len(hits), 'hit')}")
    hit = hits[rank - 1]
    file, page = _file(asked, hit), hit["page"]
    if file is None:
        raise UsageError(f"--open: {hit['path']} is not where it was indexed; put it back, or index it where it is now")
    held = source_folders.holder(hit["path"], source_folders.recorded(_index(asked, hit)))
    if held is not None and held[0] == file:
        file, page = _taken_out(*held, page)
    line = hit["lines"][0] if "lines" in hit else None
    message(f"{hit_place(hit)}: opened with {open_page(file, page, line)}")


def _taken_out(holder: Path, inner: str, page: int) -> tuple[Path, int]:
    """A copy of the document at `inner` in a file, and the page; the file itself where it cannot be taken out of it.

    Prints a line that says so.
    """
    from ..indexer import taken_out

    try:
        file = taken_out.saved(holder, inner)
    except UsageError as err:
        message(f"{err}; {holder} is opened instead")
        return holder, 1
    message(f"{inner} was taken out of {holder} into {file}")
    return file, page


def _of_server(asked: QueryArguments, text: str) -> ServedAnswer | None:
    """The answer of a running server; None, and a line that says why, where this process has to answer."""
    from . import ask_server

    assert asked.server is not None
    try:
        if asked.image is not None or asked.heatmap is not None or asked.save_pages is not None:
            raise ask_server.NotAnswered("pictures are not asked of servers")
        if asked.rerank is not None:
            raise ask_server.NotAnswered("--rerank is of this process")
        if asked.explain:
            raise ask_server.NotAnswered("--explain is of this process")
        if asked.device != "auto":
            raise ask_server.NotAnswered("--device is of this process")
        if asked.like is not None:
            raise ask_server.NotAnswered("--like is of this process")
        if asked.task is not None:
            raise ask_server.NotAnswered("--task is of this process")
        if asked.ray is not None:
            raise ask_server.NotAnswered("--ray is of this process")
        if asked.other_indexes:
            raise ask_server.NotAnswered("several indexes are not asked of servers")
        return ask_server.answer(
            asked.server,
            asked.index,
            text,
            k=asked.hits_wanted,
            candidates=asked.candidates,
            exact=asked.exact,
            path=asked.path,
            all_copies=asked.all_copies,
            mode=asked.mode,
            details=asked.has_details,
            where=asked.where,
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
