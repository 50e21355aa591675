"""A query adjusted to a collection: the ranges of its tokens' matches, and their weights, from their MaxSim with pages.

The floor of a token is lowered where it stands out: `chance` says how similar the pages without it are, from a sample.
Weights are IDF, from document frequencies that MaxSim counts.

A page counts towards a token's document frequency when the token matches it by half or more; pages with identical
content count as one, as they do among the hits: more copies of a file change no score. Small collections count on a
sample of their pages, large ones on all pages by their inverted index. The weight of a token is the model's own
(how rare the word is in print) times `scoring.idf`; the weights of a query keep their sum.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..chance import Chance
from ..maxsim_cache import MaxSimCache
from ..page_maxima import FixedPages, PageMaxima, sample
from ..records import F32, I64, QueryVectors
from ..scoring import idf
from ..store import Snapshot

SAMPLE_PAGES = 500
"""Pages of a small collection on which document frequencies are counted, and the levels of tokens measured."""
LEVEL_PAGES = 64
"""Pages of a large collection on which levels are measured: their vectors are read for it."""
PRESENT_MATCH = 0.5
"""Match (0..1) above which a token counts as present on a page."""
MIN_EXPANSION_WEIGHT = 0.02
"""Expansion terms that can add less than this to a score are dropped; docs/log.md#weak-expansion compares 0 to 0.03."""
LIKELY_EXPANSION_WEIGHT = 0.015
"""The same for a query that is not weighed yet: most terms that are kept can add as much before, too."""
MIN_TOKEN_WEIGHT = 0.01
"""Tokens with less than this share of a query's weight are left out of stage 1: "the" is on every page."""
MIN_TOKENS = 32
"""The heaviest tokens that stage 1 looks up in any case: those of a long query all weigh little."""
CACHED_TOKENS = 65_536
"""Tokens whose statistics are kept, about 15 MB."""
COUNTED_BYTES = 64 << 20
"""Memory for the pages of tokens that are counted together, or of one token where a collection needs more."""

_Token = tuple[F32, np.float32, np.float32]
"""The vector (D,) of a token, its floor and its ceiling."""
_Statistics = tuple[float, float, float]
"""The IDF of a token, its floor in this collection, and the similarity that it is expected to have by chance."""
Presence = Callable[[F32, F32, F32], Iterator[NDArray[np.bool_]]]
"""By an inverted index, which pages (N,) each of the tokens `vectors` (Q, D) is present on, given their `floors` (Q,)
and `ceilings` (Q,)."""


