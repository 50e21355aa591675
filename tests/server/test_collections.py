"""A server of several indexes: each is a collection, searched by itself or with the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from docsearch.commands import ask_server, indexes
from docsearch.engine.errors import UsageError
from docsearch.engine.searcher import open_searcher
from docsearch.indexer import pipeline
from docsearch.server.announcement import announced
from docsearch.server.app import create_app
from docsearch.server.collection_set import CollectionSet, check_names
from docsearch.server.settings import ServerSettings
from fake_encoder import FakeEncoder

Client = Callable[..., TestClient]
MakePdf = Callable[..., Path]
Followed = Callable[[TestClient, str], list[dict[str, object]]]


@pytest.fixture
def made(tmp_path: Path, make_pdf: MakePdf) -> dict[str, Path]:
    """Two indexes; both have a document with one path, and so with one id."""
    found = {}
    for name, pages in {"Contracts": ["notice period"], "Reports": ["revenue chart", "notes"]}.items():
        make_pdf(tmp_path / f"docs-{name}/same.pdf", pages)
        make_pdf(tmp_path / f"docs-{name}/{name}.pdf", [f"only in {name}"])
        found[name] = tmp_path / f"{name}.index"
        pipeline.index_documents([tmp_path / f"docs-{name}"], found[name], encoder=FakeEncoder())
    return found


@pytest.fixture
def open_(made: dict[str, Path]) -> Iterator[Client]:
    with ExitStack() as running:

        def start(**settings: object) -> TestClient:
            all_settings = ServerSettings(made["Contracts"], collections=tuple(made.items()), **settings)  # type: ignore[arg-type]
            collections = CollectionSet.open(all_settings, encoder=FakeEncoder())
            return running.enter_context(TestClient(create_app(collections), base_url="http://127.0.0.1:8750"))

        yield start


def search(client: TestClient, query: str, collection: str | None = None) -> list[dict[str, object]]:
    where = {} if collection is None else {"collection": collection}
    hits: list[dict[str, object]] = client.post("/v1/search", json={"query": query}, params=where).json()["answers"][0][
        "hits"
    ]
    return hits


def counted(client: TestClient) -> tuple[int, int]:
    """Documents and pages that the searcher of all has."""
    (facet,) = client.get("/v1/facets?columns=kind").json()["facets"]
    return facet["values"][0]["documents"], facet["values"][0]["pages"]


def test_all_are_searched_as_one_unless_one_is_named(open_: Client, made: dict[str, Path]) -> None:
    client = open_()
    every = search(client, "revenue chart")
    assert {(hit["collection"], hit["path"]) for hit in every} >= {("Contracts", "same.pdf"), ("Reports", "same.pdf")}
    with open_searcher(made, encoder=FakeEncoder()) as searcher:
        expected = [(hit.ref.index, hit.ref.path, hit.ref.page) for hit in searcher.search("revenue chart")]
    assert [(hit["collection"], hit["path"], hit["page"]) for hit in every] == expected
    one = search(client, "revenue chart", "Reports")
    assert {hit["collection"] for hit in one} == {"Reports"}
    with open_searcher(made["Reports"], encoder=FakeEncoder()) as searcher:
        scores = [round(hit.score, 6) for hit in searcher.search("revenue chart")]
    assert [hit["score"] for hit in one] == scores
    for hit in (*every, *one):
        assert client.get(str(hit["picture"])).headers["content-type"] == "image/png"


def test_the_collections_are_listed_with_their_counts(open_: Client) -> None:
    client = open_()
    listed = client.get("/v1/collections").json()
    assert [(each["name"], each["pages"], each["documents"]) for each in listed["collections"]] == [
        ("Contracts", 2, 2),
        ("Reports", 3, 2),
    ]
    assert listed["apart"] is None
    assert client.get("/v1/index").json()["pages"] == 5
    assert client.get("/v1/index", params={"collection": "Reports"}).json()["pages"] == 3
    documents = client.get("/v1/documents").json()
    assert documents["total"] == 4
    rows = [(each["collection"], each["path"]) for each in documents["documents"]]
    parts = [client.get("/v1/documents", params={"offset": at, "limit": 1}).json()["documents"] for at in range(4)]
    assert [(part["collection"], part["path"]) for (part,) in parts] == rows
    values = {each["column"]: each for each in client.get("/v1/facets?columns=kind,pages").json()["facets"]}
    assert set(values) == {"kind", "pages"}
    assert values["kind"]["values"] == [{"value": "pdf", "documents": 4, "pages": 5}]


def test_a_request_for_a_document_has_to_name_its_collection(open_: Client) -> None:
    client = open_()
    hit = search(client, "revenue chart")[0]
    nameless = client.get(f"/v1/documents/{hit['doc_id']}/pages/1.png")
    assert nameless.status_code == 400
    assert "?collection=" in nameless.json()["error"]
    assert client.get("/v1/facets", params={"collection": "None"}).status_code == 404
    assert client.post("/v1/search", params={"collection": "None"}, json={"query": "a"}).status_code == 404
    for name, pages in {"Contracts": 1, "Reports": 2}.items():
        (same,) = [
            each
            for each in client.get("/v1/documents", params={"collection": name}).json()["documents"]
            if each["path"] == "same.pdf"
        ]
        answer = client.get(f"/v1/documents/{same['id']}/pages/2.png", params={"collection": name})
        assert answer.status_code == (200 if pages == 2 else 404)
        marks = client.get(
            "/v1/heatmap", params={"query": "notice", "document": same["id"], "page": 1, "collection": name}
        )
        assert marks.status_code == 200


def test_pages_like_one_are_found_in_all_or_in_its_own(open_: Client) -> None:
    client = open_()
    hit = next(hit for hit in search(client, "revenue chart") if hit["collection"] == "Reports")
    like = {"document": hit["doc_id"], "page": hit["page"]}
    assert client.post("/v1/search", json={"like": like}).status_code == 400
    named = {**like, "collection": "Reports"}
    every = client.post("/v1/search", json={"like": named}).json()["answers"][0]["hits"]
    assert {each["collection"] for each in every} == {"Contracts", "Reports"}
    own = client.post("/v1/search", json={"like": named}, params={"collection": "Reports"}).json()["answers"][0]["hits"]
    assert {each["collection"] for each in own} == {"Reports"}
    other = client.post("/v1/search", json={"like": named}, params={"collection": "Contracts"})
    assert other.status_code == 400


def test_uploads_and_removals_go_to_one(open_: Client, followed: Followed, make_pdf: MakePdf, tmp_path: Path) -> None:
    client = open_()
    content = make_pdf(tmp_path / "new.pdf", ["lighthouse keeper"]).read_bytes()
    assert client.post("/v1/documents", params={"name": "new.pdf"}, content=content).status_code == 400
    named = {"name": "new.pdf", "collection": "Reports"}
    upload = client.post("/v1/documents", params=named, content=content).json()["upload"]
    done = followed(client, upload)[-1]
    assert done["state"] == "done"
    assert [(each["collection"], each["state"]) for each in client.get("/v1/uploads").json()["uploads"]] == [
        ("Reports", "done")
    ]
    assert counted(client) == (5, 6)  # the searcher of all has it, too
    where = {"collection": "Contracts"}
    assert client.delete(f"/v1/documents/{done['doc_id']}", params=where).status_code == 404
    assert client.delete(f"/v1/documents/{done['doc_id']}", params={"collection": "Reports"}).status_code == 204
    assert counted(client) == (4, 5)


def test_marks_belong_to_a_collection(open_: Client) -> None:
    client = open_()
    hit = search(client, "revenue chart", "Reports")[0]
    mark = {"query": "revenue chart", "document": hit["doc_id"], "page": hit["page"], "right": True}
    assert client.put("/v1/marks", json=mark).status_code == 400
    assert client.put("/v1/marks", json=mark, params={"collection": "Reports"}).status_code == 204
    assert [each["collection"] for each in client.get("/v1/marks").json()["marks"]] == ["Reports"]
    assert client.get("/v1/marks", params={"collection": "Contracts"}).json()["marks"] == []


def test_collections_of_different_settings_are_searched_one_at_a_time(tmp_path: Path, make_pdf: MakePdf) -> None:
    make_pdf(tmp_path / "docs/a.pdf", ["revenue chart"])
    for name, pool in {"all": 1, "pooled": 2}.items():
        pipeline.index_documents([tmp_path / "docs"], tmp_path / name, pool=pool)
    names = (("all", tmp_path / "all"), ("pooled", tmp_path / "pooled"))
    served = create_app(CollectionSet.open(ServerSettings(tmp_path / "all", collections=names)))
    with TestClient(served, base_url="http://127.0.0.1:8750") as client:
        assert "made with another model, or other settings" in client.get("/v1/collections").json()["apart"]
        refused = client.post("/v1/search", json={"query": "revenue"})
        assert refused.status_code == 400
        assert "cannot be searched as one" in refused.json()["error"]
        for name, _ in names:
            assert [hit["collection"] for hit in search(client, "revenue", name)] == [name]
        assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a?b", "a&b", " a", "x" * 101, "a\nb"])
def test_a_name_that_cannot_stand_in_an_address_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a collection"):
        check_names([name])


def test_names_differ_in_more_than_case() -> None:
    check_names(["Reports", "Straßen & Wege".replace("&", "und"), "2024 (old)"])
    with pytest.raises(UsageError, match="two collections"):
        check_names(["Reports", "reports"])


def test_names_of_folders_are_taken_where_none_is_given() -> None:
    found = indexes.by_name([Path("a/office.index"), Path("b/.docsearch"), Path("c/x")], ["Office"])
    assert list(found) == ["Office", "docsearch", "x"]
    with pytest.raises(UsageError, match="3 names for 2 indexes"):
        indexes.by_name([Path("a"), Path("b")], ["A", "B", "C"])
    with pytest.raises(UsageError, match="--name"):
        indexes.by_name([Path("a/.docsearch"), Path("b/.docsearch")], [])
    with pytest.raises(UsageError, match="one index twice"):
        indexes.by_name([Path("a"), Path("./a")], [])


def test_the_announcement_names_the_collection(tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    with announced(tmp_path / "index", "127.0.0.1", 8750, collection="Reports"):
        assert ask_server.announced(tmp_path / "index") == ("http://127.0.0.1:8750/", "Reports")
    with announced(tmp_path / "index", "127.0.0.1", 8750):
        assert ask_server.announced(tmp_path / "index") == ("http://127.0.0.1:8750/", "")
