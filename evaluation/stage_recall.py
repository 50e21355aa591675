"""What two-stage search keeps of exact search, on the queries of a user's own index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..engine.records import QUESTION_MAX_CHARS, Query
from ..engine.retrieval.first_stage import DEFAULT_CANDIDATES
from ..engine.searcher import Searcher
from .metrics import mean, overlap


@dataclass(frozen=True, slots=True)
class StageRecall:
    """Two stages against exact search, over the `queries` that have any hit.

    `recall_at_10` is the share of the exact top 10 that two stages find; `same_first` the share of queries whose
    first hit stays first.
    """

    queries: int
    candidates: int
    recall_at_10: float
    same_first: float


def measure(searcher: Searcher, queries: Sequence[str], candidates: int = DEFAULT_CANDIDATES) -> StageRecall:
    """Run each question through two-stage and exact search."""
    asked = [Query(str(i), text[:QUESTION_MAX_CHARS]) for i, text in enumerate(queries)]
    exact = [[hit.ref for hit in hits] for _, hits in searcher.search_many(asked, exact=True)]
    staged = [[hit.ref for hit in hits] for _, hits in searcher.search_many(asked, candidates=candidates)]
    answered = [(wanted, found) for wanted, found in zip(exact, staged, strict=True) if wanted]
    if not answered:
        return StageRecall(0, candidates, 0.0, 0.0)
    recall = mean([overlap(found, wanted) for wanted, found in answered])
    same_first = mean([float(found[:1] == wanted[:1]) for wanted, found in answered])
    return StageRecall(len(answered), candidates, recall, same_first)
