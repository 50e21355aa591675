"""Stage 1: proposes the pages that stage 2 scores exactly.

Models with visual words, and those without a dense vector, use an inverted index over patch vectors, which approximates
the MaxSim score of every page. Other models use their dense vector, one per page, by maximum inner product: FAISS. What
is derived from the segments is kept in the index's cache folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..compression.visual_words import VisualWords
from ..kernels.token_scores.scores import token_scores
from ..maxsim_cache import MaxSimCache
from ..query.weighting import looked_up
from ..records import F32, I64, Candidates, QueryExpansion, QueryVectors
from ..scoring import top_k
from ..store import Snapshot
from .dense import DenseIndex, open_dense_index
from .inverted_index import InvertedIndex, open_inverted_index

SLACK = 0.03
"""How far below the token's floor an approximate similarity may lie and still count."""


class CandidateIndex:
    """Proposes pages of one snapshot from its inverted index, or else from its dense index."""

    def __init__(
        self,
        first_pages: I64,
        page_order: I64,
        inverted_index: InvertedIndex | None,
        dense_index: DenseIndex | None,
    ) -> None:
        """`first_pages` (N,) and `page_order` (N,) are those of the snapshot."""
        self.first_pages = first_pages
        self.page_order = page_order
        self.inverted_index = inverted_index
        self.dense_index = dense_index
        self._cache = MaxSimCache(len(first_pages), self._compute)

    def find(self, query: QueryVectors, *, count: int, rows: I64 | None = None) -> Candidates:
        """The `count` pages that stage 1 ranks first, among `rows` if given."""
        allowed = None if rows is None else np.unique(rows)
        if self.inverted_index is None:
            return self.nearest_dense(query, count=count, rows=allowed)
        scores = self.scores(query)
        if allowed is None:
            allowed = np.arange(len(scores))
        if len(allowed) <= count:
            return Candidates(allowed, scores[allowed])
        found = top_k(allowed, scores[allowed], count, self.page_order)
        return Candidates(found.pages, found.scores)

    def scores(self, query: QueryVectors) -> F32:
        """The approximate score (N,) of every page."""
        pruned = prune_for_candidates(query)
        maxima = self._maxima(pruned)
        return token_scores(maxima, self.first_pages, replace(pruned, floor=pruned.floors - np.float32(SLACK)))

    def maxima(self, vectors: F32, floors: F32) -> list[F32]:
        """The approximate MaxSim (N,) of each of `vectors` (Q, D) with all pages; cached.

        It is -inf below the lowest of the `floors` (Q,), less SLACK.
        """
        assert self.inverted_index is not None
        floor = np.full((len(vectors), 1), floors.min(initial=1) - SLACK, np.float32)
        return self._cache.of_each(np.concatenate([vectors, floor], axis=1))  # what is cached depends on the floor, too

    def _compute(self, vectors: F32, _: I64 | None) -> F32:
        """The maxima (N, Q) for the cache, of vectors (Q, D + 1) with their common floor at the end."""
        assert self.inverted_index is not None
        return self.inverted_index.maxima(np.ascontiguousarray(vectors[:, :-1]), float(vectors[0, -1]))

    def _maxima(self, query: QueryVectors) -> Sequence[F32]:
        """The approximate MaxSim (N,) of each of `query.every` with all pages."""
        if not query.contextual:
            return self.maxima(query.every, query.floors)
        assert self.inverted_index is not None  # contextual vectors do not come again: no cache
        floor = float(query.floors.min(initial=1)) - SLACK
        return [*self.inverted_index.maxima(query.every, floor, impute_missing=True).T]

    def nearest_dense(self, query: QueryVectors, *, count: int, rows: I64 | None) -> Candidates:
        """The `count` pages whose dense vectors have the largest inner product with the query's."""
        if self.dense_index is None:
            return Candidates(np.zeros(0, np.int64), np.zeros(0, np.float32))
        return self.dense_index.nearest(query.single, count=count, rows=rows)


def prune_for_candidates(query: QueryVectors) -> QueryVectors:
    """The query without pairs and without tokens of next to no weight; all tokens of a contextual query stay."""
    kept = np.flatnonzero(looked_up(query.weights) | query.contextual)
    expansion = query.expansion
    if expansion is not None:
        of_kept = np.isin(expansion.tokens, kept)
        tokens = np.searchsorted(kept, expansion.tokens[of_kept])
        expansion = QueryExpansion(expansion.vectors[of_kept], tokens, expansion.weights[of_kept])
    return replace(
        query,
        vectors=query.vectors[kept],
        weights=query.weights[kept],
        tokens=tuple(query.tokens[i] for i in kept.tolist()),
        floor=query.floors[kept],
        ceiling=query.ceilings[kept],
        pairs=np.zeros((0, 2), np.int64),
        expansion=expansion,
    )


def open_candidates(snapshot: Snapshot, visual_words: VisualWords | None, *, on_gpu: bool = False) -> CandidateIndex:
    """Open the derived files of stage 1, or build them where they are missing or stale.

    `on_gpu`, dense vectors are searched on the GPU where FAISS can.
    """
    pages = snapshot.first_pages(), snapshot.page_order()
    if visual_words is not None and snapshot.has_words:
        return CandidateIndex(*pages, open_inverted_index(snapshot, visual_words), None)
    dense = open_dense_index(snapshot, on_gpu=on_gpu)
    inverted = open_inverted_index(snapshot, None) if dense is None and snapshot.lengths.any() else None
    return CandidateIndex(*pages, inverted, dense)
