"""Laws of posting lists: what is filed comes back, and every way of compiling finds what numpy does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docsearch.engine.compression import residual
from docsearch.engine.compression.residual import LEVELS, Codebook
from docsearch.engine.kernels.jit.compiler import NUMPY, SWITCH
from docsearch.engine.kernels.postings.scan import scan
from docsearch.engine.kernels.postings.scan.scan import Filing, Postings

pytestmark = pytest.mark.usefixtures("instructions")

WORDS = 5
NO_PAGE = 7


def vectors(count: int, dim: int, seed: int) -> np.ndarray:
    made = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def collection(count: int, dim: int, seed: int, batches: int = 3) -> tuple[Postings, np.ndarray, np.ndarray]:
    """Lists of `count` patches that come in batches, the bits of their signs, and what else is filed of each."""
    rng = np.random.default_rng(seed)
    codebook = Codebook(vectors(WORDS, dim, seed).astype(np.float16))
    words = rng.integers(0, WORDS, count).astype(np.uint16)
    pages = np.sort(rng.integers(0, NO_PAGE, count))
    patches = codebook.exact[words] + 0.7 * vectors(count, dim, seed + 1)
    signs, codes = residual.encode(patches, words, codebook)
    lists = np.full(scan.file_bytes(count, dim), 255, np.uint8)
    filing = Filing(lists, np.bincount(words, minlength=WORDS), dim)
    for some in np.array_split(np.arange(count), batches):
        filing.add(pages[some], words[some], signs[some], codes[some])
    given = np.rec.fromarrays(
        [words, pages, LEVELS[codes[:, 0]], LEVELS[codes[:, 1]]], names="words,pages,shares,steps"
    )
    return Postings(lists, filing.starts, codebook), np.unpackbits(signs, axis=1, count=dim, bitorder="little"), given


@given(st.integers(0, 200), st.sampled_from([8, 20, 128]), st.integers(1, 4), st.integers(0, 1000))
def test_what_is_filed_comes_back(count: int, dim: int, batches: int, seed: int) -> None:
    lists, bits, filed = collection(count, dim, seed, batches)
    for word in range(WORDS):
        own = filed.words == word
        pages, shares, steps, signs = lists.patches(word)
        np.testing.assert_array_equal(pages, filed.pages[own])
        np.testing.assert_array_equal(shares, filed.shares[own])
        np.testing.assert_array_equal(steps, filed.steps[own])
        np.testing.assert_array_equal(signs, bits[own] * 2.0 - 1)


@settings(deadline=None)
@given(st.sampled_from([0, 1, 31, 32, 33, 64, 300]), st.sampled_from([8, 24, 64, 128, 320]), st.integers(0, 1000))
def test_every_way_finds_what_numpy_does(count: int, dim: int, seed: int) -> None:
    lists, _, _ = collection(count, dim, seed)
    asked = vectors(1, dim, seed + 2)[0]
    products = lists.codebook.exact @ asked
    words = np.random.default_rng(seed).permutation(WORDS)[:4]
    places = np.array([3, NO_PAGE, 0, 1, 2, 5, 4], np.int32)  # page 1 is gone
    floor = -0.2
    best = [np.full(NO_PAGE + 1, -np.inf, np.float32) for _ in range(2)]
    lists.raise_pages(asked, words, products[words], floor, places, best[0])
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(SWITCH, NUMPY)
        lists.raise_pages(asked, words, products[words], floor, places, best[1])
    # Sums of four numbers are bytes, and powers of two are off by 0.2 %.
    near = [np.maximum(each[:NO_PAGE], floor) for each in best]
    np.testing.assert_allclose(near[0], near[1], atol=0.03)


def test_similarities_are_those_of_the_vectors() -> None:
    lists, _, _ = collection(400, 128, seed=3)
    asked = vectors(1, 128, 9)[0]
    products = lists.codebook.exact @ asked
    best = np.full(NO_PAGE + 1, -np.inf, np.float32)
    lists.raise_pages(asked, np.arange(WORDS), products, -1.0, np.arange(NO_PAGE, dtype=np.int32), best)
    want = np.full(NO_PAGE + 1, -np.inf, np.float32)
    for word in range(WORDS):
        pages, shares, steps, signs = lists.patches(word)
        decoded = shares[:, None] * lists.codebook.exact[word] + steps[:, None] * signs
        np.maximum.at(want, pages, decoded @ asked)
    np.testing.assert_allclose(best, want, atol=0.01)


def test_a_page_number_that_cannot_be_is_not_written_to() -> None:
    lists, _, _ = collection(100, 64, seed=4)
    lists.lists[:] = 255
    best = np.full(NO_PAGE + 1, -np.inf, np.float32)
    asked = vectors(1, 64, 9)[0]
    with np.errstate(all="ignore"):
        lists.raise_pages(asked, np.arange(WORDS), np.ones(WORDS, np.float32), -9.0, np.arange(7, dtype=np.int32), best)
    assert (best == -np.inf).all()


@given(st.sampled_from([8, 64, 128]), st.integers(0, 1000))
def test_sums_of_half_bytes(dim: int, seed: int) -> None:
    asked = vectors(1, dim, seed)[0]
    table, step, start = scan.half_byte_sums(asked)
    assert table.shape == (dim // 4, 16)
    assert table.max() <= scan.SUM_MAX
    bits = np.random.default_rng(seed).integers(0, 2, dim)
    codes = bits.reshape(-1, 4) @ [1, 2, 4, 8]
    told = table[np.arange(dim // 4), codes].astype(np.int64).sum() * step + start
    assert told == pytest.approx(float((bits * 2 - 1) @ asked), abs=step * dim / 8)
