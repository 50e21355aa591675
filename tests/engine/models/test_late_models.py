"""Late-interaction models of every layout and architecture: from the folder to hits, heat maps and resuming."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from safetensors.torch import load_file, save_file

import tiny_sentence_transformers as tiny
from docsearch.engine.errors import EncoderMismatch, UsageError
from docsearch.engine.models import registry
from docsearch.engine.models.encoder import ImageQueryEncoder
from docsearch.engine.records import PageImage, PageRef
from docsearch.engine.searcher import open_searcher
from docsearch.indexer import pipeline, stages
from docsearch.indexer.report import Interrupted, Progress

MODELS = {**tiny.TEXT_MODELS, **tiny.IMAGE_MODELS}
WORDS = ("revenue", "chart", "minutes", "board", "invoice", "total")
PAGES = 60
"""More than are stored when 16 are told, encoded, and wait to be stored, if 8 may wait."""


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A document of PAGES pages, each with words of its own, the last without any."""
    folder = tmp_path_factory.mktemp("documents")
    with pymupdf.open() as document:
        for number in range(PAGES):
            page = document.new_page(width=200, height=260)
            if number < PAGES - 1:
                page.insert_text((20, 40), f"{WORDS[number % 6]} {number} of {WORDS[(number * 5 + 1) % 6]}")
            page.draw_rect((20, 60 + number % 20 * 5, 120, 70 + number % 20 * 8), fill=(0.1, 0.2, number / PAGES))
        document.save(folder / "pages.pdf")
    return folder


@pytest.mark.parametrize("name", MODELS)
def test_a_model_indexes_answers_and_continues_where_it_stopped(
    name: str, documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "STORE_BACKLOG", 8)
    model = str(MODELS[name](tmp_path / "model"))

    def stop(progress: Progress) -> None:
        if progress.pages >= 16:
            raise Interrupted

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    report = pipeline.index_documents([documents], whole, model=model, device="cpu")
    assert (report.pages, report.failed) == (PAGES, ())
    with pytest.raises(Interrupted):
        pipeline.index_documents([documents], parts, model=model, device="cpu", on_progress=stop)
    report = pipeline.index_documents([documents], parts, model=model, device="cpu")
    assert 0 < report.pages < PAGES
    with open_searcher(whole) as searcher, open_searcher(parts) as continued:
        assert len(continued.snapshot) == PAGES
        hits = searcher.search("revenue of the board", k=5)
        again = continued.search("revenue of the board", k=5)
        np.testing.assert_allclose([hit.score for hit in hits], [hit.score for hit in again], atol=5e-3)
        blank = np.full((260, 200, 3), 255, np.uint8)
        if name in tiny.TEXT_MODELS:
            assert all(hit.ref.page != PAGES for hit in searcher.search("revenue", k=PAGES - 1))
            with pytest.raises(UsageError, match="does not tell where on a page"):
                searcher.heatmap("revenue", hits[0].ref, blank)
        else:
            assert (searcher.heatmap("revenue", hits[0].ref, blank) != blank).any()


@pytest.mark.parametrize("name", MODELS)
def test_two_openings_give_equal_vectors_and_other_weights_another_revision(name: str, tmp_path: Path) -> None:
    model = MODELS[name](tmp_path / "model")
    pixels = np.random.default_rng(0).integers(0, 256, (200, 150, 3), dtype=np.uint8)
    page = PageImage(PageRef("d", "d.pdf", 1), pixels, 100.0, "Revenue rose in the year.")
    pages, queries = [], []
    for _ in range(2):
        encoder = registry.load_encoder(str(model), device="cpu")
        pages.append(encoder.encode_pages([page]).vectors.vectors.values)
        queries.append(encoder.encode_query("revenue chart").vectors)
    np.testing.assert_array_equal(*pages)
    np.testing.assert_array_equal(*queries)
    assert pages[0].shape[1] == queries[0].shape[1] == encoder.spec.dim
    np.testing.assert_allclose(np.linalg.norm(queries[0], axis=1), 1, atol=1e-5)
    before, tensors = registry.find_spec(str(model)).revision, load_file(model / "model.safetensors")
    save_file({name: tensor + 1 for name, tensor in tensors.items()}, model / "model.safetensors")
    assert registry.find_spec(str(model)).revision != before


def test_prompts_and_chat_templates_count_towards_the_revision(tmp_path: Path) -> None:
    model = tiny.write_llava(tmp_path / "model")
    (template,) = model.rglob("chat_template.jinja")
    before = registry.find_spec(str(model)).revision
    template.write_text(template.read_text().replace("user", "person") + " ")
    assert registry.find_spec(str(model)).revision != before


