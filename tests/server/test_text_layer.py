"""Matches of text layers in answers of the server, with the embedded model."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from docsearch.indexer import pipeline
from docsearch.server.settings import ServerSettings
from in_process import served

LINE = "今年的营业收入增加"
"""A line in a script without spaces between words."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the document `docs/a.pdf` and its `index`."""
    folder = tmp_path_factory.mktemp("text")
    (folder / "docs").mkdir()
    document = pymupdf.open()
    page = document.new_page(width=300, height=400)
    page.insert_text((30, 200), LINE, fontsize=20, fontname="china-s")
    document.new_page(width=300, height=400).insert_text((30, 60), "Quarterly revenue", fontsize=20)
    document.save(folder / "docs/a.pdf")
    pipeline.index_documents([folder / "docs"], folder / "index", device="cpu")
    return folder


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient]:
    with served(ServerSettings(folder / "index")) as (client, _):
        yield client


def marks(client: TestClient) -> tuple[list[dict[str, float]], np.ndarray]:
    """The boxes of the heat map of "营业收入" on its page, and the rows where its picture is marked."""
    (answer,) = client.post("/v1/search", json={"query": "营业收入"}).json()["answers"]
    hit = answer["hits"][0]
    assert hit["page"] == 1
    which = {"query": "营业收入", "document": hit["doc_id"], "page": 1}
    words = client.get("/v1/heatmap", params=which).json()["words"]
    with Image.open(io.BytesIO(client.get("/v1/heatmap.png", params={**which, "width": 300}).content)) as picture:
        rows = np.flatnonzero(np.asarray(picture)[:, :, 3].any(axis=1))
    return [box for word in words for box in word["boxes"]], rows


def test_the_heat_map_points_at_words_of_the_text_layer(client: TestClient) -> None:
    boxes, rows = marks(client)
    x0, x1 = min(box["x0"] for box in boxes), max(box["x1"] for box in boxes)
    assert (x0, x1) == (pytest.approx((30 + 3 * 20) / 300, abs=0.03), pytest.approx((30 + 7 * 20) / 300, abs=0.03))
    assert all(0.4 < box["y0"] < 0.5 < box["y1"] < 0.56 for box in boxes)
    assert 140 < rows.min() < rows.max() < 245


def test_without_its_document_a_page_keeps_the_heat_map_of_its_picture(client: TestClient, folder: Path) -> None:
    file = folder / "docs/a.pdf"
    moved = file.rename(folder / "elsewhere.pdf")
    try:
        (answer,) = client.post("/v1/search", json={"query": "revenue"}).json()["answers"]
        which = {"query": "revenue", "document": answer["hits"][0]["doc_id"], "page": 2}
        (word,) = client.get("/v1/heatmap", params=which).json()["words"]
        assert word["boxes"]
    finally:
        moved.rename(file)


def test_hits_have_details_where_they_are_asked_for(client: TestClient) -> None:
    for request in ({"query": "营业收入", "details": True}, {"queries": ["营业收入"], "details": True, "k": 2}):
        (answer,) = client.post("/v1/search", json=request).json()["answers"]
        hit = answer["hits"][0]
        assert hit["snippet"] == {"text": LINE, "spans": [[3, 7]]}
        assert (hit["label"], hit["title"], hit["recognised"]) == ("", "", [])
        assert hit["modified"].endswith("Z")
    (answer,) = client.post("/v1/search", json={"query": "营业收入"}).json()["answers"]
    assert (answer["hits"][0]["snippet"], answer["hits"][0]["modified"]) == (None, None)
