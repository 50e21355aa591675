"""Stage 1: which pages are worth an exact score.

Two generators propose. FAISS searches one vector a page by inner product. For models with visual words an inverted file
(which pages hold which word) stands beside it: it keeps far more of the pages that exact MaxSim ranks first, because
a set of words does not fit into one vector without noise. Both are derived from the segments and kept in the cache.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .kernels.pagecode import PageCode
from .records import F32, I64, Candidates, QueryVectors
from .rerank import best
from .store import Snapshot

log = logging.getLogger(__name__)

WORD_FLOOR = 0.35
"""Cosine of a query word with a visual word at or below which a page that has it is not a match."""
SINGLE_SHARE = 0.2
"""Share of the candidates that FAISS proposes where there is an inverted file beside it."""


@dataclass(frozen=True, slots=True)
class WordLists:
    """The pages of each visual word, ascending: `pages` (L,) int32 and `offsets` (V + 1,) int64."""

    pages: np.ndarray[tuple[int], np.dtype[np.int32]]
    offsets: I64

    def __getitem__(self, word: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        return self.pages[self.offsets[word] : self.offsets[word + 1]]


@dataclass(frozen=True)
class CandidateIndex:
    """What stage 1 searches: a FAISS index over N single vectors, and the word lists of a model with visual words."""

    pages: int
    faiss_index: object | None
    lists: WordLists | None
    code: PageCode | None


def open_candidates(snapshot: Snapshot, code: PageCode | None) -> CandidateIndex:
    """Open the derived files, or make them where they are missing or of another generation."""
    lists = None
    if code is not None and snapshot.has_words:
        lists = open_lists(snapshot, len(code.centroids))
    return CandidateIndex(len(snapshot), open_faiss(snapshot), lists, code)


def find(index: CandidateIndex, query: QueryVectors, *, count: int, rows: I64 | None = None) -> Candidates:
    """The `count` pages that stage 1 ranks first, among `rows` if given."""
    if index.lists is None:
        return nearest_single(index, query, count=count, rows=rows)
    scores = word_scores(index, query)
    allowed = np.arange(index.pages) if rows is None else np.unique(rows)
    if len(allowed) <= count:
        return Candidates(allowed, scores[allowed])
    extra = round(count * SINGLE_SHARE)
    by_words = best(allowed, scores[allowed], count - extra)
    by_single = nearest_single(index, query, count=count, rows=rows)
    fresh = ~np.isin(by_single.pages, by_words.pages)
    more = by_single.pages[fresh][: count - len(by_words.pages)]
    pages = np.concatenate([by_words.pages, more])
    return Candidates(pages, np.concatenate([by_words.scores, scores[more]]))


def word_scores(index: CandidateIndex, query: QueryVectors) -> F32:
    """For each page (N,) the weighted sum over query words of its best visual word's match."""
    assert index.lists is not None
    assert index.code is not None
    total = np.zeros(index.pages, np.float32)
    near, cosines = index.code.nearest(query.vectors)
    matches = np.clip((cosines - WORD_FLOOR) / (1 - WORD_FLOOR), 0, 1).astype(np.float32)
    for weight, words, strengths in zip(query.weights, near, matches, strict=True):
        own = np.zeros(index.pages, np.float32)
        # Weakest first, so that the best match of a page is what stays.
        for word, strength in zip(words[::-1], strengths[::-1], strict=True):
            if strength > 0:
                own[index.lists[word]] = strength
        total += weight * own
    return total


def nearest_single(index: CandidateIndex, query: QueryVectors, *, count: int, rows: I64 | None) -> Candidates:
    """The `count` pages whose single vectors have the largest inner product with the query's."""
    import faiss

    if index.faiss_index is None or index.pages == 0:
        return Candidates(np.zeros(0, np.int64), np.zeros(0, np.float32))
    parameters = None
    if rows is not None:
        parameters = faiss.SearchParameters(sel=faiss.IDSelectorBatch(np.unique(rows)))  # type: ignore[call-arg]
    scores, pages = index.faiss_index.search(query.single[None], min(count, index.pages), params=parameters)  # type: ignore[attr-defined]
    found = pages[0] >= 0
    return Candidates(pages[0][found], scores[0][found])


def open_lists(snapshot: Snapshot, vocabulary: int) -> WordLists:
    """The word lists of a snapshot with `vocabulary` visual words."""
    pages_file = snapshot.cache_path(f"words-{snapshot.generation}-pages.npy")
    offsets_file = snapshot.cache_path(f"words-{snapshot.generation}-offsets.npy")
    try:
        return WordLists(np.load(pages_file, mmap_mode="r"), np.load(offsets_file))
    except (OSError, ValueError):
        log.debug("building the word lists of %d pages", len(snapshot))
    words = snapshot.words()
    page_of = np.repeat(np.arange(len(words)), words.lengths)
    pairs = np.unique(words.values.astype(np.int64) * len(words) + page_of)
    offsets = np.searchsorted(pairs, np.arange(vocabulary + 1) * len(words))
    lists = WordLists((pairs % max(len(words), 1)).astype(np.int32), offsets)
    keep(pages_file, lambda path: np.save(path, lists.pages))
    keep(offsets_file, lambda path: np.save(path, lists.offsets))
    return lists


def open_faiss(snapshot: Snapshot) -> object | None:
    """A FAISS index over the single vectors, float16 as they are stored; None if the model has none."""
    import faiss

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
    keep(file, lambda path: faiss.write_index(index, str(path)))
    return index


def keep(file: Path, write: Callable[[Path], object]) -> None:
    """Write a derived file under a temporary name and rename it; where that fails, it is made again next time."""
    temporary = file.with_name(f".tmp-{os.getpid()}-{file.name}")
    try:
        write(temporary)
        temporary.replace(file)
    except (OSError, RuntimeError) as err:
        log.debug("%s is not kept: %s", file, err)
        temporary.unlink(missing_ok=True)
