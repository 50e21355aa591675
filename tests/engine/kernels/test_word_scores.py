"""Scores by words: compiled code and numpy agree, and both with what ranks pages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docsearch.engine.kernels.word_scores.scores import scores
from docsearch.engine.ranking import rerank
from docsearch.engine.records import F32, I64, Others, QueryVectors

pytestmark = pytest.mark.usefixtures("instructions")


def asked(words: int, others: int, rng: np.random.Generator, *, in_context: bool = False) -> QueryVectors:
    weights = rng.random(words).astype(np.float32)
    more = Others(
        np.zeros((others, 4), np.float32), rng.integers(0, words, others), rng.random(others).astype(np.float32)
    )
    floors = rng.uniform(0.3, 0.5, words).astype(np.float32)
    vectors, single = np.zeros((words, 4), np.float32), np.zeros(0, np.float32)
    return QueryVectors(
        vectors, weights / weights.sum(), single, ("w",) * words, floors, floors + np.float32(0.2),
        others=more if others else None, in_context=in_context,
    )  # fmt: skip


def collection(pages: int, columns: int, rng: np.random.Generator) -> tuple[F32, I64]:
    """Maxima of which half lie below every floor, and first pages."""
    maxima = np.where(rng.random((pages, columns)) < 0.5, rng.uniform(0, 0.8, (pages, columns)), -np.inf)
    return maxima.astype(np.float32), np.sort(rng.integers(0, pages, pages))


@settings(deadline=None)
@given(
    st.sampled_from([1, 7, 16, 17, 100]), st.integers(1, 6), st.integers(0, 5), st.booleans(), st.integers(0, 10_000)
)
def test_scores_are_those_that_rank_pages(pages: int, words: int, others: int, in_context: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    query = asked(words, others, rng, in_context=in_context)
    maxima, first_pages = collection(pages, words + others, rng)
    share = 0.0 if in_context else rerank.TITLE_SHARE
    want = rerank.of_words(maxima, maxima[first_pages], query)[1]
    np.testing.assert_allclose(scores.word_scores(list(maxima.T), first_pages, query, share), want, atol=1e-6)
    np.testing.assert_allclose(scores.with_numpy(maxima, first_pages, query, share), want, atol=1e-6)


def test_pages_are_scored_alike_in_one_piece_and_in_many(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    query = asked(5, 4, rng)
    maxima, first_pages = collection(1000, 9, rng)
    whole = scores.word_scores(list(maxima.T), first_pages, query, 0.8)
    monkeypatch.setattr(word_scores, "PAGES_AT_ONCE", 37)
    np.testing.assert_array_equal(scores.word_scores(list(maxima.T), first_pages, query, 0.8), whole)
