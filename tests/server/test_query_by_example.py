"""Query by example: an image that a client sends, and pages similar to a page of the index."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from docsearch.engine.records import U8, PageImage, PageRef, QueryVectors
from docsearch.engine.searcher import open_searcher
from docsearch.indexer.render.process import RenderProcess, RenderSettings
from docsearch.server.body_limit import PICTURE_MAX_BYTES
from docsearch.server.settings import ServerSettings
from fake_encoder import SPEC, FakeEncoder
from in_process import served


class SeeingEncoder(FakeEncoder):
    """Embeds an image query as it embeds a page."""

    def encode_image_queries(self, images: Sequence[U8]) -> list[QueryVectors]:
        out = []
        for pixels in images:
            vectors = self.encode_pages([PageImage(PageRef("", "", 1), pixels, 36.0)]).vectors
            own = np.asarray(vectors.vectors.values, np.float32)
            weights = np.full(len(own), 1 / len(own), np.float32)
            out.append(QueryVectors(own, weights, own.mean(axis=0), ("",) * len(own), 0.9, 1.0))
        return out


@pytest.fixture
def seeing(index: Path) -> Iterator[TestClient]:
    with served(ServerSettings(index), encoder=SeeingEncoder()) as (client, _):
        yield client


def encoded(content: bytes) -> str:
    return b64encode(content).decode()


def picture_of(client: TestClient, path: str, page: int) -> bytes:
    """A page as an image file that has the page's own pixels when it is rendered at the fake model's resolution."""
    (row,) = [row for row in client.get("/v1/documents").json()["documents"] if row["path"] == path]
    service = client.app.state.collections.first  # type: ignore[attr-defined]
    file = service.locate_page(row["id"], page)[1]
    process = RenderProcess(RenderSettings(SPEC.render_dpi, SPEC.max_pixels))
    drawn = process.render(file, page)
    process.stop()
    out = io.BytesIO()
    Image.fromarray(drawn.pixels).save(out, format="PNG", dpi=(97, 97))
    return out.getvalue()


def ids(client: TestClient) -> dict[str, str]:
    return {row["path"]: row["id"] for row in client.get("/v1/documents").json()["documents"]}


def test_an_image_is_a_query_with_and_without_words(seeing: TestClient) -> None:
    image = encoded(picture_of(seeing, "sub/b.pdf", 1))
    for asked in ({"image": image}, {"image": image, "query": "minutes"}):
        response = seeing.post("/v1/search", json={**asked, "k": 1})
        assert response.status_code == 200, response.text
        (answer,) = response.json()["answers"]
        assert answer["query"] == asked.get("query", "")
        assert answer["hits"], "a page that looks so"


@pytest.mark.parametrize(
    ("image", "status"),
    [("%%%", 400), (encoded(b"no picture"), 400), (encoded(b"\x89PNG\r\n\x1a\n" + b"\0" * 100), 422),
     (encoded(b"%PDF-1.7"), 400), ("", 422)],
)  # fmt: skip
def test_a_query_image_that_is_no_image_is_refused(seeing: TestClient, image: str, status: int) -> None:
    response = seeing.post("/v1/search", json={"image": image})
    assert response.status_code == status
    assert response.json()["error"] if status != 422 else True


def test_a_query_image_that_is_too_large_is_refused(seeing: TestClient) -> None:
    image = encoded(b"\x89PNG\r\n\x1a\n" + b"\0" * (PICTURE_MAX_BYTES + 3))
    assert seeing.post("/v1/search", json={"image": image}).status_code in {413, 422}


def test_a_model_without_image_queries_says_so(client: TestClient) -> None:
    response = client.post("/v1/search", json={"image": encoded(b"\x89PNG\r\n\x1a\n")})
    assert response.status_code == 400
    assert "text queries only" in response.json()["error"]


def test_similar_pages_are_those_of_more_like(client: TestClient, index: Path) -> None:
    document = ids(client)["a.pdf"]
    response = client.post("/v1/search", json={"like": {"document": document, "page": 1}})
    (answer,) = response.json()["answers"]
    with open_searcher(index, encoder=FakeEncoder()) as searcher:
        hits = searcher.more_like(PageRef(document, "a.pdf", 1))
    assert hits
    assert [(h["doc_id"], h["page"], h["score"]) for h in answer["hits"]] == [
        (hit.ref.doc_id, hit.ref.page, round(hit.score, 6)) for hit in hits
    ]
    assert (document, 1) not in {(h["doc_id"], h["page"]) for h in answer["hits"]}


def test_a_part_of_a_page_is_a_query(client: TestClient) -> None:
    like = {"document": ids(client)["a.pdf"], "page": 1, "box": {"x0": 0, "y0": 0.8, "x1": 1, "y1": 1}}
    (answer,) = client.post("/v1/search", json={"like": like}).json()["answers"]
    assert answer["hits"][0]["score"] == pytest.approx(1, abs=1e-3), "the foot of every page is bare"


@pytest.mark.parametrize(
    ("changed", "status"),
    [({"page": 3}, 404), ({"document": "unknown"}, 404), ({"page": 0}, 422),
     ({"box": {"x0": 0.5, "y0": 0, "x1": 0.5, "y1": 1}}, 400), ({"box": {"x0": -1, "y0": 0, "x1": 0.5, "y1": 1}}, 422),
     ({"box": {"x0": 0}}, 422)],
)  # fmt: skip
def test_a_page_or_part_that_is_not_there_is_refused(
    client: TestClient, changed: dict[str, object], status: int
) -> None:
    like = {"document": ids(client)["a.pdf"], "page": 1, **changed}
    assert client.post("/v1/search", json={"like": like}).status_code == status


@pytest.mark.parametrize("extra", [{"query": "a"}, {"queries": ["a"]}, {"image": "aaaa"}])
def test_like_cannot_be_combined_with_other_queries(client: TestClient, extra: dict[str, object]) -> None:
    like = {"document": ids(client)["a.pdf"], "page": 1}
    assert client.post("/v1/search", json={"like": like, **extra}).status_code == 400
