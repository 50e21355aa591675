"""MaxSim on the CPU with numpy: blocks that stay in the cache, one thread a core."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise

import numpy as np

from ... import cores
from ...records import F32, I64
from ..codecs import Coded
from .reference import EMPTY

BLOCK_VECTORS = 4096
"""Vectors decoded at a time: 2 MB of float32 at 128 dimensions."""


def token_maxima(query: F32, coded: Coded, offsets: I64) -> F32:
    """`reference.token_maxima` for stored vectors: `query` (Q, D), `coded` (T, D), `offsets` (N + 1,) -> (N, Q)."""
    out = np.full((len(offsets) - 1, len(query)), EMPTY, np.float32)
    transposed = np.ascontiguousarray(query.T)  # (D, Q)
    starts = block_starts(offsets)
    work = [(int(a), int(b)) for a, b in pairwise(starts)]
    with cores.no_blas_threads():
        list(pool().map(lambda rows: score_block(transposed, coded, offsets, rows, out), work))
    return out


def block_starts(offsets: I64) -> I64:
    """Rows at which blocks of about BLOCK_VECTORS vectors begin, and N at the end."""
    marks = np.arange(offsets[0], offsets[-1], BLOCK_VECTORS)
    rows = np.unique(np.searchsorted(offsets[:-1], marks, side="left"))
    ends = np.array([0, len(offsets) - 1])
    return np.unique(np.concatenate([rows, ends]))


def score_block(transposed: F32, coded: Coded, offsets: I64, rows: tuple[int, int], out: F32) -> None:
    """Fill `out` (N, Q) for the pages `rows[0]` to `rows[1]`."""
    first, last = rows
    inside = offsets[first : last + 1]
    patches = coded[slice(int(inside[0]), int(inside[-1]))]
    similarity = patches.values.astype(np.float32) @ transposed  # (T, Q)
    if patches.scales is not None:
        similarity *= patches.scales.astype(np.float32)[:, None]
    filled = np.flatnonzero(np.diff(inside))
    if len(filled):
        begin = (inside[filled] - inside[0]).astype(np.intp)
        out[first + filled] = np.maximum.reduceat(similarity, begin, axis=0)


@lru_cache(maxsize=1)
def pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cores.available())
