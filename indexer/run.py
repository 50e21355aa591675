"""The state of one indexing run: which documents need rendering, how far each is, and when pages are stored."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path

from ..engine.errors import DocumentError, UsageError
from ..engine.ocr_text import is_read
from ..engine.records import PageRef
from ..engine.store import BuiltSegment, DocumentRow, Failure, IndexWriter, UnreadContent
from ..engine.store.columns import PRODUCER
from ..engine.store.unread import ATTACHMENT, CROWDED
from . import discover, other_kinds, properties, source_folders, sources
from .attached_documents import AttachedDocuments
from .discover import Document, Found, Unreadable
from .in_flight import DocumentInFlight
from .kinds import empty_kind
from .known_documents import KnownDocuments
from .render.producer import Layouts
from .render.renderer import DocumentDone, DocumentOpened, PageFailed, PageRendered
from .render.unread import Unread
from .report import IndexReport, Progress
from .settings import IndexSettings
from .stages import EncodedBatch

MISSING_PAGES_MAX = 10_000
"""A document that lacks more pages at its end fails as a whole: a damaged file can claim a billion."""
REPORT_SKIPPED_EVERY_S = 0.1
"""Seconds between reports of progress over unchanged documents: drawing each would take longer than they take."""


class Run:
    """One run of `index` over the documents of a discovery, up to the open `writer`.

    `known_failures` are those of earlier runs. `attached` takes files out of documents. Text files have a page for each
    of their `passages`, if that is set. The documents `for_ocr` are read again, though they are unchanged.
    """

    def __init__(
        self,
        writer: IndexWriter,
        directory: Path,
        discovery: discover.Discovery,
        settings: IndexSettings,
        on_progress: Callable[[Progress], None] | None,
        clock: Callable[[], float],
        *,
        known_failures: Collection[Failure] = (),
        passages: bool = False,
        for_ocr: Collection[str] = (),
    ) -> None:
        self.writer = self._writer = writer
        self.directory = directory
        self._discovery = discovery
        self.on_progress = on_progress
        self.clock = clock
        recorded = source_folders.recorded(directory)
        source_folders.record(directory, discovery.roots)
        files = writer.files()
        self._known = KnownDocuments(writer.documents(), recorded, discovery, files=files, rehash=settings.rehash)
        self._layouts = Layouts(writer.producers(), passages, for_ocr)
        self.attached = AttachedDocuments(
            writer,
            discovery,
            self._known.rows,
            files,
            self._layouts,
            renderer=settings.renderer,
            passwords=settings.passwords,
        )
        self._unreachable: list[Path] = []
        self._clashing: set[str] = set()  # paths of documents whose path belongs to a file of another folder
        self._known_failures = known_failures
        self._new_content: set[str] = set()  # paths of documents that were not in the index with their content
        self._vanished_paths = self._known.vanished()
        self._in_flight: dict[str, DocumentInFlight] = {}  # by path
        self._failed: list[Failure] = []
        self._empty = other_kinds.OtherKinds()  # files in which there is nothing
        self._unread_places: Counter[str] = Counter()
        self._started = clock()
        self._reported = -math.inf
        self._documents = self._pages = self._skipped = self._moved = self._removed = self._vanished = 0
        self._ocr_pages = self._pages_total = self._processed = self._bytes = self._bytes_skipped = 0
        self.bytes_total = sum(document.size for document in discovery.documents)
        self.documents_total = len(discovery.documents)

    def documents_to_render(self, *, hash_elsewhere: bool = False) -> Iterator[tuple[Document, frozenset[int]]]:
        """Yield the documents to render, each with the page numbers to leave out: stored already, or known to fail.

        With `hash_elsewhere`, the content of a document that is certainly new is not read here: `begin` follows.
        """
        for each in self._discovery.unreadable:
            self._fail_unreadable(each, each.reason)
        for document in self._discovery.documents:
            if hash_elsewhere and document.path not in self._known.rows and not self._vanished_paths:
                yield document, frozenset()
                continue
            is_outdated = self._layouts.is_outdated(document.path)
            if not is_outdated and self._known.is_unchanged(document):
                self._skip_unchanged(document)
                continue
            try:
                sha256 = document.sha256()
            except DocumentError as err:
                self._fail_unreadable(document, str(err))
                self._skip(document)
                continue
            row = self._known.rows.get(document.path) or self._recognise_move(document, sha256)
            if row is not None and row.sha256 != sha256 and self._known.is_of_another_folder(row, document):
                self._failed.append(Failure(document.path, None, _name_clash(document)))
                self._clashing.add(document.path)
                self._skip(document)
            elif row is not None and row.sha256 == sha256 and row.state == "done" and not is_outdated:
                if (row.size, row.mtime_ns) != (document.size, document.mtime_ns):
                    self._writer.touch_document(document.path, document.size, document.mtime_ns)
                self._skip_unchanged(document)
            else:
                yield document, self.begin(document, sha256, replaces=is_outdated and row is not None)

    def attached_to_render(self) -> Iterator[tuple[Document, frozenset[int]]]:
        """Yield the documents that lie in those rendered or skipped so far, as `documents_to_render` does."""
        for found in self.attached.documents():
            if isinstance(found, Unreadable):
                self._writer.fail_document(found.path, found.reason)
                self._failed.append(Failure(found.path, None, found.reason))
                continue
            self.documents_total += 1
            self.bytes_total += found.size
            sha256 = found.sha256()
            row = self._known.rows.get(found.path)
            is_outdated = self._layouts.is_outdated(found.path)
            if row is not None and row.sha256 == sha256 and row.state == "done" and not is_outdated:
                self._skip_unchanged(found)
                self.attached.release(found.path)
            else:
                yield found, self.begin(found, sha256, replaces=is_outdated and row is not None)

    def record_attached(self) -> None:
        """Record which documents were opened for what lies in them, once that is in the index."""
        if count := self.attached.record():
            self._unread_places[ATTACHMENT] += count

    def is_begun(self, path: str) -> bool:
        """Whether a document is being rendered, and its content is known."""
        return path in self._in_flight

    def fail_unreadable(self, document: Document, reason: str) -> None:
        """Record a document that could not be read elsewhere, before it was begun."""
        self._fail_unreadable(document, reason)
        self._skip(document)

    def as_indexed(self, page: PageRendered) -> PageRendered:
        """A page of the renderer with the id of its document."""
        path = page.document.path
        ref = PageRef(self._in_flight[path].doc_id, path, page.image.ref.page)
        return replace(page, image=replace(page.image, ref=ref))

    def handle(self, event: DocumentOpened | PageFailed) -> None:
        """Record that a document was opened, or that a page could not be rendered."""
        path = event.document.path
        document = self._in_flight[path]
        if isinstance(event, DocumentOpened):
            document.page_count, document.properties = event.page_count, event.properties
            self.record_unread(path, None, event.unread)
            self._pages_total += document.missing_count
            self.report_progress(path)
        else:
            document.seen_pages.add(event.page)
            document.last_failure = event.reason
            self._fail_page(path, event.page, event.reason)

    def add_segment(self, segment: BuiltSegment, folder: Path) -> None:
        """Add the pages of a segment that another process built in `folder`, see `IndexWriter.add_segment`; their refs
        need no `doc_id`.
        """
        pages = []
        for page in segment.pages:
            document = self._in_flight[page.ref.path]
            document.seen_pages.add(page.ref.page)
            pages.append(replace(page, ref=replace(page.ref, doc_id=document.doc_id)))
            self._ocr_pages += is_read(page.ocr)
        self._pages += self._writer.add_segment(replace(segment, pages=tuple(pages)), folder)

    def store(self, batch: EncodedBatch) -> None:
        """Add the pages of a batch to the store, and close the documents that have ended."""
        for ref, unread in batch.pages:
            self._in_flight[ref.path].seen_pages.add(ref.page)
            self.record_unread(ref.path, ref.page, unread)
        for pages in batch.embedded.batches:
            self._writer.add_pages(pages)
            self._pages += len(pages)
            self._ocr_pages += sum(map(is_read, pages.ocr))
        for each in batch.embedded.failed:
            self._fail_page(each.ref.path, each.ref.page, each.reason)
        for ref, count in batch.embedded.crowded:
            self.record_unread(ref.path, ref.page, [Unread(CROWDED, count)])
        for event in batch.ended:
            path = event.document.path
            if isinstance(event, DocumentDone):
                self._finish(path)
                self.attached.rendered(event.document)
            else:
                self._fail_document(path, event.reason)
            del self._in_flight[path]
            self._count_processed(event.document)
            self.attached.release(path)
        self.report_progress()

    def commit(self) -> None:
        """Make the pages stored so far durable."""
        self._writer.commit()

    def commit_interrupted(self) -> None:
        """Commit the pages embedded so far, in a run that ends early."""
        with suppress(UsageError):  # the writer failed and takes no more calls: the last commit stands
            self._writer.commit()

    def remove_resolved_failures(self) -> None:
        """Remove the records of paths that could not be read in an earlier run, and were seen in this one unfailing."""
        self._writer.remove(self._known.resolved_failures())

    def record_files(self) -> None:
        """Record the file that each document was found in, so that its path stays its own."""
        changed = self._known.changed_files()
        self._writer.record_files({path: file for path, file in changed.items() if path not in self._clashing})

    def handle_vanished(self, *, prune: bool) -> None:
        """Remove the documents that are in the index but no longer on disk, if `prune`; otherwise count them.

        Those in a place that cannot be reached now, as on a disk that is not mounted, are never removed.
        """
        vanished = [path for paths in self._vanished_paths.values() for path in paths]
        if vanished and (record := sources.read(self.directory)) is not None:
            found = (os.fsencode(document.file) for document in self._discovery.documents)
            files = chain(found, self._known.files.values())
            self._unreachable = sources.unreachable(record.sources, map(Path, map(os.fsdecode, files)))
        kept = self._known.out_of_reach(self._unreachable, vanished)
        removable = [path for path in vanished if path not in kept]
        if prune and removable:
            self._writer.remove(removable)
            self._removed = len(removable)
        self._vanished = len(vanished) - self._removed

    def report(self) -> IndexReport:
        """The counts and failures of the run so far."""
        return IndexReport(
            documents=self._documents,
            pages=self._pages,
            skipped=self._skipped,
            moved=self._moved,
            removed=self._removed,
            vanished=self._vanished,
            unreachable=tuple(map(str, self._unreachable)),
            failed=tuple(self._failed),
            seconds=self.clock() - self._started,
            other_kinds=other_kinds.merged(self._discovery.other_kinds, self._empty.found()),
            excluded=self._discovery.excluded,
            unselected=self._discovery.unselected,
            ignored=self._discovery.ignored,
            folders=self._discovery.folders,
            new_failures=tuple(each for each in self._failed if self._is_new(each)),
            unread=dict(sorted(self._unread_places.items())),
            ocr_pages=self._ocr_pages,
        )

    def _is_new(self, failure: Failure) -> bool:
        return failure not in self._known_failures or failure.path in self._new_content

    def _recognise_move(self, document: Document, sha256: str) -> DocumentRow | None:
        """The row of a document with the same content whose file has vanished, moved to the new path; None if none."""
        if not (old_paths := self._vanished_paths.get(sha256)):
            return None
        old = old_paths.pop(0)
        self._writer.move_document(old, document.path, document.size, document.mtime_ns)
        self._moved += 1
        return replace(self._known.rows[old], path=document.path, size=document.size, mtime_ns=document.mtime_ns)

    def _fail_unreadable(self, found: Found, reason: str) -> None:
        """Record a document that cannot be read; its pages in the index stay, and so does one of another folder."""
        row = self._known.rows.get(found.path)
        if row is not None and self._known.is_of_another_folder(row, found):
            self._clashing.add(found.path)
        else:
            size, mtime_ns = (found.size, found.mtime_ns) if isinstance(found, Document) else (0, 0)
            self._writer.fail_document(found.path, reason, size=size, mtime_ns=mtime_ns)
        self._failed.append(Failure(found.path, None, reason))

    def begin(self, document: Document, sha256: str, *, replaces: bool = False) -> frozenset[int]:
        """Begin a document; return the pages to leave out. If it `replaces` its pages, they are of another layout."""
        row = self._known.rows.get(document.path)
        replaces = replaces and row is not None and row.state == "done"
        if row is None or row.sha256 != sha256:
            self._new_content.add(document.path)
        begun = self._writer.begin_document(
            document.path, sha256, document.size, document.mtime_ns, None, replaces=replaces
        )
        self._in_flight[document.path] = DocumentInFlight(begun.doc_id, begun.done_pages, document.size)
        return begun.done_pages

    def _finish(self, path: str) -> None:
        """Close a document; pages that the renderer gave up on fail for its last reason, or the document does."""
        document = self._in_flight[path]
        if (missing := document.missing_count) > MISSING_PAGES_MAX:
            claim = f"it claims {document.page_count:,} pages, and {missing:,} of them were not rendered"
            self._fail_document(path, f"{claim}: {document.last_failure}")
            return
        for page in document.missing_pages():
            self._fail_page(path, page, document.last_failure)
        said = {PRODUCER: self._layouts.producer(path), **document.properties}
        properties.record(self._writer, document.doc_id, path, said)
        self._writer.finish_document(document.doc_id, document.page_count)
        self._documents += 1

    def _fail_document(self, path: str, reason: str) -> None:
        self._writer.fail_document(self._in_flight[path].doc_id, reason)
        if kind := empty_kind(path, reason):
            self._writer.remove([path])
            self._empty.add(kind, path)
            return
        self._failed.append(Failure(path, None, reason))

    def _fail_page(self, path: str, page: int, reason: str) -> None:
        self._writer.fail_page(self._in_flight[path].doc_id, page, reason)
        self._failed.append(Failure(path, page, reason))

    def record_unread(self, path: str, page: int | None, unread: Sequence[Unread]) -> None:
        """Record what was not read of a document in flight, or of one of its pages."""
        for kind, items, detail in unread:
            content = UnreadContent(path, page, kind, items, detail)
            self._writer.record_unread(self._in_flight[path].doc_id, content)
            if kind == ATTACHMENT and self._discovery.suffixes:
                self.attached.note(path)
            else:
                self._unread_places[kind] += 1

    def _count_processed(self, document: Document) -> None:
        self._processed += 1
        self._bytes += document.size

    def _skip_unchanged(self, document: Document) -> None:
        self._skipped += 1 + self.attached.unchanged(document)
        self._skip(document)

    def _skip(self, document: Document) -> None:
        self._count_processed(document)
        self._bytes_skipped += document.size
        if self.clock() - self._reported >= REPORT_SKIPPED_EVERY_S:
            self.report_progress(document.path)

    def report_progress(self, path: str = "") -> None:
        """Call `on_progress`; `path` is the document being worked on."""
        self._reported = self.clock()
        if self.on_progress is not None:
            # Other threads begin and end documents: one that ends meanwhile is rather left out than counted twice.
            processed, skipped = self._bytes, self._bytes_skipped
            in_flight = tuple(self._in_flight.values())
            self.on_progress(
                Progress(
                    documents=self._processed,
                    documents_total=self.documents_total,
                    bytes=processed + sum(each.processed_bytes for each in in_flight),
                    bytes_total=self.bytes_total,
                    bytes_skipped=skipped + sum(each.skipped_bytes for each in in_flight),
                    pages=self._pages,
                    pages_total=self._pages_total,
                    failed=len(self._failed),
                    seconds=self.clock() - self._started,
                    path=path,
                    ocr_pages=self._ocr_pages,
                )
            )


def _name_clash(document: Document) -> str:
    return (
        f"the index has another document of this name, from another folder than {document.file.parent}; "
        "index both folders in one 'docsearch index' command, or use two indexes"
    )
