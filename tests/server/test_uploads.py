"""Uploads and removals: what is acknowledged is durable, indexed and found, until it is removed."""

from __future__ import annotations

import asyncio
import queue
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from struct import pack

import pytest
from fastapi.testclient import TestClient

from docsearch.engine.store import layout, open_snapshot, open_writer
from docsearch.indexer import pipeline
from docsearch.indexer.discover import Document
from docsearch.server import stored_uploads, uploads
from docsearch.server.app import create_app
from docsearch.server.http_errors import TooLarge
from docsearch.server.service import Service
from docsearch.server.settings import ServerSettings
from docsearch.server.upload_body import receive
from docsearch.server.upload_status import UploadStatus
from docsearch.server.uploads import UploadQueue
from fake_encoder import FakeEncoder

Serve = Callable[..., tuple[TestClient, Service]]
Followed = Callable[[TestClient, str], list[dict[str, object]]]
MakePdf = Callable[..., Path]


@pytest.fixture
def pdf(tmp_path: Path, make_pdf: MakePdf) -> bytes:
    return make_pdf(tmp_path / "sent.pdf", ["first page sent", "second page sent"]).read_bytes()


def send(client: TestClient, content: bytes, name: str = "report.pdf") -> str:
    response = client.post("/v1/documents", params={"name": name}, content=content)
    assert response.status_code == 202, response.text
    upload: str = response.json()["upload"]
    assert response.json() == {"upload": upload, "name": stored_uploads.safe_name(name), "state": "waiting"}
    return upload


def paths(client: TestClient) -> dict[str, str]:
    return {row["path"]: row["id"] for row in client.get("/v1/documents").json()["documents"]}


def test_an_upload_is_indexed_and_found_when_it_is_done(client: TestClient, pdf: bytes, followed: Followed) -> None:
    before = client.get("/v1/index").json()
    upload = send(client, pdf)
    states = followed(client, upload)
    assert states[-1]["state"] == "done"
    assert (states[-1]["pages_done"], states[-1]["pages_total"], states[-1]["error"]) == (2, 2, None)
    assert [state["state"] for state in states] == sorted(
        (str(state["state"]) for state in states), key=["waiting", "indexing", "done"].index
    )
    after = client.get("/v1/index").json()
    assert (after["pages"], after["documents"]) == (before["pages"] + 2, before["documents"] + 1)
    (answer,) = client.post("/v1/search", json={"query": "sent", "path": "report.pdf"}).json()["answers"]
    assert answer["snapshot"] == after["snapshot"] != before["snapshot"]
    assert {hit["doc_id"] for hit in answer["hits"]} <= {states[-1]["doc_id"]}
    assert client.get(f"/v1/documents/{states[-1]['doc_id']}/pages/2.png").status_code == 200
    assert client.get("/v1/uploads").json()["uploads"] == [{**states[-1], "collection": None}]


def test_two_uploads_of_one_name_are_two_documents(
    client: TestClient, tmp_path: Path, make_pdf: MakePdf, followed: Followed
) -> None:
    ids = {
        followed(client, send(client, make_pdf(tmp_path / "x.pdf", [text]).read_bytes()))[-1]["doc_id"]
        for text in ("one", "two")
    }
    assert len(ids) == 2
    assert len([path for path in paths(client) if path.endswith("/report.pdf")]) == 2
    newest, oldest = client.get("/v1/uploads").json()["uploads"]
    assert newest["upload"] != oldest["upload"]


def test_content_that_is_there_already_is_that_document(client: TestClient, index: Path, followed: Followed) -> None:
    known = paths(client)
    end = followed(client, send(client, (index.parent / "docs/a.pdf").read_bytes()))[-1]
    assert (end["state"], end["doc_id"], end["pages_done"]) == ("done", known["a.pdf"], 2)
    assert paths(client) == known
    assert list((index / layout.UPLOADS).iterdir()) == []


def test_a_document_that_is_removed_is_not_found_and_its_file_goes(
    client: TestClient, index: Path, pdf: bytes, followed: Followed
) -> None:
    before = client.get("/v1/index").json()["pages"]
    doc_id = followed(client, send(client, pdf))[-1]["doc_id"]
    assert client.delete(f"/v1/documents/{doc_id}").status_code == 204
    assert client.get("/v1/index").json()["pages"] == before
    (answer,) = client.post("/v1/search", json={"query": "sent", "k": 100}).json()["answers"]
    assert doc_id not in {hit["doc_id"] for hit in answer["hits"]}
    assert list((index / layout.UPLOADS).iterdir()) == []
    assert client.delete(f"/v1/documents/{doc_id}").status_code == 404


