"""Patches are assigned to the visual word that is nearest to them."""

from __future__ import annotations

import numpy as np
import pytest

from docsearch.engine.models.pixel.assignment import BLOCK, CentroidAssignment, TwoAssignments
from docsearch.engine.records import F32

WORDS, DIM = 1024, 128


def unit_rows(count: int, seed: int) -> F32:
    rows = np.random.default_rng(seed).normal(size=(count, DIM)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def centroids() -> F32:
    return unit_rows(WORDS, 1)


def near(centroids: F32, words: np.ndarray) -> F32:
    """Vectors at some distance from the centroids of `words`."""
    moved = centroids[words] + 0.6 * unit_rows(len(words), 2)
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)


@pytest.mark.parametrize("count", [0, 1, 5, BLOCK, BLOCK + 1, 700])
def test_vectors_are_assigned_to_the_nearest_word(count: int, centroids: F32) -> None:
    words = np.random.default_rng(3).integers(0, WORDS, count)
    vectors = near(centroids, words).astype(np.float16)
    found = CentroidAssignment(centroids).assign(vectors)
    assert found.dtype == np.uint16
    similarities = vectors.astype(np.float32) @ centroids.T
    best = similarities.max(axis=1, initial=-1)
    of_found = similarities[np.arange(count), found]
    assert (best - of_found).max(initial=0) <= 0.01
    np.testing.assert_array_equal(found, words)


def test_vectors_of_a_kind_are_assigned_to_its_own_words(centroids: F32) -> None:
    """Else print in one script would share words with what another network saw in another."""
    begin = 768
    two = TwoAssignments.of(centroids, begin)
    words = np.random.default_rng(4).integers(0, WORDS, 300)
    vectors = near(centroids, words).astype(np.float16)
    is_second = words >= begin
    np.testing.assert_array_equal(two.assign_parts(vectors, is_second), words)
    swapped = two.assign_parts(vectors, ~is_second)
    assert ((swapped >= begin) == ~is_second).all()
    np.testing.assert_array_equal(two.assign(vectors), words)
    assert two.assign_parts(vectors, is_second).dtype == two.assign(vectors).dtype == np.uint16


def test_words_of_one_kind_alone_are_those_of_both(centroids: F32) -> None:
    two = TwoAssignments.of(centroids, WORDS)
    vectors = near(centroids, np.arange(50)).astype(np.float16)
    for mask in (np.zeros(50, bool), np.ones(50, bool)):
        np.testing.assert_array_equal(two.assign_parts(vectors, mask), np.arange(50))
