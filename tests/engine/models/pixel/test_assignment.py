"""Patches are assigned to the visual word that is nearest to them."""

from __future__ import annotations

import numpy as np
import pytest

from docsearch.engine.models.pixel.assignment import BLOCK, CentroidAssignment
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
