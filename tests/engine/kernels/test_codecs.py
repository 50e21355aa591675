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


@pytest.mark.parametrize("codec", codecs.CODECS)
def test_vector_of_zeros_stays_zero(codec: str) -> None:
    assert (codecs.decode(codecs.encode(codec, np.zeros((2, 4), np.float16))) == 0).all()


PACKED = st.sampled_from(sorted(codecs.PACKED_BITS))
SHAPES = st.tuples(st.integers(0, 40), st.sampled_from([1, 7, 32, 128]))


def random(shape: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float16)


@settings(deadline=None)
@given(PACKED, SHAPES, st.integers(0, 99))
def test_a_packed_vector_matches_itself_as_well_as_the_exact_one(codec: str, shape: tuple[int, int], seed: int) -> None:
    values = random(shape, seed).astype(np.float32)
    decoded = codecs.decode(codecs.encode(codec, values.astype(np.float16)))
    # The scale is rounded to float16.
    np.testing.assert_allclose((decoded * values).sum(axis=1), (values * values).sum(axis=1), rtol=2**-10)


@settings(deadline=None)
@given(SHAPES, st.integers(0, 99))
def test_binary_keeps_signs_and_one_length(shape: tuple[int, int], seed: int) -> None:
    values = random(shape, seed)
    decoded = codecs.decode(codecs.encode("binary", values))
    np.testing.assert_array_equal(decoded > 0, values >= 0)
    np.testing.assert_array_equal(np.abs(decoded), np.abs(decoded[:, :1]) * np.ones_like(decoded))


@settings(deadline=None)
@given(SHAPES, st.integers(0, 99))
def test_int4_is_as_near_in_angle_as_sixteen_even_steps(shape: tuple[int, int], seed: int) -> None:
    values = random(shape, seed).astype(np.float32)
    decoded = codecs.decode(codecs.encode("int4", values.astype(np.float16)))
    # Steps of an eighth of the largest number, to the middle of which each number is moved.
    moved = np.abs(values).max(axis=1, initial=0) / 16 * np.sqrt(shape[1])
    length = np.linalg.norm(values, axis=1)
    cosine = (decoded * values).sum(axis=1) / np.maximum(np.linalg.norm(decoded, axis=1) * length, 1e-9)
    # A vector within `moved` of one of that length lies at an angle of at most arcsin(moved / length).
    bound = np.sqrt(np.maximum(1 - (moved / np.maximum(length, 1e-9)) ** 2, 0))
    assert (cosine >= bound - 1e-4).all()


@settings(deadline=None)
@given(st.sampled_from(codecs.CODECS), SHAPES, st.integers(0, 99))
def test_a_vector_is_stored_alone_as_among_others(codec: str, shape: tuple[int, int], seed: int) -> None:
    values = random(shape, seed)
    together = codecs.encode(codec, values)
    assert len(together) == len(values)
    assert together.values.shape[1:] == (codecs.stored_width(codec, shape[1]),)
    assert together.values.dtype == np.dtype(codecs.stored_dtype(codec))
    for i in range(len(values)):
        alone = codecs.encode(codec, values[i : i + 1])
        np.testing.assert_array_equal(alone.values[0], together.values[i])
        np.testing.assert_array_equal(codecs.decode(alone)[0], codecs.decode(together)[i])


@settings(deadline=None)
@given(st.sampled_from(codecs.CODECS), SHAPES, st.integers(0, 99))
def test_encoding_what_was_decoded_changes_next_to_nothing(codec: str, shape: tuple[int, int], seed: int) -> None:
    once = codecs.decode(codecs.encode(codec, random(shape, seed)))
    twice = codecs.decode(codecs.encode(codec, once.astype(np.float16)))
    # A compaction decodes to float16 and encodes again: scales move by a rounding, codes by one step at most.
    step = np.abs(once).max(axis=1, initial=0) / {"int8": 127, "int4": 4}.get(codec, 512)
    assert (np.abs(twice - once) <= step[:, None] * 1.1 + 1e-6).all()


@pytest.mark.parametrize(("codec", "bytes_of_128"), [("float16", 256), ("int8", 130), ("int4", 66), ("binary", 18)])
def test_a_vector_takes_as_many_bytes_as_said(codec: str, bytes_of_128: int) -> None:
    coded = codecs.encode(codec, random((1, 128), 0))
    size = coded.values.nbytes + (0 if coded.scales is None else coded.scales.nbytes)
    assert size == codecs.vector_bytes(codec, 128) == bytes_of_128


def test_unknown_codec_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="int8, float16, int4, binary"):
        codecs.encode("int3", np.zeros((1, 1), np.float16))
