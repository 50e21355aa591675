"""Stage 1: proposes the pages that stage 2 scores exactly.

Models with visual words, and those without a dense vector, use an inverted index over patch vectors, which approximates
the MaxSim score of every page. Other models use their dense vector, one per page, by maximum inner product: FAISS. What
is derived from the segments is kept in the index's cache folder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ..compression.visual_words import VisualWords
from ..distinct import distinct
from ..kernels.token_scores.scores import Sums, add_tokens
from ..maxsim_cache import MaxSimCache
from ..query.weighting import looked_up
from ..records import F32, I64, Candidates, QueryExpansion, QueryVectors
from ..scoring import reaching, top_k
from ..store import Snapshot
from .dense import DenseIndex, open_dense_index
from .inverted_index import InvertedIndex, open_inverted_index

SLACK = 0.03
"""How far below the token's floor an approximate similarity may lie and still count."""
MAXIMA_BYTES = 64 << 20
"""Memory for the maxima of tokens that are looked up together, or of one token with its expansion terms where a
collection needs more."""


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

    def find(
        self,
        query: QueryVectors,
        *,
        count: int,
        rows: I64 | None = None,
        fused: Callable[[F32, I64], F32] | None = None,
    ) -> Candidates:
        """The `count` pages that stage 1 ranks first, among `rows` if given.

        `fused` turns approximate visual scores (n,) of pages (n,) into hybrid ones. Dense vectors have no such scores:
        there the first `count` by either side are candidates.
        """
        allowed = None if rows is None else distinct(rows)
        if self.inverted_index is None:
            nearest = self.nearest_dense(query, count=count, rows=allowed)
            return nearest if fused is None else self._with_texts(nearest, fused, count, allowed)
        scores = self.scores(query)
        if fused is not None:
            scores = fused(scores, np.arange(len(scores)))
        pages = len(scores) if allowed is None else len(allowed)
        if allowed is None:
            allowed = reaching(scores, count) if pages > count else np.arange(pages)
        if pages <= count:
            return Candidates(allowed, scores[allowed])
        found = top_k(allowed, scores[allowed], count, self.page_order)
        return Candidates(found.pages, found.scores)

    def _with_texts(
        self, found: Candidates, fused: Callable[[F32, I64], F32], count: int, allowed: I64 | None
    ) -> Candidates:
        """The pages `found` by dense vectors, and those that text alone ranks first."""
        asked = np.arange(len(self.first_pages)) if allowed is None else allowed
        by_text = top_k(asked, fused(np.zeros(len(asked), np.float32), asked), count, self.page_order)
        more = ~np.isin(by_text.pages, found.pages)
        return Candidates(
            np.concatenate([found.pages, by_text.pages[more]]), np.concatenate([found.scores, by_text.scores[more]])
        )

    def scores(self, query: QueryVectors) -> F32:
        """The approximate score (N,) of every page. Tokens are looked up some at a time, which changes no bit of it."""
        pruned = prune_for_candidates(query)
        pages = len(self.first_pages)
        maxima_of = self._uncached_maxima(pruned) if pruned.contextual else self._cached_maxima(pruned)
        sums = Sums.of_none(pages)
        together = MAXIMA_BYTES // (8 * max(1, pages))  # an array of a token exists twice while it is being cached
        for tokens in token_groups(pruned, together):
            part = only_tokens(pruned, tokens)
            lowered = replace(part, floor=part.floors - np.float32(SLACK))
            sums = add_tokens(sums, maxima_of(part.every), self.first_pages, lowered)
        return sums.scores

    def maxima(self, vectors: F32, floors: F32) -> list[F32]:
        """The approximate MaxSim (N,) of each of `vectors` (Q, D) with all pages; cached.

        It is -inf below the lowest of the `floors` (Q,), less SLACK.
        """
        return self._cache.of_each(_with_floor(vectors, floors))

    def _compute(self, vectors: F32, _: I64 | None) -> F32:
        """The maxima (N, Q) for the cache, of vectors (Q, D + 1) with their common floor at the end."""
        assert self.inverted_index is not None
        return self.inverted_index.maxima(np.ascontiguousarray(vectors[:, :-1]), float(vectors[0, -1]))

    def _cached_maxima(self, query: QueryVectors) -> Callable[[F32], Sequence[F32]]:
        """A function that gives the maxima (N,) of some vectors (n, D) of `query.every` with all pages.

        What is cached now is kept for it: the cache may be smaller than the query.
        """
        every = query.every
        known = {
            vector.tobytes(): each
            for vector, each in zip(every, self._cache.cached(_with_floor(every, query.floors)), strict=True)
        }

        def maxima_of(vectors: F32) -> list[F32]:
            found = [known[vector.tobytes()] for vector in vectors]
            missing = np.array([each is None for each in found])
            computed = iter(self.maxima(vectors[missing], query.floors) if missing.any() else [])
            return [next(computed) if each is None else each for each in found]

        return maxima_of

    def _uncached_maxima(self, query: QueryVectors) -> Callable[[F32], Sequence[F32]]:
        """As `_cached_maxima`, for contextual vectors, which do not come again."""
        assert self.inverted_index is not None
        index, floor = self.inverted_index, float(query.floors.min(initial=1)) - SLACK
        return lambda vectors: [*index.maxima(vectors, floor, impute_missing=True).T]

    def nearest_dense(self, query: QueryVectors, *, count: int, rows: I64 | None) -> Candidates:
        """The `count` pages whose dense vectors have the largest inner product with the query's."""
        if self.dense_index is None:
            return Candidates(np.zeros(0, np.int64), np.zeros(0, np.float32))
        return self.dense_index.nearest(query.single, count=count, rows=rows)


def _with_floor(vectors: F32, floors: F32) -> F32:
    """Vectors (Q, D) with their common floor at the end, (Q, D + 1): what is cached depends on it, too."""
    floor = np.full((len(vectors), 1), floors.min(initial=1) - SLACK, np.float32)
    return np.concatenate([vectors, floor], axis=1)


def prune_for_candidates(query: QueryVectors) -> QueryVectors:
    """The query without pairs and without tokens of next to no weight; all tokens of a contextual query stay."""
    return only_tokens(query, np.flatnonzero(looked_up(query.weights) | query.contextual))


def token_groups(query: QueryVectors, together: int) -> list[I64]:
    """The tokens of a query in order, in groups that have at most `together` vectors with their expansion terms.

    A token that has more is a group of its own.
    """
    sizes = np.ones(len(query.weights), np.int64)
    if query.expansion is not None:
        sizes += np.bincount(query.expansion.tokens, minlength=len(sizes))
    groups: list[list[int]] = []
    room = 0
    for token, size in enumerate(sizes.tolist()):
        if size > room:
            groups.append([])
            room = max(together, size)
        groups[-1].append(token)
        room -= size
    return [np.array(group, np.int64) for group in groups]


def only_tokens(query: QueryVectors, kept: I64) -> QueryVectors:
    """The tokens `kept` (n,) of a query, in rising order, with their expansion terms and without pairs."""
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
