"""The components of a running server, opened once and shared by its routes; looks up documents by id."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from ..engine.errors import UsageError
from ..engine.models.encoder import PageEncoder, QueryEncoder
from ..engine.models.registry import load_page_encoder
from ..engine.records import FloatBox, PageRef, Region
from ..engine.store import DocumentRow, open_snapshot
from ..evaluation import marks
from ..indexer import source_folders
from .folder_watch import FolderWatch
from .http_errors import Forbidden, NotFound
from .metrics import Metrics
from .page_pictures import PagePictures
from .search_worker import SearchWorker
from .settings import ServerSettings, check, check_watch
from .stored_uploads import UploadsLock
from .uploads import UploadQueue
from .vital_threads import VitalThreads

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """The open components of one server, from `start` to `close`."""

    settings: ServerSettings
    metrics: Metrics
    search_worker: SearchWorker
    pictures: PagePictures
    uploads: UploadQueue | None
    """None if the server is read-only."""
    threads: VitalThreads
    folders: FolderWatch | None = None
    """None unless the folders of the index are watched."""

    @staticmethod
    def open(settings: ServerSettings, *, encoder: QueryEncoder | None = None) -> Service:
        """Open the index, with the model that made it or with `encoder`.

        Raises UsageError for unsafe settings, and what `open_searcher` raises.
        """
        check(settings)
        check_watch(settings)
        metrics = Metrics()
        threads = VitalThreads()
        worker = SearchWorker(
            settings.index,
            encoder,
            max_pending=settings.questions_max,
            metrics=metrics,
            device=settings.device,
            threads=threads,
        )
        spec = worker.encoder.spec
        pictures = PagePictures(
            max_pending=settings.pictures_max,
            metrics=metrics,
            dpi=spec.render_dpi,
            max_pixels=spec.max_pixels,
            passwords=settings.passwords,
        )
        metrics.add_gauge("docsearch_questions_waiting", "Queries in the queue.", lambda: worker.pending)
        metrics.add_gauge("docsearch_pictures_waiting", "Page images in the queue.", lambda: pictures.pending)
        uploads = None
        if not settings.read_only and (lock := UploadsLock.acquire(settings.index)) is not None:
            uploads = UploadQueue(
                settings.index,
                lock,
                lambda: _page_encoder(worker),
                max_pending=settings.uploads_max,
                passwords=settings.passwords,
                on_commit=lambda renamed: worker.try_refresh(renamed=renamed),
                threads=threads,
            )
            metrics.add_gauge("docsearch_uploads_waiting", "Uploads in the queue.", lambda: uploads.pending)
        service = Service(settings, metrics, worker, pictures, uploads, threads)
        if not settings.watch:
            return service
        try:
            return replace(service, folders=service.watch_folders())
        except BaseException:
            service.close()
            raise

    def watch_folders(self) -> FolderWatch:
        """A watch over the folders of the index, to be started. Raises UsageError."""
        if self.uploads is None:
            raise UsageError(f"--watch: {self.settings.index} cannot be changed, or another server changes it")
        worker = self.search_worker
        return FolderWatch(
            self.settings.index,
            self.uploads,
            lambda: _page_encoder(worker),
            prune=self.settings.prune,
            passwords=self.settings.passwords,
            on_commit=lambda renamed: worker.try_refresh(renamed=renamed),
            threads=self.threads,
        )

    @property
    def ready(self) -> bool:
        """Whether requests are answered, commits noticed and, unless it is read-only, uploads indexed."""
        parts = (self.search_worker, self.uploads, self.folders)
        return all(part is None or part.ready for part in parts)

    @property
    def accepts_marks(self) -> bool:
        """Whether hits may be marked as right or wrong."""
        return not self.settings.read_only and os.access(self.settings.index, os.W_OK)

    def mark(self, query: str, doc_id: str, page: int, *, right: bool | None) -> None:
        """Keep a mark; see `marks.set_mark`. Raises NotFound, Forbidden, and what that raises."""
        if not self.accepts_marks:
            raise Forbidden(
                "this server does not accept marks: it was started with --read-only, or it cannot write to the index"
            )
        row = self._document(doc_id, page)
        marks.set_mark(self.settings.index, query, PageRef(doc_id, row.path, page), right=right)

    def start(self) -> None:
        """Start answering. If it raises, `close` ends what was started."""
        self.search_worker.start()
        if self.uploads is not None:
            self.uploads.start()
        if self.folders is not None:
            self.folders.start()

    def close(self) -> None:
        """Finish accepted requests and close everything; unfinished uploads continue at the next start.

        Closing twice is harmless, and an error of one part leaves no other part open.
        """
        with ExitStack() as closing:
            closing.callback(self.pictures.close)
            closing.callback(self.search_worker.close)
            if self.uploads is not None:
                closing.callback(self.uploads.close)
            if self.folders is not None:
                closing.callback(self.folders.close)

    def end_event_streams(self) -> None:
        """End the responses that would otherwise stay open as long as the server runs."""
        if self.uploads is not None:
            self.uploads.end_event_streams()

    def info(self) -> dict[str, object]:
        """The facts of the last commit that `/v1/index` answers."""
        with open_snapshot(self.settings.index) as snapshot:
            return {
                "model": str(snapshot.fingerprint["name"]),
                "pages": len(snapshot),
                "documents": snapshot.document_count(),
                "failed": len(snapshot.failures()),
                "unread": snapshot.unread.places(),
                "uploads_allowed": self.uploads is not None,
                "marks_allowed": self.accepts_marks,
                "snapshot": snapshot.generation,
            }

    def region(self, doc_id: str, page: int, box: FloatBox | None) -> Region:
        """A page of the index, or its part in `box`. Raises NotFound."""
        row = self._document(doc_id, page)
        return Region(PageRef(doc_id, row.path, page), box)

    def documents(self, first: int, count: int) -> tuple[list[DocumentRow], int, dict[str, dict[str, int]]]:
        """`count` documents of the last commit after the `first` ones, in path order; how many there are; and how many
        pages of these have unread content, by the document's id and by kind.
        """
        with open_snapshot(self.settings.index) as snapshot:
            rows = list(snapshot.documents(first, count).values())
            return rows, snapshot.document_count(), snapshot.unread.places_of([row.id for row in rows])

    def locate_page(self, doc_id: str, page: int) -> tuple[DocumentRow, Path]:
        """The document with this id, and its file or that of a copy.

        Raises NotFound if it has no such page, or all files are gone.
        """
        row = self._document(doc_id, page)
        try:
            return row, source_folders.locate_content(self.settings.index, row.path)
        except UsageError as err:  # its message names folders of this machine, which clients must not see
            log.warning("%s", err)
            raise NotFound(f"{row.path}: the document is not where it was indexed") from err

    def _document(self, doc_id: str, page: int) -> DocumentRow:
        with open_snapshot(self.settings.index) as snapshot:
            row = snapshot.document(doc_id=doc_id)
        if row is None:
            raise NotFound("there is no document with this id in the index")
        if row.state == "indexing":
            return row  # its number of pages is not known yet
        if not 1 <= page <= (row.page_count or 0):
            raise NotFound(f"{row.path} has no page {page}; it has {row.page_count or 0}")
        return row


def _page_encoder(worker: SearchWorker) -> PageEncoder:
    """The page encoder of the index's model; the query encoder itself if it embeds pages, too."""
    encoder = worker.encoder
    return encoder if isinstance(encoder, PageEncoder) else load_page_encoder(encoder.spec.name)


def _of_request(request: Request) -> Service:
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


ServiceDep = Annotated[Service, Depends(_of_request)]
"""Parameter type of routes that use the service."""
