"""What the server gives of a document that lies in another one, and what becomes of it when that is sent or removed."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from docsearch.indexer import pipeline
from docsearch.server.service import Service
from docsearch.server.settings import ServerSettings
from fake_encoder import FakeEncoder
from in_process import served

Serve = Callable[..., tuple[TestClient, Service]]
Followed = Callable[[TestClient, str], list[dict[str, object]]]


@pytest.fixture
def message(tmp_path: Path, make_pdf: Callable[..., Path]) -> bytes:
    """An e-mail with report.pdf attached."""
    found = EmailMessage()
    found["Subject"] = "costs"
    found.set_content("see the file")
    content = make_pdf(tmp_path / "attached/report.pdf", ["engines and turbines"]).read_bytes()
    found.add_attachment(content, maintype="application", subtype="pdf", filename="report.pdf")
    return found.as_bytes()


def ids(client: TestClient) -> dict[str, str]:
    return {each["path"]: each["id"] for each in client.get("/v1/documents").json()["documents"]}


def test_pages_and_files_of_what_is_attached_are_served(tmp_path: Path, message: bytes) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/mail.eml").write_bytes(message)
    pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", encoder=FakeEncoder())
    with served(ServerSettings(tmp_path / "index"), encoder=FakeEncoder()) as (client, _):
        address = f"/v1/documents/{ids(client)['mail.eml/report.pdf']}"
        file, page = client.get(f"{address}/file"), client.get(f"{address}/pages/1.png")
        assert file.content == (tmp_path / "attached/report.pdf").read_bytes()
        assert file.headers["content-disposition"] == 'inline; filename="report.pdf"'
        assert page.content.startswith(b"\x89PNG")
        (tmp_path / "docs/mail.eml").unlink()
        gone = client.get(f"{address}/file")
    assert gone.status_code == 404
    assert str(tmp_path) not in gone.text


def test_what_is_attached_to_an_upload_comes_and_goes_with_it(serve: Serve, followed: Followed, message: bytes) -> None:
    client, _ = serve()
    sent = client.post("/v1/documents", params={"name": "mail.eml"}, content=message)
    assert sent.status_code == 202, sent.text
    followed(client, sent.json()["upload"])
    (path,) = [path for path in ids(client) if path.endswith("/mail.eml")]
    assert f"{path}/report.pdf" in ids(client)
    assert client.get(f"/v1/documents/{ids(client)[f'{path}/report.pdf']}/file").content.startswith(b"%PDF")
    assert client.delete(f"/v1/documents/{ids(client)[path]}").status_code == 204
    assert not [path for path in ids(client) if "mail.eml" in path]
