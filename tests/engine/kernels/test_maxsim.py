from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from docsearch.engine.kernels import codecs, maxsim
from docsearch.engine.kernels.maxsim import cpu, reference
from docsearch.engine.records import Others, QueryVectors, Ragged

PAGE_SIZES = st.lists(st.sampled_from([0, 1, 2, 63, 129, 700]), min_size=1, max_size=30)
INT8_STEP = 0.5 / 127


def ragged(sizes: list[int], dim: int, seed: int) -> Ragged:
    values = np.random.default_rng(seed).standard_normal((sum(sizes), dim), np.float32)
    values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)
    return Ragged(values.astype(np.float16), np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64))


def queries(count: int, dim: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed + 1).standard_normal((count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def asked(weights: np.ndarray, *, floor: float, ceiling: float, others: Others | None = None) -> QueryVectors:
    """A query of which only the scoring matters."""
    vectors = queries(len(weights), 4, 0)
    return QueryVectors(vectors, weights, vectors[0], ("w",) * len(weights), floor, ceiling, others=others)


@settings(deadline=None, max_examples=30)
@given(PAGE_SIZES, st.sampled_from([1, 3, 32]), st.sampled_from([1, 7, 128]), st.integers(0, 9))
def test_fast_maxima_equal_the_reference(sizes: list[int], words: int, dim: int, seed: int) -> None:
    pages, query = ragged(sizes, dim, seed), queries(words, dim, seed)
    fast = maxsim.token_maxima(query, codecs.encode("float16", pages.values), pages.offsets)
    np.testing.assert_allclose(fast, reference.token_maxima(query, pages), atol=2e-6)


@settings(deadline=None, max_examples=20)
@given(PAGE_SIZES, st.integers(0, 9))
def test_int8_maxima_are_within_the_codecs_bound(sizes: list[int], seed: int) -> None:
    pages, query = ragged(sizes, 128, seed), queries(5, 128, seed)
    fast = maxsim.token_maxima(query, codecs.encode("int8", pages.values), pages.offsets)
    exact = reference.token_maxima(query, pages)
    # Each stored number is off by at most half a step of its vector's scale; a unit query adds them up over 128.
    bound = INT8_STEP * np.sqrt(128) + 1e-3
    np.testing.assert_allclose(fast, exact, rtol=0, atol=bound)


@settings(deadline=None, max_examples=20)
@given(PAGE_SIZES, st.integers(0, 9))
def test_score_of_a_page_ignores_its_neighbours(sizes: list[int], seed: int) -> None:
    pages, query = ragged(sizes, 32, seed), queries(4, 32, seed)
    coded = codecs.encode("int8", pages.values)
    together = maxsim.token_maxima(query, coded, pages.offsets)
    for row, size in enumerate(sizes):
        own = coded[slice(int(pages.offsets[row]), int(pages.offsets[row + 1]))]
        alone = maxsim.token_maxima(query, own, np.array([0, size], np.int64))
        np.testing.assert_allclose(alone[0], together[row], atol=1e-6)


def test_negative_similarities_stay_negative() -> None:
    pages = Ragged(-np.ones((3, 4), np.float16) / 2, np.array([0, 1, 3]))
    query = np.full((1, 4), 0.5, np.float32)
    maxima = maxsim.token_maxima(query, codecs.encode("float16", pages.values), pages.offsets)
    np.testing.assert_allclose(maxima, [[-1.0], [-1.0]])


def test_page_without_patches_scores_zero() -> None:
    pages = ragged([0, 5, 0], 8, 0)
    query = queries(2, 8, 0)
    maxima = maxsim.token_maxima(query, codecs.encode("float16", pages.values), pages.offsets)
    assert (maxima[[0, 2]] == -np.inf).all()
    weights = np.array([0.5, 0.5], np.float32)
    matches = maxsim.match(maxima, asked(weights, floor=0.0, ceiling=1.0))
    assert (maxsim.score(matches, weights)[[0, 2]] == 0).all()


def test_collection_without_pages_gives_no_rows() -> None:
    empty = codecs.encode("int8", np.zeros((0, 8), np.float16))
    assert maxsim.token_maxima(queries(2, 8, 0), empty, np.zeros(1, np.int64)).shape == (0, 2)


@given(
    st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=8), st.sampled_from([0.0, 0.5]), st.sampled_from([0.8, 1])
)
def test_score_lies_between_0_and_1(similarities: list[float], floor: float, ceiling: float) -> None:
    weights = np.full(len(similarities), 1 / len(similarities), np.float32)
    matches = maxsim.match(np.array([similarities], np.float32), asked(weights, floor=floor, ceiling=ceiling))
    (score,) = maxsim.score(matches, weights)
    assert 0 <= score <= 1 + 1e-6


def test_score_is_the_weighted_sum_of_matches_between_floor_and_ceiling() -> None:
    maxima, weights = np.array([[0.6, 0.2, 0.95]], np.float32), np.array([0.5, 0.2, 0.3], np.float32)
    (score,) = maxsim.score(maxsim.match(maxima, asked(weights, floor=0.5, ceiling=0.9)), weights)
    assert score == pytest.approx(0.5 * 0.25 + 0.3)


def test_a_word_is_matched_by_the_best_of_itself_and_its_others() -> None:
    weights = np.array([0.5, 0.5], np.float32)
    others = Others(queries(3, 4, 1), np.array([1, 1, 0]), np.array([0.5, 0.8, 0.1], np.float32))
    similarities = np.array([[0.6, 0.0, 1.0, 0.5, 1.0], [0.0, 1.0, 1.0, 1.0, 0.0]], np.float32)
    matches = maxsim.match(similarities, asked(weights, floor=0.0, ceiling=1.0, others=others))
    np.testing.assert_allclose(matches, [[0.6, 0.5], [0.0, 1.0]])


@pytest.mark.parametrize("vectors", [1, 63, 4096, 20_000])
def test_block_size_changes_nothing(vectors: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pages, query = ragged([700, 0, 129, 63, 1, 700, 2], 16, 3), queries(3, 16, 3)
    coded = codecs.encode("int8", pages.values)
    expected = maxsim.token_maxima(query, coded, pages.offsets)
    monkeypatch.setattr(cpu, "BLOCK_VECTORS", vectors)
    np.testing.assert_allclose(maxsim.token_maxima(query, coded, pages.offsets), expected, atol=1e-6)


def test_blas_has_its_threads_again_when_callers_overlapped() -> None:
    before = threadpool_info()
    limit = cpu.BlasLimit()
    limit.__enter__()
    limit.__enter__()
    inside = [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]
    limit.__exit__(None, None, None)
    limit.__exit__(None, None, None)
    assert set(inside) == {1}
    assert threadpool_info() == before
