"""Fine-tuning on texts: passages that answer questions, and pairs with scores, beside rows with pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny_jina
import toy_rows
from docsearch.engine.errors import UsageError
from docsearch.engine.models.jina_v4.encoder import JinaV4
from docsearch.training.finetune import loop, objective, rows, schedule
from docsearch.training.finetune.evaluation import spearman
from docsearch.training.finetune.run import fine_tune

STEPS = 24
SETTINGS = loop.Settings(steps=STEPS, batch=6, negatives=1, learning_rate=5e-3, eval_every=STEPS, save_every=6)


def texts(folder: Path) -> Path:
    """Questions with passages, pairs with scores and, beside them, questions with pictures; in one file."""
    pictures = [json.loads(line) for line in toy_rows.write(folder, count=6).read_text().splitlines()]
    words = toy_rows.WORDS
    passages = [
        {"query": f"find {word}", "text": f"about {words[-1 - i]} and more", "negatives": [{"text": f"not {word}"}]}
        for i, word in enumerate(words[:6])
    ]
    pairs = [{"pair": [f"a {words[i]}", f"one {words[i * 5 % 14]}"], "score": i % 4} for i in range(8)]
    file = folder / "texts.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in (*pictures, *passages, *pairs)))
    return file


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts")
    texts(folder)
    tiny_jina.write(folder / "jina")
    return folder


def learn(toy: Path, out: Path, *, stop_at: int | None = None) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []

    def record(event: loop.Event) -> None:
        events.append(dict(event))
        if event["event"] == "step" and event["step"] == stop_at:
            raise KeyboardInterrupt

    data = toy / "texts.jsonl"
    fine_tune(f"{toy / 'jina'},task=text-matching", data, out, SETTINGS, measured=data, device="cpu", on_event=record)
    return events


@pytest.fixture(scope="module")
def trained(toy: Path) -> list[dict[str, Any]]:
    return learn(toy, toy / "out")


def losses(events: list[dict[str, Any]]) -> dict[int, float]:
    return {event["step"]: event["loss"] for event in events if event["event"] == "step"}


def test_losses_of_passages_and_of_pairs_fall(trained: list[dict[str, Any]]) -> None:
    of_pairs = [schedule.turn(step, 12, 8)[0] for step in range(STEPS)]
    assert 0 < sum(of_pairs) < STEPS
    steps = losses(trained)
    for wanted in (True, False):
        found = [steps[step + 1] for step, is_pair in enumerate(of_pairs) if is_pair is wanted]
        assert np.mean(found[-3:]) < 0.7 * np.mean(found[:3])
    first, last = (event for event in trained if event["event"] == "evaluation")
    assert last["recall_at_1"] > first["recall_at_1"]
    assert last["single_spearman"] > first["single_spearman"]
    assert (last["queries"], last["pairs"]) == (12, 8)


def test_a_run_with_texts_resumes_to_equal_losses(toy: Path, trained: list[dict[str, Any]]) -> None:
    out = toy / "resumed"
    with pytest.raises(KeyboardInterrupt):
        learn(toy, out, stop_at=9)
    again = losses(learn(toy, out))
    assert min(again) == 7
    assert again == {step: loss for step, loss in losses(trained).items() if step >= 7}


def test_the_trained_model_opens_with_its_task(toy: Path, trained: list[dict[str, Any]]) -> None:
    assert trained
    before, after = (
        JinaV4.open(f"{toy / name},task=text-matching", device="cpu").encode_texts(["a harbour"]).single
        for name in ("jina", "out")
    )
    assert np.abs(before - after).max() > 1e-3


def test_cosent_is_its_formula() -> None:
    scores, gold = torch.tensor([0.2, 0.9, 0.4, 0.4]), torch.tensor([1.0, 0.0, 1.0, 3.0])
    total = 1.0
    for i in range(4):
        for j in range(4):
            if gold[i] > gold[j]:
                total += float(torch.exp((scores[j] - scores[i]) / 0.1))
    assert float(objective.cosent(scores, gold, 0.1)) == pytest.approx(np.log(total), rel=1e-5)


def test_pairs_with_one_score_have_no_loss_and_a_gradient_of_zero() -> None:
    scores = torch.tensor([0.2, 0.9], requires_grad=True)
    loss = objective.cosent(scores, torch.ones(2), 0.1)
    loss.backward()
    assert float(loss.detach()) == 0
    assert scores.grad is not None
    assert not scores.grad.any()


def test_questions_are_compared_with_answers_of_their_kind(toy: Path) -> None:
    read, pairs = rows.read(toy / "texts.jsonl")
    assert (len(read), len(pairs)) == (12, 8)
    batch = schedule.batch(read, schedule.answers_by_query(read), 0, size=12, negatives=1, seed=1)
    of_query = {row.query: row for row in read}
    for query, excluded in zip(batch.queries, batch.task.excluded.tolist(), strict=True):
        kind = type(of_query[query].positive)
        compared = [page for page, is_excluded in zip(batch.pages, excluded, strict=True) if not is_excluded]
        assert {type(page) for page in compared} == {kind}


def test_rows_and_pairs_come_in_turn_in_proportion_to_their_numbers() -> None:
    turns = [schedule.turn(step, 30, 10) for step in range(400)]
    assert sum(is_pair for is_pair, _ in turns) == 100
    for wanted in (True, False):
        assert [own for is_pair, own in turns if is_pair is wanted] == list(range(100 if wanted else 300))
    assert [schedule.turn(step, 5, 0) for step in (0, 7)] == [(False, 0), (False, 7)]


def test_rank_correlation_with_ties() -> None:
    assert spearman([0.1, 0.5, 0.3], [1, 3, 2]) == pytest.approx(1)
    assert spearman([1, 2, 2, 3], [1, 2, 2, 1]) == pytest.approx(0)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"query": "a", "text": " "}, "'text' is empty"),
        ({"query": "a", "text": "b", "image": "c.png"}, "both 'image' and 'text'"),
        ({"query": "a", "text": "b", "negatives": [{"text": "b"}]}, "negative 1 is the text that answers"),
        ({"pair": ["a"], "score": 1}, "not a list of two texts"),
        ({"pair": ["a", "b"]}, "'score' is missing"),
        ({"pair": ["a", "b"], "score": "high"}, "not a number"),
    ],
)
def test_rows_that_cannot_be_used_are_told(tmp_path: Path, row: dict[str, object], says: str) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(UsageError, match=says):
        rows.read(tmp_path / "rows.jsonl")


def test_pixel_is_trained_on_pages_only(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"query": "a", "text": "b"}\n{"pair": ["a", "b"], "score": 1}\n')
    with pytest.raises(UsageError, match=r"rows.jsonl:1: pixel is trained on pages.*rows.jsonl:2: "):
        fine_tune("pixel", tmp_path / "rows.jsonl", tmp_path / "out", SETTINGS, device="cpu")
