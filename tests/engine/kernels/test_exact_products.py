"""Sums of products of rounded vectors are exact, so the same bits in any order, and close to the unrounded ones."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docsearch.engine.kernels.exact_products import round_patches, round_query


def unit(count: int, dim: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(st.sampled_from([1, 8, 128, 700]), st.floats(2**-20, 2**20), st.integers(0, 1000))
def test_sums_are_exact_for_queries_of_any_norm(dim: int, length: float, seed: int) -> None:
    query, patch = round_query(unit(1, dim, seed) * np.float32(length))[0], round_patches(unit(1, dim, seed + 1))[0]
    wanted = sum((Fraction(a) * Fraction(b) for a, b in zip(query.tolist(), patch.tolist(), strict=True)), Fraction())
    assert Fraction(float(query @ patch)) == wanted
    assert float(query[::-1] @ patch[::-1]) == float(query @ patch)


@given(st.sampled_from([8, 128]), st.floats(2**-20, 2**20), st.integers(0, 1000))
def test_rounding_errs_less_than_float32_would_in_a_product(dim: int, length: float, seed: int) -> None:
    vectors = unit(3, dim, seed) * np.float32(length)
    np.testing.assert_allclose(round_query(vectors), vectors, rtol=0, atol=2.0**-27 * length)
    patches = unit(3, dim, seed)
    np.testing.assert_allclose(round_patches(patches), patches, rtol=0, atol=2.0**-25)


@pytest.mark.parametrize("values", [np.float16([[0.1, -1.7, 6e-8, 0]]), np.int8([[-127, 0, 3, 127]])])
def test_stored_numbers_are_not_changed(values: np.ndarray) -> None:
    np.testing.assert_array_equal(round_patches(values.astype(np.float32)), values.astype(np.float64))


def test_zeros_stay_zeros_and_no_queries_stay_none() -> None:
    np.testing.assert_array_equal(round_query(np.zeros((2, 4), np.float32)), np.zeros((2, 4)))
    assert round_query(np.zeros((0, 4), np.float32)).shape == (0, 4)
