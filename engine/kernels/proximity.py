"""Term proximity: how well a page matches pairs of neighbouring query tokens by patches that lie beside each other.

MaxSim looks at each token alone: "operating" at the top of a page and "margin" at its foot count as much as "operating
margin". A pair of tokens is one more query vector, two words wide: its MaxSim runs over pairs of nearby patches, and a
pair of patches matches as well as the worse of the two. In the spirit of the sequential dependence model: Metzler and
Croft, "A Markov random field model for term dependencies", 2005.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..records import F32, I64, QueryVectors
from ..scoring import rise

PAIR_WEIGHT = 0.6
"""A pair weighs this much of the lighter of its tokens; docs/log.md#proximity compares 0.3 to 1."""
MAX_GAP_ACROSS = 5.0
"""Patches are near if the horizontal gap between them is at most this many times the height of the lower one, ..."""
MAX_GAP_DOWN = 0.8
"""... and the vertical gap at most this many times: the next line of a heading or of a table's head."""
MATCHES_PER_TOKEN = 24
"""How many of a token's best-matching patches are considered."""


def pair_weights(weights: F32, pairs: I64) -> F32:
    """Weights (P,) of `pairs` (P, 2) of tokens with `weights` (Q,)."""
    lighter: F32 = np.float32(PAIR_WEIGHT) * weights[pairs].min(axis=1, initial=np.inf)
    return lighter


def pair_bounds(matches: F32, pairs: I64) -> F32:
    """Upper bounds (N, P) of pair matches, from each page's best match of each token alone, `matches` (N, Q)."""
    bounds: F32 = np.minimum(matches[:, pairs[:, 0]], matches[:, pairs[:, 1]])
    return bounds


@dataclass(frozen=True, slots=True)
class SparseMatches:
    """The F matches above 0 of patches with tokens: `patches` and `tokens` (F,) int64, `values` (F,) float32."""

    patches: I64
    tokens: I64
    values: F32


def sparse_matches(similarities: F32, query: QueryVectors) -> SparseMatches:
    """`scoring.match` of `similarities` (T, Q + A) with `query.every`, in sparse form: most matches are 0."""
    tokens, shares = np.arange(len(query.vectors)), np.ones(len(query.vectors), np.float32)
    if query.expansion is not None:
        tokens = np.concatenate([tokens, query.expansion.tokens])
        shares = np.concatenate([shares, query.expansion.weights])
    floors, ceilings = query.every_floor, query.every_ceiling
    patch, column = np.nonzero(similarities > floors)
    token = tokens[column]
    value = shares[column] * rise(similarities[patch, column], floors[column], ceilings[column])
    # The best of a token and its expansion terms on each patch.
    order = np.lexsort((-value, token, patch))
    patch, token, value = patch[order], token[order], value[order]
    best = np.ones(len(patch), np.bool_)
    best[1:] = (patch[1:] != patch[:-1]) | (token[1:] != token[:-1])
    return SparseMatches(patch[best], token[best], value[best].astype(np.float32, copy=False))


def pair_matches(matches: SparseMatches, boxes: F32, offsets: I64, pairs: I64, *, reversed_share: float = 1.0) -> F32:
    """How well each of N pages matches `pairs` (P, 2) of tokens side by side, (N, P) float32 in 0..1.

    `boxes` (T, 4) are those of all patches, x0, y0, x1, y1 in points; `offsets` (N + 1,) are where pages begin among
    the patches. `reversed_share` is as in `QueryVectors`.
    """
    pages, count = len(offsets) - 1, len(pairs)
    found, starts, sizes = _best_matches(matches, offsets, int(pairs.max(initial=-1)) + 1)
    firsts, seconds = pairs[:, 0], pairs[:, 1]
    # Each pair on each page is a small table, patches of one token by patches of the other; tables lie end to end.
    rows, columns = sizes[:, firsts], sizes[:, seconds]  # (N, P)
    table = np.repeat(np.arange(pages * count), (rows * columns).ravel())
    begins = np.concatenate([[0], np.cumsum(rows * columns)])
    row, column = np.divmod(np.arange(begins[-1]) - begins[table], columns.ravel()[table])
    left = found[starts[:, firsts].ravel()[table] + row]
    right = found[starts[:, seconds].ravel()[table] + column]
    worse = np.minimum(matches.values[left], matches.values[right])
    left, right = matches.patches[left], matches.patches[right]
    beside = np.flatnonzero(near(boxes[left], boxes[right]) & (left != right))
    ordered = is_before(boxes[left[beside]], boxes[right[beside]])
    out = np.zeros(pages * count, np.float32)
    np.maximum.at(out, table[beside], worse[beside] * np.where(ordered, np.float32(1), np.float32(reversed_share)))
    return out.reshape(pages, count)


def near(a: F32, b: F32) -> NDArray[np.bool_]:
    """Which of the boxes `a` (…, 4) and `b` (…, 4) lie beside each other, (…)."""
    apart = gaps(a, b)
    height = np.minimum(a[..., 3] - a[..., 1], b[..., 3] - b[..., 1])
    beside: NDArray[np.bool_] = (apart[..., 0] <= MAX_GAP_ACROSS * height) & (apart[..., 1] <= MAX_GAP_DOWN * height)
    return beside


def is_before(a: F32, b: F32) -> NDArray[np.bool_]:
    """Which of the boxes `a` (n, 4) stand before the boxes `b` (n, 4), as lines are read: to the right, then down."""
    height = np.minimum(a[:, 3] - a[:, 1], b[:, 3] - b[:, 1])
    down = (b[:, 1] + b[:, 3] - a[:, 1] - a[:, 3]) / 2
    found: NDArray[np.bool_] = np.where(np.abs(down) > height / 2, down > 0, a[:, 0] <= b[:, 0])
    return found


def gaps(a: F32, b: F32) -> F32:
    """The horizontal and vertical gap between boxes `a` (…, 4) and `b` (…, 4), (…, 2); 0 where they overlap."""
    apart: F32 = np.maximum(np.maximum(a[..., :2] - b[..., 2:], b[..., :2] - a[..., 2:]), 0)
    return apart


def _best_matches(matches: SparseMatches, offsets: I64, tokens: int) -> tuple[I64, I64, I64]:
    """The best MATCHES_PER_TOKEN matches of each of the first `tokens` tokens on each of N pages.

    Returns their indices in `matches`, end to end by page and token; where those of each page and token begin (N, Q);
    and how many there are (N, Q).
    """
    pages = len(offsets) - 1
    index = np.flatnonzero(matches.tokens < tokens)
    page = np.searchsorted(offsets, matches.patches[index], side="right") - 1
    group = page * tokens + matches.tokens[index]
    order = np.lexsort((matches.patches[index], -matches.values[index], group))
    index, group = index[order], group[order]
    count = np.bincount(group, minlength=pages * tokens)
    rank = np.arange(len(group)) - (np.cumsum(count) - count)[group]
    sizes = np.minimum(count, MATCHES_PER_TOKEN)
    starts = np.cumsum(sizes) - sizes
    return index[rank < MATCHES_PER_TOKEN], starts.reshape(pages, tokens), sizes.reshape(pages, tokens)
