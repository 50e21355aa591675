"""The collections of a server: one index, or several by name, each searched by itself or all as one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Query, Request

from ..engine.errors import EncoderMismatch, UsageError
from ..engine.models.encoder import QueryEncoder
from ..engine.store import open_snapshot
from .answering import Answering
from .http_errors import NotFound
from .metrics import Metrics
from .search_worker import SearchWorker
from .service import Service
from .settings import ServerSettings
from .vital_threads import VitalThreads

NAME_MAX_CHARS = 100
NAME = re.compile(r"[^\W_][\w .()-]*")
"""A name of a collection: it stands in addresses, so it has no slash, and no character that would be escaped there
other than spaces and letters.
"""


class CollectionSet:
    """The open `services` of a server by the names of their collections, "" where there is one without a name.

    `together` answers searches of all; None where there is one collection, or where `apart` says why several cannot be
    searched as one.
    """

    def __init__(
        self, services: Mapping[str, Service], together: SearchWorker | None = None, apart: str | None = None
    ) -> None:
        self.services = dict(services)
        self.together = together
        self.apart = apart
        self.first = next(iter(self.services.values()))
        self.answering = Answering.of(self.settings)
        metrics, every = self.metrics, self.services.values()
        metrics.add_gauge(
            "docsearch_questions_waiting",
            "Queries in the queue.",
            lambda: sum(worker.pending for worker in self._workers()),
        )
        metrics.add_gauge(
            "docsearch_pictures_waiting",
            "Page images in the queue.",
            lambda: sum(each.pictures.pending for each in every),
        )
        if any(each.uploads is not None for each in every):
            metrics.add_gauge(
                "docsearch_uploads_waiting",
                "Uploads in the queue.",
                lambda: sum(each.uploads.pending for each in every if each.uploads is not None),
            )

    @staticmethod
    def open(settings: ServerSettings, *, encoder: QueryEncoder | None = None) -> CollectionSet:
        """Open the index of the settings, or all of their collections; `encoder` stands in for the models.

        Raises what `Service.open` raises.
        """
        Answering.of(settings)  # raises before anything is open
        if len(settings.collections) < 2:
            return CollectionSet({"": Service.open(settings, encoder=encoder)})
        check_names(name for name, _ in settings.collections)
        indexes = dict(settings.collections)
        metrics, threads = Metrics(), VitalThreads()
        together: list[SearchWorker] = []

        def refresh_together(renamed: bool) -> None:
            for worker in together:
                worker.try_refresh(renamed=renamed)

        encoders: dict[str, QueryEncoder] = {}
        with ExitStack() as opened:
            services: dict[str, Service] = {}
            for name, index in indexes.items():
                model = _model(index)
                service = Service.open(
                    replace(settings, index=index, collections=()),
                    encoder=encoder or encoders.get(model),
                    name=name,
                    metrics=metrics,
                    threads=threads,
                    on_commit=refresh_together,
                )
                opened.callback(service.close)
                encoders[model] = service.search_worker.encoder
                services[name] = service
            try:
                worker = SearchWorker(
                    indexes,
                    next(iter(encoders.values())),
                    max_pending=settings.questions_max,
                    metrics=metrics,
                    device=settings.device,
                    threads=threads,
                )
            except EncoderMismatch as err:
                opened.pop_all()
                return CollectionSet(services, apart=str(err))
            together.append(worker)
            opened.pop_all()
            return CollectionSet(services, worker)

    @staticmethod
    def of(served: CollectionSet | Service) -> CollectionSet:
        """A set of collections; a service is a set of one."""
        return served if isinstance(served, CollectionSet) else CollectionSet({served.name: served})

    @property
    def settings(self) -> ServerSettings:
        """The settings that all collections share; `index` is that of the first."""
        return self.first.settings

    @property
    def metrics(self) -> Metrics:
        """The metrics of the server."""
        return self.first.metrics

    @property
    def threads(self) -> VitalThreads:
        """The threads of the server."""
        return self.first.threads

    @property
    def are_several(self) -> bool:
        """Whether requests have to say which collection they mean, and answers do."""
        return len(self.services) > 1

    def service(self, name: str | None) -> Service:
        """The collection with this name; without a name the only one. Raises NotFound, UsageError."""
        if name is None:
            if self.are_several:
                raise UsageError(f"this server has several collections: add ?collection= to name one of {self._names}")
            return self.first
        if name not in self.services:
            raise NotFound(f"there is no collection of this name; there are {self._names}")
        return self.services[name]

    def chosen(self, name: str | None) -> list[Service]:
        """The collection with this name; without a name, all. Raises NotFound."""
        return list(self.services.values()) if name is None else [self.service(name)]

    def worker(self, name: str | None) -> SearchWorker:
        """What searches the collection with this name; without a name, all as one. Raises NotFound, UsageError."""
        if name is not None or not self.are_several:
            return self.service(name).search_worker
        if self.together is None:
            raise UsageError(f"these collections cannot be searched as one: {self.apart}")
        return self.together

    @property
    def ready(self) -> bool:
        """Whether all parts of all collections do their work."""
        parts = (*self.services.values(), self.together)
        return all(part is None or part.ready for part in parts)

    @property
    def is_behind(self) -> bool:
        """Whether answers of any collection come from an earlier commit."""
        return any(worker.is_behind for worker in self._workers())

    def start(self) -> None:
        """Start answering. If it raises, `close` ends what was started."""
        for service in self.services.values():
            service.start()
        if self.together is not None:
            self.together.start()

    def close(self) -> None:
        """Finish accepted requests and close everything. Closing twice is harmless."""
        with ExitStack() as closing:
            if self.together is not None:
                closing.callback(self.together.close)
            for service in self.services.values():
                closing.callback(service.close)

    def end_event_streams(self) -> None:
        """End the responses that would otherwise stay open as long as the server runs."""
        if self.answering is not None:
            self.answering.end_all()
        for service in self.services.values():
            service.end_event_streams()

    @property
    def _names(self) -> str:
        return ", ".join(self.services)

    def _workers(self) -> Iterable[SearchWorker]:
        yield from (service.search_worker for service in self.services.values())
        if self.together is not None:
            yield self.together


def check_names(names: Iterable[str]) -> None:
    """Raise UsageError for names of collections that are not short plain words, or not different."""
    seen: set[str] = set()
    for name in names:
        if not NAME.fullmatch(name) or len(name) > NAME_MAX_CHARS:
            raise UsageError(
                f"{name!r} cannot name a collection: begin with a letter or digit, and use letters, digits, spaces and "
                f"._-() only, at most {NAME_MAX_CHARS}; give another with --name"
            )
        if name.casefold() in seen:
            raise UsageError(f"two collections would be called {name!r}; give each its own with --name")
        seen.add(name.casefold())


def _model(index: Path) -> str:
    """The name and revision of the model that made an index."""
    with open_snapshot(index) as snapshot:
        return " ".join(str(snapshot.fingerprint.get(each, "")) for each in ("name", "revision"))


def _of_request(request: Request) -> CollectionSet:
    collections = request.app.state.collections
    assert isinstance(collections, CollectionSet)
    return collections


CollectionName = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=NAME_MAX_CHARS,
        description="Of a server of several indexes, the collection that is meant.",
    ),
]
CollectionsDep = Annotated[CollectionSet, Depends(_of_request)]
"""Parameter type of routes that use all collections."""


def _service(collections: CollectionsDep, collection: CollectionName = None) -> Service:
    return collections.service(collection)


def _worker(collections: CollectionsDep, collection: CollectionName = None) -> SearchWorker:
    return collections.worker(collection)


ServiceDep = Annotated[Service, Depends(_service)]
"""Parameter type of routes that use one collection."""
WorkerDep = Annotated[SearchWorker, Depends(_worker)]
"""Parameter type of routes that search one collection, or all."""
