"""An encoder that waits in the middle of an upload until a test lets it go on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi.testclient import TestClient

from docsearch.engine.models.encoder import EmbeddedPages
from docsearch.server.app import create_app
from docsearch.server.service import Service
from docsearch.server.settings import ServerSettings
from fake_encoder import FakeEncoder

WAIT_S = 300


class HeldEncoder(FakeEncoder):
    """Embeds a batch of pages when `go` is set, and reports when it `began`."""

    def __init__(self) -> None:
        super().__init__()
        self.go, self.began = threading.Event(), threading.Event()

    def encode_pages(self, pages: object) -> EmbeddedPages:
        self.began.set()
        assert self.go.wait(WAIT_S)
        return super().encode_pages(pages)  # type: ignore[arg-type]


@contextmanager
def held(index: Path) -> Iterator[tuple[TestClient, HeldEncoder]]:
    """A client of a server whose encoder waits, and that encoder; it goes on at the end of the block, or before."""
    encoder = HeldEncoder()
    client = TestClient(create_app(Service.open(ServerSettings(index), encoder=encoder)), base_url="http://127.0.0.1")
    with client:
        try:
            yield client, encoder
        except BaseException:
            encoder.go.set()  # closing the server waits for it
            raise
    encoder.go.set()
