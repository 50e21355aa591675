"""Ranking metrics: nDCG, recall, and the share of one ranking that another one keeps.

>>> ndcg(["a", "b"], {"b"}, 5) == 1 / math.log2(3)
True
>>> success(["a", "b"], {"b"}, 1), success(["a", "b"], {"b"}, 5)
(0.0, 1.0)

The tests compare them with pytrec_eval, through ir-measures.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet


def dcg(gains: Iterable[float]) -> float:
    """Discounted cumulated gain: Σ gain / log2(rank + 1), ranks counting from 1.

    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002.
    """
    return math.fsum(gain / math.log2(i + 2) for i, gain in enumerate(gains))


def ndcg(ranked: Sequence[Hashable], relevant: AbstractSet[Hashable] | Mapping[Hashable, float], k: int) -> float:
    """DCG of the first `k` over that of an ideal ranking.

    `relevant` is not empty: a set of equally relevant items, or the gain (above 0) of each relevant item.
    """
    gain_of = relevant if isinstance(relevant, Mapping) else dict.fromkeys(relevant, 1.0)
    ideal = sorted(gain_of.values(), reverse=True)[:k]
    return dcg(gain_of.get(item, 0.0) for item in ranked[:k]) / dcg(ideal)


def success(ranked: Sequence[Hashable], relevant: AbstractSet[Hashable], k: int) -> float:
    """1.0 if any relevant item is among the first `k`, else 0.0."""
    return float(not relevant.isdisjoint(ranked[:k]))


def overlap(ranked: Sequence[Hashable], exact: Sequence[Hashable]) -> float:
    """The share of `exact` that `ranked` holds as well, whatever the order; 1.0 where `exact` is empty."""
    return len(set(exact) & set(ranked)) / len(exact) if exact else 1.0


def mean(values: Sequence[float]) -> float:
    """The mean of at least one value."""
    return sum(values) / len(values)
