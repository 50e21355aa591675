"""What the server gives of a document: its file, and the text of a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fastapi.testclient import TestClient

from docsearch.indexer import pipeline
from docsearch.server.service import Service
from docsearch.server.settings import ServerSettings
from fake_encoder import FakeEncoder
from in_process import served


def ids(client: TestClient) -> dict[str, str]:
    return {each["path"]: each["id"] for each in client.get("/v1/documents").json()["documents"]}


def test_the_file_is_shown_or_downloaded(client: TestClient, index: Path) -> None:
    address = f"/v1/documents/{ids(client)['sub/b.pdf']}/file"
    shown = client.get(address)
    assert shown.content == (index.parent / "docs/sub/b.pdf").read_bytes()
    assert shown.headers["content-type"] == "application/pdf"
    assert shown.headers["content-disposition"] == 'inline; filename="b.pdf"'
    assert shown.headers["x-content-type-options"] == "nosniff"
    saved = client.get(address, params={"download": "true"})
    assert saved.headers["content-disposition"] == 'attachment; filename="b.pdf"'
    part = client.get(address, headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"%PDF")


def test_a_file_that_could_run_something_is_only_downloaded(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/naïve page.html").write_text("<p>words</p><script>alert(1)</script>", "utf-8")
    pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", encoder=FakeEncoder())
    with served(ServerSettings(tmp_path / "index"), encoder=FakeEncoder()) as (client, _):
        answer = client.get(f"/v1/documents/{ids(client)['naïve page.html']}/file")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=utf-8''na%C3%AFve%20page.html")
    assert answer.headers["content-security-policy"].startswith("sandbox;")


def test_a_file_is_found_by_id_alone(client: TestClient, index: Path) -> None:
    for name in ("..%2f..%2findex", "docs%2fa.pdf", "0000000000000000"):
        assert client.get(f"/v1/documents/{name}/file").status_code == 404
    (index.parent / "docs/a.pdf").rename(index.parent / "gone.pdf")
    answer = client.get(f"/v1/documents/{ids(client)['a.pdf']}/file")
    assert answer.status_code == 404
    assert str(index.parent) not in answer.text


def test_the_file_needs_the_token(serve: Callable[..., tuple[TestClient, Service]]) -> None:
    client, _ = serve(token="0123456789abcdef")
    assert client.get("/v1/documents/6f1ed002ab559585/file").status_code == 401


def test_the_text_of_a_page_is_that_of_its_text_layer(client: TestClient) -> None:
    document = ids(client)["a.pdf"]
    answer = client.get(f"/v1/documents/{document}/pages/1.txt")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.strip() == "revenue chart"
    assert client.get(f"/v1/documents/{document}/pages/9.txt").status_code == 400
    assert client.get("/v1/documents/none/pages/1.txt").status_code == 404


def test_facets_are_of_the_columns_that_are_asked_for(client: TestClient) -> None:
    def columns(**asked: object) -> list[str]:
        return [each["column"] for each in client.get("/v1/facets", params=asked).json()["facets"]]  # type: ignore[arg-type]

    assert columns(columns="kind, pages") == ["kind", "pages"]
    assert columns(column=["pages"], columns="kind,pages") == ["pages", "kind"]
    assert len(columns()) > 2
    assert client.get("/v1/facets", params={"columns": "yaer"}).status_code == 400
    assert client.get("/v1/facets", params={"columns": ",".join(f"c{n}" for n in range(21))}).status_code == 400


def test_documents_are_listed_by_a_condition(client: TestClient) -> None:
    def listed(**asked: object) -> tuple[int, list[str]]:
        found = client.get("/v1/documents", params=asked).json()  # type: ignore[arg-type]
        return found["total"], [each["path"] for each in found["documents"]]

    assert listed() == (3, ["a.pdf", "broken.pdf", "sub/b.pdf"])
    assert listed(where="path like 'sub/%'") == (1, ["sub/b.pdf"])
    assert listed(where="kind = 'pdf'", offset=1, limit=1) == (len(listed(where="kind = 'pdf'")[1]), ["sub/b.pdf"])
    assert client.get("/v1/documents", params={"where": "yaer = 1"}).status_code == 400
