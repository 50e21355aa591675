"""How good a ranking is: nDCG@k and recall@k with binary relevance, and how much of another ranking it keeps.

>>> ndcg(["a", "b"], {"b"}, 5) == 1 / math.log2(3)
True
>>> recall(["a", "b"], {"b"}, 1), recall(["a", "b"], {"b"}, 5)
(0.0, 1.0)
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from collections.abc import Set as AbstractSet


def ndcg(ranked: Sequence[Hashable], relevant: AbstractSet[Hashable], k: int) -> float:
    """Gain of the first `k`, 1/log2(rank + 1) for each relevant one, over that of an ideal ranking.

    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002. `relevant` is not empty.
    """
    gained = sum(1 / math.log2(i + 2) for i, page in enumerate(ranked[:k]) if page in relevant)
    ideal = sum(1 / math.log2(i + 2) for i in range(min(k, len(relevant))))
    return gained / ideal


def recall(ranked: Sequence[Hashable], relevant: AbstractSet[Hashable], k: int) -> float:
    """1.0 if any relevant page is among the first `k`, else 0.0."""
    return float(not relevant.isdisjoint(ranked[:k]))


def kept(ranked: Sequence[Hashable], exact: Sequence[Hashable]) -> float:
    """The share of `exact` that `ranked` holds as well, whatever the order; 1.0 where `exact` is empty."""
    return len(set(exact) & set(ranked)) / len(exact) if exact else 1.0


def mean(values: Sequence[float]) -> float:
    """The mean of at least one value."""
    return sum(values) / len(values)