def test_no_other_file_is_ever_deleted(client: TestClient, index: Path) -> None:
    file = index.parent / "docs/a.pdf"
    assert client.delete(f"/v1/documents/{paths(client)['a.pdf']}").status_code == 204
    assert "a.pdf" not in paths(client)
    assert file.exists()
    other = index / layout.UPLOADS / "0123456789abcdef"
    for path in ("a.pdf", "../docs/a.pdf", ".uploads/x/a.pdf", ".uploads/../a.pdf", ".uploads/0123456789abcdef"):
        other.mkdir(parents=True, exist_ok=True)
        stored_uploads.delete(index, path)
        assert file.exists()
        assert other.exists()


@pytest.mark.parametrize(
    ("content", "name", "status"),
    [(b"", "empty.pdf", 400), (b"\x7fELF\x02", "program", 415), (b"<html>", "page", 415), (b"%PDF-1.7", "", 422)],
)
def test_unsupported_files_are_refused(client: TestClient, content: bytes, name: str, status: int) -> None:
    response = client.post("/v1/documents", params={"name": name}, content=content)
    assert response.status_code == status
    assert client.get("/v1/uploads").json() == {"uploads": []}


def bomb() -> bytes:
    """A PNG of a few kilobytes that says it has 900 million pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return pack(">I", len(body)) + kind + body + pack(">I", zlib.crc32(kind + body))

    head = pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_hostile_files_fail_with_a_reason_and_the_next_one_is_indexed(
    client: TestClient, tmp_path: Path, make_pdf: MakePdf, pdf: bytes, followed: Followed
) -> None:
    secret = make_pdf(tmp_path / "secret.pdf", ["secret"], password="unknown").read_bytes()
    hostile = {
        "cut.pdf": pdf[: len(pdf) // 3],
        "no.pdf": b"this is no PDF at all " * 100,
        "secret.pdf": secret,
        "bomb.png": bomb(),
        "cut.png": b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
    }
    sent = {name: send(client, content, name) for name, content in hostile.items()}
    last = send(client, pdf, "good.pdf")
    assert followed(client, last)[-1]["state"] == "done"
    for name, upload in sent.items():
        end = followed(client, upload)[-1]
        assert end["state"] == "failed", name
        assert end["error"], name
    assert "password" in str(followed(client, sent["secret.pdf"])[-1]["error"])
    assert client.get("/v1/index").json()["failed"] == 1 + len(hostile)
    assert client.get("/readyz").status_code == 200


def test_an_upload_that_is_too_large_is_refused_and_leaves_nothing(serve: Serve, index: Path) -> None:
    client, service = serve(upload_max_mb=2)
    assert service.uploads is not None
    too_large = b"%PDF-1.7" + b" " * (2 << 20)
    assert client.post("/v1/documents?name=a.pdf", content=too_large).status_code == 413
    response = client.post("/v1/documents?name=a.pdf", content=iter([too_large]))  # without a Content-Length
    assert response.status_code == 413

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(too_large), 1 << 20):
            yield too_large[start : start + (1 << 20)]
            written.extend((index / layout.UPLOADS).iterdir())

    written: list[Path] = []
    with pytest.raises(TooLarge, match="upload-max-mb"):
        asyncio.run(receive(service.uploads, "a.pdf", pieces(), max_bytes=2 << 20))
    assert written
    assert list((index / layout.UPLOADS).iterdir()) == []
    assert service.uploads.pending == 0


def test_a_read_only_server_accepts_no_changes(serve: Serve, index: Path, pdf: bytes) -> None:
    client, _ = serve(read_only=True)
    assert client.post("/v1/documents?name=a.pdf", content=pdf).status_code == 403
    assert client.delete(f"/v1/documents/{paths(client)['a.pdf']}").status_code == 403
    assert client.get("/v1/index").json()["uploads_allowed"] is False
    assert client.get("/v1/uploads").json() == {"uploads": []}
    assert not (index / layout.UPLOADS).exists()


def test_of_two_servers_one_accepts_uploads(serve: Serve, index: Path, pdf: bytes, followed: Followed) -> None:
    client, service = serve()
    other = Service.open(ServerSettings(index), encoder=FakeEncoder())
    assert other.uploads is None
    other.close()
    assert followed(client, send(client, pdf))[-1]["state"] == "done"
    service.close()
    third = Service.open(ServerSettings(index), encoder=FakeEncoder())
    assert third.uploads is not None
    third.close()


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://evil.example"},
     {"Origin": "http://127.0.0.1:1"}, {"Origin": "null"}],
)  # fmt: skip
def test_pages_of_other_sites_may_not_write(client: TestClient, pdf: bytes, headers: dict[str, str]) -> None:
    assert client.post("/v1/documents?name=a.pdf", content=pdf, headers=headers).status_code == 403
    assert client.delete("/v1/documents/x", headers=headers).status_code == 403
    own = {"Origin": "http://127.0.0.1:8750", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/v1/documents?name=a.pdf", content=pdf, headers=own).status_code == 202


def test_a_full_upload_queue_says_when_to_retry(serve: Serve, index: Path, pdf: bytes) -> None:
    client, _ = serve(uploads_max=1)
    with open_writer(index, fingerprint=None):  # nothing leaves the queue meanwhile
        send(client, pdf)
        response = client.post("/v1/documents?name=b.pdf", content=pdf)
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) >= 1


def test_an_upload_waits_for_another_process_and_says_so(
    serve: Serve, index: Path, pdf: bytes, followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "RETRY_S", 0.01)
    statuses: queue.Queue[UploadStatus] = queue.Queue()
    set_status = UploadQueue._set_status
    monkeypatch.setattr(
        UploadQueue, "_set_status", lambda self, status: (set_status(self, status), statuses.put(status))
    )
    client, _ = serve()
    with open_writer(index, fingerprint=None):
        upload = send(client, pdf)
        status = statuses.get(timeout=300)
        assert (status.state, status.error) == ("waiting", uploads.LOCKED)
        removal = client.delete(f"/v1/documents/{paths(client)['a.pdf']}")
        assert (removal.status_code, "retry-after" in removal.headers) == (503, True)
    assert followed(client, upload)[-1]["state"] == "done"


def test_pending_uploads_are_indexed_by_the_next_server(index: Path, pdf: bytes, followed: Followed) -> None:
    """Partially received uploads are deleted."""
    half = index / layout.UPLOADS / f"{layout.TEMPORARY}0123456789abcdef"
    half.mkdir(parents=True)
    (half / "half.pdf").write_bytes(pdf[:100])
    receiving = stored_uploads.IncomingUpload(index, "kept.pdf")
    receiving.write(pdf)
    stored = receiving.accept()
    with TestClient(create_app(Service.open(ServerSettings(index), encoder=FakeEncoder()))) as client:
        client.base_url = client.base_url.copy_with(host="127.0.0.1")
        assert followed(client, stored.upload)[-1]["state"] == "done"
        assert not half.exists()
        assert stored.path in paths(client)
    assert stored_uploads.pending(index) == []


def test_a_later_run_of_index_leaves_uploads_alone(
    client: TestClient, index: Path, pdf: bytes, followed: Followed
) -> None:
    followed(client, send(client, pdf))
    known = paths(client)
    (index.parent / "docs/broken.pdf").unlink()
    report = pipeline.index_documents([index.parent / "docs"], index, encoder=FakeEncoder(), prune=True)
    assert (report.skipped, report.removed, report.vanished, report.pages) == (2, 1, 0, 0)
    with open_writer(index, fingerprint=None) as writer:
        writer.compact()
    with open_snapshot(index) as snapshot:
        assert snapshot.verify() == []
        assert known.keys() - snapshot.documents().keys() == {"broken.pdf"}


def test_an_upload_leaves_the_list_of_failures_alone(index: Path, tmp_path: Path, make_pdf: MakePdf) -> None:
    with open_writer(index, fingerprint=None) as writer:
        writer.fail_document("unreadable", "this folder cannot be read")
    file = make_pdf(tmp_path / "new.pdf", ["new"])
    pipeline.add(Document("new.pdf", file, file.stat().st_size, 1), index, encoder=FakeEncoder())
    with open_snapshot(index) as snapshot:
        assert {failure.path for failure in snapshot.failures()} == {"broken.pdf", "unreadable"}


def test_an_index_that_was_moved_still_shows_its_uploads(
    serve: Serve, index: Path, pdf: bytes, followed: Followed
) -> None:
    client, service = serve()
    doc_id = followed(client, send(client, pdf))[-1]["doc_id"]
    service.close()
    moved = index.rename(index.parent / "moved")
    service = Service.open(ServerSettings(moved), encoder=FakeEncoder())
    assert service.locate_page(str(doc_id), 1)[1].is_relative_to(moved)
    service.close()


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd.pdf", "..\\..\\x.pdf", ".waiting", "..", "/", "a" * 5000 + ".pdf", "x\0y\n.pdf", "CON*?<>.pdf",
     "\u202efdp.exe", "ü" * 500 + ".pdf", "\udcff.pdf", "a/b/.hidden", "x." + "y" * 400],
)  # fmt: skip
def test_a_safe_name_is_one_plain_name_of_bounded_length(name: str) -> None:
    safe = stored_uploads.safe_name(name)
    assert Path(safe).name == safe
    assert not safe.startswith(".")
    assert 0 < len(safe.encode()) <= 200
    assert safe.isprintable()


def test_events_of_an_unknown_upload_are_not_found(client: TestClient) -> None:
    assert client.get("/v1/uploads/none/events").status_code == 404
