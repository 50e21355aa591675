"""Token weights of a query, adjusted to a collection: IDF from document frequencies that MaxSim counts.

A page counts towards a token's document frequency when the token matches it by half or more. Small collections count
on a sample of their pages, large ones on all pages by their inverted index. The weight of a token is the model's own
(how rare the word is in print) times `scoring.idf`; the weights of a query keep their sum.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..maxsim_cache import MaxSimCache
from ..page_maxima import evenly_spaced
from ..records import F32, I64, QueryExpansion, QueryVectors
from ..scoring import idf
from ..store import Snapshot

SAMPLE_PAGES = 500
"""Pages of a small collection on which document frequencies are counted."""
PRESENT_MATCH = 0.5
"""Match (0..1) above which a token counts as present on a page."""
MIN_EXPANSION_WEIGHT = 0.02
"""Expansion terms that can add less than this to a score are dropped; docs/log.md#weak-expansion compares 0 to 0.03."""
MIN_TOKEN_WEIGHT = 0.01
"""Tokens with less than this share of a query's weight are left out of stage 1: "the" is on every page."""
MIN_TOKENS = 32
"""The heaviest tokens that stage 1 looks up in any case: those of a long query all weigh little."""

ApproximateMaxima = Callable[[F32, F32], list[F32]]
"""An inverted index's maxima (N,) of each of `vectors` (Q, D); below the lowest of `floors` (Q,) it is -inf."""


class Weighting:
    """Weighs queries for the pages of one snapshot; document frequencies are kept. May be shared between threads."""

    def __init__(
        self, snapshot: Snapshot, cache: MaxSimCache, inverted_index: Callable[[], ApproximateMaxima | None]
    ) -> None:
        """`inverted_index` gives the approximate maxima of a large collection, None where a sample is counted."""
        self._snapshot = snapshot
        self._cache = cache
        self._inverted_index = inverted_index
        self._idf: dict[str, float] = {}
        self._lock = threading.Lock()

    def weigh(self, queries: Sequence[QueryVectors]) -> list[QueryVectors]:
        """Queries with weights adjusted to the collection, and without expansion terms too weak to matter.

        Contextual queries stay as they are, and so do rows without a token (the patches of a picture).
        """
        with self._lock:
            self._count([query for query in queries if not query.contextual])
        return [query if query.contextual else self._reweigh(query) for query in queries]

    def _count(self, queries: Sequence[QueryVectors]) -> None:
        """Fill in the IDF of tokens not seen before."""
        maxima_of_all = self._inverted_index() if queries else None
        new = {
            token: (vector, floor, ceiling)
            for query in queries
            for token, vector, floor, ceiling, is_looked_up in zip(
                query.tokens, query.vectors, query.floors, query.ceilings, looked_up(query.weights), strict=True
            )
            if token and token not in self._idf and (maxima_of_all is None or is_looked_up)
        }
        if new and len(self._snapshot):
            vectors, floors, ceilings = (np.stack(column) for column in zip(*new.values(), strict=True))
            thresholds = floors + PRESENT_MATCH * (ceilings - floors)
            df, pages = self._document_frequencies(vectors, thresholds, floors, maxima_of_all)
            self._idf.update(zip(new, idf(df, pages).tolist(), strict=True))

    def _document_frequencies(
        self, vectors: F32, thresholds: F32, floors: F32, maxima_of_all: ApproximateMaxima | None
    ) -> tuple[I64, int]:
        """On how many pages tokens (Q, D) exceed their `thresholds` (Q,), as (Q,), and of how many pages."""
        if maxima_of_all is not None:
            found = maxima_of_all(vectors, floors)
            counts = [np.count_nonzero(maxima > least) for maxima, least in zip(found, thresholds, strict=True)]
            return np.array(counts, np.int64), len(self._snapshot)
        maxima = self._cache.of(vectors, self._sample)
        return (maxima > thresholds).sum(axis=0), len(maxima)

    @cached_property
    def _sample(self) -> I64:
        return evenly_spaced(len(self._snapshot), SAMPLE_PAGES)

    def _reweigh(self, query: QueryVectors) -> QueryVectors:
        is_token = np.array([token != "" for token in query.tokens])
        factors = np.array([self._idf.get(token, 1.0) for token in query.tokens], np.float32)
        weights = query.weights * factors
        share = 1 - query.weights[~is_token].sum(dtype=np.float32)
        weights[is_token] = weights[is_token] / weights[is_token].sum() * share
        return drop_weak_expansion(replace(query, weights=weights.astype(np.float32)))


def looked_up(weights: F32) -> NDArray[np.bool_]:
    """Which tokens of a query with these weights (Q,) stage 1 looks up, (Q,)."""
    heaviest = np.sort(weights)[::-1][:MIN_TOKENS]
    chosen: NDArray[np.bool_] = weights >= min(MIN_TOKEN_WEIGHT, heaviest.min(initial=np.inf))
    return chosen


def drop_weak_expansion(query: QueryVectors) -> QueryVectors:
    """The query without expansion terms that could add less than MIN_EXPANSION_WEIGHT to a score.

    Synonyms of a token that is one of many find more wrong words than right ones.
    """
    if query.expansion is None:
        return query
    kept = query.expansion.weights * query.weights[query.expansion.tokens] >= MIN_EXPANSION_WEIGHT
    return replace(query, expansion=only_terms(query.expansion, kept) if kept.any() else None)


def only_terms(expansion: QueryExpansion, kept: NDArray[np.bool_]) -> QueryExpansion:
    """The terms (A,) of an expansion that are `kept` (A,)."""
    return QueryExpansion(expansion.vectors[kept], expansion.tokens[kept], expansion.weights[kept])
