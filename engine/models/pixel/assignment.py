"""Under which visual word a patch is filed: the centroid most similar to its vector."""

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
"""Vectors compared with the centroids at a time: their similarities stay in the cache."""
INTEGER_BLOCK = 128
ROWS = 64
"""The centroids are looked through as a table of so many rows."""
LEAST_SIMILAR = 0.3
"""In 8-bit integers similarities below it are all one; patches have 0.88 with their centroid on average."""


class Filing:
    """Files vectors under centroids (W, D) of unit length; in 8-bit integers, where the nearest may be missed for one
    within 0.005 of it, where `integers`.
    """

    def __init__(self, centroids: F32, device: torch.device, dtype: torch.dtype, *, integers: bool) -> None:
        self._centroids = torch.from_numpy(centroids).to(device, dtype)
        self._block = INTEGER_BLOCK if integers else BLOCK
        self._similar: Callable[[Tensor], Tensor] = IntegerProducts(self._centroids) if integers else self._products

    def words(self, vectors: F16) -> U16:
        """The nearest centroid of each vector (T, D), as (T,) uint16."""
        with torch.inference_mode():
            given = torch.from_numpy(vectors).to(self._centroids.device, self._centroids.dtype)
            nearest = [self._nearest(block) for block in torch.split(given, self._block)]
            return torch.cat(nearest).cpu().numpy().astype(np.uint16)

    def _nearest(self, vectors: Tensor) -> Tensor:
        """The centroid most similar to each vector (T, D), as (T,) int64: first the column it is in, then the row.

        Maxima in bfloat16 and uint8 are cheap, indices of maxima are not.
        """
        columns = len(self._centroids) // ROWS
        similarity = self._similar(vectors).view(-1, ROWS, columns)  # (T, R, W / R)
        column = similarity.amax(dim=1).float().argmax(dim=1)
        row = similarity[torch.arange(len(vectors)), :, column].float().argmax(dim=1)
        nearest: Tensor = row * columns + column
        return nearest

    def _products(self, vectors: Tensor) -> Tensor:
        return vectors @ self._centroids.T


class IntegerProducts:
    """Similarities of vectors with centroids (W, D), as uint8 from LEAST_SIMILAR to 1."""

    def __init__(self, centroids: Tensor) -> None:
        words, dim = centroids.shape
        pointwise = nn.Conv2d(dim, words, 1).requires_grad_(requires_grad=False)
        pointwise.weight.copy_(centroids[:, :, None, None])
        nn.init.constant_(pointwise.bias, -LEAST_SIMILAR)  # type: ignore[arg-type]
        (self._scale,) = eight_bits.scales_of(centroids.abs().amax() * torch.tensor([[-1.0, 1.0]]))
        self._product = IntegerConv(pointwise, self._scale, Scale((1 - LEAST_SIMILAR) / LEVELS, 0), relu=True)

    def __call__(self, vectors: Tensor) -> Tensor:
        """(T, D) float32, at most INTEGER_BLOCK of them, to (T, W); always computed for as many, as oneDNN compiles
        something for each size.
        """
        whole = functional.pad(self._scale.of(vectors), (0, 0, 0, INTEGER_BLOCK - len(vectors)))
        similar = self._product(whole.T[None, :, :, None])  # (1, D, T, 1), channels last in memory
        return similar[0, :, :, 0].T[: len(vectors)]
