"""Stage 1: which pages are worth an exact score.

Two generators propose. FAISS searches one vector a page by inner product. For models with visual words, and for those
without a vector a page, an inverted file over patches stands beside it, and keeps nearly all of the pages that exact
MaxSim ranks first: a set of words does not fit into one vector without noise. Both are derived from the segments and
kept in the cache.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np

from . import patch_lists
from .kernels.pagecode import PageCode
from .records import I64, Candidates, QueryVectors
from .rerank import best
from .store import Snapshot

log = logging.getLogger(__name__)

SINGLE_SHARE = 0.1
"""Share of the candidates that the single vectors propose where there is an inverted file beside them."""


@dataclass(frozen=True)
class CandidateIndex:
    """FAISS over the single vectors of N pages, and over their patches if the model has visual words."""

    first_pages: I64
    """The first page of each page's document, (N,)."""
    single: faiss.Index | None
    patches: faiss.IndexIVF | None

    def find(self, query: QueryVectors, *, count: int, rows: I64 | None = None) -> Candidates:
        """The `count` pages that stage 1 ranks first, among `rows` if given."""
        if self.patches is None:
            return self.nearest_single(query, count=count, rows=rows)
        scores = patch_lists.scores(self.patches, query, first_pages=self.first_pages)
        allowed = np.arange(len(self.first_pages)) if rows is None else np.unique(rows)
        if len(allowed) <= count:
            return Candidates(allowed, scores[allowed])
        share = SINGLE_SHARE if self.single is not None else 0
        by_patches = best(allowed, scores[allowed], count - round(count * share))
        by_single = self.nearest_single(query, count=count, rows=rows)
        fresh = ~np.isin(by_single.pages, by_patches.pages)
        more = by_single.pages[fresh][: count - len(by_patches.pages)]
        pages = np.concatenate([by_patches.pages, more])
        return Candidates(pages, np.concatenate([by_patches.scores, scores[more]]))

    def nearest_single(self, query: QueryVectors, *, count: int, rows: I64 | None) -> Candidates:
        """The `count` pages whose single vectors have the largest inner product with the query's."""
        if self.single is None or not len(self.first_pages):
            return Candidates(np.zeros(0, np.int64), np.zeros(0, np.float32))
        parameters = None
        if rows is not None:
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBatch(np.unique(rows)))  # type: ignore[call-arg]
        scores, pages = self.single.search(query.single[None], min(count, len(self.first_pages)), params=parameters)
        found = pages[0] >= 0
        return Candidates(pages[0][found], scores[0][found])


def open_candidates(snapshot: Snapshot, code: PageCode | None) -> CandidateIndex:
    """Open the derived files, or make them where they are missing or of another generation."""
    single, patches = open_single(snapshot), None
    has_words = code is not None and snapshot.has_words
    if has_words or (single is None and snapshot.lengths.any()):
        patches = open_patches(snapshot, code if has_words else None)
    return CandidateIndex(snapshot.first_pages(), single, patches)


def open_patches(snapshot: Snapshot, code: PageCode | None) -> faiss.IndexIVF:
    """The inverted file over a snapshot's patches; without a `code`, its visual words are learned from them."""
    file = snapshot.cache_path(f"patches-{snapshot.generation}.faiss")
    try:
        return patch_lists.read(file)
    except RuntimeError:
        log.debug("building the inverted file of %d pages", len(snapshot))
    index = patch_lists.build(snapshot, code or patch_lists.learned(snapshot))
    keep(file, lambda path: faiss.write_index(index, str(path)))
    return index


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
