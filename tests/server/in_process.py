"""A server in the process of the test, asked by a client without a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from fastapi.testclient import TestClient

from docsearch.engine.models.encoder import QueryEncoder
from docsearch.server.app import create_app
from docsearch.server.observers import Observer
from docsearch.server.service import Service
from docsearch.server.settings import ServerSettings

ADDRESS = "http://127.0.0.1:8750"


@contextmanager
def served(
    settings: ServerSettings, *, encoder: QueryEncoder | None = None, observers: Sequence[Observer] = ()
) -> Iterator[tuple[TestClient, Service]]:
    """A client of a server with these settings, and its service; the index's own model answers without an `encoder`."""
    with (
        closing(Service.open(settings, encoder=encoder)) as service,  # closing twice is harmless
        TestClient(create_app(service, observers), base_url=ADDRESS) as client,
    ):
        yield client, service
