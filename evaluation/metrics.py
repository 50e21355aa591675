"""Ranking metrics as trec_eval defines them: nDCG, recall, reciprocal rank and success.

>>> ndcg(["a", "b"], {"b"}, 5) == 1 / math.log2(3)
True
>>> recall(["a", "b"], {"b", "c"}, 5), reciprocal_rank(["a", "b"], {"b"}), success(["a", "b"], {"b"}, 1)
(0.5, 0.5, 0.0)

Relevance is a set of equally relevant items, or a mapping from items to grades: items of grade 0 or less are judged
and not relevant. Without a relevant item every metric is 0. The tests compare all of this with pytrec_eval.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any, TypeAlias

# Keys of mappings are invariant: a mapping from str is none from Hashable.
Relevance: TypeAlias = AbstractSet[Hashable] | Mapping[Any, float]
Metric: TypeAlias = Callable[[Sequence[Hashable], Mapping[Any, float]], float]
"""The value of a metric for ranked items, best first, and the grade of each judged item."""

METRICS = (
    *("ndcg@5", "ndcg@10", "recall@1", "recall@5", "recall@10", "recall@100"),
    *("mrr", "success@1", "success@5", "success@10"),
)
"""What `docsearch eval` reports."""
NAME = re.compile(r"(ndcg|recall|success|mrr)(?:@([1-9]\d*))?")


def dcg(gains: Iterable[float]) -> float:
    """Discounted cumulated gain: Σ gain / log2(rank + 1), ranks counting from 1. The gain is linear in the grade.

    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002.
    """
    return math.fsum(gain / math.log2(i + 2) for i, gain in enumerate(gains))


def ndcg(ranked: Sequence[Hashable], relevant: Relevance, k: int) -> float:
    """DCG of the first `k` over that of an ideal ranking of all relevant items."""
    gain_of = _gains(relevant)
    ideal = dcg(sorted(gain_of.values(), reverse=True)[:k])
    return dcg(gain_of.get(item, 0.0) for item in ranked[:k]) / ideal if ideal else 0.0


def recall(ranked: Sequence[Hashable], relevant: Relevance, k: int) -> float:
    """The share of all relevant items that is among the first `k`."""
    wanted = _gains(relevant)
    return sum(item in wanted for item in ranked[:k]) / len(wanted) if wanted else 0.0


def success(ranked: Sequence[Hashable], relevant: Relevance, k: int) -> float:
    """1.0 if any relevant item is among the first `k`, else 0.0."""
    return float(not _gains(relevant).keys().isdisjoint(ranked[:k]))


def reciprocal_rank(ranked: Sequence[Hashable], relevant: Relevance, k: int | None = None) -> float:
    """1 / rank of the first relevant item, of the first `k` if given; 0.0 if there is none."""
    wanted = _gains(relevant)
    return next((1 / rank for rank, item in enumerate(ranked[:k], 1) if item in wanted), 0.0)


def overlap(ranked: Sequence[Hashable], exact: Sequence[Hashable]) -> float:
    """The share of `exact` that `ranked` holds as well, whatever the order; 1.0 where `exact` is empty."""
    return len(set(exact) & set(ranked)) / len(exact) if exact else 1.0


def mean(values: Sequence[float]) -> float:
    """The mean of at least one value."""
    return sum(values) / len(values)


def metric(name: str) -> Metric:
    """The metric of a name such as "ndcg@10", "recall@100", "success@1", "mrr" or "mrr@10". Raises ValueError."""
    found = NAME.fullmatch(name)
    if found is None or (found[2] is None and found[1] != "mrr"):
        raise ValueError(f"{name} is no metric; metrics are like {', '.join(METRICS)}")
    k = int(found[2]) if found[2] else None
    functions: dict[str, Callable[..., float]] = {
        "ndcg": ndcg,
        "recall": recall,
        "success": success,
        "mrr": reciprocal_rank,
    }
    return partial(functions[found[1]], k=k)


def ranking(scores: Mapping[str, float]) -> list[str]:
    """Items by score, best first, as trec_eval sorts a run: equal scores by item, descending.

    Scores are compared in float32, as trec_eval does.
    """
    return sorted(
        scores, key=lambda item: (_float32(scores[item]), item.encode("utf-8", "surrogatepass")), reverse=True
    )


def values(ranked: Sequence[Hashable], grades: Mapping[Any, float], names: Sequence[str] = METRICS) -> dict[str, float]:
    """The metrics `names` of one question, for what was found, best first, and the grade of each judged item.

    Raises ValueError for a name of no metric.
    """
    return {name: metric(name)(ranked, grades) for name in names}


def _gains(relevant: Relevance) -> dict[Hashable, float]:
    """The relevant items with their gains, all above 0."""
    if isinstance(relevant, Mapping):
        return {item: gain for item, gain in relevant.items() if gain > 0}
    return dict.fromkeys(relevant, 1.0)


def _float32(score: float) -> float:
    value: float = struct.unpack("f", struct.pack("f", score))[0]
    return value
