"""Models opened with sentence-transformers, from their folders to hits and heat maps, with tiny random weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    ColModernVBertForRetrieval,
    ColModernVBertProcessor,
    ColPaliForRetrieval,
    ColPaliProcessor,
    ColQwen2ForRetrieval,
    ColQwen2Processor,
)
from typer.testing import CliRunner

import tiny_jina
import tiny_late
from docsearch.cli import app
from docsearch.engine.errors import EncoderMismatch, UsageError
from docsearch.engine.models import registry
from docsearch.engine.models.multivector import MultiVector
from docsearch.engine.records import PageImage, PageRef, Query
from docsearch.engine.searcher import Searcher, open_searcher
from docsearch.indexer import pipeline

QUERIES = ("revenue of the year", "the chart")
SAMPLES = ("annual-report-2023.pdf", "receipt.jpg", "posters.pdf")
MODELS: dict[str, tuple[Callable[[Path], Path], Any, Any]] = {
    "colpali": (tiny_late.write_colpali, ColPaliForRetrieval, ColPaliProcessor),
    "colqwen2": (tiny_late.write_colqwen2, ColQwen2ForRetrieval, ColQwen2Processor),
    "colmodernvbert": (tiny_late.write_colmodernvbert, ColModernVBertForRetrieval, ColModernVBertProcessor),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_late.write_colqwen2(tmp_path_factory.mktemp("models") / "colqwen2")


@pytest.fixture(scope="module")
def encoder(folder: Path) -> MultiVector:
    return MultiVector.open(str(folder), device="cpu")


@pytest.fixture(scope="module")
def index(folder: Path, sample_docs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("index")
    report = pipeline.index_documents(
        [sample_docs / name for name in SAMPLES], out / "index", model=str(folder), device="cpu"
    )
    assert report.failed == ()
    return out / "index"


@pytest.fixture
def searcher(index: Path) -> Iterator[Searcher]:
    with open_searcher(index) as opened:
        yield opened


def page(height: int, width: int) -> PageImage:
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return PageImage(PageRef("d", "d.pdf", height), pixels, 100.0)


@pytest.mark.parametrize("name", MODELS)
def test_vectors_are_those_of_the_published_architecture(name: str, tmp_path: Path) -> None:
    write, network_type, processor_type = MODELS[name]
    folder = write(tmp_path / name)
    encoder = MultiVector.open(str(folder), device="cpu")
    network, processor = network_type.from_pretrained(folder).eval(), processor_type.from_pretrained(folder)

    def oracle(inputs: Any) -> np.ndarray:
        with torch.no_grad():
            return network(**inputs).embeddings[0].float().numpy()

    pages = [page(200, 150), page(90, 300)]
    got = encoder.encode_pages(pages)
    for vectors, each in zip(got.vectors.vectors, pages, strict=True):
        wanted = oracle(processor.process_images(images=[Image.fromarray(each.pixels)]))
        np.testing.assert_allclose(vectors, wanted, atol=0.03)
    for query, text in zip(encoder.encode_queries(QUERIES), QUERIES, strict=True):
        np.testing.assert_allclose(query.vectors, oracle(processor.process_queries(text=[text])), atol=0.03)
        assert text in "".join(query.tokens)
    assert encoder.spec.dim == tiny_late.DIM == got.vectors.vectors.values.shape[1]
    assert got.vectors.single.shape == (2, 0)
    for special in processor.tokenizer.all_special_tokens:
        assert f"{special[0]} {special[1:]} chart" in "".join(encoder.encode_query(f"{special} chart").tokens)


def test_boxes_of_tiles_are_where_the_tiles_were_cut(tmp_path: Path) -> None:
    encoder = MultiVector.open(str(tiny_late.write_colmodernvbert(tmp_path / "tiles")), device="cpu")
    got = encoder.encode_pages([page(3 * 84, 2 * 84)]).vectors
    side, rows, columns = tiny_late.TILE_SIDE, 3, 2
    placed = got.boxes[(got.boxes != [0, 0, 65535, 65535]).any(axis=1)] / 65535
    tiles, whole = np.split(placed, [rows * columns * side**2])
    assert len(whole) == side**2
    areas = (tiles[:, 2] - tiles[:, 0]) * (tiles[:, 3] - tiles[:, 1])
    np.testing.assert_allclose(areas.sum(), 1, atol=1e-3)
    assert len(np.unique(tiles.round(4), axis=0)) == len(tiles)
    second = tiles[side**2 : 2 * side**2]
    corners = [*second[:, :2].min(axis=0), *second[:, 2:].max(axis=0)]
    np.testing.assert_allclose(corners, [1 / 2, 0, 1, 1 / 3], atol=1e-4)
    np.testing.assert_allclose(whole[-1], [2 / 3, 2 / 3, 1, 1], atol=1e-4)


def test_boxes_tile_the_page_in_the_order_of_the_squares(encoder: MultiVector) -> None:
    got = encoder.encode_pages([page(196, 140)]).vectors
    placed = got.boxes[(got.boxes != [0, 0, 65535, 65535]).any(axis=1)] / 65535
    assert len(placed) == 7 * 5
    np.testing.assert_allclose(placed[0], [0, 0, 1 / 5, 1 / 7], atol=1e-4)
    np.testing.assert_allclose(placed[6], [1 / 5, 1 / 7, 2 / 5, 2 / 7], atol=1e-4)
    np.testing.assert_allclose(placed[-1], [4 / 5, 6 / 7, 1, 1], atol=1e-4)


def test_two_stages_find_what_exact_search_finds(searcher: Searcher) -> None:
    pages = len(searcher.snapshot)
    for query in QUERIES:
        exact = searcher.search(query, k=5, exact=True)
        assert searcher.search(query, k=5, candidates=pages) == exact
        staged = searcher.search(query, k=5, candidates=pages // 2)
        assert {hit.ref: hit.score for hit in staged if hit in exact}.items() <= {h.ref: h.score for h in exact}.items()
        # With random weights, pages have nearly the same score, so stage 1 may miss some.
        assert staged[0] == exact[0]
        assert len({hit.ref for hit in staged} & {hit.ref for hit in exact}) >= 3


def test_a_batch_of_queries_is_one_pass_and_scores_as_each_alone(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = [searcher.search(query, k=3) for query in QUERIES]
    assert isinstance(searcher.encoder, MultiVector)
    monkeypatch.setattr(MultiVector, "encode_query", lambda *_: pytest.fail("a query was embedded alone"))
    batch = [Query(str(i), query) for i, query in enumerate(QUERIES)]
    for (_, hits), wanted in zip(searcher.search_many(batch, k=3), alone, strict=True):
        assert [hit.ref for hit in hits] == [hit.ref for hit in wanted]
        np.testing.assert_allclose([hit.score for hit in hits], [hit.score for hit in wanted], atol=5e-3)


def test_an_empty_query_of_a_batch_does_not_affect_the_others(searcher: Searcher) -> None:
    batch = [Query(str(i), query) for i, query in enumerate(("", *QUERIES))]
    counts = [len(hits) for _, hits in searcher.search_many(batch, k=3)]
    assert counts == [0, 3, 3]


def test_a_page_as_a_picture_finds_itself(searcher: Searcher, sample_docs: Path) -> None:
    pixels = np.asarray(Image.open(sample_docs / "receipt.jpg").convert("RGB"))
    assert searcher.search("", k=1, image=pixels)[0].ref.path == "receipt.jpg"


def test_heat_map_is_drawn_where_the_grid_is_known(
    searcher: Searcher, sample_docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hit, *_) = searcher.search(QUERIES[0], k=1)
    blank = np.full((300, 200, 3), 255, np.uint8)
    assert (searcher.heatmap(QUERIES[0], hit.ref, blank) != blank).any()
    whole = np.tile(np.array([0, 0, 65535, 65535], np.uint16), (9, 1))
    monkeypatch.setattr(type(searcher.snapshot), "boxes", lambda *_: whole)
    with pytest.raises(UsageError, match="does not tell where on a page"):
        searcher.heatmap(QUERIES[0], hit.ref, blank)


def test_index_of_other_weights_is_refused(index: Path, folder: Path, tmp_path: Path) -> None:
    tiny_late.write_colqwen2(tmp_path / "other", seed=1)
    kept = tmp_path / "kept"
    shutil.copytree(folder, kept)
    try:
        shutil.copy(tmp_path / "other/model.safetensors", folder)
        with pytest.raises(EncoderMismatch):
            open_searcher(index)
    finally:
        shutil.copy(kept / "model.safetensors", folder)


def test_models_are_listed_with_their_licence_and_size() -> None:
    done = CliRunner().invoke(app, ["models", "--json"])
    listed = {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert listed["ModernVBERT/colmodernvbert-merged"]["licence"] == "MIT"
    assert listed["vidore/colqwen2-v1.0-hf"]["single_dim"] == 0
    assert "0.5 GB" in CliRunner().invoke(app, ["models"]).stdout


def test_the_error_for_an_incomplete_folder_says_what_is_missing(tmp_path: Path, folder: Path) -> None:
    shutil.copytree(folder, tmp_path / "cut")
    (tmp_path / "cut/model.safetensors").unlink()
    with pytest.raises(UsageError, match=r"holds no \*\.safetensors"):
        registry.find_spec(str(tmp_path / "cut"))
    shutil.copytree(folder, tmp_path / "odd")
    (tmp_path / "odd/tokenizer.json").unlink()
    with pytest.raises(UsageError, match="has no tokenizer"):
        registry.load_page_encoder(str(tmp_path / "odd"), device="cpu")


def test_jina_embeddings_v4_stays_itself_beside_files_for_sentence_transformers(tmp_path: Path) -> None:
    folder = tiny_jina.write(tmp_path / "jina")
    (folder / "modules.json").write_text("[]", "utf-8")
    assert registry.family(str(folder)) is registry.Family.JINA_V4
