"""What the routes share, opened once: questions, pictures, counters, and the way from an id to a document."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from ..engine.errors import UsageError
from ..engine.models.encoder import QueryEncoder
from ..engine.store import DocumentRow, open_snapshot
from ..indexer import roots
from .metrics import Metrics
from .pages import PagePictures
from .problems import NotHere
from .questions import Questions
from .settings import ServerSettings, check

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """The open parts of one server; `start` and `close` belong to its life."""

    settings: ServerSettings
    metrics: Metrics
    questions: Questions
    pictures: PagePictures

    @staticmethod
    def open(settings: ServerSettings, *, encoder: QueryEncoder | None = None) -> Service:
        """Open the index, with the model that made it or with `encoder`. Raises UsageError for unsafe settings, and
        what `open_index` raises.
        """
        check(settings)
        metrics = Metrics()
        questions = Questions(settings.index, encoder, room=settings.questions_max, metrics=metrics)
        pictures = PagePictures(room=settings.pictures_max, metrics=metrics, passwords=settings.passwords)
        metrics.watch("docsearch_questions_waiting", "Questions that wait.", lambda: questions.waiting)
        metrics.watch("docsearch_pictures_waiting", "Pictures that wait to be drawn.", lambda: pictures.waiting)
        return Service(settings, metrics, questions, pictures)

    def start(self) -> None:
        """Begin to answer."""
        self.questions.start()

    def close(self) -> None:
        """Finish what was accepted, and let go of everything."""
        self.questions.close()
        self.pictures.close()

    def documents(self) -> list[DocumentRow]:
        """Every document as of the last commit, in path order."""
        with open_snapshot(self.settings.index) as snapshot:
            return list(snapshot.documents().values())

    def page_of(self, doc_id: str, page: int) -> tuple[DocumentRow, Path]:
        """The document of this id, which has this page, and its file. Raises NotHere, also where the file has gone."""
        row = next((row for row in self.documents() if row.id == doc_id), None)
        if row is None:
            raise NotHere(f"there is no document {doc_id!r} in the index")
        if not 1 <= page <= (row.page_count or 0):
            raise NotHere(f"{row.path} has no page {page}; it has {row.page_count or 0}")
        try:
            return row, roots.locate(row.path, roots.recorded(self.settings.index))
        except UsageError as err:  # its words name folders of this machine, which are no client's business
            log.warning("%s", err)
            raise NotHere(f"{row.path}: the document is not where it was indexed") from err


def _of_request(request: Request) -> Service:
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


TheService = Annotated[Service, Depends(_of_request)]
