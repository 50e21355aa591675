from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

import fake_encoder
from docsearch.engine.confidence import Calibration
from docsearch.engine.errors import IndexNotFound, UsageError
from docsearch.engine.searcher import open_searcher
from docsearch.engine.store import UnreadContent, open_writer
from docsearch.indexer import pipeline
from docsearch.server.body_limit import body_limit
from docsearch.server.service import Service
from docsearch.server.settings import ServerSettings, check
from fake_encoder import SPEC, FakeEncoder

TOKEN = "0123456789abcdef"
Serve = Callable[..., tuple[TestClient, Service]]


def found(client: TestClient, **asked: object) -> list[list[tuple[str, int, float]]]:
    response = client.post("/v1/search", json=asked)
    assert response.status_code == 200, response.text
    answers = response.json()["answers"]
    return [[(hit["path"], hit["page"], hit["score"]) for hit in answer["hits"]] for answer in answers]


def test_a_question_of_left_out_words_alone_is_refused(client: TestClient) -> None:
    response = client.post("/v1/search", json={"query": "-revenue"})
    assert response.status_code == 400
    assert "besides what is left out (-revenue)" in response.text


def test_search_answers_as_the_searcher_does(client: TestClient, index: Path) -> None:
    with open_searcher(index, encoder=FakeEncoder()) as searcher:
        hits = searcher.search("revenue", k=2)
    assert found(client, query="revenue", k=2) == [[(h.ref.path, h.ref.page, round(h.score, 6)) for h in hits]]


def test_the_index_tells_whether_it_has_the_mode_semantic(client: TestClient) -> None:
    assert client.get("/v1/index").json()["semantic"] is False
    refused = client.post("/v1/search", json={"query": "revenue", "mode": "semantic"})
    assert refused.status_code == 400
    (answer,) = client.post("/v1/search", json={"query": "revenue"}).json()["answers"]
    assert answer["try_mode"] is None


def test_many_queries_are_answered_in_order_as_each_alone(client: TestClient) -> None:
    texts = ["revenue", "minutes", "notes"]
    assert found(client, queries=texts) == [found(client, query=text)[0] for text in texts]


def test_an_answer_has_the_time_of_each_stage(client: TestClient) -> None:
    (answer,) = client.post("/v1/search", json={"query": "revenue"}).json()["answers"]
    assert list(answer["milliseconds"]) == ["wait", "encode", "weigh", "rerank"]
    (answer,) = client.post("/v1/search", json={"query": "revenue", "candidates": 2}).json()["answers"]
    assert "candidates" in answer["milliseconds"]
    assert answer["batch"] == 1


def test_a_path_filters(client: TestClient) -> None:
    assert {path for path, _, _ in found(client, query="revenue", path="sub/*")[0]} == {"sub/b.pdf"}
    assert found(client, query="revenue", path="nothing") == [[]]


