"""Stage 2: exact scores of pages, weighted MaxSim over tokens and over pairs of neighbouring tokens.

Pairs: term proximity, in the spirit of the sequential dependence model of Metzler and Croft, 2005.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

import numpy as np

from ..distinct import distinct
from ..kernels import maxsim, proximity
from ..page_maxima import MaximaOf, Pages, PagesElsewhere, are_elsewhere, token_maxima
from ..records import BOX_SCALE, F32, I64, QueryVectors, Ranking
from ..scoring import score_tokens, top_k, weighted_sum
from .prior import PageScores

PAIRS_BLOCK_PAGES = 12
"""Pages whose token pairs are matched before the next check whether any page left can still reach the top k."""

MAXIMA_BYTES = 64 << 20
"""Memory for the maxima of pages that are scored together; more pages are scored block by block."""
SCORER_BYTES = 1 << 30
"""The same for an accelerator, which first scores fewer queries at a time: it reads all pages faster than some."""
SCORES_BYTES = 128 << 20
"""Memory for the scores of queries that are ranked together; the scores of one query may take more."""


PairSearch = Generator[I64, F32, Ranking]
"""A search that asks for the matches of pairs on some pages, again and again; see `with_pairs`."""


class Scorer(Protocol):
    """An accelerator that holds the same pages: `gpu.GpuPages`."""

    def accepts(self, rows: I64 | None) -> bool:
        """Whether scoring the pages `rows` (n,), or all for None, is possible there and faster than on the CPU."""

    def token_maxima(self, query: F32, rows: I64 | None) -> F32:
        """MaxSim (n, Q) of `query` (Q, D) with `rows` (n,), each once and rising, or with all pages."""

    def rank(self, queries: Sequence[QueryVectors], *, rows: I64 | None, k: int) -> list[Ranking]:
        """As the function `rank`, for plain MaxSim queries (`is_plain`)."""


def rank(
    snapshot: Pages,
    queries: Sequence[QueryVectors],
    *,
    rows: I64 | None,
    k: int,
    scorer: Scorer | None = None,
    maxima_of: MaximaOf | None = None,
    fusions: Sequence[Callable[[], PageScores] | None] | None = None,
) -> list[Ranking]:
    """The best `k` pages of each query among `rows` (n,), or among all; every page's score is exact.

    Vectors are read once for all queries whose scores fit SCORES_BYTES, and memory does not grow with their tokens.
    Pages that match nothing (score 0) are left out. A page scores (Σ_t w_t · m_t + Σ_p w_p · m_p) / (1 + Σ_p w_p) over
    tokens t (`scoring.score_tokens`) and pairs p of neighbouring tokens. A pair adds at most what its two tokens allow,
    so pairs are matched only on pages that may still reach the first `k`. A `scorer` computes the maxima on an
    accelerator, and plain MaxSim as a whole; `maxima_of` stands in for `page_maxima.token_maxima`, with a cache for
    instance. `fusions` give what turns visual scores into final ones, for the queries that have one; each is called
    when its query is ranked, because it takes memory for all pages.
    """
    fusions = fusions or [None] * len(queries)
    if scorer is not None and not scorer.accepts(rows):
        scorer = None
    if scorer is not None and queries and not any(fusions) and all(is_plain(query) for query in queries):
        return scorer.rank(queries, rows=rows, k=k)
    asked = np.arange(len(snapshot)) if rows is None else distinct(rows)
    if not len(asked):
        return [Ranking(asked, np.zeros(0, np.float32)) for _ in queries]
    vectors = np.concatenate([query.every for query in queries])
    is_too_much = 8 * len(queries) * len(asked) > SCORES_BYTES
    if scorer is not None:
        is_too_much |= vectors.shape[0] * len(asked) * 4 > SCORER_BYTES
    if is_too_much and len(queries) > 1:
        middle = len(queries) // 2
        ranked = partial(rank, snapshot, rows=rows, k=k, scorer=scorer, maxima_of=maxima_of)
        return [
            *ranked(queries[:middle], fusions=fusions[:middle]),
            *ranked(queries[middle:], fusions=fusions[middle:]),
        ]
    if scorer is not None:
        maxima_of = scorer.token_maxima
    elif maxima_of is None:
        maxima_of = partial(token_maxima, snapshot)
    scores, bounds = np.empty((2, len(queries), len(asked)), np.float32)
    together = max(1, (MAXIMA_BYTES if scorer is None else SCORER_BYTES) // (4 * max(1, len(vectors))))
    for first in range(0, len(asked), together):
        block = slice(first, first + together)
        is_all = rows is None and len(asked) <= together
        scored = _token_scores(snapshot, queries, asked[block], partial(maxima_of, vectors), is_all=is_all)
        scores[:, block], bounds[:, block] = scored
    together_elsewhere: list[tuple[int, QueryVectors, PairSearch]] = []
    out: list[Ranking | None] = [None] * len(queries)
    for i, (query, fusion_of, own, most) in enumerate(zip(queries, fusions, scores, bounds, strict=True)):
        fusion = None if fusion_of is None else fusion_of()
        if len(query.pairs):
            weights = proximity.pair_weights(query.weights, query.pairs)
            search = with_pairs(snapshot, weights, asked, own, most, k, fusion)
            if are_elsewhere(snapshot):
                together_elsewhere.append((i, query, search))
            else:
                out[i] = _finished(search, partial(pairs_on, snapshot, query))
        else:
            final = own if fusion is None else fusion.scores(own, asked)
            ranking = top_k(asked, final, k, snapshot.page_order())
            out[i] = _with_best_visual(ranking, asked, own)
    if are_elsewhere(snapshot):
        for i, ranking in _finished_together(snapshot, together_elsewhere):
            out[i] = ranking
    return [ranking for ranking in out if ranking is not None]


def _finished(search: PairSearch, pairs_of: Callable[[I64], F32]) -> Ranking:
    """The result of a search for pairs, whose matches with pages `pairs_of` gives."""
    try:
        rows = next(search)
        while True:
            rows = search.send(pairs_of(rows))
    except StopIteration as done:
        ranking: Ranking = done.value
        return ranking


def _finished_together(
    pages: PagesElsewhere, searches: Sequence[tuple[int, QueryVectors, PairSearch]]
) -> Iterator[tuple[int, Ranking]]:
    """The results of searches for pairs, by number; the pages that they ask for are matched in one call for all."""
    found: list[F32 | None] = [None] * len(searches)
    while searches:
        going_on, asked = [], []
        for (i, query, search), matches in zip(searches, found, strict=True):
            try:
                rows = next(search) if matches is None else search.send(matches)
            except StopIteration as done:
                yield i, done.value
            else:
                going_on.append((i, query, search))
                asked.append((query, rows))
        searches = going_on
        found = [*pages.pair_matches(asked)] if asked else []


def _with_best_visual(ranking: Ranking, rows: I64, visual: F32) -> Ranking:
    """A ranking with the visual score of its first page; `visual` (n,) are those of `rows` (n,), in any order."""
    if not len(ranking.pages):
        return ranking
    return replace(ranking, best_visual=float(visual[np.flatnonzero(rows == ranking.pages[0])[0]]))


def _token_scores(
    snapshot: Pages, queries: Sequence[QueryVectors], rows: I64, maxima_of: Callable[[I64 | None], F32], *, is_all: bool
) -> tuple[F32, F32]:
    """The scores (Q, n) of `rows` (n,) by tokens, and the most (Q, n) that they can be with pairs.

    `maxima_of` gives the maxima of all queries' vectors with pages; `is_all` if `rows` are all pages.
    """
    first_pages = rows if all(query.contextual for query in queries) else snapshot.first_pages()[rows]
    read = distinct(np.concatenate([rows, first_pages]))
    maxima = maxima_of(None if is_all else read)
    at, first_at = np.searchsorted(read, rows), np.searchsorted(read, first_pages)
    scores, bounds = np.empty((2, len(queries), len(rows)), np.float32)
    start = 0
    for i, query in enumerate(queries):
        every = maxima[:, start : start + len(query.every)]
        start += len(query.every)
        own, scores[i] = score_tokens(every[at], every[first_at], query)
        bounds[i] = scores[i]
        if len(query.pairs):
            weights = proximity.pair_weights(query.weights, query.pairs)
            bounds[i] += weighted_sum(proximity.pair_bounds(own, query.pairs), weights)
    return scores, bounds


def is_plain(query: QueryVectors) -> bool:
    """Whether a page's score depends on its own maxima and the weights alone."""
    return query.contextual and query.expansion is None and not len(query.pairs)


