"""Token weights of a query, adjusted to a collection: IDF from document frequencies that MaxSim counts.

A page counts towards a token's document frequency when the token matches it by half or more; pages with identical
content count as one, as they do among the hits: more copies of a file change no score. Small collections count on a
sample of their pages, large ones on all pages by their inverted index. The weight of a token is the model's own
(how rare the word is in print) times `scoring.idf`; the weights of a query keep their sum.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..maxsim_cache import MaxSimCache
from ..page_maxima import sample
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
CACHED_TOKENS = 65_536
"""Tokens whose IDF is kept, about 10 MB."""
COUNTED_BYTES = 64 << 20
"""Memory for the maxima of tokens that are counted together, or of one token where a collection needs more."""

_Token = tuple[F32, np.float32, np.float32]
"""The vector (D,) of a token, its floor and its ceiling."""
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
        self._idf: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def weigh(self, queries: Sequence[QueryVectors]) -> list[QueryVectors]:
        """Queries with weights adjusted to the collection, and without expansion terms too weak to matter.

        The weights depend on the query and the collection alone. Contextual queries stay as they are, and so do rows
        without a token (the patches of a picture).
        """
        with self._lock:
            counted = [{} if query.contextual else self._counted(query) for query in queries]
            known = self._count({key: token for tokens in counted for key, token in tokens.values()})
        return [
            query if query.contextual else _reweigh(query, {row: known[key] for row, (key, _) in tokens.items()})
            for query, tokens in zip(queries, counted, strict=True)
        ]

    def idf(self, query: QueryVectors) -> F32:
        """The IDF (Q,) of the tokens of a query as it was encoded; 0 for those that are not counted."""
        counted = self._counted(query)
        with self._lock:
            known = self._count(dict(counted.values()))
        found = np.zeros(len(query.tokens), np.float32)
        for row, (key, _) in counted.items():
            found[row] = known[key]
        return found

    def _counted(self, query: QueryVectors) -> dict[int, tuple[bytes, _Token]]:
        """The rows of a query whose IDF counts, each with the key of its token: in a large index, what is looked up."""
        if not len(self._snapshot):
            return {}
        chosen = np.array([token != "" for token in query.tokens])
        if self._inverted_index() is not None:
            chosen &= looked_up(query.weights)
        found: dict[int, tuple[bytes, _Token]] = {}
        for row in np.flatnonzero(chosen).tolist():
            token = query.vectors[row], query.floors[row], query.ceilings[row]
            found[row] = hashlib.blake2b(b"".join(each.tobytes() for each in token), digest_size=16).digest(), token
        return found

    def _count(self, wanted: Mapping[bytes, _Token]) -> dict[bytes, float]:
        """The IDF of each token, which is kept for later queries."""
        known = {key: self._idf[key] for key in wanted if key in self._idf}
        new = [key for key in wanted if key not in known]
        if new:
            vectors, floors, ceilings = (np.stack(column) for column in zip(*(wanted[key] for key in new), strict=True))
            thresholds = floors + PRESENT_MATCH * (ceilings - floors)
            df, pages = self._document_frequencies(vectors, thresholds, floors)
            known.update(zip(new, idf(df, pages).tolist(), strict=True))
        self._idf.update(known)
        for key in known:
            self._idf.move_to_end(key)
        while len(self._idf) > CACHED_TOKENS:
            self._idf.popitem(last=False)
        return known

    def _document_frequencies(self, vectors: F32, thresholds: F32, floors: F32) -> tuple[I64, int]:
        """On how many pages tokens (Q, D) exceed their `thresholds` (Q,), as (Q,), and of how many pages."""
        maxima_of_all = self._inverted_index()
        if maxima_of_all is None:
            maxima = self._cache.of(vectors, self._sample)
            return (maxima > thresholds).sum(axis=0), len(maxima)
        together = max(1, COUNTED_BYTES // (4 * len(self._snapshot)))
        copies = self._snapshot.copies
        counts: list[int] = []
        for first in range(0, len(vectors), together):
            chosen = slice(first, first + together)
            found = maxima_of_all(vectors[chosen], floors[chosen])
            for each, least in zip(found, thresholds[chosen], strict=True):
                present = each > least
                counts.append(int(np.count_nonzero(present if copies is None else present[copies.counted])))
        return np.array(counts, np.int64), len(self._snapshot) if copies is None else len(copies.counted)

    @cached_property
    def _sample(self) -> I64:
        return sample(self._snapshot, SAMPLE_PAGES)


def _reweigh(query: QueryVectors, factors: Mapping[int, float]) -> QueryVectors:
    """A query with the weights of rows times their `factors`, 1 where there is none; their sum stays."""
    is_token = np.array([token != "" for token in query.tokens])
    weights = query.weights * np.array([factors.get(row, 1.0) for row in range(len(query.tokens))], np.float32)
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
