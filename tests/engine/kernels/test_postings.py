"""Posting lists decode to what they were built from, and their scan equals the reference on each instruction set."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docsearch.engine.compression import residual
from docsearch.engine.compression.residual import LEVELS, Codebook
from docsearch.engine.kernels.native.library import NUMPY, SWITCH, available_settings, current
from docsearch.engine.kernels.postings import reference, scan
from docsearch.engine.kernels.postings.scan import Postings, PostingsBuilder
from hypothesis_profiles import examples

pytestmark = pytest.mark.usefixtures("instructions")

WORDS = 5
PAGES = 7


def vectors(count: int, dim: int, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def collection(count: int, dim: int, seed: int, batches: int = 3) -> tuple[Postings, np.ndarray, np.ndarray]:
    """Posting lists of `count` patches that are added in batches, the bits of their signs, and what else they hold."""
    rng = np.random.default_rng(seed)
    codebook = Codebook(vectors(WORDS, dim, seed).astype(np.float16))
    words = rng.integers(0, WORDS, count).astype(np.uint16)
    pages = np.sort(rng.integers(0, PAGES, count))
    patches = codebook.centroids_f32[words] + 0.7 * vectors(count, dim, seed + 1)
    signs, codes = residual.encode(patches, words, codebook)
    lists = np.full(scan.lists_bytes(count, dim), 255, np.uint8)
    builder = PostingsBuilder(lists, np.bincount(words, minlength=WORDS), dim)
    for batch in np.array_split(np.arange(count), batches):
        builder.add(pages[batch], words[batch], signs[batch], codes[batch])
    added = np.rec.fromarrays(
        [words, pages, LEVELS[codes[:, 0]], LEVELS[codes[:, 1]]], names="words,pages,coefficients,steps"
    )
    return Postings(lists, builder.starts, codebook), np.unpackbits(signs, axis=1, count=dim, bitorder="little"), added


def no_maxima() -> np.ndarray:
    """The maxima of every page before a scan; the last row is for removed pages."""
    return np.full(PAGES + 1, -np.inf, np.float32)


@given(st.integers(0, 200), st.sampled_from([8, 20, 128]), st.integers(1, 4), st.integers(0, 1000))
def test_lists_decode_to_the_patches_they_were_built_from(count: int, dim: int, batches: int, seed: int) -> None:
    postings, bits, added = collection(count, dim, seed, batches)
    for word in range(WORDS):
        own = added.words == word
        pages, coefficients, steps, signs = postings.decode(word)
        np.testing.assert_array_equal(pages, added.pages[own])
        np.testing.assert_array_equal(coefficients, added.coefficients[own])
        np.testing.assert_array_equal(steps, added.steps[own])
        np.testing.assert_array_equal(signs, bits[own] * 2.0 - 1)


@settings(max_examples=examples(40))
@given(st.sampled_from([0, 1, 31, 32, 33, 64, 300]), st.sampled_from([8, 20, 24, 64, 128, 320]), st.integers(0, 1000))
def test_fast_maxima_equal_the_reference(count: int, dim: int, seed: int) -> None:
    postings, _, added = collection(count, dim, seed)
    vector = vectors(1, dim, seed + 2)[0]
    words = np.random.default_rng(seed).permutation(WORDS)[:4]
    products = (postings.codebook.centroids_f32 @ vector)[words]
    page_rows = np.array([3, PAGES, 0, 1, 2, 5], np.int32)  # page 1 is removed, page 6 is not known
    floor = -0.2
    fast, slow = no_maxima(), no_maxima()
    postings.update_maxima(vector, words, products, floor, page_rows, fast)
    reference.update_maxima(postings, vector, words, products, floor, page_rows, slow)
    # A similarity at the floor may be counted or not, up to rounding.
    np.testing.assert_allclose(np.maximum(fast, floor), np.maximum(slow, floor), atol=error_bound(vector, added))


@settings(max_examples=examples(40))
@given(
    st.sampled_from([1, 31, 32, 33, 64, 300]), st.sampled_from([8, 24, 64, 128, 136, 320, 2048]), st.integers(0, 1000)
)
def test_every_instruction_set_gives_the_same_bits(count: int, dim: int, seed: int) -> None:
    postings, _, _ = collection(count, dim, seed)
    vector = vectors(1, dim, seed + 2)[0]
    products = postings.codebook.centroids_f32 @ vector
    page_rows = np.random.default_rng(seed).permutation(PAGES + 1).astype(np.int32)
    found: list[np.ndarray] = []
    codes: list[np.ndarray] = []
    for setting in available_settings():
        if setting != NUMPY:
            with pytest.MonkeyPatch.context() as environment:
                environment.setenv(SWITCH, setting)
                found.append(no_maxima())
                codes.append(np.zeros(PAGES, np.uint8))
                postings.update_maxima(vector, np.arange(WORDS), products, -0.2, page_rows, found[-1])
                postings.update_codes(vector, np.arange(WORDS), products, -0.2, 300.0, codes[-1])
    for maxima, own in zip(found[1:], codes[1:], strict=True):
        np.testing.assert_array_equal(maxima.view(np.uint32), found[0].view(np.uint32))
        np.testing.assert_array_equal(own, codes[0])


@settings(max_examples=examples(40))
@given(st.sampled_from([0, 1, 31, 33, 300]), st.sampled_from([8, 20, 64, 128, 320]), st.integers(0, 1000))
def test_codes_are_the_steps_that_maxima_lie_above_the_floor(count: int, dim: int, seed: int) -> None:
    postings, _, _ = collection(count, dim, seed)
    vector = vectors(1, dim, seed + 2)[0]
    products = postings.codebook.centroids_f32 @ vector
    floor, scale = np.float32(-0.2), np.float32(331.0)  # some are above the last step
    words, pages = np.arange(WORDS), np.arange(PAGES, dtype=np.int32)
    maxima, codes = no_maxima()[:PAGES], np.zeros(PAGES, np.uint8)
    postings.update_maxima(vector, words, products, float(floor), pages, maxima)
    postings.update_codes(vector, words, products, float(floor), float(scale), codes)
    with np.errstate(invalid="ignore"):
        wanted = np.ceil(np.clip((maxima - floor) * scale, 0, 255))
    np.testing.assert_array_equal(codes, wanted)
    before = np.full(PAGES, 200, np.uint8)
    postings.update_codes(vector, words, products, float(floor), float(scale), before)
    np.testing.assert_array_equal(before, np.maximum(wanted, 200))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pread: lists are mapped")
@pytest.mark.parametrize("read_bytes", [1, 1 << 18])
@pytest.mark.parametrize("dim", [20, 24, 128])
def test_lists_are_read_from_a_file_as_from_memory(
    dim: int, read_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "READ_BYTES", read_bytes)
    monkeypatch.setattr(scan, "_local", threading.local())
    postings, _, _ = collection(700, dim, seed=5)
    (tmp_path / "lists").write_bytes(b"header" + postings.lists.tobytes())
    vector = vectors(1, dim, 9)[0]
    products, pages = postings.codebook.centroids_f32 @ vector, np.arange(PAGES, dtype=np.int32)
    with (tmp_path / "lists").open("rb") as opened:
        nothing = np.zeros_like(postings.lists)
        stored = Postings(nothing, postings.starts, postings.codebook, opened.fileno(), len(b"header"))
        found, codes = [], []
        for each in (postings, stored):
            found.append(no_maxima())
            each.update_maxima(vector, np.arange(WORDS), products, -1.0, pages, found[-1])
            codes.append(np.zeros(PAGES, np.uint8))
            each.update_codes(vector, np.arange(WORDS), products, -0.5, 100.0, codes[-1])
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(codes[1], codes[0])
    assert codes[0].all()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pread: lists are mapped")
def test_a_file_that_ends_too_early_is_an_error(tmp_path: Path) -> None:
    postings, _, _ = collection(300, 64, seed=5)
    vector = vectors(1, 64, 9)[0]
    products, codes = postings.codebook.centroids_f32 @ vector, np.zeros(PAGES, np.uint8)
    (tmp_path / "lists").write_bytes(postings.lists.tobytes()[:2000])
    with (tmp_path / "lists").open("rb") as opened:
        stored = Postings(postings.lists, postings.starts, postings.codebook, opened.fileno())
        with pytest.raises((OSError, ValueError)):
            stored.update_codes(vector, np.arange(WORDS), products, -0.5, 100.0, codes)


def error_bound(vector: np.ndarray, added: np.ndarray) -> float:
    """How far off the scan of a vector of unit length may be, over these patches."""
    if current() is None or len(vector) % 8:
        return 1e-5  # numpy: float32 rounding
    _, table_step, _ = scan.lookup_table(vector)
    coefficient, step = added.coefficients.max(initial=0), added.steps.max(initial=0)
    rounding_of_table = step * len(vector) / scan.GROUP * table_step / 2
    return 1.002 * rounding_of_table + 0.002 * (coefficient + step * np.abs(vector).sum()) + 1e-5


def test_reference_gives_the_products_with_the_decoded_vectors() -> None:
    postings, bits, added = collection(400, 128, seed=3)
    vector = vectors(1, 128, 9)[0]
    products = postings.codebook.centroids_f32 @ vector
    found = no_maxima()
    reference.update_maxima(postings, vector, np.arange(WORDS), products, -1.0, np.arange(PAGES, dtype=np.int32), found)
    centroids = postings.codebook.centroids_f32[added.words]
    decoded = added.coefficients[:, None] * centroids + added.steps[:, None] * (bits * np.float32(2) - 1)
    wanted = no_maxima()
    np.maximum.at(wanted, added.pages, decoded @ vector)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_similarities_are_those_of_the_vectors() -> None:
    postings, _, _ = collection(400, 128, seed=3)
    vector = vectors(1, 128, 9)[0]
    products = postings.codebook.centroids_f32 @ vector
    best = no_maxima()
    postings.update_maxima(vector, np.arange(WORDS), products, -1.0, np.arange(PAGES, dtype=np.int32), best)
    wanted = no_maxima()
    for word in range(WORDS):
        pages, coefficients, steps, signs = postings.decode(word)
        decoded = coefficients[:, None] * postings.codebook.centroids_f32[word] + steps[:, None] * signs
        np.maximum.at(wanted, pages, decoded @ vector)
    np.testing.assert_allclose(best, wanted, atol=0.01)


def test_a_damaged_page_number_is_not_written_to() -> None:
    postings, _, _ = collection(100, 64, seed=4)
    postings.lists[:] = 255
    best = no_maxima()
    vector = vectors(1, 64, 9)[0]
    page_rows = np.arange(PAGES, dtype=np.int32)
    with np.errstate(all="ignore"):
        postings.update_maxima(vector, np.arange(WORDS), np.ones(WORDS, np.float32), -9.0, page_rows, best)
        codes = np.zeros(PAGES, np.uint8)
        postings.update_codes(vector, np.arange(WORDS), np.ones(WORDS, np.float32), -9.0, 1.0, codes)
    assert (best == -np.inf).all()
    assert not codes.any()


@given(st.sampled_from([8, 64, 128]), st.integers(0, 1000))
def test_lookup_table_gives_signed_sums(dim: int, seed: int) -> None:
    vector = vectors(1, dim, seed)[0]
    table, step, offset = scan.lookup_table(vector)
    assert table.shape == (dim // 4, 16)
    assert table.max() <= scan.SUM_MAX
    bits = np.random.default_rng(seed).integers(0, 2, dim)
    codes = bits.reshape(-1, 4) @ [1, 2, 4, 8]
    found = table[np.arange(dim // 4), codes].astype(np.int64).sum() * step + offset
    assert found == pytest.approx(float((bits * 2 - 1) @ vector), abs=step * dim / 8)
