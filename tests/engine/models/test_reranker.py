"""Cross-encoders as stage 3, with tiny random weights: scores, refusals, and the commands that take --rerank."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification
from typer.testing import CliRunner

import tiny_sentence_transformers as tiny
from docsearch.cli import app
from docsearch.engine.errors import UsageError
from docsearch.engine.hits import Hits
from docsearch.engine.models.reranker import Reranker
from docsearch.engine.ranking.third_stage import ThirdStage
from docsearch.engine.records import F32, U8, Hit, PageRef
from docsearch.engine.searcher import open_searcher

TEXTS = ("revenue of the year", "", "minutes of the board")


def write(folder: Path, *, labels: int = 1) -> Path:
    """A cross-encoder as transformers saves it."""
    tokenizer = tiny.word_tokenizer()
    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(tokenizer), num_labels=labels, initializer_range=0.5, **tiny.BACKBONES["bert"])
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("models") / "reranker")


def test_scores_are_those_of_transformers_and_equal_on_two_openings(model: Path, tmp_path: Path) -> None:
    network = BertForSequenceClassification.from_pretrained(model).eval()
    tokenizer = AutoTokenizer.from_pretrained(model)
    inputs = tokenizer("revenue", TEXTS[0], return_tensors="pt")
    with torch.no_grad():
        wanted = torch.sigmoid(network(**inputs).logits)[0, 0].item()
    first, second = (Reranker.open(str(model), device="cpu").scores("revenue", TEXTS) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first[0] == pytest.approx(wanted, abs=0.02)
    assert first[1] == 0
    CrossEncoder(str(model), device="cpu").save(str(tmp_path / "saved"))
    saved = Reranker.open(str(tmp_path / "saved"), device="cpu").scores("revenue", TEXTS)
    np.testing.assert_allclose(saved, first, atol=1e-3)


def test_models_that_are_no_cross_encoders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds BertModel; --rerank takes a cross-encoder"):
        Reranker.open(str(tiny.write_backbone(tmp_path / "bare")))
    with pytest.raises(UsageError, match="no such folder"):
        Reranker.open(str(tmp_path / "nothing"))
    classes = Reranker.open(str(write(tmp_path / "classes", labels=3)), device="cpu")
    with pytest.raises(UsageError, match="a classifier of 3 classes, not a reranker"):
        classes.scores("a", ["b"])
    (write(tmp_path / "empty") / "model.safetensors").unlink()
    with pytest.raises(UsageError, match=r"holds no \*\.safetensors"):
        Reranker.open(str(tmp_path / "empty"))


class ByLength:
    """The longer a text, the better."""

    reads_pictures = False

    def scores(self, question: str, pages: Sequence[str | U8]) -> F32:
        return np.array([len(page) / 100 for page in pages], np.float32)


def found(*scores: float) -> Hits:
    hits = [Hit(PageRef("d", "d.pdf", page), score, page) for page, score in enumerate(scores, 1)]
    return Hits(hits, "q", confidence=0.5, no_good_match=True)


def test_the_first_hits_are_reordered_and_the_others_follow() -> None:
    lengths = {1: 10, 2: 30, 3: 20, 4: 99, 5: 99}
    answer = ThirdStage(ByLength(), 3).answer(
        found(0.9, 0.8, 0.7, 0.6, 0.3), "q", 5, lambda ref: "x" * lengths[ref.page]
    )
    assert [(hit.ref.page, hit.rank) for hit in answer] == [(2, 1), (3, 2), (1, 3), (4, 4), (5, 5)]
    np.testing.assert_allclose([hit.score for hit in answer], [0.3, 0.2, 0.1, 0.1, 0.05], atol=1e-6)
    assert (answer.confidence, answer.no_good_match) == (None, False)


def test_equal_scores_stay_in_order_and_queries_without_words_as_they_are() -> None:
    stage = ThirdStage(ByLength(), 9)
    answer = stage.answer(found(0.9, 0.8, 0.7), "q", 2, lambda _: "same")
    assert [hit.ref.page for hit in answer] == [1, 2]
    unread = stage.answer(found(0.9, 0.8, 0.7), " ", 2, lambda _: pytest.fail("a text was read"))
    assert [hit.score for hit in unread] == [0.9, 0.8]


def test_the_searcher_looks_as_deep_as_the_reranker_reads(sample_index: Path) -> None:
    with open_searcher(sample_index) as searcher:
        plain = searcher.search("revenue chart 2023", k=12)
        stage = ThirdStage(ByLength(), 12)
        top = searcher.search("revenue chart 2023", k=3, rerank=stage)
        lengths = [len(searcher.text(hit.ref)) for hit in plain]
        assert [len(searcher.text(hit.ref)) for hit in top] == sorted(lengths, reverse=True)[:3]
        assert len(top) == 3


def test_commands_rerank(model: Path, sample_index: Path, tmp_path: Path) -> None:
    run = CliRunner()
    common = ["--index", str(sample_index), "--rerank", str(model), "--device", "cpu"]
    done = run.invoke(app, ["query", "revenue chart 2023", "-k", "4", "--json", *common])
    assert done.exit_code == 0, done.output
    hits = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(hits) == 4
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    assert hits[0]["confidence"] is None
    (tmp_path / "queries.txt").write_text("revenue chart\ninvoice total\n")
    out = tmp_path / "out.jsonl"
    done = run.invoke(app, ["batch", str(tmp_path / "queries.txt"), "-o", str(out), "-k", "2", *common])
    assert done.exit_code == 0, done.output
    answers = [json.loads(line) for line in out.read_text().splitlines()]
    assert answers[0]["run"]["rerank"] == f"{model}, 20 hits"
    rows = [{"query": "revenue chart 2023", "path": "annual-report-2023.pdf", "page": 6}]
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = run.invoke(app, ["eval", str(tmp_path / "questions.jsonl"), "--json", *common])
    assert done.exit_code == 0, done.output
    assert "reranked" in done.stdout
