"""Marks through the HTTP API: kept on disk, refused by a read-only server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from docsearch.engine.store import layout
from docsearch.server.service import Service

Serve = Callable[..., tuple[TestClient, Service]]


def document(client: TestClient, path: str) -> str:
    documents = client.get("/v1/documents").json()["documents"]
    return str(next(each["id"] for each in documents if each["path"] == path))


def test_a_mark_is_on_disk_when_it_is_acknowledged(client: TestClient, index: Path) -> None:
    mark = {"query": "revenue", "document": document(client, "a.pdf"), "page": 2, "right": True}
    assert client.put("/v1/marks", json=mark).status_code == 204
    (line,) = (index / layout.MARKS).read_text("utf-8").splitlines()
    kept = json.loads(line)
    assert (kept["query"], kept["path"], kept["page"], kept["right"]) == ("revenue", "a.pdf", 2, True)
    assert client.get("/v1/marks", params={"query": " revenue"}).json()["marks"] == [
        {**mark, "path": "a.pdf", "time": kept["time"], "collection": None}
    ]
    assert client.get("/v1/marks", params={"query": "other"}).json() == {"marks": []}


def test_null_takes_a_mark_back(client: TestClient) -> None:
    mark = {"query": "revenue", "document": document(client, "a.pdf"), "page": 1, "right": False}
    client.put("/v1/marks", json=mark)
    assert client.put("/v1/marks", json={**mark, "right": None}).status_code == 204
    assert client.get("/v1/marks").json() == {"marks": []}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"document": "nothing"}, 404),
        ({"page": 3}, 404),
        ({"page": 0}, 422),
        ({"query": ""}, 422),
        ({"query": " "}, 400),
        ({"more": 1}, 422),
    ],
)
def test_a_mark_of_nothing_is_refused(client: TestClient, index: Path, change: dict[str, object], status: int) -> None:
    mark = {"query": "revenue", "document": document(client, "a.pdf"), "page": 1, "right": True, **change}
    assert client.put("/v1/marks", json=mark).status_code == status
    assert not (index / layout.MARKS).exists()


def test_a_read_only_server_keeps_no_marks(serve: Serve, index: Path) -> None:
    client, _ = serve(read_only=True)
    assert client.get("/v1/index").json()["marks_allowed"] is False
    mark = {"query": "revenue", "document": document(client, "a.pdf"), "page": 1, "right": True}
    assert client.put("/v1/marks", json=mark).status_code == 403
    assert not (index / layout.MARKS).exists()


def test_other_sites_cannot_mark(client: TestClient, index: Path) -> None:
    mark = {"query": "revenue", "document": document(client, "a.pdf"), "page": 1, "right": True}
    headers = {"Origin": "https://example.com"}
    assert client.put("/v1/marks", json=mark, headers=headers).status_code == 403
    assert not (index / layout.MARKS).exists()
