"""One run of indexing: which documents need rendering, what became of each, and what goes to the store when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..engine.errors import DocumentError, UsageError
from ..engine.models.encoder import PageEncoder
from ..engine.records import PageImage, PageRef
from ..engine.store import DocumentRow, Failure, IndexWriter
from . import allocator, discover, source_folders
from .discover import Document
from .embed import embed
from .render.renderer import Done, Event, Failed, Opened, Page, PageFailed
from .report import IndexReport, Progress

BATCH_PAGES = 16
"""Pages embedded together; with the pages the renderer keeps ready, this bounds memory."""
COMMIT_AFTER_S = 20.0
"""A killed run loses at most this much embedding."""


class Run:
    """Holds a run's bookkeeping; `encoder` is set before the first page is rendered."""

    def __init__(
        self,
        writer: IndexWriter,
        directory: Path,
        discovery: discover.Discovery,
        on_progress: Callable[[Progress], None] | None,
        clock: Callable[[], float],
    ) -> None:
        self._writer = writer
        self._discovery = discovery
        self._on_progress = on_progress
        self._clock = clock
        self.encoder: PageEncoder | None = None
        self._found = {document.path for document in discovery.documents}
        self._roots = source_folders.record(directory, discovery.roots)
        self._known: dict[str, DocumentRow] = dict(writer.documents())
        self._lost = self._lost_by_content()
        self._doc_ids: dict[str, str] = {}
        self._done_pages: dict[str, frozenset[int]] = {}
        self._page_counts: dict[str, int] = {}
        self._missing: dict[str, set[int]] = {}  # pages that the renderer has still to hand over
        self._last_reason: dict[str, str] = {}
        self._waiting: list[Page] = []
        self._closing: list[Done | Failed] = []
        self._failed: list[Failure] = []
        self._started = self._committed = clock()
        self._documents = self._pages = self._skipped = self._moved = self._removed = self._vanished = 0
        self._pages_total = self._seen = self._bytes = self._bytes_skipped = 0
        self._bytes_total = sum(document.size for document in discovery.documents)

    def documents_to_render(self) -> Iterator[tuple[Document, frozenset[int]]]:
        """Yield the documents with missing pages, each with the pages that the index has already."""
        for each in self._discovery.unreadable:
            self._unreadable(each.path, each.reason)
        for document in self._discovery.documents:
            try:
                sha256 = document.sha256()
            except DocumentError as err:
                self._unreadable(document.path, str(err))
                self._pass_over(document)
                continue
            row = self._known.get(document.path) or self._adopt(document, sha256)
            if row is not None and row.sha256 != sha256 and self._is_of_another_folder(document):
                self._failed.append(Failure(document.path, None, self._clash(document)))
                self._pass_over(document)
            elif row is not None and row.sha256 == sha256 and row.state == "done":
                if (row.size, row.mtime_ns) != (document.size, document.mtime_ns):
                    self._writer.touch_document(document.path, document.size, document.mtime_ns)
                self._skipped += 1
                self._pass_over(document)
            else:
                yield document, self._begin(document, sha256)

    def take(self, event: Event) -> None:
        """Take what the renderer made; embed and store when enough pages have come together."""
        path = event.document.path
        if isinstance(event, Opened):
            self._page_counts[path] = event.page_count
            self._missing[path] = set(range(1, event.page_count + 1)) - self._done_pages[path]
            self._pages_total += len(self._missing[path])
            self._tell(path)
        elif isinstance(event, Page):
            self._missing[path].discard(event.image.ref.page)
            self._waiting.append(event)
        elif isinstance(event, PageFailed):
            self._missing[path].discard(event.page)
            self._fail_page(path, event.page, event.reason)
            self._last_reason[path] = event.reason
        else:
            self._closing.append(event)
            self._see(event.document)
        if len(self._waiting) >= BATCH_PAGES or (self._closing and not self._waiting):
            self.flush()
        if self._clock() - self._committed > COMMIT_AFTER_S:
            self.flush()
            self._writer.commit()
            self._committed = self._clock()

    def flush(self) -> None:
        """Embed the waiting pages, hand them to the store, and close the documents that are through."""
        if self._waiting:
            self._embed(self._waiting)
            self._waiting.clear()
            allocator.give_back()
        for event in self._closing:
            path = event.document.path
            if isinstance(event, Done):
                self._finish(path)
            else:
                self._writer.fail_document(self._doc_ids[path], event.reason)
                self._failed.append(Failure(path, None, event.reason))
            for of_document in (self._doc_ids, self._done_pages, self._page_counts, self._missing, self._last_reason):
                of_document.pop(path, None)
        self._closing.clear()
        self._tell()

    def keep(self) -> None:
        """Commit what is embedded, in a run that ends early."""
        with suppress(UsageError):  # the writer gave up: then the last commit is what stays
            self._writer.commit()

    def settle(self, *, prune: bool) -> None:
        """Remove, or count, the documents that are in the index and no longer on disk.

        What once could not be read and now can is no failure any more.
        """
        unreadable = {each.path for each in self._discovery.unreadable} | self._found
        self._writer.remove(path for path, row in self._known.items() if not row.sha256 and path not in unreadable)
        gone = [path for paths in self._lost.values() for path in paths]
        if prune and gone:
            self._writer.remove(gone)
            self._removed = len(gone)
        else:
            self._vanished = len(gone)

    def report(self) -> IndexReport:
        """Sum up."""
        return IndexReport(
            documents=self._documents,
            pages=self._pages,
            skipped=self._skipped,
            moved=self._moved,
            removed=self._removed,
            vanished=self._vanished,
            failed=tuple(self._failed),
            seconds=self._clock() - self._started,
        )

    def _lost_by_content(self) -> dict[str, list[str]]:
        """Paths in the index that are neither found nor on disk, by content hash."""
        lost: dict[str, list[str]] = defaultdict(list)
        for path, row in sorted(self._known.items()):
            if row.sha256 and path not in self._found and not source_folders.is_there(path, self._roots):
                lost[row.sha256].append(path)
        return lost

    def _adopt(self, document: Document, sha256: str) -> DocumentRow | None:
        """Recognise a document that was moved: the same content, and its old path is gone."""
        if not (old_paths := self._lost.get(sha256)):
            return None
        old = old_paths.pop(0)
        self._writer.move_document(old, document.path, document.size, document.mtime_ns)
        self._moved += 1
        return replace(self._known[old], path=document.path, size=document.size, mtime_ns=document.mtime_ns)

    def _is_of_another_folder(self, document: Document) -> bool:
        """Whether the index holds this path from another folder, where that file still lies as it was indexed."""
        row = self._known[document.path]
        for root in self._roots:
            if root in self._discovery.roots:
                continue
            try:
                status = (root / document.path).stat()
            except (OSError, ValueError):
                continue
            if (status.st_size, status.st_mtime_ns) == (row.size, row.mtime_ns):
                return not document.file.samefile(root / document.path)
        return False

    def _clash(self, document: Document) -> str:
        return (
            f"the index holds another document of this name, from another folder than {document.file.parent}; "
            "give both folders to one 'docsearch index', or use two indexes"
        )

    def _unreadable(self, path: str, reason: str) -> None:
        """List a document whose bytes cannot be read; what the index has of it stays."""
        self._writer.fail_document(path, reason)
        self._failed.append(Failure(path, None, reason))

    def _begin(self, document: Document, sha256: str) -> frozenset[int]:
        begun = self._writer.begin_document(document.path, sha256, document.size, document.mtime_ns, None)
        self._doc_ids[document.path] = begun.doc_id
        self._done_pages[document.path] = begun.done_pages
        return begun.done_pages

    def _finish(self, path: str) -> None:
        """Close a document; pages that the renderer gave up on fail for its last reason."""
        for page in sorted(self._missing[path]):
            self._fail_page(path, page, self._last_reason.get(path, "the renderer left this page out"))
        self._writer.finish_document(self._doc_ids[path], self._page_counts[path])
        self._documents += 1

    def _embed(self, pages: Sequence[Page]) -> None:
        assert self.encoder is not None, "set before the first page is rendered"
        size_of = {(page.document.path, page.image.ref.page): page.size_pt for page in pages}
        done, failed = embed(self.encoder, [self._owned(page) for page in pages])
        for images, embedded in done:
            sizes = np.array([size_of[image.ref.path, image.ref.page] for image in images], np.float64)
            self._writer.add_pages(embedded.vectors, [image.text for image in images], sizes, embedded.words)
            self._pages += len(images)
        for each in failed:
            self._fail_page(each.page.ref.path, each.page.ref.page, each.reason)

    def _owned(self, page: Page) -> PageImage:
        path = page.document.path
        return replace(page.image, ref=PageRef(self._doc_ids[path], path, page.image.ref.page))

    def _fail_page(self, path: str, page: int, reason: str) -> None:
        self._writer.fail_page(self._doc_ids[path], page, reason)
        self._failed.append(Failure(path, page, reason))

    def _see(self, document: Document) -> None:
        self._seen += 1
        self._bytes += document.size

    def _pass_over(self, document: Document) -> None:
        self._see(document)
        self._bytes_skipped += document.size
        self._tell(document.path)

    def _tell(self, path: str = "") -> None:
        if self._on_progress is not None:
            self._on_progress(
                Progress(
                    documents=self._seen,
                    documents_total=len(self._discovery.documents),
                    bytes=self._bytes,
                    bytes_total=self._bytes_total,
                    bytes_skipped=self._bytes_skipped,
                    pages=self._pages,
                    pages_total=self._pages_total,
                    failed=len(self._failed),
                    seconds=self._clock() - self._started,
                    path=path,
                )
            )
