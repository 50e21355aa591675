"""Visual words: the centroids that quantise patch vectors, and a dense vector per page from the set of words on it.

The term is that of Sivic and Zisserman, "Video Google", 2003. A page repeats "the" fifty times, which would dominate a
sum or mean of its patch vectors; the *set* of its words has it once. A page's dense vector is the sum of random-sign
codes, one for each distinct word: its inner product with a word's code is 1 if the word is on the page and 0 otherwise,
plus noise of standard deviation sqrt(distinct words / S).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..records import F16, F32, I64, U8, U16, Ragged
from .residual import Codebook

CODE_SEED = 20260101
"""Seed of the random codes; indexes hold sums of them, so another seed would be another format."""
NEIGHBOURS = 12
"""Visual words nearest to a query vector that stand for it in a dense vector."""
SHARPNESS = 4.0
"""Power of the cosine by which these count."""
ASSIGN_BLOCK = 4096
"""Vectors that are assigned to visual words at a time."""


class VisualWords:
    """`centroids` (V, D) float32, one a visual word, and `width` S, the dimension of a page's dense vector."""

    def __init__(self, centroids: F32 | Callable[[], F32], width: int) -> None:
        """`centroids` may be what reads them, which is called when they are first needed: few searches need them."""
        self._stored = centroids
        self.width = width

    @cached_property
    def centroids(self) -> F32:
        """One for each visual word, (V, D)."""
        return self._stored() if callable(self._stored) else self._stored

    @cached_property
    def codebook(self) -> Codebook:
        """The centroids in float16, as an index stores them for the codec residual."""
        return Codebook(self.centroids.astype(np.float16))

    @cached_property
    def _bits(self) -> U8:
        raw = np.random.Generator(np.random.PCG64(CODE_SEED)).bytes(len(self.centroids) * self.width // 8)
        return np.frombuffer(raw, np.uint8).reshape(len(self.centroids), self.width // 8)

    def signs(self, words: NDArray[np.integer]) -> F32:
        """The codes (W, S) float32, of unit length, of visual words (W,); the same on every machine."""
        bits = np.unpackbits(self._bits[words], axis=1).astype(np.float32)
        codes: F32 = (bits * 2 - 1) / np.sqrt(np.float32(self.width))
        return codes

    def assign(self, vectors: F32) -> U16:
        """The visual word (T,) uint16 of each vector (T, D): the centroid with the largest inner product."""
        out = np.empty(len(vectors), np.uint16)
        for start in range(0, len(vectors), ASSIGN_BLOCK):
            block = vectors[start : start + ASSIGN_BLOCK]
            out[start : start + ASSIGN_BLOCK] = (block @ self.centroids.T).argmax(axis=1)
        return out

    def page_vectors(self, words: Ragged) -> F16:
        """The dense vectors (N, S) float16 of pages with visual words `words`, N pages Ragged (T,) uint16."""
        out = np.zeros((len(words), self.width), np.float16)
        for row, page in enumerate(words):
            if len(page):
                out[row] = self.signs(np.unique(page)).sum(axis=0)
        return out

    def nearest(self, vectors: F32) -> tuple[I64, F32]:
        """The M = NEIGHBOURS visual words nearest to each query vector (Q, D), best first, and their cosines: (Q, M)
        each.

        Ties go to the lower word.
        """
        cosines = vectors @ self.centroids.T
        count = min(NEIGHBOURS, len(self.centroids))
        near = np.empty((len(vectors), count), np.int64)
        for row, own in enumerate(cosines):
            border = np.partition(own, len(own) - count)[len(own) - count]
            reach = np.flatnonzero(own >= border)
            near[row] = reach[np.argsort(-own[reach], kind="stable")[:count]]
        return near, np.take_along_axis(cosines, near, axis=1)

    def query_vector(self, vectors: F32, weights: F32) -> F32:
        """The dense vector (S,) of a query (Q, D) with weights (Q,): its tokens' nearest visual words, weighted by
        cosine.
        """
        near, cosines = self.nearest(vectors)
        shares = np.maximum(cosines, 0) ** SHARPNESS * weights[:, None]
        total: F32 = (self.signs(near.ravel()) * shares.ravel()[:, None]).sum(axis=0)
        return total
