"""Stage 1: which pages are worth an exact score.

Two generators propose. For models with visual words, and for those without a vector a page, posting lists over patches
tell an approximate score of every page, and keep nearly all of the pages that exact MaxSim ranks first: a set of words
does not fit into one vector without noise. For other models FAISS searches one vector a page by inner product. Both are
derived from the segments and kept in the cache.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import faiss
import numpy as np

from . import rerank
from .kernels.pagecode import PageCode
from .kernels.word_scores import word_scores
from .patch_lists import PatchLists, open_lists
from .records import F32, I64, Candidates, Others, QueryVectors
from .rerank import TITLE_SHARE
from .store import Snapshot
from .word_maxima import WordMaxima

log = logging.getLogger(__name__)

SLACK = 0.03
"""How far below the query's floor an approximate similarity may lie and still count."""


class CandidateIndex:
    """What proposes pages of a snapshot: posting lists over patches, or else FAISS over the single vectors."""

    def __init__(self, first_pages: I64, patches: PatchLists | None, single: faiss.Index | None) -> None:
        """`first_pages` (N,) are the first page of each page's document."""
        self.first_pages = first_pages
        self.patches = patches
        self._single = single
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
        if self._single is None or not len(self.first_pages):
            return Candidates(np.zeros(0, np.int64), np.zeros(0, np.float32))
        parameters = None
        if rows is not None:
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBatch(rows))  # type: ignore[call-arg]
        scores, pages = self._single.search(query.single[None], min(count, len(self.first_pages)), params=parameters)
        found = pages[0] >= 0
        return Candidates(pages[0][found], scores[0][found])


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


def open_candidates(snapshot: Snapshot, code: PageCode | None) -> CandidateIndex:
    """Open the derived files, or make them where they are missing or old."""
    first_pages = snapshot.first_pages()
    if code is not None and snapshot.has_words:
        return CandidateIndex(first_pages, open_lists(snapshot, code), None)
    single = open_single(snapshot)
    lists = open_lists(snapshot, None) if single is None and snapshot.lengths.any() else None
    return CandidateIndex(first_pages, lists, single)


def open_single(snapshot: Snapshot) -> faiss.Index | None:
    """A FAISS index over the single vectors, float16 as they are stored; None if the model has none."""
    file = snapshot.cache_path(f"single-{snapshot.generation}.faiss")
    try:
        return faiss.read_index(str(file), faiss.IO_FLAG_MMAP)
    except RuntimeError:
        log.debug("building the FAISS index of %d pages", len(snapshot))
    single = snapshot.single()
    if single.shape[1] == 0:
        return None
    index = faiss.IndexScalarQuantizer(single.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    for start in range(0, len(single), 8192):
        index.add(single[start : start + 8192].astype(np.float32))
    snapshot.keep(file, lambda path: faiss.write_index(index, str(path)))
    return index
