"""What MaxSim means, in plain float32: slow, and the law for every fast kernel."""

from __future__ import annotations

import numpy as np

from ...records import F32, QueryVectors, Ragged

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


def match(similarities: F32, query: QueryVectors) -> F32:
    """How sure similarities with `query.every` (…, Q + A) are that each query word is there, (…, Q) float32 in 0..1.

    A match is 0 up to the query's floor, 1 from its ceiling on, and on a straight line between; a word's is the best of
    its own and of its shares of its others'.
    """
    floors, ceilings = query.floors, query.ceilings
    if query.others is not None:
        floors = np.concatenate([floors, floors[query.others.words]])
        ceilings = np.concatenate([ceilings, ceilings[query.others.words]])
    matches: F32 = np.clip((similarities - floors) / (ceilings - floors), 0, 1)
    if query.others is None:
        return matches
    words = len(query.weights)
    own = matches[..., :words]
    for i, (word, share) in enumerate(zip(query.others.words.tolist(), query.others.shares, strict=True)):
        own[..., word] = np.maximum(own[..., word], share * matches[..., words + i])
    return own


def score(matches: F32, weights: F32) -> F32:
    """Weighted MaxSim: Σ_q weights[q] · m_q for each page's best `matches` (N, Q), and `weights` (Q,) -> (N,).

    Each row is summed by itself, in one order: equal pages have equal scores.
    """
    total: F32 = (matches * weights).sum(axis=1, dtype=np.float32)
    return total
