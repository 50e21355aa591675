"""Fine-tuning pixel: it learns words that no page prints, keeps reading, and opens from its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docsearch.engine.errors import EncoderMismatch, UsageError
from docsearch.engine.models import registry
from docsearch.engine.models.pixel.queries import PixelQueries
from docsearch.engine.records import PageImage, PageRef
from docsearch.engine.searcher import open_searcher
from docsearch.indexer import pipeline
from docsearch.training.finetune import rows
from docsearch.training.finetune.loop import Settings
from docsearch.training.finetune.pages import draw
from docsearch.training.finetune.pixel import PixelTrainee
from docsearch.training.finetune.run import fine_tune

PAIRS = {"Hafen": "harbour", "Brücke": "bridge", "Vertrag": "treaty", "Gehalt": "salary", "Kupfer": "copper",
    "Geige": "violin", "Mauer": "rampart", "Ofen": "furnace"}  # fmt: skip
SETTINGS = Settings(steps=40, batch=8, negatives=1, eval_every=20, save_every=20)
MIN_RECALL = 0.75
"""Six of the eight words: the network is small."""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`pages.pdf` with a German word on each page, and rows that ask for its English one."""
    import pymupdf

    folder = tmp_path_factory.mktemp("pixel")
    document = pymupdf.open()
    lines = []
    for number, (german, english) in enumerate(PAIRS.items(), 1):
        document.new_page(width=130, height=60).insert_text((20, 35), german, fontsize=10)
        negative = {"image": "pages.pdf", "page": number % len(PAIRS) + 1}
        lines.append({"query": english, "image": "pages.pdf", "page": number, "negatives": [negative]})
    document.save(folder / "pages.pdf")
    document.close()
    (folder / "rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return folder


@pytest.fixture(scope="module")
def trained(toy: Path) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    data = toy / "rows.jsonl"
    fine_tune(
        "pixel", data, toy / "ours", SETTINGS, measured=data, device="cpu", on_event=lambda e: events.append({**e})
    )
    return events


def first_pages(model: str, toy: Path, index: Path, questions: list[str]) -> list[int]:
    """The page number of each question's first hit in an index made with `model`; 0 without a hit."""
    pipeline.index_documents([toy / "pages.pdf"], index, model=model, device="cpu")
    with open_searcher(index) as searcher:
        return [hits[0].ref.page if (hits := searcher.search(question, k=1)) else 0 for question in questions]


def test_it_learns_words_that_the_pages_do_not_print(trained: list[dict[str, Any]], toy: Path, tmp_path: Path) -> None:
    first, *_, last = [event for event in trained if event["event"] == "evaluation"]
    assert first["recall_at_1"] <= 0.5
    assert last["recall_at_1"] == 1
    numbers = np.arange(1, len(PAIRS) + 1)
    questions = list(PAIRS.values())
    assert np.mean(first_pages("pixel", toy, tmp_path / "before", questions) == numbers) <= 0.5  # some by chance
    assert np.mean(first_pages(str(toy / "ours"), toy, tmp_path / "after", questions) == numbers) >= MIN_RECALL


def test_it_still_reads_after_training(
    trained: list[dict[str, Any]], toy: Path, sample_docs: Path, tmp_path: Path
) -> None:
    numbers = np.arange(1, len(PAIRS) + 1)
    assert np.mean(first_pages(str(toy / "ours"), toy, tmp_path / "index", list(PAIRS)) == numbers) >= MIN_RECALL
    pipeline.index_documents(
        [sample_docs / "invoice-20418.pdf"], tmp_path / "other", model=str(toy / "ours"), device="cpu"
    )
    with open_searcher(tmp_path / "other") as searcher:
        assert searcher.search("total amount due", k=1)[0].score > 0.6


def test_the_folder_is_a_model_of_its_own_with_the_same_word_vectors(
    trained: list[dict[str, Any]], toy: Path, tmp_path: Path
) -> None:
    ours = str(toy / "ours")
    spec, shipped = registry.find_spec(ours), registry.find_spec("pixel")
    assert (spec.name, spec.revision) != (shipped.name, shipped.revision)
    opened, base = (registry.load_query_encoder(name).encode_query("harbour") for name in (ours, "pixel"))
    np.testing.assert_array_equal(opened.vectors, base.vectors)
    pipeline.index_documents([toy / "pages.pdf"], tmp_path / "index", model=ours, device="cpu")
    with pytest.raises(EncoderMismatch):
        pipeline.index_documents([toy / "pages.pdf"], tmp_path / "index", model="pixel", device="cpu")
    with open_searcher(tmp_path / "index") as searcher:
        assert isinstance(searcher.encoder, PixelQueries)
        assert searcher.encoder.spec == spec
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut/vision.safetensors").write_bytes((toy / "ours/vision.safetensors").read_bytes())
    with pytest.raises(UsageError, match=r"text\.safetensors cannot be read"):
        registry.find_spec(str(tmp_path / "cut"))


def test_before_training_its_page_vectors_are_the_engines(toy: Path) -> None:
    read = rows.read(toy / "rows.jsonl")[0]
    trainee = PixelTrainee(None, device="cpu")
    drawn = draw([(toy / "rows.jsonl", read)], toy / "drawn", trainee.spec, renderer="mupdf")
    pages = [trainee.read_page(drawn.pixels(row.positive)) for row in read]
    for _, (vectors,) in trainee.embed(pages):
        assert len(vectors.multi) > 0
        assert vectors.penalty is not None
        assert float(vectors.penalty.detach()) == pytest.approx(0, abs=1e-6)
    engine = registry.load_page_encoder("pixel", device="cpu")
    for (_, (vectors,)), row in zip(trainee.embed(pages), read, strict=True):
        image = PageImage(PageRef("", "", 1), drawn.pixels(row.positive), 165.0)
        found = engine.encode_pages([image]).vectors.vectors.values.astype(np.float32)
        # Not exactly equal: the engine crops to the inked part of the page, and reads large print in another pass.
        assert (found @ vectors.multi.detach().numpy().T).max(axis=0).mean() > 0.9


def test_questions_without_a_word_are_named_by_their_lines(toy: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text(json.dumps({"query": "?!", "image": str(toy / "pages.pdf"), "page": 1}) + "\n")
    with pytest.raises(UsageError, match=r"bad\.jsonl:1: .*no word"):
        fine_tune("pixel", tmp_path / "bad.jsonl", tmp_path / "out", SETTINGS, device="cpu")


def test_models_that_cannot_be_trained_are_refused(toy: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="docsearch trains pixel and jina-embeddings-v4"):
        fine_tune("vidore/colpali-v1.3", toy / "rows.jsonl", tmp_path / "out", SETTINGS)
    assert not (tmp_path / "out").exists()
