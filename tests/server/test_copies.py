"""Files with the same content: one hit of the HTTP API and of the agents' tool, or each with `all_copies`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from docsearch.engine import latest
from docsearch.engine.searcher import Searcher, open_searcher
from docsearch.indexer import pipeline
from docsearch.server.service import Service
from fake_encoder import FakeEncoder

COPIES = [f"b/{i:02}.pdf" for i in range(12)]


@pytest.fixture
def filed(index: Path) -> Path:
    """The index with twelve copies of a.pdf."""
    docs = index.parent / "docs"
    (docs / "b").mkdir()
    for copy in COPIES:
        shutil.copy(docs / "a.pdf", docs / copy)
    pipeline.index_documents([docs], index, encoder=FakeEncoder())
    return index


@pytest.fixture
def client(filed: Path, serve: Callable[..., tuple[TestClient, Service]]) -> TestClient:
    return serve()[0]


def search(client: TestClient, **body: object) -> list[dict[str, Any]]:
    response = client.post("/v1/search", json={"query": "revenue", **body})
    assert response.status_code == 200, response.text
    hits: list[dict[str, Any]] = response.json()["answers"][0]["hits"]
    return hits


def test_copies_are_one_hit_with_the_other_paths(client: TestClient) -> None:
    found = sorted((hit["path"], hit["page"], hit["also"]) for hit in search(client))
    assert found == [("a.pdf", 1, COPIES), ("a.pdf", 2, COPIES), ("sub/b.pdf", 1, [])]
    every = search(client, all_copies=True, k=50)
    assert len(every) == 2 * 13 + 1
    assert not any(hit["also"] for hit in every)
    scores = {hit["page"]: hit["score"] for hit in search(client) if hit["path"] == "a.pdf"}
    assert all(hit["score"] == scores[hit["page"]] for hit in every if hit["path"] in COPIES)


def test_a_filter_shows_the_copies_that_it_selects(client: TestClient) -> None:
    assert {(hit["path"], *hit["also"]) for hit in search(client, path="b/*")} == {tuple(COPIES)}
    assert {(hit["path"], *hit["also"]) for hit in search(client, path="b/07.pdf")} == {("b/07.pdf",)}


def test_queries_with_and_without_all_copies_do_not_share_a_batch(client: TestClient) -> None:
    assert [len(search(client, all_copies=each, k=50)) for each in (True, False, True)] == [27, 3, 27]


def test_pages_like_a_page_leave_out_its_copies_unless_asked_for(client: TestClient) -> None:
    ids = {row["path"]: row["id"] for row in client.get("/v1/documents?limit=1000").json()["documents"]}
    for path in ("a.pdf", COPIES[3]):
        asked = {"query": None, "like": {"document": ids[path], "page": 1}}
        assert {(hit["path"], hit["page"]) for hit in search(client, **asked)} <= {("a.pdf", 2), ("sub/b.pdf", 1)}
        first, *_ = search(client, **asked, all_copies=True)
        assert (first["path"], first["page"]) == (min({"a.pdf", *COPIES} - {path}), 1)


def test_heat_maps_of_copies_are_equal(client: TestClient) -> None:
    ids = {row["path"]: row["id"] for row in client.get("/v1/documents?limit=1000").json()["documents"]}
    maps = [
        client.get("/v1/heatmap", params={"query": "revenue", "document": ids[path], "page": 1}).json()
        for path in ("a.pdf", *COPIES)
    ]
    assert all(each == maps[0] for each in maps)


def test_a_picture_comes_from_a_copy_where_the_file_is_gone(client: TestClient, filed: Path) -> None:
    docs = filed.parent / "docs"
    hit = next(hit for hit in search(client) if hit["path"] == "a.pdf" and hit["page"] == 1)
    (docs / "a.pdf").unlink()
    for width, status in ((100, 200), (110, 200), (120, 404)):
        assert client.get(f"{hit['picture']}?width={width}").status_code == status
        for copy in COPIES[:6] if width == 100 else COPIES:
            (docs / copy).unlink(missing_ok=True)


def test_the_copy_that_is_left_after_a_removal_is_the_hit(client: TestClient) -> None:
    (removed,) = {hit["doc_id"] for hit in search(client) if hit["path"] == "a.pdf"}
    assert client.delete(f"/v1/documents/{removed}").status_code == 204
    assert [hit["also"] for hit in search(client, path="*.pdf") if hit["path"] == COPIES[0]] == [COPIES[1:]] * 2


def test_an_agent_is_told_of_some_copies_and_their_number(filed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mcp")
    from docsearch.server.agents import tools as agents

    def open_with_the_fake(index: Path, **options: object) -> Searcher:
        return open_searcher(index, encoder=FakeEncoder())

    monkeypatch.setattr(latest, "open_searcher", open_with_the_fake)
    tools = agents.AgentTools({"": filed})
    try:
        hits = {(hit.path, hit.page): hit for hit in tools.search("revenue").hits}
        assert (hits["a.pdf", 1].copies, hits["a.pdf", 1].also) == (12, COPIES[: agents.ALSO_MAX])
        assert (hits["sub/b.pdf", 1].copies, hits["sub/b.pdf", 1].also) == (0, [])
        assert len(tools.search("revenue", k=50, all_copies=True).hits) == 27
    finally:
        tools.close()
