"""Stage 2: the exact score of pages, weighted MaxSim over words and over pairs of words, read block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..kernels import maxsim, proximity
from ..records import BOX_SCALE, F32, I64, U16, QueryVectors, Ranking
from ..store import Block

TITLE_SHARE = 0.8
"""A word on the first page of a document counts this much on each of its pages; docs/log.md compares 0 to 1."""
LEAST_SHARE = 0.01
"""Query words with less than this share of the weight are not looked up in stage 1: "the" is on every page."""
WORDS_LOOKED_UP = 32
"""So many words are looked up in any case, the heaviest: those of a long question all weigh little."""
LOOKED_AT_ONCE = 12
"""Pages whose pairs of words are matched before the next look at whether any page left can still reach the first k."""


class Pages(Protocol):
    """What is ranked: the N pages of a `store.Snapshot`, or something with the same vectors stored another way."""

    def __len__(self) -> int: ...

    def first_pages(self) -> I64:
        """As `Snapshot.first_pages`."""

    def blocks(self, *, rows: I64 | None = None) -> Iterator[Block]:
        """As `Snapshot.blocks`."""

    def views(self, rows: I64 | None = None) -> Iterator[list[Block]]:
        """As `Snapshot.views`."""

    def sizes(self, wanted: I64 | Sequence[int]) -> F32:
        """As `Snapshot.sizes`."""

    def boxes(self, row: int) -> U16:
        """As `Snapshot.boxes`."""


class Scorer(Protocol):
    """Something faster than this processor that has the same pages: `gpu.GpuPages`."""

    def takes(self, rows: I64 | None) -> bool:
        """Whether it should be asked for `rows`."""

    def token_maxima(self, query: F32, rows: I64 | None) -> F32:
        """The maxima of `query` (Q, D) with `rows` (n,), each once and in order, or with all, (n, Q)."""

    def rank(self, queries: Sequence[QueryVectors], *, rows: I64 | None, k: int) -> list[Ranking]:
        """As `rank`, for queries that are `in_context`."""


MaximaOf = Callable[[F32, I64 | None], F32]
"""What `token_maxima` does for the pages of one index."""


def rank(
    snapshot: Pages,
    queries: Sequence[QueryVectors],
    *,
    rows: I64 | None,
    k: int,
    scorer: Scorer | None = None,
    maxima_of: MaximaOf | None = None,
) -> list[Ranking]:
    """The best `k` pages of each query among `rows`, or among all; every page's score is exact.

    The vectors are read once for all queries. Pages that match nothing (score 0) are not ranked. A page scores
    (Σ_q w_q · m_q + Σ_p w_p · m_p) / (1 + Σ_p w_p) over words q and pairs of words p; m_q is its own match, or, unless
    the query is `in_context`, a share of its document's first page's. What a pair can add is bounded by its words, so
    pairs are matched only on pages that may still reach the first `k`. A `scorer` takes over the maxima, and plain
    MaxSim as a whole; `maxima_of` knows some maxima of this processor already.
    """
    if scorer is not None and not scorer.takes(rows):
        scorer = None
    if scorer is not None and queries and all(is_plain(query) for query in queries):
        return scorer.rank(queries, rows=rows, k=k)
    asked = np.arange(len(snapshot)) if rows is None else np.unique(rows)
    if not len(asked):
        return [best(asked, np.zeros(0, np.float32), k) for _ in queries]
    titles = asked if all(query.in_context for query in queries) else snapshot.first_pages()[asked]
    read = np.union1d(asked, titles)
    some = None if rows is None else read
    if scorer is not None:
        maxima_of = scorer.token_maxima
    elif maxima_of is None:
        maxima_of = partial(token_maxima, snapshot)
    maxima = maxima_of(np.concatenate([query.every for query in queries]), some)
    at, titles_at = np.searchsorted(read, asked), np.searchsorted(read, titles)
    out = []
    start = 0
    for query in queries:
        every = maxima[:, start : start + len(query.every)]
        start += len(query.every)
        own, scores = of_words(every[at], every[titles_at], query)
        if len(query.pairs):
            weights = proximity.pair_weights(query.weights, query.pairs)
            bounds = scores + maxsim.score(proximity.pair_bounds(own, query.pairs), weights)
            out.append(with_pairs(snapshot, query, weights, asked, scores, bounds, k))
        else:
            out.append(best(asked, scores, k))
    return out


def of_words(maxima: F32, titles: F32, query: QueryVectors) -> tuple[F32, F32]:
    """How well pages with these `maxima` (n, Q + A) match each word, (n, Q), and their scores (n,), by words alone;
    `titles` (n, Q + A) are the maxima of the first pages of their documents.
    """
    own = maxsim.match(maxima, query)
    if query.in_context:
        return own, maxsim.score(own, query.weights)
    printed = maxsim.match(titles[:, : len(query.vectors)], replace(query, others=None))
    return own, maxsim.score(with_title(own, printed), query.weights)


def are_looked_up(weights: F32) -> NDArray[np.bool_]:
    """Which words of a query with these weights (Q,) stage 1 looks up, (Q,)."""
    heaviest = np.sort(weights)[::-1][:WORDS_LOOKED_UP]
    least: NDArray[np.bool_] = weights >= min(LEAST_SHARE, heaviest.min(initial=np.inf))
    return least


def is_plain(query: QueryVectors) -> bool:
    """Whether a page's score depends on its own maxima and the weights alone."""
    return query.in_context and query.others is None and not len(query.pairs)


