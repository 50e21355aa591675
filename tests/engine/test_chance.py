"""What a token would match by chance, as a law of the pages: which of them there are, and how many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docsearch.engine.chance import Chance

CHANCE = Chance(bias=0.01, per_log_page=0.03, usual_level=0.4, below=0.05, spread=0.04)


def absent(pages: int, level: float = 0.3, seed: int = 0) -> np.ndarray:
    """Similarities (pages, 1) of a token with pages that do not print it."""
    return np.random.default_rng(seed).normal(level, 0.05, (pages, 1)).astype(np.float32)


def test_more_pages_are_expected_to_have_a_more_similar_one() -> None:
    few, many = (CHANCE.expected(absent(400), pages)[0] for pages in (400, 400_000))
    assert many - few == pytest.approx(0.03 * np.log(1000), abs=1e-6)


def test_pages_that_print_a_word_do_not_change_what_is_expected_of_the_others() -> None:
    maxima = absent(200)
    without = CHANCE.expected(maxima, 200)[0]
    for printed in (1, 5, 25):
        maxima[:printed] = 0.7
        assert CHANCE.expected(maxima, 200)[0] == pytest.approx(without, abs=0.04)


def test_pages_without_a_vector_and_collections_of_none_have_the_usual_level() -> None:
    empty = np.full((3, 1), -np.inf, np.float32)
    wanted = CHANCE.usual_level + CHANCE.bias + CHANCE.per_log_page * np.log(3)
    assert CHANCE.expected(empty, 3)[0] == pytest.approx(wanted)
    assert CHANCE.expected(np.zeros((0, 2), np.float32), 0).tolist() == pytest.approx([0.41, 0.41])
    maxima = absent(50)
    with_empty = np.concatenate([maxima, empty])
    assert CHANCE.expected(with_empty, 53)[0] == pytest.approx(CHANCE.expected(maxima, 53)[0])


def test_few_pages_are_not_trusted_much() -> None:
    one = CHANCE.expected(np.full((1, 1), 0.9, np.float32), 1)[0]
    assert one == pytest.approx((0.9 + 4 * 0.4) / 5 + 0.01)


@given(st.integers(1, 300), st.integers(1, 10**6), st.floats(0.1, 0.6), st.integers(0, 1000))
def test_a_floor_is_never_above_the_models_own_and_evidence_begins_above_it(
    count: int, pages: int, level: float, seed: int
) -> None:
    expected = CHANCE.expected(absent(count, level, seed), pages)
    floors = CHANCE.lowered(np.array([0.51], np.float32), expected)
    assert floors[0] <= np.float32(0.51)
    similarities = np.linspace(0, 1, 50, dtype=np.float32)
    evidence = np.concatenate([CHANCE.evidence(each[None], expected) for each in similarities])
    assert (np.diff(evidence) >= 0).all()
    assert evidence.min() == 0
    assert (evidence[similarities <= expected] == 0).all()
