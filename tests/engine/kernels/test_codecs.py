from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docsearch.engine.kernels import codecs


@settings(deadline=None)
@given(st.integers(0, 40), st.sampled_from([1, 7, 128]), st.integers(0, 99))
def test_int8_is_off_by_at_most_half_a_step(vectors: int, dim: int, seed: int) -> None:
    values = np.random.default_rng(seed).standard_normal((vectors, dim)).astype(np.float16)
    coded = codecs.encode("int8", values)
    step = np.abs(values.astype(np.float32)).max(axis=1, initial=0) / 127
    # The scale itself is rounded to float16, 2^-11 of the largest value.
    error = np.abs(codecs.decode(coded) - values.astype(np.float32))
    assert (error <= (step * 0.5 + step * 127 * 2**-10)[:, None] + 1e-6).all()


def test_float16_comes_back_as_it_went_in() -> None:
    values = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float16)
    np.testing.assert_array_equal(codecs.decode(codecs.encode("float16", values)), values.astype(np.float32))


def test_vector_of_zeros_stays_zero() -> None:
    assert (codecs.decode(codecs.encode("int8", np.zeros((2, 4), np.float16))) == 0).all()


def test_unknown_codec_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="int8, float16"):
        codecs.encode("int3", np.zeros((1, 1), np.float16))
