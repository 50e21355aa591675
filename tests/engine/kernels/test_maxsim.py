"""MaxSim on the CPU, compiled and in numpy: tested against the reference; independent of position, blocks, threads."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_codebook import encoded

from docsearch.engine import scoring, threads
from docsearch.engine.compression import codecs
from docsearch.engine.errors import IndexDamaged
from docsearch.engine.kernels import maxsim
from docsearch.engine.kernels.maxsim import cpu, reference
from docsearch.engine.kernels.native.library import NUMPY, SCALAR, SWITCH, available_settings, current
from docsearch.engine.records import QueryExpansion, QueryVectors, Ragged
from hypothesis_profiles import examples

pytestmark = pytest.mark.usefixtures("instructions")

PAGE_SIZES = st.lists(st.sampled_from([0, 1, 2, 63, 129, 700]), min_size=1, max_size=30)
INT8_STEP = 0.5 / 127


def ragged(sizes: list[int], dim: int, seed: int) -> Ragged:
    values = np.random.default_rng(seed).standard_normal((sum(sizes), dim), np.float32)
    values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)
    return Ragged(values.astype(np.float16), np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64))


def queries(count: int, dim: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed + 1).standard_normal((count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def scored_query(
    weights: np.ndarray, *, floor: float, ceiling: float, expansion: QueryExpansion | None = None
) -> QueryVectors:
    """A query whose vectors do not matter, only its scoring."""
    vectors = queries(len(weights), 4, 0)
    return QueryVectors(vectors, weights, vectors[0], ("w",) * len(weights), floor, ceiling, expansion=expansion)


@settings(max_examples=examples(30))
@given(PAGE_SIZES, st.sampled_from([1, 3, 32]), st.sampled_from([1, 7, 128]), st.integers(0, 9))
def test_fast_maxima_equal_the_reference(sizes: list[int], tokens: int, dim: int, seed: int) -> None:
    pages, query = ragged(sizes, dim, seed), queries(tokens, dim, seed)
    fast = maxsim.token_maxima(query, codecs.encode("float16", pages.values), pages.offsets)
    np.testing.assert_allclose(fast, reference.token_maxima(query, pages), atol=2e-6)


@settings(max_examples=examples(20))
@given(PAGE_SIZES, st.integers(0, 9))
def test_int8_maxima_are_within_the_codecs_bound(sizes: list[int], seed: int) -> None:
    pages, query = ragged(sizes, 128, seed), queries(5, 128, seed)
    fast = maxsim.token_maxima(query, codecs.encode("int8", pages.values), pages.offsets)
    exact = reference.token_maxima(query, pages)
    # Each stored number is off by at most half a step of its vector's scale; a unit query sums this over 128.
    bound = INT8_STEP * np.sqrt(128) + 1e-3
    np.testing.assert_allclose(fast, exact, rtol=0, atol=bound)


@settings(max_examples=examples(60))
@given(
    PAGE_SIZES,
    st.sampled_from([1, 3, 16, 17, 32, 33, 70]),
    st.sampled_from([32, 64, 128]),
    st.sampled_from(codecs.CODECS),
    st.integers(0, 9),
)
def test_maxima_of_encoded_pages_equal_the_reference_on_decoded_ones(
    sizes: list[int], tokens: int, dim: int, codec: str, seed: int
) -> None:
    pages, query = ragged(sizes, dim, seed), queries(tokens, dim, seed)
    coded = encoded(codec, pages.values)
    wanted = reference.token_maxima(query, Ragged(codecs.decode(coded), pages.offsets))
    np.testing.assert_allclose(cpu.numpy_maxima(query, coded, pages.offsets), wanted, atol=2e-6)
    # Half a step of the query, 2^-16 of its largest number, times at most the sum of a patch's numbers.
    np.testing.assert_allclose(maxsim.token_maxima(query, coded, pages.offsets), wanted, atol=2**-15)


@settings(max_examples=examples(20))
@given(PAGE_SIZES, st.sampled_from(codecs.CODECS), st.integers(0, 9))
def test_score_of_a_page_ignores_its_neighbours(sizes: list[int], codec: str, seed: int) -> None:
    pages, query = ragged(sizes, 32, seed), queries(4, 32, seed)
    coded = encoded(codec, pages.values)
    together = maxsim.token_maxima(query, coded, pages.offsets)
    for row, size in enumerate(sizes):
        own = coded[slice(int(pages.offsets[row]), int(pages.offsets[row + 1]))]
        alone = maxsim.token_maxima(query, own, np.array([0, size], np.int64))
        np.testing.assert_array_equal(alone[0], together[row])


@settings(max_examples=examples(20))
@given(PAGE_SIZES, st.sampled_from(codecs.CODECS), st.randoms(use_true_random=False), st.integers(0, 9))
def test_order_of_pages_and_of_patches_changes_nothing(
    sizes: list[int], codec: str, order: random.Random, seed: int
) -> None:
    pages, query = ragged(sizes, 32, seed), queries(4, 32, seed)
    rows = list(range(len(sizes)))
    order.shuffle(rows)
    other = Ragged.of([pages[row][::-1] for row in rows])
    maxima = maxsim.token_maxima(query, encoded(codec, pages.values), pages.offsets)
    np.testing.assert_array_equal(maxsim.token_maxima(query, encoded(codec, other.values), other.offsets), maxima[rows])


@settings(max_examples=examples(20))
@given(PAGE_SIZES, st.sampled_from(codecs.CODECS), st.sampled_from([2, 16, 40]), st.integers(0, 9))
def test_maxima_of_a_query_vector_ignore_the_other_query_vectors(
    sizes: list[int], codec: str, tokens: int, seed: int
) -> None:
    pages, query = ragged(sizes, 64, seed), queries(tokens, 64, seed)
    coded = encoded(codec, pages.values)
    together = maxsim.token_maxima(query, coded, pages.offsets)
    for i in (0, tokens - 1):
        np.testing.assert_array_equal(maxsim.token_maxima(query[i : i + 1], coded, pages.offsets)[:, 0], together[:, i])


def test_an_unknown_visual_word_reads_no_memory_beyond_the_table() -> None:
    pages, query = ragged([5, 3], 64, 1), queries(3, 64, 1)
    coded = encoded("residual", pages.values)
    assert coded.words is not None
    wrong = replace(coded, words=np.where(np.arange(8) == 6, 60_000, coded.words).astype(np.uint16))
    for each in (maxsim.token_maxima, cpu.numpy_maxima):
        with pytest.raises(IndexDamaged, match="60000"):
            each(query, wrong, pages.offsets)


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("codec", codecs.CODECS)
def test_number_of_threads_changes_nothing(codec: str, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pages, query = ragged([700, 0, 129, 63, 1] * 8, 64, 5), queries(20, 64, 5)
    coded = encoded(codec, pages.values)
    expected = maxsim.token_maxima(query, coded, pages.offsets)
    with ThreadPoolExecutor(workers) as pool:
        monkeypatch.setattr(threads, "shared_pool", lambda: pool)
        monkeypatch.setattr(cpu, "BLOCK_VECTORS", 200)
        monkeypatch.setattr(cpu, "KERNEL_VECTORS", 200)
        np.testing.assert_array_equal(maxsim.token_maxima(query, coded, pages.offsets), expected)


@pytest.mark.parametrize("codec", codecs.CODECS)
def test_every_instruction_set_gives_what_numpy_gives(codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pages, query = ragged([129, 0, 700], 64, 2), queries(5, 64, 2)
    coded = encoded(codec, pages.values)
    found = maxsim.token_maxima(query, coded, pages.offsets)
    monkeypatch.setenv(SWITCH, NUMPY)
    np.testing.assert_allclose(maxsim.token_maxima(query, coded, pages.offsets), found, atol=2**-15)


@pytest.mark.parametrize("codec", codecs.CODECS)
def test_compiled_code_gives_the_same_bits_on_every_instruction_set(
    codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, query = ragged([700, 0, 5, 63], 96, 2), queries(37, 96, 2)
    coded = encoded(codec, pages.values)
    # Sums of floats, as of float16 pages and of centroids, need the fused multiply-add that two of them do not have.
    left_out = {NUMPY, "sse2", SCALAR} if codec in {"float16", "residual"} else {NUMPY}
    found = []
    for setting in available_settings():
        if setting not in left_out:
            monkeypatch.setenv(SWITCH, setting)
            found.append(maxsim.token_maxima(query, coded, pages.offsets))
    for each in found:
        np.testing.assert_array_equal(each, found[0])


ALIKE = {
    "equal": lambda patches: np.repeat(patches[:1], len(patches), axis=0),
    "nearly equal": lambda patches: patches[:1] + patches * np.float32(1e-3),
    "two kinds": lambda patches: np.where(np.arange(len(patches))[:, None] % 2, patches[:1], -patches[:1]),
    "rising": lambda patches: patches[:1] * np.linspace(0.1, 1, len(patches), dtype=np.float32)[:, None],
    "zero": np.zeros_like,
}
"""Patches of which screening can rule out few, or none (screen.h)."""


@pytest.mark.parametrize("alike", ALIKE)
@pytest.mark.parametrize("codec", ["int8", "int4", "binary"])
@pytest.mark.parametrize(("tokens", "dim"), [(37, 128), (3, 96), (70, 2048)])
def test_pages_of_patches_that_are_alike_have_the_same_bits_on_every_instruction_set(
    codec: str, alike: str, tokens: int, dim: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, query = ragged([300, 31, 64, 1], dim, 3), queries(tokens, dim, 3)
    patches = ALIKE[alike](pages.values.astype(np.float32))
    query[0], query[1] = patches[0], 0
    coded = codecs.encode(codec, patches.astype(np.float16))
    found = maxsim.token_maxima(query, coded, pages.offsets)
    wanted = reference.token_maxima(query, Ragged(codecs.decode(coded), pages.offsets))
    np.testing.assert_allclose(found, wanted, atol=2**-15)
    for setting in available_settings():
        if setting != NUMPY and current() is not None:
            monkeypatch.setenv(SWITCH, setting)
            np.testing.assert_array_equal(maxsim.token_maxima(query, coded, pages.offsets), found)


def test_numbers_outside_the_unit_ball_do_not_overflow() -> None:
    pages = Ragged(np.full((2, 4096), 60_000, np.float16), np.array([0, 2]))
    query = np.full((1, 4096), 3e4, np.float32)
    maxima = maxsim.token_maxima(query, codecs.encode("int8", pages.values), pages.offsets)
    np.testing.assert_allclose(maxima, 4096 * 60_000 * 3e4, rtol=1e-3)


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
    matches = scoring.match(maxima, scored_query(weights, floor=0.0, ceiling=1.0))
    assert (scoring.weighted_sum(matches, weights)[[0, 2]] == 0).all()


def test_collection_without_pages_gives_no_rows() -> None:
    empty = codecs.encode("int8", np.zeros((0, 8), np.float16))
    assert maxsim.token_maxima(queries(2, 8, 0), empty, np.zeros(1, np.int64)).shape == (0, 2)


@given(
    st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=8), st.sampled_from([0.0, 0.5]), st.sampled_from([0.8, 1])
)
def test_score_lies_between_0_and_1(similarities: list[float], floor: float, ceiling: float) -> None:
    weights = np.full(len(similarities), 1 / len(similarities), np.float32)
    matches = scoring.match(np.array([similarities], np.float32), scored_query(weights, floor=floor, ceiling=ceiling))
    (score,) = scoring.weighted_sum(matches, weights)
    assert 0 <= score <= 1 + 1e-6


def test_score_is_the_weighted_sum_of_matches_between_floor_and_ceiling() -> None:
    maxima, weights = np.array([[0.6, 0.2, 0.95]], np.float32), np.array([0.5, 0.2, 0.3], np.float32)
    (score,) = scoring.weighted_sum(scoring.match(maxima, scored_query(weights, floor=0.5, ceiling=0.9)), weights)
    assert score == pytest.approx(0.5 * 0.25 + 0.3)


def test_a_token_is_matched_by_the_best_of_itself_and_its_expansion_terms() -> None:
    weights = np.array([0.5, 0.5], np.float32)
    expansion = QueryExpansion(queries(3, 4, 1), np.array([1, 1, 0]), np.array([0.5, 0.8, 0.1], np.float32))
    similarities = np.array([[0.6, 0.0, 1.0, 0.5, 1.0], [0.0, 1.0, 1.0, 1.0, 0.0]], np.float32)
    matches = scoring.match(similarities, scored_query(weights, floor=0.0, ceiling=1.0, expansion=expansion))
    np.testing.assert_allclose(matches, [[0.6, 0.5], [0.0, 1.0]])


@pytest.mark.parametrize("vectors", [1, 63, 4096, 20_000])
def test_block_size_changes_nothing(vectors: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pages, query = ragged([700, 0, 129, 63, 1, 700, 2], 16, 3), queries(3, 16, 3)
    coded = codecs.encode("int8", pages.values)
    expected = maxsim.token_maxima(query, coded, pages.offsets)
    monkeypatch.setattr(cpu, "BLOCK_VECTORS", vectors)
    monkeypatch.setattr(cpu, "KERNEL_VECTORS", vectors)
    np.testing.assert_allclose(maxsim.token_maxima(query, coded, pages.offsets), expected, atol=1e-6)
