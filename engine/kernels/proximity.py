"""Query words that stand side by side on a page: how well each pair of them is matched by two neighbouring patches.

MaxSim looks at each query word alone: "operating" at the top of a page and "margin" at its foot count as much as
"operating margin". A pair is one more query vector, two words wide: its MaxSim runs over pairs of patches that lie near
each other, and a pair of patches matches as well as the worse of the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..records import F32, I64, QueryVectors

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


@dataclass(frozen=True, slots=True)
class Matches:
    """Where query words are matched at all: F patches, the words that they match, and how well, above 0; all (F,)."""

    patches: I64
    words: I64
    values: F32


def matches_of(similarities: F32, query: QueryVectors) -> Matches:
    """What `maxsim.match` says of `similarities` (T, Q + A) with `query.every`, without what it says 0 of: most."""
    words, shares = np.arange(len(query.vectors)), np.ones(len(query.vectors), np.float32)
    if query.others is not None:
        words = np.concatenate([words, query.others.words])
        shares = np.concatenate([shares, query.others.shares])
    floors, ceilings = query.floors[words], query.ceilings[words]
    patch, column = np.nonzero(similarities > floors)
    rising = (similarities[patch, column] - floors[column]) / (ceilings[column] - floors[column])
    word, value = words[column], shares[column] * np.minimum(rising, 1)
    # Of a word and its others the best on each patch.
    order = np.lexsort((-value, word, patch))
    patch, word, value = patch[order], word[order], value[order]
    best = np.ones(len(patch), np.bool_)
    best[1:] = (patch[1:] != patch[:-1]) | (word[1:] != word[:-1])
    return Matches(patch[best], word[best], value[best].astype(np.float32, copy=False))


def pair_matches(matches: Matches, boxes: F32, offsets: I64, pairs: I64) -> F32:
    """How well each of N pages matches `pairs` (P, 2) side by side, (N, P) float32 in 0..1.

    `boxes` (T, 4) of their patches as x0, y0, x1, y1 in points; those of a page lie between its `offsets` (N + 1,).
    """
    pages, count = len(offsets) - 1, len(pairs)
    found, starts, sizes = _strongest(matches, offsets, int(pairs.max(initial=-1)) + 1)
    firsts, seconds = pairs[:, 0], pairs[:, 1]
    # Every pair on every page is a small table of its words' patches; the tables lie end to end.
    rows, columns = sizes[:, firsts], sizes[:, seconds]  # (N, P)
    table = np.repeat(np.arange(pages * count), (rows * columns).ravel())
    begins = np.concatenate([[0], np.cumsum(rows * columns)])
    row, column = np.divmod(np.arange(begins[-1]) - begins[table], columns.ravel()[table])
    ours = found[starts[:, firsts].ravel()[table] + row]
    theirs = found[starts[:, seconds].ravel()[table] + column]
    both = np.minimum(matches.values[ours], matches.values[theirs])
    ours, theirs = matches.patches[ours], matches.patches[theirs]
    beside = near(boxes[ours], boxes[theirs]) & (ours != theirs)
    out = np.zeros(pages * count, np.float32)
    np.maximum.at(out, table[beside], both[beside])
    return out.reshape(pages, count)


def near(a: F32, b: F32) -> NDArray[np.bool_]:
    """Which boxes (..., 4) and (..., 4) lie beside each other."""
    apart = gaps(a, b)
    height = np.minimum(a[..., 3] - a[..., 1], b[..., 3] - b[..., 1])
    beside: NDArray[np.bool_] = (apart[..., 0] <= ACROSS_HEIGHTS * height) & (apart[..., 1] <= DOWN_HEIGHTS * height)
    return beside


def gaps(a: F32, b: F32) -> F32:
    """How far boxes (..., 4) and (..., 4) lie apart across and down, (..., 2); 0 where they overlap."""
    apart: F32 = np.maximum(np.maximum(a[..., :2] - b[..., 2:], b[..., :2] - a[..., 2:]), 0)
    return apart


def _strongest(matches: Matches, offsets: I64, words: int) -> tuple[I64, I64, I64]:
    """Which matches of each of `words` words are the best on each page, STRONGEST at most: their numbers end to end, by
    page and by word; where those of a page and a word begin, (N, Q), and how many there are, (N, Q).
    """
    pages = len(offsets) - 1
    number = np.flatnonzero(matches.words < words)
    page = np.searchsorted(offsets, matches.patches[number], side="right") - 1
    group = page * words + matches.words[number]
    order = np.lexsort((matches.patches[number], -matches.values[number], group))
    number, group = number[order], group[order]
    count = np.bincount(group, minlength=pages * words)
    rank = np.arange(len(group)) - (np.cumsum(count) - count)[group]
    sizes = np.minimum(count, STRONGEST)
    starts = np.cumsum(sizes) - sizes
    return number[rank < STRONGEST], starts.reshape(pages, words), sizes.reshape(pages, words)