def test_an_answer_has_a_confidence_where_the_model_is_calibrated(
    client: TestClient, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = ("confidence", "no_good_match", "unread_letters")
    (answer,) = client.post("/v1/search", json={"query": "revenue"}).json()["answers"]
    assert [answer[name] for name in about] == [None, False, ""]
    calibrated = replace(SPEC, calibration=Calibration(-3.0, (0.0,) * 5, 0.1), scripts=("LATIN",))
    monkeypatch.setattr(fake_encoder, "SPEC", calibrated)
    calibrated_client, _ = serve()
    found = calibrated_client.post("/v1/search", json={"queries": ["revenue 数据", "数据"]}).json()["answers"]
    assert [[answer[name] for name in about] for answer in found] == [[0.0474, True, "数据"], [0.0, True, "数据"]]
    assert all(answer["hits"] for answer in found)
    (answer,) = calibrated_client.post("/v1/search", json={"query": "a", "path": "none.pdf"}).json()["answers"]
    assert ([answer[name] for name in about], answer["hits"]) == ([0.0, True, ""], [])


def test_zero_hits_cannot_be_asked_for(client: TestClient) -> None:
    assert client.post("/v1/search", json={"query": "revenue", "k": 0}).status_code == 422


def test_content_that_was_not_read_is_counted(client: TestClient, index: Path) -> None:
    assert client.get("/v1/index").json()["unread"] == {}
    with open_writer(index, fingerprint=None) as writer:
        row = writer.documents()["a.pdf"]
        begun = writer.begin_document(row.path, row.sha256, row.size, row.mtime_ns)
        for page in (1, 2):
            writer.record_unread(begun.doc_id, UnreadContent("a.pdf", page, "comment", 5))
        writer.finish_document(begun.doc_id, 2)
    assert client.get("/v1/index").json()["unread"] == {"comment": 2}
    documents = client.get("/v1/documents").json()["documents"]
    assert {row["path"]: row["unread"] for row in documents}["a.pdf"] == {"comment": 2}
    assert {row["path"]: row["unread"] for row in documents}["sub/b.pdf"] == {}


def test_documents_are_listed_with_what_failed(client: TestClient) -> None:
    listed = client.get("/v1/documents").json()
    assert listed["total"] == 3
    assert [(d["path"], d["pages"], d["state"]) for d in listed["documents"]] == [
        ("a.pdf", 2, "done"),
        ("broken.pdf", None, "failed"),
        ("sub/b.pdf", 1, "done"),
    ]
    assert [d["path"] for d in client.get("/v1/documents?offset=1&limit=1").json()["documents"]] == ["broken.pdf"]


def test_a_page_image_has_the_requested_width(client: TestClient) -> None:
    (answer,) = client.post("/v1/search", json={"query": "revenue"}).json()["answers"]
    address = answer["hits"][0]["picture"]
    for width in (100, 500):
        for _ in range(2):  # drawn, then kept
            response = client.get(address, params={"width": width})
            assert response.headers["content-type"] == "image/png"
            with Image.open(io.BytesIO(response.content)) as picture:
                assert picture.width == width
                assert picture.height == pytest.approx(width * 260 / 200, abs=1)


def test_a_heat_map_has_the_size_of_the_page_image_and_the_place_of_each_word(client: TestClient) -> None:
    (answer,) = client.post("/v1/search", json={"query": "revenue"}).json()["answers"]
    hit = answer["hits"][0]
    which = {"query": "revenue", "document": hit["doc_id"], "page": hit["page"]}
    (word,) = client.get("/v1/heatmap", params=which).json()["words"]
    assert (word["word"], word["weight"]) == ("revenue", 1.0)
    response = client.get("/v1/heatmap.png", params={**which, "width": 200})
    page = client.get(hit["picture"], params={"width": 200})
    with Image.open(io.BytesIO(response.content)) as picture:
        assert picture.mode == "RGBA"
        with Image.open(io.BytesIO(page.content)) as below:
            assert picture.size == below.size
        height, width = picture.height, picture.width
        marked = np.asarray(picture)[:, :, 3] > 0
    assert marked.any() == bool(word["boxes"])
    for box in word["boxes"]:
        middle = round(height * (box["y0"] + box["y1"]) / 2), round(width * (box["x0"] + box["x1"]) / 2)
        assert marked[middle]
    assert client.get("/v1/heatmap.png", params={**which, "word": 1}).status_code == 400


def test_a_commit_is_listed_and_counted(serve: Serve, index: Path, make_pdf: Callable[..., Path]) -> None:
    client, service = serve()
    make_pdf(index.parent / "docs/new.pdf", ["another page"])
    pipeline.index_documents([index.parent / "docs"], index, encoder=FakeEncoder())
    service.search_worker.refresh()
    assert client.get("/v1/documents").json()["total"] == 4
    ids = {d["path"]: d["id"] for d in client.get("/v1/documents").json()["documents"]}
    which = {"query": "revenue", "document": ids["new.pdf"], "page": 1}
    assert client.get("/v1/heatmap", params=which).status_code == 200


@pytest.mark.parametrize(
    "asked",
    [{}, {"query": "a", "queries": ["b"]}, {"query": ""}, {"query": "a", "k": 0}, {"query": "a", "k": 10**9},
     {"query": "a" * 5000}, {"query": 3}, {"query": "a", "unknown": 1}, {"queries": ["a"] * 1000}, []],
)  # fmt: skip
def test_an_invalid_query_is_refused(client: TestClient, asked: object) -> None:
    assert client.post("/v1/search", json=asked).status_code in {400, 422}


@pytest.mark.parametrize(
    "path",
    ["/v1/documents/unknown/pages/1.png", "/v1/documents/..%2f..%2fetc%2fpasswd/pages/1.png",
     "/v1/documents/a.pdf/pages/1.png", "/v1/heatmap?query=a&document=../a.pdf&page=1", "/nothing",
     "/../pyproject.toml"],
)  # fmt: skip
def test_only_ids_of_the_index_name_documents(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_page_that_is_not_there_is_not_found(client: TestClient) -> None:
    ids = {d["path"]: d["id"] for d in client.get("/v1/documents").json()["documents"]}
    assert client.get(f"/v1/documents/{ids['a.pdf']}/pages/3.png").status_code == 404
    assert client.get(f"/v1/documents/{ids['broken.pdf']}/pages/1.png").status_code == 404
    assert client.get(f"/v1/documents/{ids['a.pdf']}/pages/0.png").status_code == 422
    assert client.get(f"/v1/documents/{ids['a.pdf']}/pages/1.png?width=99999").status_code == 422


def test_a_document_that_became_unreadable_loses_only_its_page_images(client: TestClient, index: Path) -> None:
    ids = {d["path"]: d["id"] for d in client.get("/v1/documents").json()["documents"]}
    (index.parent / "docs/a.pdf").write_bytes(b"%PDF-1.4 no")
    assert client.get(f"/v1/documents/{ids['a.pdf']}/pages/1.png").status_code == 422
    assert client.get(f"/v1/documents/{ids['sub/b.pdf']}/pages/1.png").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_a_deleted_document_is_not_found_and_no_folder_is_revealed(client: TestClient, index: Path) -> None:
    ids = {d["path"]: d["id"] for d in client.get("/v1/documents").json()["documents"]}
    (index.parent / "docs/a.pdf").unlink()
    response = client.get(f"/v1/documents/{ids['a.pdf']}/pages/1.png")
    assert response.status_code == 404
    assert str(index.parent) not in response.text


def test_without_the_token_nothing_about_documents_is_revealed(serve: Serve) -> None:
    client, _ = serve(token=TOKEN)
    for path in ("/v1/documents", "/v1/heatmap", "/metrics", "/nothing"):
        for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Authorization": "Bearer é"}):
            answer = client.get(path, headers={k: v.encode("latin-1") for k, v in given.items()})
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
    assert client.post("/v1/search", json={"query": "a"}).status_code == 401
    assert client.get("/v1/documents", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200


def test_another_host_name_that_resolves_to_this_machine_is_refused(client: TestClient) -> None:
    assert client.get("/v1/documents", headers={"Host": "evil.example:8750"}).status_code == 421
    for host in ("localhost", "LOCALHOST:1", "[::1]:8750"):
        assert client.get("/v1/documents", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/v1/search", "/v1/index"])
def test_a_body_that_is_too_large_is_refused_or_cut_off(client: TestClient, index: Path, path: str) -> None:
    limit = body_limit(ServerSettings(index), path)
    assert client.post(path, content=b" " * (limit + 1)).status_code == 413
    pieces = (b" " * 65536 for _ in range(limit // 65536 + 2))
    assert client.post(path, content=pieces).status_code >= 400


def test_every_answer_has_strict_headers(client: TestClient) -> None:
    for path in ("/healthz", "/v1/documents", "/nothing", "/openapi.json"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


def test_a_host_that_other_machines_reach_needs_a_strong_token(index: Path) -> None:
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org"):
        with pytest.raises(UsageError, match="--token"):
            check(ServerSettings(index, host=host))
        check(ServerSettings(index, host=host, token=TOKEN))
    with pytest.raises(UsageError, match="at least 16"):
        check(ServerSettings(index, token="short"))
    for host in ("localhost", "127.0.0.1", "::1"):
        check(ServerSettings(index, host=host))


def test_a_server_without_an_index_says_so(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFound):
        Service.open(ServerSettings(tmp_path / "none"), encoder=FakeEncoder())


def test_a_full_queue_says_when_to_retry(serve: Serve) -> None:
    client, _ = serve(questions_max=2)
    response = client.post("/v1/search", json={"queries": ["a", "b", "c"]})
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) >= 1
    assert client.post("/v1/search", json={"queries": ["a", "b"]}).status_code == 200


def test_requests_are_counted_by_route(client: TestClient) -> None:
    found(client, query="revenue")
    client.get("/v1/documents/unknown/pages/1.png")
    text = client.get("/metrics").text
    assert 'docsearch_requests_total{route="/v1/search",status="200"} 1.0' in text
    assert 'route="/v1/documents/{doc_id}/pages/{page}.png",status="404"' in text
    assert 'docsearch_stage_seconds_count{stage="rerank"} 1.0' in text


def test_the_api_describes_itself_with_examples(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    assert {"/v1/search", "/v1/documents", "/v1/heatmap", "/v1/heatmap.png"} <= described["paths"].keys()
    assert described["components"]["schemas"]["SearchRequest"]["examples"]
    assert "cdn" not in client.get("/docs").text


def give_years(index: Path, years: dict[str, float]) -> None:
    """Give documents the users' column "year"."""
    with open_writer(index, fingerprint=None) as writer:
        keys = {path: key for key, path in writer.document_keys().items()}
        writer.record_metadata({keys[path]: {"year": year} for path, year in years.items()}, {"year": "number"})


def test_a_condition_filters(client: TestClient) -> None:
    by_name = found(client, queries=["revenue", "notes"], where="path = 'a.pdf' and kind = 'pdf'")
    assert [{path for path, _, _ in hits} for hits in by_name] == [{"a.pdf"}, {"a.pdf"}]
    assert found(client, query="revenue", where="pages > 100") == [[]]


def test_a_mistake_in_a_condition_is_told(client: TestClient) -> None:
    response = client.post("/v1/search", json={"query": "revenue", "where": "pages >"})
    assert response.status_code == 400
    assert "where, character 8" in response.json()["error"]


def test_columns_that_change_are_seen_by_a_running_server(serve: Serve, index: Path) -> None:
    client, service = serve()
    (before,) = client.post("/v1/search", json={"query": "revenue"}).json()["answers"]
    give_years(index, {"a.pdf": 2021.0})
    service.search_worker.refresh()
    assert {path for path, _, _ in found(client, query="revenue", where="year = 2021")[0]} == {"a.pdf"}
    (after,) = client.post("/v1/search", json={"query": "revenue"}).json()["answers"]
    assert before["snapshot"] == after["snapshot"]
    assert before["columns"] != after["columns"]


def test_facets_are_counted(client: TestClient, index: Path) -> None:
    response = client.get("/v1/facets", params={"column": ["kind", "pages"], "where": "path matches 'sub/*'"})
    kind, pages = response.json()["facets"]
    assert kind == {
        "column": "kind", "type": "text", "documents": 1, "without": 0, "more": 0, "least": None, "most": None,
        "values": [{"value": "pdf", "documents": 1, "pages": 1}],
    }  # fmt: skip
    assert (pages["least"], pages["most"], pages["values"]) == (1, 1, [])
    assert {facet["column"] for facet in client.get("/v1/facets").json()["facets"]} >= {"path", "kind", "has_text"}
    assert client.get("/v1/facets", params={"column": "nothing"}).status_code == 400
    assert client.get("/v1/facets", params={"limit": 0}).status_code == 422
