"""The fit of what words match by chance finds the law that made the data; drawn words are of their kinds."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

import numpy as np
import pymupdf
import pytest

from docsearch.engine.models.pixel.calibration import CHANCE
from docsearch.training.pixel import chance, drawn_words, false_hits
from docsearch.training.pixel.chance import WordMaxima, fit, samples


def test_the_fit_finds_the_law_that_made_the_data() -> None:
    rng = np.random.default_rng(3)
    level, pages = rng.uniform(0.2, 0.5, 5000).astype(np.float32), rng.integers(2, 2000, 5000)
    best = (level + 0.02 + 0.03 * np.log(pages) + rng.normal(0, 0.04, 5000)).astype(np.float32)
    bias, per_log_page, residuals = fit(level, best, pages)
    assert (bias, per_log_page) == (pytest.approx(0.02, abs=0.01), pytest.approx(0.03, abs=0.002))
    assert residuals.std() == pytest.approx(0.04, abs=0.002)


def test_the_best_page_without_a_word_is_none_that_prints_it() -> None:
    rng = np.random.default_rng(5)
    maxima = rng.normal(0.3, 0.05, (40, 6)).astype(np.float32)
    is_printed = np.zeros(maxima.shape, np.bool_)
    is_printed[0, :3] = True
    maxima[is_printed] = 0.7
    found = WordMaxima(list("abcdef"), maxima, is_printed, np.array([f"{row // 4}.pdf" for row in range(40)]))
    whole = next(samples(found, random.Random(1)))
    assert whole.pages.tolist() == [40] * 6
    assert whole.best.max() < 0.6


def test_an_index_of_real_pages_obeys_the_law_that_ships(sample_index: Path) -> None:
    rng = random.Random(2)
    whole = next(samples(chance.read(sample_index, rng), rng))
    expected = whole.level + CHANCE.bias + CHANCE.per_log_page * np.log(whole.pages)
    assert np.mean(whole.best - expected) == pytest.approx(0, abs=0.03)
    assert np.std(whole.best - expected) < 0.07


@pytest.mark.parametrize(
    ("word", "kind"), [("revenue", "word"), ("1,577.5", "number"), ("ab1047", "code"), ("4821093377", "long number")]
)
def test_kinds_of_words(word: str, kind: str) -> None:
    assert chance.kind(word) == kind


def test_drawn_documents_print_drawn_words_in_their_text_layer(tmp_path: Path) -> None:
    drawn_words.write_document(tmp_path / "a.pdf", random.Random(4), lambda: "filler")
    with pymupdf.open(tmp_path / "a.pdf") as document:
        assert document.page_count == drawn_words.DOCUMENT_PAGES
        words = document[0].get_text().split()
    assert "filler" in words
    assert any(word.isdigit() for word in words)


def test_absent_words_are_of_every_kind_and_on_no_page() -> None:
    printed = frozenset({"1234", "porto"})
    asked = list(islice(false_hits.absent(printed, random.Random(1)), 60))
    assert {kind for kind, _ in asked} == set(drawn_words.KINDS)
    assert asked == list(islice(false_hits.absent(printed, random.Random(1)), 60))
    assert not any(text in printed for _, text in asked)
