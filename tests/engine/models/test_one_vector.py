"""Dense visual models: an index of one vector per page, searched by cosine alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pymupdf
import pytest
import torch
from PIL import Image
from transformers import CLIPModel, CLIPProcessor
from typer.testing import CliRunner

import tiny_sentence_transformers as tiny
from docsearch.cli import app
from docsearch.engine.errors import EncoderMismatch, UsageError
from docsearch.engine.models import registry
from docsearch.engine.records import PageImage, PageRef
from docsearch.engine.retrieval import dense
from docsearch.engine.searcher import open_searcher
from docsearch.indexer import pipeline, stages
from docsearch.indexer.report import Interrupted, Progress


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A document of 20 pages that look different."""
    folder = tmp_path_factory.mktemp("documents")
    with pymupdf.open() as document:
        for number in range(20):
            page = document.new_page(width=200, height=260)
            page.draw_rect((number * 5, 10 + number * 9, 190, 250), fill=(number / 20, (number * 7 % 20) / 20, 0.4))
        document.save(folder / "pages.pdf")
    return folder


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_clip(tmp_path_factory.mktemp("models") / "clip")


@pytest.fixture(scope="module")
def index(clip: Path, documents: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("index") / "index"
    report = pipeline.index_documents([documents], out, model=str(clip), device="cpu")
    assert (report.pages, report.failed) == (20, ())
    return out


def picture(height: int, width: int) -> PageImage:
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return PageImage(PageRef("d", "d.pdf", height), pixels, 100.0)


@pytest.mark.parametrize("name", tiny.DENSE_MODELS)
def test_two_openings_give_equal_vectors_of_unit_length(name: str, tmp_path: Path) -> None:
    folder = str(tiny.DENSE_MODELS[name](tmp_path / "model"))
    pages, queries = [], []
    for _ in range(2):
        encoder = registry.load_encoder(folder, device="cpu")
        embedded = encoder.encode_pages([picture(80, 60), picture(60, 90)]).vectors
        pages.append(embedded.single)
        queries.append(encoder.encode_query("revenue chart").single)
    assert encoder.spec.dim == 0
    assert pages[0].shape == (2, encoder.spec.single_dim)
    assert len(embedded.vectors.values) == 0
    np.testing.assert_array_equal(*pages)
    np.testing.assert_array_equal(*queries)
    np.testing.assert_allclose(np.linalg.norm(pages[0].astype(np.float32), axis=1), 1, atol=2e-3)


def test_vectors_are_those_of_transformers(clip: Path) -> None:
    encoder = registry.load_encoder(str(clip), device="cpu")
    network, processor = CLIPModel.from_pretrained(clip).eval(), CLIPProcessor.from_pretrained(clip)
    page = picture(80, 60)
    inputs = processor(images=[Image.fromarray(page.pixels)], text=["revenue"], return_tensors="pt", padding=True)
    with torch.no_grad():
        wanted = network(**inputs)
    got = encoder.encode_pages([page]).vectors.single[0]
    np.testing.assert_allclose(got, wanted.image_embeds[0].float().numpy(), atol=0.03)
    np.testing.assert_allclose(encoder.encode_query("revenue").single, wanted.text_embeds[0].float().numpy(), atol=0.03)


def test_pages_are_ranked_by_their_cosine(index: Path, clip: Path) -> None:
    query = registry.load_encoder(str(clip), device="cpu").encode_query("revenue chart").single
    with open_searcher(index) as searcher:
        cosines = searcher.snapshot.dense_vectors().astype(np.float32) @ query
        hits = searcher.search("revenue chart", k=20)
        order = np.argsort(-cosines, kind="stable")
        assert [hit.ref for hit in hits[:5]] == searcher.snapshot.refs(order[:5])
        np.testing.assert_allclose([hit.score for hit in hits], (1 + np.sort(cosines)[::-1]) / 2, atol=1e-5)
        assert searcher.search("revenue chart", k=20, exact=True) == hits
        scores = searcher.scores("revenue chart", [hit.ref for hit in hits])
        np.testing.assert_allclose(scores, [hit.score for hit in hits], atol=1e-5)
        assert searcher.search("revenue chart", k=3, path="none.pdf") == []
        assert searcher.info()["search"] == "one vector per page: no MaxSim, no heat maps"


def test_codes_of_large_collections_and_exact_search_agree(
    index: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with open_searcher(index) as scanned:
        wanted = scanned.search("revenue", k=5)
    monkeypatch.setattr(dense, "EXACT_PAGES", 8)
    shutil.copytree(index, tmp_path / "index")
    shutil.rmtree(tmp_path / "index/cache", ignore_errors=True)
    with open_searcher(tmp_path / "index") as searcher:
        searcher.prepare()
        assert searcher.first_stage.candidates.dense_index is not None
        assert searcher.first_stage.candidates.dense_index.parts
        assert searcher.search("revenue", k=5, exact=True) == wanted
        assert searcher.search("revenue", k=5)[0] == wanted[0]


def test_a_page_and_its_picture_find_it(index: Path, documents: Path) -> None:
    with open_searcher(index) as searcher, pymupdf.open(documents / "pages.pdf") as document:
        drawn = document[7].get_pixmap(dpi=200)
        pixels = np.frombuffer(drawn.samples, np.uint8).reshape(drawn.height, drawn.width, 3)
        (seen,) = searcher.search("", image=pixels, k=1)
        assert seen.ref.page == 8
        assert searcher.search("revenue", image=pixels, k=1)
        alike = searcher.more_like(seen.ref, k=3)
        assert len(alike) == 3
        assert seen not in alike
        with pytest.raises(UsageError, match="has one vector per page: leave the region out"):
            searcher.more_like(seen.ref, (0.1, 0.1, 0.5, 0.5))


def test_there_is_no_heat_map_and_the_error_says_why(index: Path) -> None:
    with open_searcher(index) as searcher:
        (hit,) = searcher.search("revenue", k=1)
        with pytest.raises(UsageError, match="has one vector per page, so there is no heat map"):
            searcher.heatmap("revenue", hit.ref, np.zeros((20, 20, 3), np.uint8))


def test_an_interrupted_run_continues_and_other_weights_are_refused(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "STORE_BACKLOG", 8)
    with pymupdf.open() as document:
        for number in range(60):  # more than are stored, encoded and waiting when 16 are told
            document.new_page(width=100, height=100).insert_text((20, 40), f"page {number}")
        document.save(tmp_path / "pages.pdf")
    documents = tmp_path / "pages.pdf"

    def stop(progress: Progress) -> None:
        if progress.pages >= 16:
            raise Interrupted

    with pytest.raises(Interrupted):
        pipeline.index_documents([documents], tmp_path / "index", model=str(clip), device="cpu", on_progress=stop)
    report = pipeline.index_documents([documents], tmp_path / "index", model=str(clip), device="cpu")
    assert 0 < report.pages < 60
    with pytest.raises(EncoderMismatch):
        pipeline.index_documents([documents], tmp_path / "index", model=f"{clip},dim=8", device="cpu")


def test_dim_keeps_the_first_numbers(clip: Path) -> None:
    whole = registry.load_encoder(str(clip), device="cpu").encode_query("revenue").single
    cut = registry.load_encoder(f"{clip},dim=8", device="cpu").encode_query("revenue").single
    np.testing.assert_allclose(cut, whole[:8] / np.linalg.norm(whole[:8]), atol=1e-6)


def test_the_commands_work_on_such_an_index(index: Path, clip: Path, documents: Path, tmp_path: Path) -> None:
    run = CliRunner()
    made = run.invoke(app, ["index", str(documents), "--index", str(tmp_path / "index"), "--model", str(clip)])
    assert made.exit_code == 0, made.output
    assert "one vector per page" in made.output
    for arguments in (["verify"], ["verify", "--loss"], ["info"], ["compact"], ["query", "revenue", "--json"]):
        done = run.invoke(app, [*arguments, "--index", str(index)])
        assert done.exit_code == 0, (arguments, done.output)
