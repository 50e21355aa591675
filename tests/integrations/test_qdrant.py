"""Qdrant finds the same pages by MaxSim as docsearch does, and a killed export goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("qdrant_client", reason="needs the extra qdrant")

from qdrant_client import QdrantClient, models

import toy_words
from docsearch import UsageError, open_index
from docsearch.engine.ocr_text import OcrText
from docsearch.engine.page_maxima import token_maxima
from docsearch.engine.records import PageWords
from docsearch.engine.store import open_snapshot
from docsearch.exchange import qdrant

TOP = 10


@pytest.fixture(scope="module")
def client(sample_index: Path) -> QdrantClient:
    made = QdrantClient(":memory:")
    with open_index(sample_index) as index:
        done = qdrant.export(index.snapshot, made, "docsearch")
        assert done.pages == len(index.snapshot)
    return made


Search = Callable[[list[list[float]]], list[tuple[str, float]]]
"""Query vectors to the ids and scores of the first ten pages."""


@pytest.fixture(params=["local mode", "server's engine"])
def search(request: pytest.FixtureRequest, client: QdrantClient, tmp_path: Path) -> Search:
    """By the client's own local mode, in numpy; and by the engine of Qdrant's server, with the same points."""
    if request.param == "local mode":

        def by_client(query: list[list[float]]) -> list[tuple[str, float]]:
            found = client.query_points("docsearch", query=query, using=qdrant.PATCHES, limit=TOP).points
            return [(point.payload["id"], point.score) for point in found if point.payload is not None]

        return by_client
    edge = pytest.importorskip("qdrant_edge", reason="needs qdrant-edge-py")
    vectors = client.get_collection("docsearch").config.params.vectors
    assert isinstance(vectors, dict)
    assert vectors[qdrant.PATCHES].datatype == models.Datatype.FLOAT16
    multivector = edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim)
    patches = edge.EdgeVectorParams(
        vectors[qdrant.PATCHES].size,
        edge.Distance.Dot,
        multivector_config=multivector,
        datatype=edge.VectorStorageDatatype.Float16,
    )
    shard = edge.EdgeShard.create(str(tmp_path / "shard"), edge.EdgeConfig({qdrant.PATCHES: patches}))
    points, _ = client.scroll("docsearch", limit=10_000, with_vectors=True)
    shard.update(
        edge.UpdateOperation.upsert_points(
            [
                edge.Point(point.id, {qdrant.PATCHES: point.vector[qdrant.PATCHES]}, point.payload)
                for point in points
                if isinstance(point.vector, dict)
            ]
        )
    )

    def by_engine(query: list[list[float]]) -> list[tuple[str, float]]:
        nearest = edge.Query.Nearest(query, using=qdrant.PATCHES)
        found = shard.query(edge.QueryRequest(limit=TOP, query=nearest, with_payload=True))
        return [(point.payload["id"], point.score) for point in found]

    return by_engine


def test_the_first_ten_are_the_same_for_every_sample_question(
    search: Search, sample_index: Path, sample_docs: Path
) -> None:
    questions = [json.loads(line)["query"] for line in (sample_docs / "queries.jsonl").read_text("utf-8").splitlines()]
    assert len(questions) == 47
    with open_index(sample_index) as index:
        rows = np.arange(len(index.snapshot))
        ids = [f"{ref.doc_id}-{ref.page}" for ref in index.snapshot.refs(rows)]
        for question in questions:
            vectors = index.encode(question).vectors
            ours = token_maxima(index.snapshot, vectors, rows).astype(np.float64).sum(axis=1)
            found = search(vectors.tolist())
            best = np.sort(ours)[::-1][:TOP]
            # The same pages; where two of ours are closer than float16 tells apart, either order.
            np.testing.assert_allclose(ours[[ids.index(name) for name, _ in found]], best, atol=5e-3)
            np.testing.assert_allclose([score for _, score in found], best, atol=5e-3)


def test_points_carry_the_page(client: QdrantClient) -> None:
    paths = models.Filter(must=[models.FieldCondition(key="page", match=models.MatchValue(value=13))])
    points, _ = client.scroll("docsearch", scroll_filter=paths, limit=100)
    payloads = [
        point.payload for point in points if point.payload and point.payload["path"] == "annual-report-2023.pdf"
    ]
    assert len(payloads) == 1
    assert "Revenue" in payloads[0]["text"]


def test_a_second_export_sends_nothing(
    client: QdrantClient, sample_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "upsert", lambda *_, **__: pytest.fail("a page was sent again"))
    with open_index(sample_index) as index:
        done = qdrant.export(index.snapshot, client, "docsearch")
        assert done.pages_before == done.pages == len(index.snapshot)


def test_pages_that_ocr_has_read_since_are_sent_again_with_what_read_them(tmp_path: Path) -> None:
    client = QdrantClient(":memory:")
    nothing = PageWords((), np.zeros((0, 4), np.float32))
    for engine, sent in (("", 2), ("Tesseract 5.3.0, eng", 1)):
        read = OcrText(engine, nothing) if engine else None
        texts, index = ["net income" if engine else "", "gross income"], tmp_path / f"index{sent}"
        toy_words.write(index, {"a.pdf": [[1, 2], [3, 4]]}, texts={"a.pdf": texts}, ocr={"a.pdf": [read, None]})
        with open_snapshot(index) as snapshot:
            done = qdrant.export(snapshot, client, "docsearch")
        assert done.pages - done.pages_before == sent
        points, _ = client.scroll("docsearch", limit=9)
        found = sorted((point.payload["page"], point.payload["ocr_engine"]) for point in points if point.payload)
        assert found == [(1, engine), (2, "")]


def test_a_page_that_is_too_large_is_named_before_anything_is_sent(
    sample_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qdrant, "NUMBERS_MAX", 1000)
    client = QdrantClient(":memory:")
    with open_index(sample_index) as index, pytest.raises(UsageError, match=r"page \d+: has .* --pool 2"):
        qdrant.export(index.snapshot, client, "docsearch")
    assert not client.collection_exists("docsearch")


def test_a_collection_with_other_vectors_is_left_alone(sample_index: Path) -> None:
    client = QdrantClient(":memory:")
    client.create_collection("docsearch", models.VectorParams(size=4, distance=models.Distance.COSINE))
    with open_index(sample_index) as index, pytest.raises(UsageError, match="is there with other vectors"):
        qdrant.export(index.snapshot, client, "docsearch")


def test_no_server_is_said_so() -> None:
    with pytest.raises(UsageError, match="no Qdrant server answers there"):
        qdrant.connect("http://127.0.0.1:9")
