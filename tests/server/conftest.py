"""Fixtures: an in-process server of a small index with the fake encoder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from docsearch.engine.store import layout
from docsearch.indexer import pipeline
from docsearch.server.service import Service
from docsearch.server.settings import ServerSettings
from fake_encoder import FakeEncoder
from in_process import served


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory, make_pdf: Callable[..., Path]) -> Path:
    """A folder with `docs` (two documents with three pages, and one that fails) and their `index`."""
    folder = tmp_path_factory.mktemp("indexed")
    make_pdf(folder / "docs/a.pdf", ["revenue chart", "notes"])
    make_pdf(folder / "docs/sub/b.pdf", ["minutes of a meeting"])
    (folder / "docs/broken.pdf").write_bytes(b"%PDF-1.4 no")
    pipeline.index_documents([folder / "docs"], folder / "index", encoder=FakeEncoder())
    return folder


@pytest.fixture
def index(tmp_path: Path, indexed: Path) -> Path:
    """A copy of that index, with its documents beside it."""
    shutil.copytree(indexed, tmp_path, dirs_exist_ok=True)
    (tmp_path / "index" / layout.ROOTS).write_text(json.dumps([str(tmp_path / "docs")]))
    return tmp_path / "index"


@pytest.fixture
def serve(index: Path) -> Iterator[Callable[..., tuple[TestClient, Service]]]:
    """`serve(token=…)` starts a server of the index with these settings; it ends with the test."""
    with ExitStack() as running:
        yield lambda **settings: running.enter_context(
            served(replace(ServerSettings(index), **settings), encoder=FakeEncoder())
        )


@pytest.fixture
def client(serve: Callable[..., tuple[TestClient, Service]]) -> TestClient:
    return serve()[0]


@pytest.fixture
def followed() -> Callable[[TestClient, str], list[dict[str, object]]]:
    """`followed(client, upload)` waits until an upload is final, and returns all its states."""

    def follow(client: TestClient, upload: str) -> list[dict[str, object]]:
        text = client.get(f"/v1/uploads/{upload}/events").text
        return [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]

    return follow