class Weighting:
    """Weighs queries for the pages of one snapshot; document frequencies are kept. May be shared between threads."""

    def __init__(
        self,
        snapshot: Snapshot,
        cache: MaxSimCache,
        inverted_index: Callable[[], Presence | None],
        chance: Chance | None = None,
        reads_nothing_of: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`inverted_index` gives the pages of tokens in a large collection, None where a sample is counted.

        `chance` is the model's; without it, tokens keep the floors that they were encoded with. So do tokens of which
        the model `reads_nothing_of`: whatever looks like them is by chance.
        """
        self._snapshot = snapshot
        self._cache = cache
        self._inverted_index = inverted_index
        self._chance = chance
        self._reads_nothing_of = reads_nothing_of
        self._known: OrderedDict[bytes, _Statistics] = OrderedDict()
        self._lock = threading.Lock()

    def weigh(self, queries: Sequence[QueryVectors]) -> list[QueryVectors]:
        """Queries with floors and weights adjusted to the collection, and without expansion terms too weak to matter.

        Both depend on the query and the collection alone. Contextual queries stay as they are, and so do rows without a
        token (the patches of a picture). Expansion terms keep the floors that they were encoded with.
        """
        with self._lock:
            counted = [{} if query.contextual else self._counted(query) for query in queries]
            known = self._count({key: token for tokens in counted for key, token in tokens.values()})
        return [
            query if query.contextual else self._adjusted(query, {row: known[key] for row, (key, _) in tokens.items()})
            for query, tokens in zip(queries, counted, strict=True)
        ]

    def _adjusted(self, query: QueryVectors, statistics: Mapping[int, _Statistics]) -> QueryVectors:
        adjusted = _adjusted(query, statistics)
        is_read = [token == "" or not self._reads_nothing_of(token) for token in query.tokens]
        return replace(adjusted, floor=np.where(is_read, adjusted.floors, query.floors))

    def statistics(self, query: QueryVectors) -> tuple[F32, F32]:
        """The IDF (Q,) of the tokens of a query as it was encoded, and what they are expected to match by chance (Q,).

        The first is 0 for tokens that are not counted; the second is a similarity as in `Chance.expected`, or the
        token's floor where the model has no `chance`.
        """
        counted = self._counted(query)
        with self._lock:
            known = self._count(dict(counted.values()))
        found, expected = np.zeros(len(query.tokens), np.float32), query.floors
        for row, (key, _) in counted.items():
            found[row], _, expected[row] = known[key]
        return found, expected

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

    def _count(self, wanted: Mapping[bytes, _Token]) -> dict[bytes, _Statistics]:
        """The statistics of each token, which are kept for later queries."""
        known = {key: self._known[key] for key in wanted if key in self._known}
        new = [key for key in wanted if key not in known]
        if new:
            vectors, floors, ceilings = (np.stack(column) for column in zip(*(wanted[key] for key in new), strict=True))
            expected, maxima = floors, None
            if self._chance is not None or self._inverted_index() is None:
                rows, sampled = self._sample
                maxima = self._cache.of(vectors, rows, sampled)
            if self._chance is not None:
                assert maxima is not None
                expected = self._chance.expected(maxima, self._counted_pages)
                floors = self._chance.lowered(floors, expected)
            df, pages = self._document_frequencies(vectors, floors, ceilings, maxima)
            columns = (idf(df, pages).tolist(), floors.tolist(), expected.tolist())
            known.update(zip(new, zip(*columns, strict=True), strict=True))
        self._known.update(known)
        for key in known:
            self._known.move_to_end(key)
        while len(self._known) > CACHED_TOKENS:
            self._known.popitem(last=False)
        return known

    @property
    def _counted_pages(self) -> int:
        """How many pages there are, copies counted as one."""
        copies = self._snapshot.copies
        return len(self._snapshot) if copies is None else len(copies.counted)

    def _document_frequencies(self, vectors: F32, floors: F32, ceilings: F32, maxima: F32 | None) -> tuple[I64, int]:
        """On how many pages tokens (Q, D) are present, as (Q,), and of how many pages.

        `maxima` (n, Q) are those with the sample of a small collection.
        """
        pages_of = self._inverted_index()
        if pages_of is None:
            assert maxima is not None
            return (maxima > floors + PRESENT_MATCH * (ceilings - floors)).sum(axis=0), len(maxima)
        together = max(1, COUNTED_BYTES // len(self._snapshot))
        copies = self._snapshot.copies
        counts: list[int] = []
        for first in range(0, len(vectors), together):
            chosen = slice(first, first + together)
            for present in pages_of(vectors[chosen], floors[chosen], ceilings[chosen]):
                counts.append(int(np.count_nonzero(present if copies is None else present[copies.counted])))
        return np.array(counts, np.int64), self._counted_pages

    @cached_property
    def _sample(self) -> tuple[I64, FixedPages]:
        """The pages on which levels are measured, and in a small collection tokens counted: rows (n,), and vectors."""
        rows = sample(self._snapshot, SAMPLE_PAGES if self._inverted_index() is None else LEVEL_PAGES)
        return rows, PageMaxima(self._snapshot).of(rows)

    def clear(self) -> None:
        """Forget every token, and unmap the sample."""
        with self._lock:
            self._known.clear()
            self.__dict__.pop("_sample", None)


def _adjusted(query: QueryVectors, statistics: Mapping[int, _Statistics]) -> QueryVectors:
    """A query with the weights of rows times their IDF, 1 where it is unknown, and with their floors.

    The sum of the weights stays, and so do the floors of expansion terms.
    """
    is_token = np.array([token != "" for token in query.tokens])
    factors, floors = np.ones_like(query.weights), query.floors
    for row, found in statistics.items():
        factors[row], floors[row], _ = found
    weights = query.weights * factors
    share = 1 - query.weights[~is_token].sum(dtype=np.float32)
    weights[is_token] = weights[is_token] / weights[is_token].sum() * share
    expansion = query.expansion
    if expansion is not None:
        expansion = replace(expansion, floor=query.every_floor[len(query.weights) :])
    weights = weights.astype(np.float32)
    return drop_weak_expansion(replace(query, weights=weights, floor=floors, expansion=expansion))


def looked_up(weights: F32) -> NDArray[np.bool_]:
    """Which tokens of a query with these weights (Q,) stage 1 looks up, (Q,)."""
    heaviest = np.sort(weights)[::-1][:MIN_TOKENS]
    chosen: NDArray[np.bool_] = weights >= min(MIN_TOKEN_WEIGHT, heaviest.min(initial=np.inf))
    return chosen


def likely_vectors(query: QueryVectors) -> F32:
    """The vectors (n, D) of a query's tokens, and of the expansion terms that most likely stay when it is weighed."""
    expansion = query.expansion
    if expansion is None:
        return query.vectors
    is_likely = expansion.weights * query.weights[expansion.tokens] >= LIKELY_EXPANSION_WEIGHT
    return np.concatenate([query.vectors, expansion.vectors[is_likely]])


def drop_weak_expansion(query: QueryVectors) -> QueryVectors:
    """The query without expansion terms that could add less than MIN_EXPANSION_WEIGHT to a score.

    Synonyms of a token that is one of many find more wrong words than right ones.
    """
    if query.expansion is None:
        return query
    kept = query.expansion.weights * query.weights[query.expansion.tokens] >= MIN_EXPANSION_WEIGHT
    return replace(query, expansion=query.expansion.only(kept) if kept.any() else None)
