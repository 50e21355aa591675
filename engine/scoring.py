"""The scoring function in plain numpy: similarities of query tokens with pages to scores, IDF, and the top k.

score(page) = Σ_t weight_t · match_t. The match of token t rises from 0 at its floor to 1 at its ceiling, and is the
best of the token itself, its expansion terms, and a share of its match on the document's first page. Every faster form
(`kernels.token_scores`, `kernels.proximity`, `ranking.gpu`) is tested against these functions.

Late interaction: Khattab and Zaharia, "ColBERT", 2020. IDF: Spärck Jones, 1972, in BM25's form: Robertson et al., 1994.
First-page weight: a field weight in the spirit of BM25F, Robertson, Zaragoza and Taylor, 2004.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .records import F32, I64, QueryVectors, Ranking

FIRST_PAGE_WEIGHT = 0.8
"""Share of a token's match on a document's first page that counts on its other pages.

docs/log.md#first-page-weight compares 0 to 1.
"""
BLOCKS_PER_RESULT = 8
"""Blocks of scores for each of the k largest that are looked for: few enough for their maxima to cost little."""


def match(similarities: F32, query: QueryVectors) -> F32:
    """Matches (…, Q) float32 in 0..1 of query tokens, from `similarities` (…, Q + A) with `query.every`.

    A token's match is the best of its own and of those of its expansion terms, each times the term's weight.
    """
    matches = rise(similarities, query.every_floor, query.every_ceiling)
    expansion = query.expansion
    if expansion is None:
        return matches
    tokens = len(query.weights)
    own = matches[..., :tokens]
    for i, (token, weight) in enumerate(zip(expansion.tokens.tolist(), expansion.weights, strict=True)):
        own[..., token] = np.maximum(own[..., token], weight * matches[..., tokens + i])
    return own


def rise(similarities: F32, floors: F32, ceilings: F32) -> F32:
    """0 up to the floor, 1 from the ceiling on, and linear between: similarities (…, n) to matches (…, n)."""
    matches: F32 = np.clip((similarities - floors) / (ceilings - floors), 0, 1)
    return matches


def weighted_sum(matches: F32, weights: F32) -> F32:
    """Σ_t weights[t] · matches[n, t]: (N, Q), (Q,) -> (N,).

    Every page's terms are added in the order of the tokens: numpy's own sum takes another one for arrays with another
    layout in memory, and so would give equal pages other scores.
    """
    total = np.zeros(len(matches), np.float32)
    for token, weight in enumerate(weights):
        total += matches[:, token] * weight
    return total


def with_first_page(own: F32, first_page: F32) -> F32:
    """Pages' matches (N, Q), raised to FIRST_PAGE_WEIGHT times those on their document's first page (N, Q).

    A query often names the document, or its subject, and the page that answers it does not. A page without a match of
    its own gets none from its first page.
    """
    raised: F32 = np.maximum(own, np.float32(FIRST_PAGE_WEIGHT) * first_page)
    return np.where((own > 0).any(axis=1, keepdims=True), raised, 0)


def score_tokens(maxima: F32, first_page_maxima: F32, query: QueryVectors) -> tuple[F32, F32]:
    """Matches (N, Q) and scores (N,) of pages, by tokens alone.

    `maxima` (N, Q + A) are the pages' MaxSim with `query.every`, `first_page_maxima` (N, Q + A) those of the first
    pages of their documents. First pages do not count for a contextual query, and never through expansion terms.
    """
    own = match(maxima, query)
    if query.contextual:
        return own, weighted_sum(own, query.weights)
    first_page = match(first_page_maxima[:, : len(query.vectors)], replace(query, expansion=None))
    return own, weighted_sum(with_first_page(own, first_page), query.weights)


def idf(document_frequencies: F32 | I64, pages: int) -> F32:
    """The square root of BM25's inverse document frequency, (n,), of terms with these document frequencies (n,).

    `pages` is the number of pages that were counted.
    docs/log.md#exact-words compares powers of it.
    """
    df = document_frequencies
    root: F32 = np.sqrt(np.log1p((pages - df + 0.5) / (df + 0.5)))
    return root


def top_k(rows: I64, scores: F32, k: int, page_order: I64) -> Ranking:
    """The `k` best of `rows` (n,) by `scores` (n,), ties by `page_order`, pages without any match left out.

    `page_order` (N,) is `Snapshot.page_order` of all N pages.
    """
    if len(rows) > 4 * k > 0:
        reach = reaching(scores, k)
        rows, scores = rows[reach], scores[reach]
    order = np.lexsort((page_order[rows], -scores))[:k]
    order = order[scores[order] > 0]
    return Ranking(rows[order], scores[order])


def reaching(scores: F32, k: int) -> I64:
    """Which of N `scores` (N,) are among the `k` largest, ties at the border included: their places, rising.

    `k` is from 1 to N. Of very many, only those that reach the k-th largest maximum of a block are compared.
    """
    width = len(scores) // (BLOCKS_PER_RESULT * k)
    found: I64 | None = None
    if width > 1:
        blocks = len(scores) // width
        maxima = scores[: blocks * width].reshape(blocks, width).max(axis=1)
        found = np.flatnonzero(scores >= np.partition(maxima, blocks - k)[blocks - k])
        scores = scores[found]
    reach: I64 = np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])
    return reach if found is None else found[reach]