def with_pairs(
    snapshot: Pages,
    weights: F32,
    rows: I64,
    scores: F32,
    bounds: F32,
    k: int,
    fusion: PageScores | None = None,
) -> PairSearch:
    """The best `k` of `rows` (n,) by tokens and pairs, and by what a `fusion` adds.

    Yields pages (m,), whose matches (m, P) of the query's pairs it is to be sent; returns the ranking.

    `scores` (n,) are those of the tokens, `weights` (P,) those of the pairs, and no page's score with pairs exceeds its
    `bounds` (n,).
    """
    total = 1 + weights.sum(dtype=np.float32)
    if fusion is not None:
        bounds = fusion.scores(bounds / total, rows)
    order = np.lexsort((rows, -bounds))
    order = order[scores[order] > 0 if fusion is None else fusion.matches(scores[order], rows[order])]
    final, seen = np.zeros((2, 0), np.float32)
    while len(final) < len(order):
        if len(final) >= k and np.partition(final, len(final) - k)[len(final) - k] > bounds[order[len(final)]]:
            break  # no remaining page can reach the top k
        chosen = order[len(final) : len(final) + PAIRS_BLOCK_PAGES]
        visual = scores[chosen] + weighted_sum((yield rows[chosen]), weights)
        seen = np.concatenate([seen, visual])
        final = np.concatenate([final, visual if fusion is None else fusion.scores(visual / total, rows[chosen])])
    scored = final / total if fusion is None else final
    ranked = rows[order[: len(final)]]
    return _with_best_visual(top_k(ranked, scored, k, snapshot.page_order()), ranked, seen / total)


def pairs_on(snapshot: Pages, query: QueryVectors, rows: I64) -> F32:
    """Matches (n, P) of the query's pairs of neighbouring tokens on the pages `rows` (n,)."""
    if are_elsewhere(snapshot):
        (found,) = snapshot.pair_matches([(query, rows)])
        return found
    order = np.argsort(rows)
    out = np.empty((len(rows), len(query.pairs)), np.float32)
    first = 0
    for block in snapshot.blocks(rows=rows):
        matches = proximity.sparse_matches(maxsim.products(query.every, block.coded), query)
        units = np.tile(snapshot.sizes(block.rows) / np.float32(BOX_SCALE), 2)
        boxes = np.concatenate(
            [snapshot.boxes(row) * unit for row, unit in zip(block.rows.tolist(), units, strict=True)]
        )
        last = first + len(block.rows)
        out[order[first:last]] = proximity.pair_matches(
            matches, boxes, block.offsets, query.pairs, reversed_share=query.reversed_share
        )
        first = last
    return out
