"""Stage 1: which pages are worth an exact score.

Two generators propose. For models with visual words, and for those without a vector a page, posting lists over patches
tell an approximate score of every page, and keep nearly all of the pages that exact MaxSim ranks first: a set of words
does not fit into one vector without noise. For other models FAISS searches one vector a page by inner product. What is
derived from the segments is kept in the cache.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from ..compression.visual_words import PageCode
from ..kernels.word_scores.scores import word_scores
from ..ranking import rerank
from ..ranking.maxsim_cache import WordMaxima
from ..ranking.rerank import TITLE_SHARE
from ..records import F32, I64, Candidates, Others, QueryVectors
from ..store import Snapshot
from .dense import SingleVectors, open_single
from .inverted_index import PatchLists, open_lists

SLACK = 0.03
"""How far below the query's floor an approximate similarity may lie and still count."""


class CandidateIndex:
    """What proposes pages of a snapshot: posting lists over patches, or else FAISS over the single vectors."""

    def __init__(self, first_pages: I64, patches: PatchLists | None, single: SingleVectors | None) -> None:
        """`first_pages` (N,) are the first page of each page's document."""
        self.first_pages = first_pages
        self.patches = patches
        self.single = single
        self._kept: dict[float, WordMaxima] = {}  # by the floor that they were looked for with
        self._one_at_a_time = threading.Lock()

    def find(self, query: QueryVectors, *, count: int, rows: I64 | None = None) -> Candidates:
        """The `count` pages that stage 1 ranks first, among `rows` if given."""
        allowed = None if rows is None else np.unique(rows)
        if self.patches is None:
            return self.nearest_single(query, count=count, rows=allowed)
        scores = self.scores(query)
        if allowed is None:
            allowed = np.arange(len(scores))
        if len(allowed) <= count:
            return Candidates(allowed, scores[allowed])
        found = rerank.best(allowed, scores[allowed], count)
        return Candidates(found.pages, found.scores)

    def scores(self, query: QueryVectors) -> F32:
        """The approximate weighted MaxSim of each page, (N,) float32, with the words that weigh something."""
        asked = telling(query)
        maxima = self._maxima(asked)
        asked = replace(asked, floor=asked.floors - np.float32(SLACK))
        return word_scores(maxima, self.first_pages, asked, 0.0 if query.in_context else TITLE_SHARE)

    def maxima(self, vectors: F32, floors: F32) -> list[F32]:
        """The approximate maxima of each word of (Q, D) with all pages, (N,), and -inf below the lowest of their
        `floors` (Q,) less SLACK. They are kept for the next question.
        """
        assert self.patches is not None
        floor = float(floors.min(initial=1)) - SLACK
        with self._one_at_a_time:
            if floor not in self._kept:
                look = partial(_maxima_of_all, self.patches, floor)
                self._kept[floor] = WordMaxima(len(self.first_pages), look)
        return self._kept[floor].of_each(vectors)

    def _maxima(self, query: QueryVectors) -> Sequence[F32]:
        """The approximate maxima of each of `query.every` with all pages, (N,)."""
        if not query.in_context:
            return self.maxima(query.every, query.floors)
        assert self.patches is not None  # such vectors do not come again
        floor = float(query.floors.min(initial=1)) - SLACK
        return [*self.patches.maxima(query.every, floor, guessed=True).T]

    def nearest_single(self, query: QueryVectors, *, count: int, rows: I64 | None) -> Candidates:
        """The `count` pages whose single vectors have the largest inner product with the query's."""
        if self.single is None:
            return Candidates(np.zeros(0, np.int64), np.zeros(0, np.float32))
        return self.single.nearest(query.single, count=count, rows=rows)


def _maxima_of_all(lists: PatchLists, floor: float, vectors: F32, _: I64 | None) -> F32:
    """`lists.maxima` as `WordMaxima` asks for them."""
    return lists.maxima(vectors, floor)


def telling(query: QueryVectors) -> QueryVectors:
    """The query without words that weigh next to nothing, and without pairs. Of rows that are `in_context`, which are
    many and alike, none is left out.
    """
    kept = np.flatnonzero(rerank.are_looked_up(query.weights) | query.in_context)
    others = query.others
    if others is not None:
        of_kept = np.isin(others.words, kept)
        words = np.searchsorted(kept, others.words[of_kept])
        others = Others(others.vectors[of_kept], words, others.shares[of_kept])
    return replace(
        query,
        vectors=query.vectors[kept],
        weights=query.weights[kept],
        tokens=tuple(query.tokens[i] for i in kept.tolist()),
        floor=query.floors[kept],
        ceiling=query.ceilings[kept],
        pairs=np.zeros((0, 2), np.int64),
        others=others,
    )


def open_candidates(snapshot: Snapshot, code: PageCode | None, *, on_gpu: bool = False) -> CandidateIndex:
    """Open the derived files, or make them where they are missing or old; `on_gpu`, single vectors go to one if FAISS
    knows how.
    """
    first_pages = snapshot.first_pages()
    if code is not None and snapshot.has_words:
        return CandidateIndex(first_pages, open_lists(snapshot, code), None)
    single = open_single(snapshot, on_gpu=on_gpu)
    lists = open_lists(snapshot, None) if single is None and snapshot.lengths.any() else None
    return CandidateIndex(first_pages, lists, single)
