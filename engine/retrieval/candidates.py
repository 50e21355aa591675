"""Stage 1: proposes the pages that stage 2 scores exactly.

Models with visual words, and those without a dense vector, use an inverted index over patch vectors, which approximates
the MaxSim score of every page. Other models use their dense vector, one per page, by maximum inner product: FAISS. What
is derived from the segments is kept in the index's cache folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..compression.visual_words import VisualWords
from ..distinct import distinct
from ..kernels.token_scores.scores import BLOCK_PAGES, Sums, add_codes, add_tokens
from ..query.weighting import looked_up
from ..records import F32, I64, Candidates, QueryVectors
from ..scoring import reaching, top_k
from ..store import Snapshot
from .dense import open_dense_index
from .inverted_index import InvertedIndex, open_inverted_index
from .match_codes import SLACK, MatchCodes, code_scales

MAXIMA_BYTES = 64 << 20
"""Memory for the maxima or codes of tokens that are looked up together, or of one token with its expansion terms where
a collection needs more."""


class NearestPages(Protocol):
    """Search by dense vectors: `DenseIndex`."""

    def nearest(self, vector: F32, *, count: int, rows: I64 | None = None) -> Candidates:
        """As `DenseIndex.nearest`."""

    def nearest_exactly(self, vector: F32, *, count: int, rows: I64 | None = None) -> Candidates:
        """As `DenseIndex.nearest_exactly`."""


class CandidateIndex:
    """Proposes pages of one snapshot from its inverted index, or else from its dense index."""

    def __init__(
        self,
        first_pages: I64,
        page_order: I64,
        inverted_index: InvertedIndex | None,
        dense_index: NearestPages | None,
    ) -> None:
        """`first_pages` (N,) and `page_order` (N,) are those of the snapshot."""
        self.first_pages = first_pages
        self.page_order = page_order
        self.inverted_index = inverted_index
        self.dense_index = dense_index
        self._codes = None if inverted_index is None else MatchCodes(inverted_index, len(first_pages))

    @property
    def looks_up_patches(self) -> bool:
        """Whether patches are looked up in inverted lists; else pages have dense vectors, if anything."""
        return self.inverted_index is not None

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
        if not self.looks_up_patches:
            nearest = self.nearest_dense(query, count=count, rows=allowed)
            return nearest if fused is None else self._with_texts(nearest, fused, count, allowed)
        scores = self._final_scores(query, fused)
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
        return self._final_scores(query, None)

    def _final_scores(self, query: QueryVectors, fused: Callable[[F32, I64], F32] | None) -> F32:
        """The score (N,) of every page, `fused` or by its picture: a block of pages at a time.

        What is allocated for all pages of a large index comes from the system a page of memory at a time, which takes
        longer than what is computed.
        """
        sums = self._sums(query)
        totals = sums.totals.copy() if sums is self._no_sums else sums.totals
        for first in range(0, len(totals), BLOCK_PAGES):
            block = slice(first, first + BLOCK_PAGES)
            own = Sums(totals[block], sums.best[block]).scores
            totals[block] = own if fused is None else fused(own, np.arange(first, first + len(own)))
        return totals

    def _sums(self, query: QueryVectors) -> Sums:
        pruned = prune_for_candidates(query)
        add = self._add_maxima if pruned.contextual else self._add_codes
        sums = self._no_sums
        vector_bytes = len(self.first_pages) * (4 if pruned.contextual else 1)
        for tokens in token_groups(pruned, MAXIMA_BYTES // max(1, vector_bytes)):
            sums = add(sums, only_tokens(pruned, tokens))
        return sums

    @cached_property
    def _no_sums(self) -> Sums:
        """Before the first token; never written to, so it takes no memory."""
        return Sums.of_none(len(self.first_pages))

    def presence(self, vectors: F32, floors: F32, ceilings: F32) -> Iterator[NDArray[np.bool_]]:
        """Which pages (N,) each of the tokens `vectors` (Q, D) is present on, by its match: see `query.weighting`."""
        assert self._codes is not None
        scales = code_scales(floors, ceilings)
        codes = self._codes.of_each(vectors, scales)
        return (each > absent for each, absent in zip(codes, scales.absent, strict=True))

    def _add_codes(self, before: Sums, query: QueryVectors) -> Sums:
        """The sums with tokens that depend on nothing else, which are cached."""
        assert self._codes is not None
        scales = code_scales(query.every_floor, query.every_ceiling)
        codes = self._codes.of_each(query.every, scales, terms=len(query.every) - len(query.vectors))
        return add_codes(before, codes, scales.units, self.first_pages, query)

    def _add_maxima(self, before: Sums, query: QueryVectors) -> Sums:
        """The sums with contextual vectors, which do not come again."""
        assert self.inverted_index is not None
        lowered = replace(query, floor=query.floors - np.float32(SLACK))
        maxima = self.inverted_index.maxima(query.every, float(lowered.floors.min(initial=1)), impute_missing=True)
        return add_tokens(before, list(maxima.T), self.first_pages, lowered)

    def nearest_dense(self, query: QueryVectors, *, count: int, rows: I64 | None) -> Candidates:
        """The `count` pages, of `rows` (n,) or of all, whose dense vectors have the largest inner products with the
        query's.

        No pages in an index without dense vectors.
        """
        if self.dense_index is None:
            return Candidates(np.zeros(0, np.int64), np.zeros(0, np.float32))
        return self.dense_index.nearest(query.single, count=count, rows=rows)


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
        expansion = expansion.only(np.isin(expansion.tokens, kept))
        expansion = replace(expansion, tokens=np.searchsorted(kept, expansion.tokens))
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


@runtime_checkable
class CandidatesElsewhere(Protocol):
    """A snapshot whose stage 1 other processes compute."""

    def open_candidates(self, visual_words: VisualWords | None) -> CandidateIndex:
        """As the function `open_candidates`."""


def open_candidates(snapshot: Snapshot, visual_words: VisualWords | None, *, on_gpu: bool = False) -> CandidateIndex:
    """Open the derived files of stage 1, or build them where they are missing or stale.

    `on_gpu`, dense vectors are searched on the GPU where FAISS can.
    """
    if isinstance(snapshot, CandidatesElsewhere):
        return snapshot.open_candidates(visual_words)
    pages = snapshot.first_pages(), snapshot.page_order()
    if visual_words is not None and snapshot.has_words:
        return CandidateIndex(*pages, open_inverted_index(snapshot, visual_words), None)
    dense = open_dense_index(snapshot, on_gpu=on_gpu)
    inverted = open_inverted_index(snapshot, None) if dense is None and snapshot.lengths.any() else None
    return CandidateIndex(*pages, inverted, dense)