def test_a_long_page_has_the_vectors_of_all_its_passages(tmp_path: Path) -> None:
    encoder = registry.load_encoder(str(tiny.write_stanford(tmp_path / "model")), device="cpu")
    text = " ".join(f"word{number}" for number in range(100))
    pages = [PageImage(PageRef("d", "d.pdf", 1), np.zeros((9, 9, 3), np.uint8), 100.0, text)]
    (vectors,) = encoder.encode_pages(pages).vectors.vectors
    letters = sum(character.isalnum() for character in text)
    assert len(vectors) > letters  # a token for each letter, and the markers of each passage
    (alone,) = encoder.encode_texts([text]).vectors
    np.testing.assert_allclose(vectors, alone, atol=1e-3)


def test_a_text_model_takes_no_pictures_as_queries(documents: Path, tmp_path: Path) -> None:
    model = str(tiny.write_stanford(tmp_path / "model"))
    assert not isinstance(registry.load_query_encoder(model), ImageQueryEncoder)
    pipeline.index_documents([documents], tmp_path / "index", model=model, device="cpu")
    with (
        open_searcher(tmp_path / "index") as searcher,
        pytest.raises(UsageError, match="accepts text queries only"),
    ):
        searcher.search("", image=np.zeros((20, 20, 3), np.uint8))


@pytest.mark.parametrize("width", [64, 100, 4096])
def test_vectors_of_any_width_are_stored_and_searched(width: int, documents: Path, tmp_path: Path) -> None:
    model = str(tiny.write_multi_vector_text(tmp_path / "model", width=width))
    assert registry.find_spec(model).dim == width
    for codec in ("float16", "int8", "int4", "binary"):
        index = tmp_path / codec
        pipeline.index_documents([documents], index, model=model, device="cpu", codec=codec)
        with open_searcher(index) as searcher:
            exact = searcher.search("revenue", k=3)
            assert len(exact) == 3
            assert searcher.search("revenue", k=3, candidates=20) == exact


def test_dim_keeps_the_first_numbers_of_each_vector(documents: Path, tmp_path: Path) -> None:
    model = str(tiny.write_multi_vector_text(tmp_path / "model"))
    whole = registry.load_encoder(model, device="cpu").encode_query("revenue").vectors
    encoder = registry.load_encoder(f"{model},dim=16", device="cpu")
    wanted = whole[:, :16] / np.linalg.norm(whole[:, :16], axis=1, keepdims=True)
    np.testing.assert_allclose(encoder.encode_query("revenue").vectors, wanted, atol=1e-6)
    pipeline.index_documents([documents], tmp_path / "index", model=f"{model},dim=16", device="cpu")
    with open_searcher(tmp_path / "index") as searcher:
        assert searcher.snapshot.fingerprint["name"] == f"{model},dim=16"
        assert searcher.search("revenue", k=1)
    with pytest.raises(EncoderMismatch):
        pipeline.index_documents([documents], tmp_path / "index", model=model, device="cpu")
    with pytest.raises(UsageError, match="dim=65, but its vectors have 64 numbers"):
        registry.find_spec(f"{model},dim=65")
    with pytest.raises(UsageError, match="dim must be a number above 0, not 'x'"):
        registry.find_spec(f"{model},dim=x")
    with pytest.raises(UsageError, match="unknown setting 'task=code'; use KEY=VALUE with dim"):
        registry.find_spec(f"{model},task=code")


def test_a_revision_of_a_folder_is_compared(tmp_path: Path) -> None:
    model = tiny.write_stanford(tmp_path / "model")
    revision = registry.find_spec(str(model)).revision
    assert registry.find_spec(f"{model}@{revision[:7]}").name == str(model)
    with pytest.raises(UsageError, match=f"@0000000: this folder is of revision {revision}"):
        registry.find_spec(f"{model}@0000000")
    shutil.copytree(model, tmp_path / "odd@name,dim=x")
    assert registry.find_spec(str(tmp_path / "odd@name,dim=x")).revision == revision


@pytest.mark.parametrize("name", tiny.TEXT_MODELS)
def test_models_of_text_find_lines_of_text_files(name: str, tmp_path: Path) -> None:
    model = str(tiny.TEXT_MODELS[name](tmp_path / "model"))
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/minutes.txt").write_text("\n".join(f"{WORDS[number % 6]} {number}" for number in range(400)))
    pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", model=model, device="cpu")
    with open_searcher(tmp_path / "index") as searcher:
        hits = searcher.search("revenue of the board", k=20)
        assert len(hits) > 2
        shown = sorted(hit.lines for hit in hits if hit.lines is not None)
        assert (shown[0][0], shown[-1][1]) == (1, 400)
        assert all(one[1] + 1 - other[0] in (0, 3) for one, other in itertools.pairwise(shown))
