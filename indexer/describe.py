"""Records what their files say of documents that an earlier version indexed, without rendering or embedding a page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from ..engine.store import DocumentRow, IndexWriter
from . import properties
from .discover import Discovery, Document
from .render.renderer import DocumentFailed, DocumentOpened, Renderer
from .report import Progress

COMMIT_AFTER = 1000
"""Documents between commits: opening this many takes some ten seconds."""


def describe(
    writer: IndexWriter,
    discovery: Discovery,
    make_renderer: Callable[[], Renderer],
    on_progress: Callable[[Progress], None] | None,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Open those documents of a discovery that are in the index without their columns, and record these.

    Returns how many there were. A document that cannot be opened gets the columns that its path and its text tell.
    """
    rows = writer.documents()
    waiting = [each for each in _waiting(writer, discovery) if _is_as_indexed(each, rows)]
    if not waiting:
        return 0
    started, done = clock(), 0
    with make_renderer() as renderer:
        for event in renderer.render(_opened_only(waiting, rows)):
            if not isinstance(event, DocumentOpened | DocumentFailed):
                continue
            path = event.document.path
            found: Mapping[str, str] = event.properties if isinstance(event, DocumentOpened) else {}
            properties.record(writer, rows[path].id, path, found)
            done += 1
            if done % COMMIT_AFTER == 0:
                writer.commit()
            if on_progress is not None:
                total = len(waiting)
                on_progress(Progress(done, total, done, total, 0, 0, 0, 0, clock() - started, path))
    return done


def _waiting(writer: IndexWriter, discovery: Discovery) -> Iterator[Document]:
    undescribed = set(writer.undescribed())
    return (document for document in discovery.documents if document.path in undescribed)


def _is_as_indexed(document: Document, rows: Mapping[str, DocumentRow]) -> bool:
    row = rows[document.path]
    return (row.size, row.mtime_ns) == (document.size, document.mtime_ns)


def _opened_only(
    documents: list[Document], rows: Mapping[str, DocumentRow]
) -> Iterator[tuple[Document, frozenset[int]]]:
    """The documents, each with all its pages to leave out."""
    for document in documents:
        yield document, frozenset(range(1, (rows[document.path].page_count or 0) + 1))
