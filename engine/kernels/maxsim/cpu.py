"""MaxSim on the CPU: blocks that stay in the cache, one thread a core, in machine code where there is some.

Without, numpy multiplies numbers whose sums are exact: there, too, a page has the same maxima to the bit wherever it
stands, and whatever is asked beside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from itertools import pairwise

import numpy as np

from ... import threads
from ...compression import codecs
from ...compression.codecs import Coded
from ...compression.residual import Codebook
from ...records import F32, I64
from ..exact import F64, patch_numbers, query_numbers
from . import compiled
from .compiled import Kernel
from .reference import EMPTY

BLOCK_VECTORS = 4096
"""Vectors decoded at a time: 2 MB of float32 at 128 dimensions."""
VECTORS_ALONE = 4096
"""Vectors of pages with one each that one call multiplies with a query."""
KERNEL_VECTORS = 16384
"""Vectors that compiled code scores in one call: enough that the time between calls does not count."""


def token_maxima(query: F32, coded: Coded, offsets: I64) -> F32:
    """`reference.token_maxima` for stored vectors: `query` (Q, D), `coded` (T, D), `offsets` (N + 1,) -> (N, Q)."""
    return maxima_of_parts(query, [(coded, offsets)])


def maxima_of_parts(query: F32, parts: Sequence[tuple[Coded, I64]]) -> F32:
    """The same for vectors of one codec that lie in several places, at least one, each with the offsets of its pages;
    their pages follow each other.
    """
    first = parts[0][0]
    kernel = compiled.kernel(first.codec, first.dim) if len(query) else None
    if kernel is None:
        return np.concatenate([decoded_maxima(query, coded, offsets) for coded, offsets in parts])
    for coded, _ in parts:
        _check(coded)
    return _scored(kernel, query, parts, KERNEL_VECTORS)


def products(query: F32, coded: Coded) -> F32:
    """The inner products of `query` (Q, D) with stored vectors, (T, Q): the maxima of pages that hold one each, so
    none depends on other vectors.
    """
    kernel = compiled.kernel(coded.codec, coded.dim, tile=1) if len(query) else None
    if kernel is None:
        with threads.no_blas_threads():
            return similarities(query_numbers(query).T, coded)
    _check(coded)
    return _scored(kernel, query, [(coded, np.arange(len(coded) + 1))], VECTORS_ALONE)


@lru_cache(maxsize=2)
def word_products(query: bytes, vectors: int, codebook: Codebook) -> F32:
    """The products of `vectors` query vectors, given as bytes, with all visual words, (V, Q). The next block of pages
    wants them again.
    """
    centroids = codebook.centroids
    asked = np.frombuffer(query, np.float32).reshape(vectors, centroids.shape[1])
    return products(asked, Coded("float16", centroids, None, centroids.shape[1]))


def _scored(kernel: Kernel, query: F32, parts: Sequence[tuple[Coded, I64]], at_once: int) -> F32:
    packed, codebook = compiled.pack(query, kernel.shape), parts[0][0].codebook
    if codebook is not None:
        packed = compiled.with_words(packed, word_products(query.tobytes(), len(query), codebook), kernel.shape)
    pages = compiled.table(parts)
    out = np.full((len(pages.lengths), len(query)), EMPTY, np.float32)
    offsets = np.concatenate([[0], np.cumsum(pages.lengths)])
    in_blocks(offsets, at_once, partial(compiled.score_block, kernel, packed, pages, out=out))
    return out


def _check(coded: Coded) -> None:
    """Compiled code would read beside the codebook."""
    if coded.codebook is not None and coded.words is not None:
        coded.codebook.check(coded.words)


def decoded_maxima(query: F32, coded: Coded, offsets: I64) -> F32:
    """The same with numpy alone, on vectors decoded block by block."""
    out = np.full((len(offsets) - 1, len(query)), EMPTY, np.float32)
    transposed = np.ascontiguousarray(query_numbers(query).T)  # (D, Q)
    with threads.no_blas_threads():
        in_blocks(offsets, BLOCK_VECTORS, partial(score_block, transposed, coded, offsets, out=out))
    return out


def in_blocks(offsets: I64, vectors: int, score: Callable[[tuple[int, int]], None]) -> None:
    """Have pages scored, a block of neighbours of about so many `vectors` at a time, on every core."""
    work = [(int(a), int(b)) for a, b in pairwise(block_starts(offsets, vectors))]
    if len(work) == 1:
        score(work[0])
    else:
        list(pool().map(score, work))


def block_starts(offsets: I64, vectors: int) -> I64:
    """Rows at which blocks of about so many `vectors` begin, and N at the end."""
    marks = np.arange(offsets[0], offsets[-1], vectors)
    rows = np.unique(np.searchsorted(offsets[:-1], marks, side="left"))
    ends = np.array([0, len(offsets) - 1])
    return np.unique(np.concatenate([rows, ends]))


def similarities(transposed: F64, coded: Coded) -> F32:
    """The inner products of query vectors (D, Q), as `exact` has them, with stored vectors, (T, Q)."""
    if coded.codebook is not None:
        exact = patch_numbers(codecs.decode(coded))
        found: F32 = (exact @ transposed).astype(np.float32)
        return found
    found = (codecs.wide_numbers(coded) @ transposed).astype(np.float32)
    if coded.scales is not None:
        found *= coded.scales.astype(np.float32)[:, None]
    return found


def score_block(transposed: F64, coded: Coded, offsets: I64, rows: tuple[int, int], out: F32) -> None:
    """Fill `out` (N, Q) for the pages `rows[0]` to `rows[1]`."""
    first, last = rows
    inside = offsets[first : last + 1]
    patches = coded[slice(int(inside[0]), int(inside[-1]))]
    similarity = similarities(transposed, patches)
    filled = np.flatnonzero(np.diff(inside))
    if len(filled):
        begin = (inside[filled] - inside[0]).astype(np.intp)
        out[first + filled] = np.maximum.reduceat(similarity, begin, axis=0)


@lru_cache(maxsize=1)
def pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads.available())
