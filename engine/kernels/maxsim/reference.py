"""What MaxSim means, in plain float32: slow, and the law for every fast kernel."""

from __future__ import annotations

import numpy as np

from ...records import F32, Ragged

EMPTY = -np.inf
"""The similarity of every query vector with a page that has no patches."""


def token_maxima(query: F32, pages: Ragged) -> F32:
    """For each page and query vector the largest inner product with a patch of the page.

    `query` (Q, D) float32, `pages` Ragged (T, D); returns (N, Q) float32, -inf for a page without patches.
    Khattab and Zaharia, "ColBERT", 2020, equation 3, before the sum.
    """
    out = np.full((len(pages), len(query)), EMPTY, np.float32)
    for row, patches in enumerate(pages):
        if len(patches):
            out[row] = (patches.astype(np.float32) @ query.T).max(axis=0)
    return out


def score(maxima: F32, weights: F32, floor: float) -> F32:
    """Weighted MaxSim: Σ_q weights[q] · max(0, (s_q - floor) / (1 - floor)), at most 1, for `maxima` (N, Q) -> (N,)."""
    matches = np.clip((maxima - np.float32(floor)) / np.float32(1 - floor), 0, 1)
    total: F32 = (matches * weights).sum(axis=1, dtype=np.float32)
    return total
