"""Products of numbers made for it are the same to the bit in any order, and near those of the numbers themselves."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docsearch.engine.kernels.exact import patch_numbers, query_numbers


def unit(count: int, dim: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(st.sampled_from([1, 8, 128, 700]), st.floats(2**-20, 2**20), st.integers(0, 1000))
def test_sums_are_exact_whatever_the_length_of_the_query(dim: int, length: float, seed: int) -> None:
    query, patch = query_numbers(unit(1, dim, seed) * np.float32(length))[0], patch_numbers(unit(1, dim, seed + 1))[0]
    wanted = sum((Fraction(a) * Fraction(b) for a, b in zip(query.tolist(), patch.tolist(), strict=True)), Fraction())
    assert Fraction(float(query @ patch)) == wanted
    assert float(query[::-1] @ patch[::-1]) == float(query @ patch)


@given(st.sampled_from([8, 128]), st.floats(2**-20, 2**20), st.integers(0, 1000))
def test_numbers_are_off_by_less_than_float32_would_round_a_product(dim: int, length: float, seed: int) -> None:
    vectors = unit(3, dim, seed) * np.float32(length)
    np.testing.assert_allclose(query_numbers(vectors), vectors, rtol=0, atol=2.0**-27 * length)
    patches = unit(3, dim, seed)
    np.testing.assert_allclose(patch_numbers(patches), patches, rtol=0, atol=2.0**-25)


@pytest.mark.parametrize("values", [np.float16([[0.1, -1.7, 6e-8, 0]]), np.int8([[-127, 0, 3, 127]])])
def test_what_is_stored_stays_as_it_is(values: np.ndarray) -> None:
    np.testing.assert_array_equal(patch_numbers(values.astype(np.float32)), values.astype(np.float64))


def test_nothing_stays_nothing() -> None:
    np.testing.assert_array_equal(query_numbers(np.zeros((2, 4), np.float32)), np.zeros((2, 4)))
    assert query_numbers(np.zeros((0, 4), np.float32)).shape == (0, 4)
