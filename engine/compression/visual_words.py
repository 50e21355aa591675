"""Many patch vectors to one vector a page: the set of visual words on it, coded by near-orthogonal signs.

A page repeats "the" fifty times, so sums and means of its patch vectors drown in it; a *set* does not. Each patch is
replaced by its nearest centroid (its visual word), and the page's vector is the sum of the random-sign codes of the
distinct words: the inner product with the code of a word is 1 where the word is on the page, plus a noise of
sqrt(distinct words / S).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..records import F16, F32, I64, U8, U16, Ragged
from .residual import Codebook

CODE_SEED = 20260101
NEIGHBOURS = 12
SHARPNESS = 4.0
ASSIGN_BLOCK = 4096


@dataclass(frozen=True)
class PageCode:
    """`centroids` (V, D) float32, the visual words, and the width S of a page's vector."""

    centroids: F32
    width: int

    @cached_property
    def codebook(self) -> Codebook:
        """The visual words as an index in the codec residual keeps them."""
        return Codebook(self.centroids.astype(np.float16))

    @cached_property
    def _bits(self) -> U8:
        raw = np.random.Generator(np.random.PCG64(CODE_SEED)).bytes(len(self.centroids) * self.width // 8)
        return np.frombuffer(raw, np.uint8).reshape(len(self.centroids), self.width // 8)

    def signs(self, words: NDArray[np.integer]) -> F32:
        """Random codes (W, S) float32 of unit length of visual words (W,), the same on every machine."""
        bits = np.unpackbits(self._bits[words], axis=1).astype(np.float32)
        codes: F32 = (bits * 2 - 1) / np.sqrt(np.float32(self.width))
        return codes

    def assign(self, vectors: F32) -> U16:
        """The nearest visual word of each vector (T, D), as (T,) uint16."""
        out = np.empty(len(vectors), np.uint16)
        for start in range(0, len(vectors), ASSIGN_BLOCK):
            block = vectors[start : start + ASSIGN_BLOCK]
            out[start : start + ASSIGN_BLOCK] = (block @ self.centroids.T).argmax(axis=1)
        return out

    def page_vectors(self, words: Ragged) -> F16:
        """One vector (N, S) float16 for each page's visual words, Ragged (T,) uint16."""
        out = np.zeros((len(words), self.width), np.float16)
        for row, page in enumerate(words):
            if len(page):
                out[row] = self.signs(np.unique(page)).sum(axis=0)
        return out

    def nearest(self, vectors: F32) -> tuple[I64, F32]:
        """For each query vector (Q, D) its NEIGHBOURS closest visual words (Q, M), best first, and their cosines; ties
        go to the lower word.
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
        """One vector (S,) for a query (Q, D) with weights (Q,): its words' neighbours, the closest most."""
        near, cosines = self.nearest(vectors)
        shares = np.maximum(cosines, 0) ** SHARPNESS * weights[:, None]
        total: F32 = (self.signs(near.ravel()) * shares.ravel()[:, None]).sum(axis=0)
        return total
