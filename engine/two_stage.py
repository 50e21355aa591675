"""Retrieve and rerank: candidates from stage 1 where the collection is large, then exact scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter

import numpy as np

from . import threads
from .maxsim_cache import MaxSimCache
from .ranking import rerank
from .ranking.filters import PageFilter
from .ranking.rerank import Scorer
from .records import I64, Query, QueryVectors, Ranking, Region
from .retrieval.first_stage import DEFAULT_CANDIDATES, FirstStage
from .store import Snapshot

OnStage = Callable[[str, float], None]
"""Callback: receives a stage's name and the seconds it took for a batch."""


class TwoStageSearch:
    """Ranks the pages of one snapshot. May be shared between threads."""

    def __init__(self, snapshot: Snapshot, cache: MaxSimCache, first_stage: FirstStage, scorer: Scorer | None) -> None:
        """`scorer` computes exact scores on an accelerator; without one the CPU does."""
        self._snapshot = snapshot
        self._cache = cache
        self._filter = PageFilter(snapshot)
        self._first_stage = first_stage
        self._scorer = scorer

    def candidates(self, k: int, candidates: int | None, *, exact: bool) -> int | None:
        """How many pages stage 1 proposes; None where every page is scored."""
        if exact or (candidates is None and self._first_stage.is_skipped):
            return None
        return max(candidates or DEFAULT_CANDIDATES, k)

    def cache_maxima(
        self, batch: Sequence[Query], encoded: Mapping[int, QueryVectors], on_stage: OnStage | None
    ) -> None:
        """Compute MaxSim of the queries' tokens with all pages, in one pass over them, if the cache can hold it.

        Weighting needs these maxima for some pages, reranking for all. Expansion terms are left for later, because
        weighting drops most of them.
        """
        if self._scorer is not None:
            return
        with timed("rerank", on_stage), threads.no_blas_threads():
            tokens = [q.vectors for i, q in encoded.items() if not q.contextual and batch[i].path is None]
            if tokens and len(self._snapshot):
                self._cache.fill(np.concatenate(tokens))

    def rank(
        self,
        batch: Sequence[Query],
        weighed: Mapping[int, QueryVectors],
        *,
        k: int,
        candidates: int | None,
        on_stage: OnStage | None,
    ) -> dict[int, Ranking]:
        """The best `k` pages for each query, keyed by its position in the batch.

        They come from `candidates` pages or, if None, from all allowed.
        """
        out: dict[int, Ranking] = {}
        groups: dict[tuple[str | None, Region | None], list[int]] = {}
        for i in weighed:
            groups.setdefault((batch[i].path, batch[i].like), []).append(i)
        for (path, like), members in groups.items():
            rows = self._filter.rows(path, None if like is None else self._snapshot.row(like.ref))
            if candidates is None:
                with timed("rerank", on_stage), threads.no_blas_threads():
                    out.update(zip(members, self._rerank([weighed[i] for i in members], rows, k), strict=True))
                continue
            for i in members:
                with timed("candidates", on_stage):
                    found = self._first_stage.candidates.find(weighed[i], count=candidates, rows=rows)
                with timed("rerank", on_stage), threads.no_blas_threads():
                    (out[i],) = self._rerank([weighed[i]], found.pages, k)
        return out

    def _rerank(self, queries: Sequence[QueryVectors], rows: I64 | None, k: int) -> list[Ranking]:
        """Exact scores; uses cached maxima unless a query is contextual."""
        cached = None if any(query.contextual for query in queries) else self._cache.of
        if cached is not None and rows is None and self._scorer is None:
            self._cache.fill(np.concatenate([query.every for query in queries]))
        return rerank.rank(self._snapshot, queries, rows=rows, k=k, scorer=self._scorer, maxima_of=cached)


@contextmanager
def timed(stage: str, on_stage: OnStage | None) -> Iterator[None]:
    """Tell `on_stage` how long the block took."""
    started = perf_counter()
    yield
    if on_stage is not None:
        on_stage(stage, perf_counter() - started)
