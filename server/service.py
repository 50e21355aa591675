"""What the routes share, opened once: questions, pictures, counters, and the way from an id to a document."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from ..engine.errors import UsageError
from ..engine.models.encoder import PageEncoder, QueryEncoder
from ..engine.models.registry import load_page_encoder
from ..engine.query.by_example import Region
from ..engine.records import FloatBox, PageRef
from ..engine.store import DocumentRow, open_snapshot
from ..indexer import source_folders
from .http_errors import NotHere
from .metrics import Metrics
from .page_pictures import PagePictures
from .search_worker import Questions
from .settings import ServerSettings, check
from .stored_uploads import UploadsLock
from .uploads import Uploads

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """The open parts of one server; `start` and `close` belong to its life."""

    settings: ServerSettings
    metrics: Metrics
    questions: Questions
    pictures: PagePictures
    uploads: Uploads | None
    """None where the server takes no changes."""

    @staticmethod
    def open(settings: ServerSettings, *, encoder: QueryEncoder | None = None) -> Service:
        """Open the index, with the model that made it or with `encoder`. Raises UsageError for unsafe settings, and
        what `open_index` raises.
        """
        check(settings)
        metrics = Metrics()
        questions = Questions(
            settings.index, encoder, room=settings.questions_max, metrics=metrics, device=settings.device
        )
        spec = questions.encoder.spec
        pictures = PagePictures(
            room=settings.pictures_max,
            metrics=metrics,
            dpi=spec.render_dpi,
            max_pixels=spec.max_pixels,
            passwords=settings.passwords,
        )
        metrics.watch("docsearch_questions_waiting", "Questions that wait.", lambda: questions.waiting)
        metrics.watch("docsearch_pictures_waiting", "Pictures that wait to be drawn.", lambda: pictures.waiting)
        uploads = None
        if not settings.read_only and (lock := UploadsLock.take(settings.index)) is not None:
            uploads = Uploads(
                settings.index,
                lock,
                lambda: _page_encoder(questions),
                room=settings.uploads_max,
                passwords=settings.passwords,
                on_commit=lambda renamed: questions.refresh(renamed=renamed),
            )
            metrics.watch("docsearch_uploads_waiting", "Uploads that wait.", lambda: uploads.waiting)
        return Service(settings, metrics, questions, pictures, uploads)

    def start(self) -> None:
        """Begin to answer."""
        self.questions.start()
        if self.uploads is not None:
            self.uploads.start()

    def close(self) -> None:
        """Finish what was accepted, and let go of everything; uploads go on at the next start."""
        if self.uploads is not None:
            self.uploads.close()
        self.questions.close()
        self.pictures.close()

    def let_go(self) -> None:
        """End the answers that would go on as long as the server does."""
        if self.uploads is not None:
            self.uploads.end_following()

    def about(self) -> dict[str, str | int | bool]:
        """The facts of the index as of the last commit that a page shows at its head."""
        with open_snapshot(self.settings.index) as snapshot:
            return {
                "model": str(snapshot.fingerprint["name"]),
                "pages": len(snapshot),
                "documents": len(snapshot.documents()),
                "failed": len(snapshot.failures()),
                "uploads_allowed": self.uploads is not None,
                "snapshot": snapshot.generation,
            }

    def region(self, doc_id: str, page: int, box: FloatBox | None) -> Region:
        """A page of the index, or what of it lies in `box`. Raises NotHere."""
        row = self._page(doc_id, page)
        return Region(PageRef(doc_id, row.path, page), box)

    def documents(self) -> list[DocumentRow]:
        """Every document as of the last commit, in path order."""
        with open_snapshot(self.settings.index) as snapshot:
            return list(snapshot.documents().values())

    def page_of(self, doc_id: str, page: int) -> tuple[DocumentRow, Path]:
        """The document of this id, which has this page, and its file. Raises NotHere, also where the file has gone."""
        row = self._page(doc_id, page)
        try:
            return row, source_folders.locate(row.path, source_folders.recorded(self.settings.index))
        except UsageError as err:  # its words name folders of this machine, which are no client's business
            log.warning("%s", err)
            raise NotHere(f"{row.path}: the document is not where it was indexed") from err

    def _page(self, doc_id: str, page: int) -> DocumentRow:
        row = next((row for row in self.documents() if row.id == doc_id), None)
        if row is None:
            raise NotHere(f"there is no document {doc_id!r} in the index")
        if row.state == "indexing":
            return row  # how many pages it has is not known before its end
        if not 1 <= page <= (row.page_count or 0):
            raise NotHere(f"{row.path} has no page {page}; it has {row.page_count or 0}")
        return row


def _page_encoder(questions: Questions) -> PageEncoder:
    """The page side of the index's model: the one that is open already where a model has both sides in one."""
    encoder = questions.encoder
    return encoder if isinstance(encoder, PageEncoder) else load_page_encoder(encoder.spec.name)


def _of_request(request: Request) -> Service:
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


TheService = Annotated[Service, Depends(_of_request)]
