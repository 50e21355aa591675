"""MaxSim in plain float32: the slow definition that every fast kernel is tested against."""

from __future__ import annotations

import numpy as np

from ...records import F32, Ragged

EMPTY = -np.inf
"""The similarity of every query vector with a page that has no patches."""


def token_maxima(query: F32, pages: Ragged) -> F32:
    """The largest inner product of each query vector with the patches of each page.

    `query` (Q, D) float32, `pages` N pages Ragged (T, D); returns (N, Q) float32, -inf for a page without patches.
    Khattab and Zaharia, "ColBERT", 2020, equation 3, before the sum.
    """
    out = np.full((len(pages), len(query)), EMPTY, np.float32)
    for row, patches in enumerate(pages):
        if len(patches):
            out[row] = (patches.astype(np.float32) @ query.T).max(axis=0)
    return out
