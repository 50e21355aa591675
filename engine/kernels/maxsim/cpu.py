"""MaxSim on the CPU: blocks of pages that fit the cache, on every core, by compiled code or by numpy.

Without compiled code, numpy multiplies numbers whose sums are exact (`exact_products`). Either way the maxima of a page
are the same bits whatever its position, and whatever other pages and query vectors are scored with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import pairwise

import numpy as np

from ... import threads
from ...compression import codecs
from ...compression.codecs import Coded
from ...compression.residual import Codebook
from ...records import F32, F64, I64
from ..exact_products import round_patches, round_query
from . import compiled
from .arguments import check_query, check_stored
from .compiled import Kernel, PackedQuery, PageTable, Part
from .reference import EMPTY

BLOCK_VECTORS = 4096
"""Vectors that numpy decodes at a time: 2 MB of float32 at 128 dimensions."""
PRODUCTS_BLOCK_VECTORS = 4096
"""Vectors whose products with a query one call of compiled code computes."""
KERNEL_VECTORS = 16384
"""Vectors that compiled code scores in one call: enough for the time between calls not to matter."""


def token_maxima(query: F32, coded: Coded, offsets: I64) -> F32:
    """`reference.token_maxima` for stored vectors: `query` (Q, D), `coded` (T, D), `offsets` (N + 1,) -> (N, Q)."""
    return maxima_of_parts(query, [(coded, offsets)])


def maxima_of_parts(query: F32, parts: Sequence[tuple[Coded, I64]]) -> F32:
    """The same for pages in several places in memory: one or more parts of one codec, each with its page offsets.

    Returns (N, Q) float32 for the pages of all parts, in their order. Raises ValueError for arrays that do not fit each
    other, and for a query that is not finite float32; IndexDamaged for an unknown visual word.
    """
    return PlacedPages([(coded, offsets[:-1], np.diff(offsets)) for coded, offsets in parts]).maxima(query)


@dataclass(frozen=True, eq=False)
class PlacedPages:
    """The N pages of `parts`, of one codec, in their order; where they lie is looked up once for all queries."""

    parts: Sequence[Part]

    def maxima(self, query: F32) -> F32:
        """The maxima (N, Q) of `query` (Q, D) with the pages; raises what `maxima_of_parts` raises."""
        coded = self._checked
        check_query(query, coded.dim)
        kernel = compiled.kernel(coded.dim) if len(query) else None
        if kernel is None:
            found = [numpy_maxima(query, *run) for part in self.parts for run in adjacent(*part)]
            return np.concatenate([np.zeros((0, len(query)), np.float32), *found])
        pages, blocks = self._table
        packed = _packed(kernel, query.tobytes(), len(query), coded.codec, coded.codebook)
        out = np.empty((len(pages.lengths), len(query)), np.float32)
        threads.share_out(partial(compiled.score_block, kernel.maxima, packed, pages, out=out), blocks)
        return out

    @cached_property
    def _checked(self) -> Coded:
        """The vectors of the first part, after a look at those of all."""
        first, _, _ = self.parts[0]
        for part in self.parts:
            check_stored(*part, codec=first.codec, dim=first.dim)
        return first

    @cached_property
    def _table(self) -> tuple[PageTable, list[tuple[int, int]]]:
        """Where the pages lie, and the rows of the blocks that compiled code scores in one call."""
        for part in self.parts:
            _check_words(*part)
        pages = compiled.page_table(self.parts)
        return pages, blocks_of(np.concatenate([[0], np.cumsum(pages.lengths)]), KERNEL_VECTORS)


def adjacent(coded: Coded, begins: I64, lengths: I64) -> Iterator[tuple[Coded, I64]]:
    """The pages of a part in runs that follow each other: vectors (T, D), and the offsets (n + 1,) of a run's pages."""
    for first, last in runs(begins, lengths):
        offsets = np.concatenate([begins[first:last], begins[last - 1 : last] + lengths[last - 1 : last]])
        yield coded[slice(int(offsets[0]), int(offsets[-1]))], offsets - offsets[0]


def runs(begins: I64, lengths: I64) -> list[tuple[int, int]]:
    """The pages from one up to another of each run of pages that follow each other."""
    breaks = np.flatnonzero(begins[:-1] + lengths[:-1] != begins[1:]) + 1
    return list(pairwise([0, *breaks.tolist(), len(begins)])) if len(begins) else []


