"""`docsearch serve --watch`: the server notices what changes in the folders, and uploads and removals come first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from docsearch.engine.errors import UsageError
from docsearch.indexer import pipeline
from docsearch.indexer.watch import Watcher, WatchLock
from docsearch.server.service import Service
from docsearch.server.settings import ServerSettings
from fake_encoder import FakeEncoder
from in_process import served

pytest.importorskip("watchfiles", reason="needs watchfiles (extra watch)")

MakePdf = Callable[..., Path]
WAIT_S = 300.0


@pytest.fixture
def settings(tmp_path: Path, make_pdf: MakePdf) -> ServerSettings:
    make_pdf(tmp_path / "docs/a.pdf", ["revenue"])
    pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", encoder=FakeEncoder())
    return ServerSettings(tmp_path / "index", watch=True, prune=True)


def paths(client: TestClient) -> list[str]:
    body = {"query": "question", "k": 50}
    (answer,) = client.post("/v1/search", json=body).json()["answers"]
    return sorted(hit["path"] for hit in answer["hits"])


def wait_for(condition: Callable[[], Any]) -> None:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < WAIT_S, "waited in vain"
        time.sleep(0.1)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once the system reports changes."""
    watched, changes = threading.Event(), Watcher._changes

    def told(watcher: Watcher, folders: Sequence[Path]) -> Iterator[list[Path]]:
        for each in changes(watcher, folders):
            watched.set()
            yield each

    monkeypatch.setattr(Watcher, "_changes", told)
    return watched


def test_a_query_finds_what_is_new_and_not_what_is_gone(
    settings: ServerSettings, tmp_path: Path, make_pdf: MakePdf, watched: threading.Event
) -> None:
    with served(settings, encoder=FakeEncoder()) as (client, _):
        assert watched.wait(WAIT_S)
        make_pdf(tmp_path / "docs/b.pdf", ["notes"])
        wait_for(lambda: paths(client) == ["a.pdf", "b.pdf"])
        (tmp_path / "docs/a.pdf").unlink()
        wait_for(lambda: paths(client) == ["b.pdf"])


def test_uploads_and_removals_work_meanwhile(
    settings: ServerSettings, tmp_path: Path, make_pdf: MakePdf, watched: threading.Event
) -> None:
    content = make_pdf(tmp_path / "other/c.pdf", ["minutes"]).read_bytes()
    with served(settings, encoder=FakeEncoder()) as (client, _):
        accepted = client.post("/v1/documents?name=c.pdf", content=content).json()
        wait_for(lambda: client.get("/v1/uploads").json()["uploads"][0]["state"] == "done")
        assert accepted["upload"]
        assert watched.wait(WAIT_S)
        make_pdf(tmp_path / "docs/b.pdf", ["notes"])
        wait_for(lambda: "b.pdf" in paths(client))
        (uploaded,) = [each for each in client.get("/v1/documents").json()["documents"] if "c.pdf" in each["path"]]
        assert client.delete(f"/v1/documents/{uploaded['id']}").status_code == 204
        wait_for(lambda: paths(client) == ["a.pdf", "b.pdf"])


def test_only_one_process_watches(settings: ServerSettings) -> None:
    lock = WatchLock(settings.index)
    with pytest.raises(UsageError, match="another process watches"):
        Service.open(settings, encoder=FakeEncoder())
    lock.release()
    Service.open(settings, encoder=FakeEncoder()).close()  # what was opened before is closed: the lock is free


@pytest.mark.parametrize(
    ("values", "message"), [({"read_only": True}, "--read-only forbids"), ({"watch": False}, "belongs to --watch")]
)
def test_contradicting_settings_are_refused(settings: ServerSettings, values: dict[str, bool], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Service.open(replace(settings, **values), encoder=FakeEncoder())
