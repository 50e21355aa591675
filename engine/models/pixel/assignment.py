"""Assignment of patch vectors to visual words: each to the centroid that is most similar to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...records import F16, F32, U8, U16
from ..onnx_session import open_graph
from .graphs import ROWS as VECTOR_ROWS
from .graphs import similarity_graph
from .quantisation import Scale

BLOCK = 128
"""Vectors compared with the centroids at a time, so that their similarities stay in the CPU's cache."""
ROWS = 64
"""Rows of the table that the similarities with all centroids are arranged in; divides their number."""


class CentroidAssignment:
    """Finds the nearest of the centroids (V, D), which have unit length.

    It compares in 8-bit integers, and may choose another centroid that is less similar by up to 0.01.
    """

    def __init__(self, centroids: F32) -> None:
        highest = float(np.abs(centroids).max())
        self._scale = Scale.over(-highest, highest)
        self._columns = len(centroids) // ROWS
        self._similarities = open_graph(similarity_graph(centroids, self._scale))

    def assign(self, vectors: F16) -> U16:
        """The nearest centroid of each vector (T, D), as (T,) uint16."""
        integers = self._scale.quantize(vectors.astype(np.float32))
        out = np.empty(len(vectors), np.uint16)
        for start in range(0, len(vectors), BLOCK):
            out[start : start + BLOCK] = self._nearest(integers[start : start + BLOCK])
        return out

    def _nearest(self, vectors: U8) -> U16:
        """The nearest centroid of each vector (T, D): first the column of the table, then the row.

        A maximum of bytes is cheap to compute, and its index is not.
        """
        (similar,) = self._similarities.run(None, {VECTOR_ROWS: vectors[None, None]})
        table = similar.reshape(-1, ROWS, self._columns)
        column = table.max(axis=1).argmax(axis=1)
        row = table[np.arange(len(vectors)), :, column].argmax(axis=1)
        nearest: U16 = (row * self._columns + column).astype(np.uint16)
        return nearest


@dataclass(frozen=True)
class TwoAssignments:
    """The centroids (V, D) of two kinds of vectors, which are assigned apart: those of a kind have their own centroids.

    `first` has the centroids below `begin`, `second` the others; they are the same if there are no others.
    """

    centroids: F32
    begin: int
    first: CentroidAssignment
    second: CentroidAssignment

    @staticmethod
    def of(centroids: F32, begin: int) -> TwoAssignments:
        """The centroids (V, D), of which those from `begin` on are the second kind's."""
        if len(centroids) <= begin:  # a model that was fine-tuned before there was a second kind
            whole = CentroidAssignment(centroids)
            return TwoAssignments(centroids, 0, whole, whole)
        return TwoAssignments(
            centroids, begin, CentroidAssignment(centroids[:begin]), CentroidAssignment(centroids[begin:])
        )

    def assign_parts(self, vectors: F16, is_second: NDArray[np.bool_]) -> U16:
        """The nearest centroid of its kind of each vector (T, D), as (T,) uint16; `is_second` (T,) tells the kinds."""
        out = np.empty(len(vectors), np.uint16)
        out[~is_second] = self.first.assign(vectors[~is_second])
        if is_second.any():
            out[is_second] = self.second.assign(vectors[is_second]) + np.uint16(self.begin)
        return out

    def assign(self, vectors: F16) -> U16:
        """The nearest centroid of each vector (T, D) of unknown kind, as (T,) uint16."""
        halves = vectors.astype(np.float32)
        kinds = [self.assign_parts(vectors, np.full(len(vectors), kind)) for kind in (False, True)]
        near = [np.einsum("td,td->t", halves, self.centroids[words]) for words in kinds]
        return np.where(near[1] > near[0], kinds[1], kinds[0])