def products(query: F32, coded: Coded) -> F32:
    """The inner products (T, Q) of `query` (Q, D) with stored vectors (T, D), each independent of the other vectors.

    Raises what `maxima_of_parts` raises.
    """
    whole = (coded, np.zeros(1, np.int64), np.array([len(coded)]))
    check_query(query, coded.dim)
    check_stored(*whole, codec=coded.codec, dim=coded.dim)
    kernel = compiled.kernel(coded.dim) if len(query) else None
    if kernel is None:
        with threads.no_blas_threads():
            return similarities(round_query(query).T, coded)
    _check_words(*whole)
    packed = _packed(kernel, query.tobytes(), len(query), coded.codec, coded.codebook)
    pages = compiled.page_table([whole])
    out = np.empty((len(coded), len(query)), np.float32)
    score = partial(compiled.score_block, kernel.products, packed, pages, out=out)
    in_blocks(np.arange(len(coded) + 1), PRODUCTS_BLOCK_VECTORS, score)
    return out


@lru_cache(maxsize=2)
def centroid_products(query: bytes, vectors: int, codebook: Codebook) -> F32:
    """The products (V, Q) of `vectors` query vectors, given as bytes, with all centroids.

    Cached, since the next block of pages needs them again.
    """
    centroids = codebook.centroids
    unpacked = np.frombuffer(query, np.float32).reshape(vectors, centroids.shape[1])
    return products(unpacked, Coded("float16", centroids, None, centroids.shape[1]))


@lru_cache(maxsize=2)
def _packed(kernel: Kernel, query: bytes, vectors: int, codec: str, codebook: Codebook | None) -> PackedQuery:
    """`vectors` query vectors, given as bytes, as the kernel reads them; cached as `centroid_products` are."""
    found = None if codebook is None else centroid_products(query, vectors, codebook)
    return compiled.pack(kernel, np.frombuffer(query, np.float32).reshape(vectors, -1), codec, found)


def _check_words(coded: Coded, begins: I64, lengths: I64) -> None:
    """Raise IndexDamaged for an unknown visual word: compiled code would read beyond the table of products."""
    words = coded.words
    if coded.codebook is None or words is None or not len(begins):
        return
    own = [words[begins[first] : begins[last - 1] + lengths[last - 1]] for first, last in runs(begins, lengths)]
    coded.codebook.check(np.concatenate(own))


def numpy_maxima(query: F32, coded: Coded, offsets: I64) -> F32:
    """`token_maxima` with numpy alone, on vectors decoded block by block."""
    out = np.full((len(offsets) - 1, len(query)), EMPTY, np.float32)
    transposed = np.ascontiguousarray(round_query(query).T)  # (D, Q)
    with threads.no_blas_threads():
        in_blocks(offsets, BLOCK_VECTORS, partial(score_block, transposed, coded, offsets, out=out))
    return out


def in_blocks(offsets: I64, vectors: int, score: Callable[[tuple[int, int]], object]) -> None:
    """Call `score` with the rows from one up to another of each block of about `vectors` vectors, on every core."""
    threads.share_out(score, blocks_of(offsets, vectors))


def blocks_of(offsets: I64, vectors: int) -> list[tuple[int, int]]:
    """The rows from one up to another of each block of about `vectors` vectors, of N pages with `offsets` (N + 1,)."""
    return [(int(a), int(b)) for a, b in pairwise(block_starts(offsets, vectors))]


def block_starts(offsets: I64, vectors: int) -> I64:
    """The rows where blocks of about `vectors` vectors begin, then N, for N pages with `offsets` (N + 1,)."""
    marks = np.arange(offsets[0], offsets[-1], vectors)
    rows = np.unique(np.searchsorted(offsets[:-1], marks, side="left"))
    ends = np.array([0, len(offsets) - 1])
    return np.unique(np.concatenate([rows, ends]))


def similarities(transposed: F64, coded: Coded) -> F32:
    """The inner products (T, Q) of stored vectors with query vectors (D, Q) from `round_query`."""
    if coded.codebook is not None:
        rounded = round_patches(codecs.decode(coded))
        found: F32 = (rounded @ transposed).astype(np.float32)
        return found
    found = (codecs.unscaled_f64(coded) @ transposed).astype(np.float32)
    if coded.scales is not None:
        found *= coded.scales.astype(np.float32)[:, None]
    return found


def score_block(transposed: F64, coded: Coded, offsets: I64, rows: tuple[int, int], out: F32) -> None:
    """Fill `out` (N, Q) for the pages from `rows[0]` up to `rows[1]`."""
    first, last = rows
    inside = offsets[first : last + 1]
    patches = coded[slice(int(inside[0]), int(inside[-1]))]
    similarity = similarities(transposed, patches)
    filled = np.flatnonzero(np.diff(inside))
    if len(filled):
        begin = (inside[filled] - inside[0]).astype(np.intp)
        out[first + filled] = np.maximum.reduceat(similarity, begin, axis=0)