def with_title(own: F32, title: F32) -> F32:
    """Pages' matches (n, Q) of their `own`, or TITLE_SHARE of those of their documents' first pages, `title` (n, Q).

    A query often names the document, or what it is about, and the page that answers it does not. A page without any
    match of its own gets none. Only words are lent, not figures.
    """
    lent: F32 = np.maximum(own, np.float32(TITLE_SHARE) * title)
    return np.where((own > 0).any(axis=1, keepdims=True), lent, 0)


def token_maxima(snapshot: Pages, vectors: F32, rows: I64 | None) -> F32:
    """The best cosine of `vectors` (Q, D) with the pages `rows`, each once and in order, or with all: (n, Q)."""
    found = [
        maxsim.maxima_of_parts(vectors, [(block.coded, block.offsets) for block in together])
        for together in snapshot.views(rows)
    ]
    return np.concatenate(found) if found else np.zeros((0, len(vectors)), np.float32)


def with_pairs(
    snapshot: Pages, query: QueryVectors, weights: F32, rows: I64, scores: F32, bounds: F32, k: int
) -> Ranking:
    """The best `k` of `rows` (n,): `scores` (n,) of the words, and what pairs of weights (P,) add, at most `bounds`."""
    order = np.lexsort((rows, -bounds))
    order = order[scores[order] > 0]
    final = np.zeros(0, np.float32)
    while len(final) < len(order):
        if len(final) >= k and np.partition(final, len(final) - k)[len(final) - k] > bounds[order[len(final)]]:
            break  # no page that is left can reach the first k
        chosen = order[len(final) : len(final) + LOOKED_AT_ONCE]
        final = np.concatenate([final, scores[chosen] + maxsim.score(pairs_on(snapshot, query, rows[chosen]), weights)])
    return best(rows[order[: len(final)]], final / (1 + weights.sum(dtype=np.float32)), k)


def pairs_on(snapshot: Pages, query: QueryVectors, rows: I64) -> F32:
    """How well each page of `rows` (n,) matches the query's pairs of words side by side, (n, P)."""
    order = np.argsort(rows)
    out = np.empty((len(rows), len(query.pairs)), np.float32)
    first = 0
    for block in snapshot.blocks(rows=rows):
        matches = proximity.matches_of(maxsim.products(query.every, block.coded), query)
        units = np.tile(snapshot.sizes(block.rows) / np.float32(BOX_SCALE), 2)
        boxes = np.concatenate(
            [snapshot.boxes(row) * unit for row, unit in zip(block.rows.tolist(), units, strict=True)]
        )
        last = first + len(block.rows)
        out[order[first:last]] = proximity.pair_matches(matches, boxes, block.offsets, query.pairs)
        first = last
    return out


def best(rows: I64, scores: F32, k: int) -> Ranking:
    """The `k` best of `rows` (n,) by `scores` (n,), ties by lower row, pages without any match left out."""
    if len(rows) > 4 * k > 0:
        # Everything that can reach the first k, ties at the border included.
        border = np.partition(scores, len(scores) - k)[len(scores) - k]
        reach = scores >= border
        rows, scores = rows[reach], scores[reach]
    order = np.lexsort((rows, -scores))[:k]
    order = order[scores[order] > 0]
    return Ranking(rows[order], scores[order])
