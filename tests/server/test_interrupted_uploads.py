"""Long uploads that a shutdown, a removal of another document, or their own interrupts."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from held_encoder import WAIT_S, held
from test_uploads import paths, send

from docsearch.engine.store import layout, open_snapshot
from docsearch.indexer import stages
from docsearch.server import mutations, uploads
from docsearch.server.app import create_app
from docsearch.server.service import Service
from docsearch.server.settings import ServerSettings
from fake_encoder import FakeEncoder

Followed = Callable[[TestClient, str], list[dict[str, object]]]
MakePdf = Callable[..., Path]


@pytest.fixture
def long(tmp_path: Path, make_pdf: MakePdf) -> bytes:
    """More pages than are embedded together."""
    return make_pdf(tmp_path / "long.pdf", [f"page {n}" for n in range(40)]).read_bytes()


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document of 40 pages is not encoded to its end before the first progress is reported."""
    monkeypatch.setattr(stages, "BATCH_PAGES", 4)
    monkeypatch.setattr(stages, "STORE_BACKLOG", 8)


@pytest.mark.usefixtures("small_batches")
def test_a_long_upload_is_interrupted_by_shutdown_and_continues_at_the_next_start(
    index: Path, long: bytes, followed: Followed
) -> None:
    def release_when_closing() -> None:
        while queue.ready:
            time.sleep(0.01)
        encoder.go.set()

    with held(index) as (client, encoder):
        queue = client.app.state.collections.first.uploads  # type: ignore[attr-defined]
        upload = send(client, long, "long.pdf")
        assert encoder.began.wait(WAIT_S)
        releasing = threading.Thread(target=release_when_closing)
        releasing.start()
    releasing.join()
    with open_snapshot(index) as snapshot:
        (row,) = [row for row in snapshot.documents().values() if row.path.endswith("long.pdf")]
        kept = sum(ref.doc_id == row.id for ref in snapshot.refs(range(len(snapshot))))
    assert row.state == "indexing"
    assert 0 < kept < 40
    again = FakeEncoder()
    client = TestClient(create_app(Service.open(ServerSettings(index), encoder=again)), base_url="http://127.0.0.1")
    with client:
        end = followed(client, upload)[-1]
        assert (end["state"], end["pages_done"], end["doc_id"]) == ("done", 40, row.id)
    assert again.pages == 40 - kept


@pytest.mark.usefixtures("small_batches")
def test_a_removal_does_not_wait_for_a_long_upload(
    index: Path, long: bytes, followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held(index) as (client, encoder):
        queue = client.app.state.collections.first.uploads  # type: ignore[attr-defined]
        queue_removal, remove = queue.remove, mutations.remove

        def queue_and_release(doc_id: str) -> Future[None]:
            queued: Future[None] = queue_removal(doc_id)
            encoder.go.set()
            return queued

        def hold_and_remove(directory: Path, doc_id: str) -> str:
            encoder.go.clear()
            return remove(directory, doc_id)

        monkeypatch.setattr(queue, "remove", queue_and_release)
        monkeypatch.setattr(mutations, "remove", hold_and_remove)
        upload = send(client, long, "long.pdf")
        assert encoder.began.wait(WAIT_S)
        assert client.delete(f"/v1/documents/{paths(client)['a.pdf']}").status_code == 204
        (status,) = client.get("/v1/uploads").json()["uploads"]
        assert status["state"] == "indexing"
        encoder.go.set()
        assert followed(client, upload)[-1]["state"] == "done"
        assert client.get("/v1/index").json()["pages"] == 41


def test_an_upload_whose_document_is_removed_before_its_end_does_not_come_back(
    index: Path, long: bytes, followed: Followed
) -> None:
    with held(index) as (client, encoder):
        upload = send(client, long, "long.pdf")
        assert encoder.began.wait(WAIT_S)
        doc_id = hashlib.sha256(f".uploads/{upload}/long.pdf".encode()).hexdigest()[:16]  # docs/index-format.md
        service = client.app.state.collections.first  # type: ignore[attr-defined]
        removals = [service.uploads.remove(each) for each in (paths(client)["a.pdf"], doc_id)]
        encoder.go.set()
        for removal in removals:
            removal.result(WAIT_S)
        end = followed(client, upload)[-1]
        assert (end["state"], end["error"]) == ("failed", uploads.REMOVED)
        assert sorted(paths(client)) == ["broken.pdf", "sub/b.pdf"]
        assert list((index / layout.UPLOADS).iterdir()) == []
