"""Codecs: how far decoded vectors may be from the input, and ⟨v, decode(encode(v))⟩ = ⟨v, v⟩."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_codebook import WORDS, codebook, encoded

from docsearch.engine.compression import codecs, residual

HALF_OF_LEAST = 2.0**-25
"""How far a scale below the normal numbers of float16 is rounded."""
TINY = np.array([[2.86e-6], [1.5e-4], [1e-7], [-6e-8]], np.float16)
"""Vectors of one number with such scales."""


@given(st.integers(0, 40), st.sampled_from([1, 7, 128]), st.integers(0, 99))
def test_int8_is_off_by_at_most_half_a_step(vectors: int, dim: int, seed: int) -> None:
    values = np.random.default_rng(seed).standard_normal((vectors, dim)).astype(np.float16)
    check_int8(values)


def test_int8_of_tiny_numbers_is_off_by_the_rounding_of_its_scale() -> None:
    check_int8(TINY)


def check_int8(values: np.ndarray) -> None:
    coded = codecs.encode("int8", values)
    step = np.abs(values.astype(np.float32)).max(axis=1, initial=0) / 127
    # The scale is rounded to float16, by 2^-11 of the largest value.
    error = np.abs(codecs.decode(coded) - values.astype(np.float32))
    assert (error <= (step * 0.5 + step * 127 * 2**-10 + 127 * HALF_OF_LEAST)[:, None] + 1e-6).all()


def test_float16_decodes_to_the_same_numbers() -> None:
    values = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float16)
    np.testing.assert_array_equal(codecs.decode(codecs.encode("float16", values)), values.astype(np.float32))


@pytest.mark.parametrize("codec", codecs.CODECS)
def test_vector_of_zeros_stays_zero(codec: str) -> None:
    assert (codecs.decode(encoded(codec, np.zeros((2, 4), np.float16))) == 0).all()


PACKED = st.sampled_from(["binary", "int4"])
SHAPES = st.tuples(st.integers(0, 40), st.sampled_from([1, 7, 32, 128]))


def random(shape: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float16)


@given(PACKED, SHAPES, st.integers(0, 99))
def test_product_of_a_vector_with_its_packed_form_is_its_squared_norm(
    codec: str, shape: tuple[int, int], seed: int
) -> None:
    check_product(codec, random(shape, seed).astype(np.float32))


@pytest.mark.parametrize("codec", ["binary", "int4"])
def test_product_of_tiny_numbers_is_off_by_the_rounding_of_their_scale(codec: str) -> None:
    check_product(codec, TINY.astype(np.float32))


def check_product(codec: str, values: np.ndarray) -> None:
    decoded = codecs.decode(encoded(codec, values.astype(np.float16)))
    # The scale is rounded to float16; codes are up to 15.
    wanted, of_rounding = (values * values).sum(axis=1), 15 * HALF_OF_LEAST * np.abs(values).sum(axis=1)
    assert (np.abs((decoded * values).sum(axis=1) - wanted) <= 2**-10 * wanted + of_rounding).all()


@given(SHAPES, st.integers(0, 99))
def test_binary_keeps_signs_and_one_magnitude(shape: tuple[int, int], seed: int) -> None:
    values = random(shape, seed)
    decoded = codecs.decode(codecs.encode("binary", values))
    np.testing.assert_array_equal(decoded > 0, values >= 0)
    np.testing.assert_array_equal(np.abs(decoded), np.abs(decoded[:, :1]) * np.ones_like(decoded))


@given(SHAPES, st.integers(0, 99))
def test_int4_is_as_near_in_angle_as_sixteen_even_steps(shape: tuple[int, int], seed: int) -> None:
    values = random(shape, seed).astype(np.float32)
    decoded = codecs.decode(codecs.encode("int4", values.astype(np.float16)))
    # Steps are an eighth of the largest number, and each number moves to the middle of one.
    moved = np.abs(values).max(axis=1, initial=0) / 16 * np.sqrt(shape[1])
    length = np.linalg.norm(values, axis=1)
    cosine = (decoded * values).sum(axis=1) / np.maximum(np.linalg.norm(decoded, axis=1) * length, 1e-9)
    # A vector within `moved` of one of this norm is at an angle of at most arcsin(moved / length).
    bound = np.sqrt(np.maximum(1 - (moved / np.maximum(length, 1e-9)) ** 2, 0))
    assert (cosine >= bound - 1e-4).all()


@given(st.sampled_from(codecs.CODECS), SHAPES, st.integers(0, 99))
def test_a_vector_is_encoded_the_same_alone_and_among_others(codec: str, shape: tuple[int, int], seed: int) -> None:
    values = random(shape, seed)
    together = encoded(codec, values)
    assert len(together) == len(values)
    assert together.values.shape[1:] == (codecs.stored_width(codec, shape[1]),)
    assert together.values.dtype == np.dtype(codecs.stored_dtype(codec))
    for i in range(len(values)):
        alone = encoded(codec, values[i : i + 1])
        np.testing.assert_array_equal(alone.values[0], together.values[i])
        np.testing.assert_array_equal(codecs.decode(alone)[0], codecs.decode(together)[i])


@given(st.sampled_from([codec for codec in codecs.CODECS if codec != "residual"]), SHAPES, st.integers(0, 99))
def test_encoding_a_decoded_vector_moves_it_by_one_step_at_most(codec: str, shape: tuple[int, int], seed: int) -> None:
    once = codecs.decode(encoded(codec, random(shape, seed)))
    twice = codecs.decode(encoded(codec, once.astype(np.float16)))
    # Compaction decodes to float16 and encodes again: scales change by rounding, codes by at most one step.
    step = np.abs(once).max(axis=1, initial=0) / {"int8": 127, "int4": 4}.get(codec, 512)
    assert (np.abs(twice - once) <= step[:, None] * 1.1 + 1e-6).all()


HALF_STEP = (2 ** (1 / residual.STEPS_PER_OCTAVE) - 1) / 2
"""Half the relative distance between neighbouring levels."""


def near_words(shape: tuple[int, int], noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (T, D) float16 at the distance `noise` from centroids, times a random length; and their visual words
    (T,).
    """
    generator = np.random.default_rng(seed)
    words = generator.integers(0, WORDS, shape[0]).astype(np.uint16)
    vectors = codebook(shape[1]).centroids[words] + noise / np.sqrt(shape[1]) * generator.standard_normal(shape)
    return (vectors * generator.uniform(0.1, 2, (shape[0], 1))).astype(np.float16), words


