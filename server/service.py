"""The components that serve one index, opened once and shared by the routes; looks up documents by id."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from ..engine.errors import UsageError
from ..engine.latest import Opening
from ..engine.models.encoder import PageEncoder, QueryEncoder
from ..engine.models.registry import load_page_encoder
from ..engine.records import FloatBox, PageRef, Region
from ..engine.store import DocumentRow, open_snapshot
from ..engine.where.documents import DocumentFilter
from ..evaluation import marks
from ..indexer import source_folders
from ..indexer.page_images import shows_passages
from .folder_watch import FolderWatch
from .http_errors import Forbidden, NotFound, existing
from .metrics import Metrics
from .opening import opening_of
from .page_pictures import PagePictures
from .search_worker import SearchWorker
from .settings import ServerSettings, check, check_watch
from .stored_uploads import UploadsLock
from .uploads import UploadQueue
from .vital_threads import VitalThreads

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """The open components of one index, from `start` to `close`. `name` is that of its collection where a server has
    several, else "".
    """

    settings: ServerSettings
    metrics: Metrics
    search_worker: SearchWorker
    pictures: PagePictures
    uploads: UploadQueue | None
    """None if the server is read-only."""
    threads: VitalThreads
    folders: FolderWatch | None = None
    """None unless the folders of the index are watched."""
    name: str = ""
    opening: Opening | None = None
    """What opens the index for searching, and is closed last."""

    @staticmethod
    def open(
        settings: ServerSettings,
        *,
        encoder: QueryEncoder | None = None,
        name: str = "",
        metrics: Metrics | None = None,
        threads: VitalThreads | None = None,
        on_commit: Callable[[bool], None] = lambda renamed: None,  # noqa: ARG005 - as it is called
    ) -> Service:
        """Open the index, with the model that made it or with `encoder`.

        `metrics` and `threads` are those of the server. `on_commit` is called after each commit of this server, with
        whether documents were renamed. Raises UsageError for unsafe settings, and what `open_searcher` raises.
        """
        check(settings)
        check_watch(settings)
        metrics = metrics or Metrics()
        threads = threads or VitalThreads()
        opening = opening_of(settings)
        try:
            worker = SearchWorker(
                settings.index,
                encoder,
                max_pending=settings.questions_max,
                metrics=metrics,
                threads=threads,
                opening=opening,
            )
        except BaseException:
            opening.close()
            raise
        spec = worker.encoder.spec
        pictures = PagePictures(
            max_pending=settings.pictures_max,
            metrics=metrics,
            dpi=spec.render_dpi,
            max_pixels=spec.max_pixels,
            passwords=settings.passwords,
        )

        def committed(renamed: bool) -> None:
            worker.try_refresh(renamed=renamed)
            on_commit(renamed)

        uploads = None
        if not settings.read_only and (lock := UploadsLock.acquire(settings.index)) is not None:
            uploads = UploadQueue(
                settings.index,
                lock,
                lambda: _page_encoder(worker),
                max_pending=settings.uploads_max,
                passwords=settings.passwords,
                on_commit=committed,
                threads=threads,
            )
        service = Service(settings, metrics, worker, pictures, uploads, threads, name=name, opening=opening)
        if not settings.watch:
            return service
        try:
            return replace(service, folders=service.watch_folders(committed))
        except BaseException:
            service.close()
            raise

    def watch_folders(self, on_commit: Callable[[bool], None]) -> FolderWatch:
        """A watch over the folders of the index, to be started; see `open` for `on_commit`. Raises UsageError."""
        if self.uploads is None:
            raise UsageError(f"--watch: {self.settings.index} cannot be changed, or another server changes it")
        worker = self.search_worker
        return FolderWatch(
            self.settings.index,
            self.uploads,
            lambda: _page_encoder(worker),
            prune=self.settings.prune,
            passwords=self.settings.passwords,
            on_commit=on_commit,
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
            if self.opening is not None:
                closing.callback(self.opening.close)
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
                "semantic": snapshot.cross_language is not None,
                "snapshot": snapshot.generation,
            }

    def region(self, doc_id: str, page: int, box: FloatBox | None, *, among_all: bool = False) -> Region:
        """A page of the index, or its part in `box`; `among_all` for a search of all collections. Raises NotFound."""
        row = self._document(doc_id, page)
        return Region(PageRef(doc_id, row.path, page, self.name if among_all else ""), box)

    def documents(
        self, first: int, count: int, where: str | None = None
    ) -> tuple[list[DocumentRow], int, dict[str, dict[str, int]]]:
        """`count` documents of the last commit after the `first` ones, in path order; how many there are; and how many
        pages of these have unread content, by the document's id and by kind.

        With a condition `where`, only documents for which it is true are counted and returned. Raises
        UsageError for a condition that is wrong, or does not fit the index.
        """
        with open_snapshot(self.settings.index) as snapshot:
            if where is None:
                rows, total = list(snapshot.documents(first, count).values()), snapshot.document_count()
            else:
                paths = sorted(DocumentFilter(snapshot).paths(None, where))
                found = [snapshot.document(path=path) for path in paths[first : first + count]]
                rows, total = [row for row in found if row is not None], len(paths)
            return rows, total, snapshot.unread.places_of([row.id for row in rows])

    def locate(self, doc_id: str) -> tuple[DocumentRow, Path]:
        """The document with this id, and its file or that of a copy. Raises NotFound if there is none."""
        with open_snapshot(self.settings.index) as snapshot:
            row = existing(snapshot.document(doc_id=doc_id))
        return row, self._file(row)

    def locate_page(self, doc_id: str, page: int) -> tuple[DocumentRow, Path, bool]:
        """The document with this id, its file or that of a copy, and whether its pages are passages of a text file.

        Raises NotFound if it has no such page, or all files are gone.
        """
        row = self._document(doc_id, page)
        return row, self._file(row), shows_passages(self.settings.index, row.path)

    def _file(self, row: DocumentRow) -> Path:
        try:
            return source_folders.locate_content(self.settings.index, row.path)
        except UsageError as err:  # its message names folders of this machine, which clients must not see
            log.warning("%s", err)
            raise NotFound(f"{row.path}: the document is not where it was indexed") from err

    def _document(self, doc_id: str, page: int) -> DocumentRow:
        with open_snapshot(self.settings.index) as snapshot:
            row = existing(snapshot.document(doc_id=doc_id))
        if row.state == "indexing":
            return row  # its number of pages is not known yet
        if not 1 <= page <= (row.page_count or 0):
            raise NotFound(f"{row.path} has no page {page}; it has {row.page_count or 0}")
        return row


def _page_encoder(worker: SearchWorker) -> PageEncoder:
    """The page encoder of the index's model; the query encoder itself if it embeds pages, too."""
    encoder = worker.encoder
    return encoder if isinstance(encoder, PageEncoder) else load_page_encoder(encoder.spec.name)
