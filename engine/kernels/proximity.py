"""Query words that stand side by side on a page: how well each pair of them is matched by two neighbouring patches.

MaxSim looks at each query word alone: "operating" at the top of a page and "margin" at its foot count as much as
"operating margin". A pair is one more query vector, two words wide: its MaxSim runs over pairs of patches that lie near
each other, and a pair of patches matches as well as the worse of the two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..records import F32, I64

PAIR_SHARE = 0.6
"""A pair weighs this much of the lighter of its words; docs/log.md compares 0.3 to 1."""
ACROSS_HEIGHTS = 5.0
"""Patches are near when the gap between them along the line is at most this many times the lower one's height, ..."""
DOWN_HEIGHTS = 0.8
"""... and the gap across lines at most this many times: the next line of a heading or of a table's head."""
STRONGEST = 24
"""Patches that are looked at for each word of a pair, the best matches first."""


def pair_weights(weights: F32, pairs: I64) -> F32:
    """Weights (P,) of `pairs` (P, 2) of query words with `weights` (Q,)."""
    lighter: F32 = np.float32(PAIR_SHARE) * weights[pairs].min(axis=1, initial=np.inf)
    return lighter


def pair_bounds(matches: F32, pairs: I64) -> F32:
    """What no pair can exceed (N, P), from each page's best match of each word alone, `matches` (N, Q)."""
    bounds: F32 = np.minimum(matches[:, pairs[:, 0]], matches[:, pairs[:, 1]])
    return bounds


def pair_matches(matches: F32, boxes: F32, pairs: I64) -> F32:
    """How well one page matches `pairs` (P, 2) side by side, (P,) float32 in 0..1.

    `matches` (T, Q) in 0..1 of its patches with the query words, `boxes` (T, 4) as x0, y0, x1, y1 in points.
    """
    out = np.zeros(len(pairs), np.float32)
    strongest = {word: _strongest(matches[:, word]) for word in np.unique(pairs).tolist()}
    for p, (a, b) in enumerate(pairs.tolist()):
        ours, theirs = strongest[a], strongest[b]
        if len(ours) and len(theirs):
            both = np.minimum(matches[ours, a][:, None], matches[theirs, b][None, :])
            out[p] = (both * near(boxes[ours], boxes[theirs]) * (ours[:, None] != theirs[None, :])).max()
    return out


def near(a: F32, b: F32) -> NDArray[np.bool_]:
    """Which boxes (A, 4) and (B, 4) lie beside each other, (A, B)."""
    apart = gaps(a, b)
    height = np.minimum((a[:, 3] - a[:, 1])[:, None], (b[:, 3] - b[:, 1])[None, :])
    beside: NDArray[np.bool_] = (apart[..., 0] <= ACROSS_HEIGHTS * height) & (apart[..., 1] <= DOWN_HEIGHTS * height)
    return beside


def gaps(a: F32, b: F32) -> F32:
    """How far boxes (A, 4) and (B, 4) lie apart across and down, (A, B, 2); 0 where they overlap."""
    first, second = a[:, None], b[None, :]
    apart: F32 = np.maximum(np.maximum(first[..., :2] - second[..., 2:], second[..., :2] - first[..., 2:]), 0)
    return apart


def _strongest(matches: F32) -> I64:
    found = np.flatnonzero(matches > 0)
    if len(found) > STRONGEST:
        found = found[np.argsort(-matches[found], kind="stable")[:STRONGEST]]
    return found
