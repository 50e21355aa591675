"""Assignment of patch vectors to visual words: each to the centroid that is most similar to it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...records import F16, F32, U16
from . import eight_bits
from .eight_bits import LEVELS, IntegerConv, Scale

BLOCK = 256
"""Vectors compared with the centroids at a time, so that their similarities stay in the CPU's cache."""
INTEGER_BLOCK = 128
"""The same for 8-bit integers."""
ROWS = 64
"""Rows of the table that the similarities with all centroids are arranged in; divides their number."""
MIN_SIMILARITY = 0.3
"""Lower similarities become this in 8-bit integers; the mean similarity of a patch with its centroid is 0.88."""


class CentroidAssignment:
    """Finds the nearest of the centroids (V, D), which have unit length.

    With `integers` in 8-bit integers, which may choose another centroid that is less similar by up to 0.005.
    """

    def __init__(self, centroids: F32, device: torch.device, dtype: torch.dtype, *, integers: bool) -> None:
        self._centroids = torch.from_numpy(centroids).to(device, dtype)
        self._block = INTEGER_BLOCK if integers else BLOCK
        self._similarities: Callable[[Tensor], Tensor]
        self._similarities = IntegerSimilarities(self._centroids) if integers else self._products

    def assign(self, vectors: F16) -> U16:
        """The nearest centroid of each vector (T, D), as (T,) uint16."""
        with torch.inference_mode():
            given = torch.from_numpy(vectors).to(self._centroids.device, self._centroids.dtype)
            nearest = [self._nearest(block) for block in torch.split(given, self._block)]
            return torch.cat(nearest).cpu().numpy().astype(np.uint16)

    def _nearest(self, vectors: Tensor) -> Tensor:
        """The nearest centroid of each vector (T, D), as (T,) int64: first the column of the table, then the row.

        In bfloat16 and uint8, a maximum is cheap to compute and its index is not.
        """
        columns = len(self._centroids) // ROWS
        similarity = self._similarities(vectors).view(-1, ROWS, columns)  # (T, R, V / R)
        column = similarity.amax(dim=1).float().argmax(dim=1)
        row = similarity[torch.arange(len(vectors)), :, column].float().argmax(dim=1)
        nearest: Tensor = row * columns + column
        return nearest

    def _products(self, vectors: Tensor) -> Tensor:
        return vectors @ self._centroids.T


class IntegerSimilarities:
    """Similarities of vectors with centroids (V, D), as uint8 from 0 for MIN_SIMILARITY to 255 for 1."""

    def __init__(self, centroids: Tensor) -> None:
        words, dim = centroids.shape
        pointwise = nn.Conv2d(dim, words, 1).requires_grad_(requires_grad=False)
        pointwise.weight.copy_(centroids[:, :, None, None])
        nn.init.constant_(pointwise.bias, -MIN_SIMILARITY)  # type: ignore[arg-type]
        (self._scale,) = eight_bits.scales_for(centroids.abs().amax() * torch.tensor([[-1.0, 1.0]]))
        self._product = IntegerConv(pointwise, self._scale, Scale((1 - MIN_SIMILARITY) / LEVELS, 0), relu=True)

    def __call__(self, vectors: Tensor) -> Tensor:
        """Vectors (T, D) float32 to similarities (T, V); T is at most INTEGER_BLOCK.

        Vectors are padded to INTEGER_BLOCK, because oneDNN compiles a kernel for each size.
        """
        padded = functional.pad(self._scale.quantize(vectors), (0, 0, 0, INTEGER_BLOCK - len(vectors)))
        similar = self._product(padded.T[None, :, :, None])  # (1, D, T, 1), channels last in memory
        return similar[0, :, :, 0].T[: len(vectors)]
