"""What `docsearch query` does once its arguments are read: answers, prints hits, saves images.

Nothing slow is imported before it is needed: a short process is mostly imports.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..engine.errors import UsageError
from . import hit_files
from .answer_notes import answer_notes
from .indexes import Opened, opened
from .output import message, plural
from .query_arguments import QueryArguments, check
from .reranking import give_pictures, tell_undrawn, third_stage

if TYPE_CHECKING:
    from ..engine.hits import Hits
    from ..engine.records import U8, Mode
    from ..engine.searcher import Searcher
    from .ask_server import ServedAnswer


def run(asked: QueryArguments) -> None:
    """Answer a question: hits on stdout, everything else on stderr. Raises UsageError and what `open_searcher` does."""
    text = " ".join(map(_decoded, asked.words)).strip()
    check(asked, text)
    if asked.server is not None and (found := _of_server(asked, text)) is not None:
        _show_served(asked, found)
    else:
        _answer(asked, text)


def _show_served(asked: QueryArguments, found: ServedAnswer) -> None:
    """Print the answer of a running server."""
    shown = _shown(asked, found.hits)
    _print(asked, shown, found.about)
    for note in answer_notes(found.about, found.model, is_empty=False):
        message(note)
    if asked.open_rank is not None:
        hit_files.open_hit(asked, shown)


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
            hit_files.open_hit(asked, shown)
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

    with closing(pictures.page_images(searcher.snapshot, directory, asked.passwords)) as pages:
        if asked.heatmap is not None:
            pictures.save_heatmap(asked.heatmap, text, hits[0], searcher, pages, mode=hits.mode, image=pixels)
            message(f"{asked.heatmap}: {hits[0].place}")
        if asked.save_pages is not None:
            saved = pictures.save_pages(asked.save_pages, hits, pages, directory)
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
    print_hits(hits, about, output=asked.format, locate=lambda hit: hit_files.file_of(asked, hit), links=links)


def _page(hit: Mapping[str, Any]) -> tuple[str, str, int]:
    return hit.get("index", ""), hit["doc_id"], hit["page"]


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
