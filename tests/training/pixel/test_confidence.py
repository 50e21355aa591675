"""The fit of confidences: it finds the regression that made the data, and asks only what it may."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from docsearch.engine.models.pixel.text import PixelText
from docsearch.engine.models.pixel.words import split_words
from docsearch.training.pixel import confidence
from docsearch.training.pixel.confidence import Collection, balanced, calibration_error, fit, predict


def test_the_fit_finds_the_regression_that_made_the_data() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal([0, 10, 0.5], [1, 5, 0.2], (40_000, 3))
    made_by = np.array([0.4, 1.5, -0.2, 2.0])
    right = rng.random(len(features)) < predict(made_by, features)
    found = fit(features, right, np.ones(len(features)))
    assert found == pytest.approx(made_by, abs=0.15)
    assert calibration_error(predict(found, features), right, np.ones(len(features))) < 0.01
    assert calibration_error(predict(found, features) / 2, right, np.ones(len(features))) > 0.1


def test_questions_with_and_without_an_answer_count_the_same() -> None:
    answerable = np.array([True] * 3 + [False] * 9)
    weights = balanced(answerable)
    assert weights[answerable].sum() == pytest.approx(weights[~answerable].sum())
    assert weights.mean() == pytest.approx(1)


def test_questions_are_made_of_the_words_of_their_page(sample_index: Path) -> None:
    collection, text_model, rng = Collection(sample_index), PixelText.load(), random.Random(2)
    page = ("annual-report-2023.pdf", 2)
    made = [found for _ in range(60) if (found := collection.make(page, text_model, rng)) is not None]
    assert {kind for _, kind, _ in made} == {"line", "keywords", "sentence", "mismatch", "long"}
    assert all(words <= collection.distinct[page] for _, _, words in made)
    everything, nothing = frozenset(collection.documents), frozenset[str]()
    for _, kind, words in made:
        assert page in collection.answers(page, kind, words, everything)
        assert not collection.answers(page, kind, words, nothing)


def test_documents_of_one_family_are_in_one_fold(sample_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collection = Collection(sample_index)
    assert set(collection.folds(random.Random(1)).values()) == set(range(confidence.FOLDS))
    monkeypatch.setattr(confidence, "SAME_FAMILY", 0.0)  # every document shares a word with another one
    with_text = {fold for path, fold in collection.folds(random.Random(1)).items() if path in collection.pages_of}
    assert len(with_text) == 1


def test_drawn_questions_are_of_no_page(sample_index: Path) -> None:
    collection = Collection(sample_index)
    made = [*confidence._drawn(collection, collection.documents, random.Random(3))]
    assert len(made) == confidence.DRAWN
    assert not any(question.answers for question in made)
    words = set().union(*collection.distinct.values())
    assert all(words.isdisjoint(split_words(question.text)) for question in made)


@pytest.mark.slow
def test_the_sample_documents_give_a_calibration(
    sample_index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(confidence, "QUESTIONS", 20)
    monkeypatch.setattr(confidence, "SHARES", (1.0,))
    found = confidence.collect(sample_index, [], seed=1)
    assert found.features.shape == (len(found.right), 5)
    assert 0.3 < found.answerable.mean() < 0.7
    assert not found.right[~found.answerable].any()
    assert found.right[found.answerable].mean() > 0.6
    confidence.report(found)
    assert "bias, weights: " in capsys.readouterr().out