@given(SHAPES, st.sampled_from([0.0, 0.1, 0.5, 3.0]), st.integers(0, 99))
def test_product_of_a_vector_with_its_residual_form_is_its_squared_norm(
    shape: tuple[int, int], noise: float, seed: int
) -> None:
    values, words = near_words(shape, noise, seed)
    exact = values.astype(np.float32)
    decoded = codecs.decode(codecs.encode("residual", values, words, codebook(shape[1])))
    # The step s is off by half a level, and below the lowest level it may become 0.
    wanted = (exact * exact).sum(axis=1)
    least = residual.LEVELS[1] * np.abs(exact).sum(axis=1)
    assert (np.abs((decoded * exact).sum(axis=1) - wanted) <= (HALF_STEP + 1e-5) * wanted + 2 * least).all()


@given(st.sampled_from([32, 128]), st.integers(0, 99))
def test_residual_is_nearer_than_binary_where_centroids_are_near(dim: int, seed: int) -> None:
    values, words = near_words((40, dim), 0.5, seed)
    exact = values.astype(np.float32)
    close = codecs.decode(codecs.encode("residual", values, words, codebook(dim)))
    coarse = codecs.decode(codecs.encode("binary", values))
    assert np.linalg.norm(close - exact) < 0.8 * np.linalg.norm(coarse - exact)


@given(SHAPES, st.integers(0, 99))
def test_residual_of_a_centroid_that_points_away_is_binary(shape: tuple[int, int], seed: int) -> None:
    values, words = near_words(shape, 0.1, seed)
    decoded = codecs.decode(codecs.encode("residual", -values, words, codebook(shape[1])))
    binary = codecs.decode(codecs.encode("binary", -values))
    np.testing.assert_allclose(decoded, binary, rtol=HALF_STEP + 2**-10)


def test_the_codes_of_a_byte_cover_twelve_octaves_and_zero() -> None:
    assert residual.LEVELS[0] == 0
    assert (np.diff(residual.LEVELS) > 0).all()
    assert residual.LEVELS[1] < 2**-11.9
    assert 15 < residual.LEVELS[-1] < 16


def test_residual_without_visual_words_is_refused() -> None:
    with pytest.raises(ValueError, match="visual words"):
        codecs.encode("residual", np.zeros((1, 4), np.float16))


@pytest.mark.parametrize(
    ("codec", "bytes_of_128"), [("float16", 256), ("int8", 130), ("int4", 66), ("binary", 18), ("residual", 20)]
)
def test_a_vector_takes_vector_bytes(codec: str, bytes_of_128: int) -> None:
    coded = encoded(codec, random((1, 128), 0))
    size = sum(0 if part is None else part.nbytes for part in (coded.values, coded.scales, coded.words))
    assert size == codecs.vector_bytes(codec, 128) == bytes_of_128


def test_unknown_codec_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="int8, float16, int4, binary, residual"):
        codecs.encode("int3", np.zeros((1, 1), np.float16))
