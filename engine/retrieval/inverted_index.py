"""Stage 1's posting lists: which pages hold something near a query vector, and how near, without a look at most.

A patch is filed under its visual word, the nearest centroid, and what it differs by is kept in a few bytes. So a query
word looks at the patches of a few centroids only, and still learns its similarity with each of them; which centroid a
patch fell to alone tells too little about rare words (docs/log.md). Lists come in parts, each of some segments of the
index, so that pages that are added cost what they are, not what is there already.
Jégou, Douze and Schmid, "Product quantization for nearest neighbor search", 2011; Santhanam et al., "PLAID", 2022.
"""

from __future__ import annotations

import logging
import shutil
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

import faiss
import numpy as np
from numpy.typing import NDArray

from .. import threads
from ..compression import codecs, residual
from ..compression.residual import Codebook
from ..compression.visual_words import PageCode
from ..kernels.maxsim.cpu import pool
from ..kernels.maxsim.reference import EMPTY
from ..kernels.postings import scan
from ..kernels.postings.scan import I32, Filing, Postings
from ..records import F32, I64, U8, U16
from ..store import Block, Snapshot
from ..store.mmap import let_go
from . import tiers

log = logging.getLogger(__name__)
T = TypeVar("T", bound=np.generic)

PROBES = 32
"""Centroids that a query word looks at; 128 find no more of the exact first ten."""
SAMPLE_PAGES = 1000
SAMPLE_PATCHES = 65_536
WORDS_A_ROOT, WORDS_MAX = 2.0, 4096
"""Visual words that are learned: so many times the root of the number of patches."""
PATCHES_A_WORD = 16
"""Of the sample there are at least so many for each word that is learned from it."""
KMEANS_ITERATIONS, KMEANS_SEED = 10, 1
PART_VECTORS = 100_000_000
"""Vectors of the largest part: 2.2 GB, which are filled here and there and so have to fit the memory."""
PREFIX = "lists-"
"""Of the names of the cache's folders, each with a part: then follow the first and the last of its segments."""
MAPPED_BYTES = 1 << 29
"""After so many bytes of lists were read, they are unmapped: what is read once more costs little, memory does."""
LISTS, STARTS, SEGMENTS, WORDS = "lists.npy", "starts.npy", "segments.npy", "words.npy"


@dataclass(frozen=True, eq=False)
class Part:
    """Posting lists of the pages of some `segments` (S, 2): their ids, rising, and how many pages each has or had."""

    postings: Postings
    segments: I64

    @property
    def vectors(self) -> int:
        """Filed patches."""
        return int(self.postings.starts[-1])


class PatchLists:
    """Parts that hold every page of a snapshot between them."""

    def __init__(self, parts: Sequence[Part], places: Sequence[I32], pages: int) -> None:
        """`places` are, for each part, the row of each of its pages, and `pages` for pages that are gone."""
        self.parts = parts
        self._places = places
        self._pages = pages
        self._read_bytes = 0
        self._is_large = sum(part.postings.lists.nbytes for part in parts) > MAPPED_BYTES

    def maxima(self, vectors: F32, floor: float, *, guessed: bool = False) -> F32:
        """The largest similarity of `vectors` (Q, D) with each page, (N, Q) float32, approximate, and -inf where it is
        not above `floor`. Where nothing of a page was looked at, or nothing near, `guessed` gives the similarity of the
        farthest centroid that was, since what lies beyond can be as near: for vectors that match every page a little.
        Scheerer et al., "WARP", 2025.
        """
        best = np.full((len(vectors), self._pages + 1), EMPTY, np.float32)
        farthest = np.full(len(vectors), EMPTY, np.float32)
        for part, places in zip(self.parts, self._places, strict=True):
            with threads.no_blas_threads():
                products = vectors @ part.postings.codebook.exact.T
                self._read_bytes += sum(
                    pool().map(partial(_look, part.postings, floor, places), vectors, products, best)
                )
            if products.shape[1] > PROBES:
                farthest = np.maximum(farthest, np.partition(products, -PROBES, axis=1)[:, -PROBES])
        if guessed:
            np.maximum(best, farthest[:, None], out=best)
        if self._read_bytes > MAPPED_BYTES and self._is_large:
            self._read_bytes = 0
            for part in self.parts:
                let_go(part.postings.lists)
        return best[:, : self._pages].T


def _look(lists: Postings, floor: float, places: I32, vector: F32, products: F32, best: F32) -> int:
    """Raise the rows `best` (N + 1,) of a part's pages to their similarity with `vector` (D,), whose `products` (V,)
    with the words are known; return how many bytes were read.
    """
    first = max(0, len(products) - PROBES)
    near = np.argpartition(products, first)[first:]
    lists.raise_pages(vector, near, products[near], floor, places, best)
    return int((lists.starts[near + 1] - lists.starts[near]).sum()) * lists.patch_bytes


def open_lists(snapshot: Snapshot, code: PageCode | None) -> PatchLists:
    """The lists of a snapshot's patches, under the visual words of `code`, which are stored with them, or else under
    words learned from the patches. What is missing or damaged is made, and kept for the next time.
    """
    live = snapshot.segment_vectors()
    found = dict(_read(snapshot, code))
    kept, missing = tiers.plan(
        {name: (part.segments[:, 0], part.vectors) for name, part in found.items()}, live, PART_VECTORS
    )
    used = [found[name] for name in kept]
    for ids in tiers.split(missing, live, PART_VECTORS):
        log.debug("building posting lists of segments %s", ids)
        used.append(build(snapshot, ids, code))
    used.sort(key=lambda part: int(part.segments[0, 0]))
    places = [tiers.rows_of(snapshot, part.segments).astype(np.int32) for part in used]
    return PatchLists(used, places, len(snapshot))


def build(snapshot: Snapshot, ids: Sequence[int], code: PageCode | None) -> Part:
    """Make the part of some segments, and keep it if that can be."""
    segments = tiers.segments_of(snapshot, ids)
    try:
        with snapshot.new_cache_folder(tiers.name(PREFIX, ids)) as folder:
            return _filed(snapshot, segments, code, folder)
    except OSError as err:  # the disk is full
        log.debug("posting lists are not kept: %s", err)
        return _filed(snapshot, segments, code, None)


def learned(snapshot: Snapshot, rows: I64) -> PageCode:
    """Visual words for pages of a model that has none of its own: k-means of their patches, by their directions."""
    sample = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), SAMPLE_PAGES)).astype(np.int64))]
    patches = _thinned(np.concatenate([codecs.decode(block.coded) for block in snapshot.blocks(rows=sample)]))
    total = int(snapshot.lengths[rows].sum())
    count = max(1, min(round(WORDS_A_ROOT * total**0.5), WORDS_MAX, len(patches) // PATCHES_A_WORD))
    clusters = faiss.Clustering(patches.shape[1], count)
    clusters.niter, clusters.seed, clusters.spherical = KMEANS_ITERATIONS, KMEANS_SEED, True
    clusters.min_points_per_centroid = 1  # a small index is no reason for a warning
    nearest = faiss.IndexFlatIP(patches.shape[1])
    clusters.train(patches, nearest)
    return PageCode(nearest.reconstruct_n(0, count), 0)


def _filed(snapshot: Snapshot, segments: I64, code: PageCode | None, folder: Path | None) -> Part:
    """The part of `segments` (S, 2), in files of `folder` if there is one, else in memory."""
    where, slots = snapshot.places()
    rows = np.flatnonzero(np.isin(where, segments[:, 0]))
    stored = code is not None
    code = code or learned(snapshot, rows)
    words = cast("U16", snapshot.words(rows).values) if stored else _assigned(snapshot, rows, code)
    code.codebook.check(words)
    count, dim = code.centroids.shape
    lists = tiers.room((scan.file_bytes(len(words), dim),), None if folder is None else folder / LISTS)
    filing = Filing(lists, np.bincount(words, minlength=count).astype(np.int64), dim)
    numbers = tiers.numbers(segments, where[rows], slots[rows])
    first = 0
    for block, (signs, codes) in _encoded(snapshot, rows, words, code.codebook, stored=stored):
        last = first + len(signs)
        pages = np.repeat(numbers[np.searchsorted(rows, block.rows)], np.diff(block.offsets))
        filing.add(pages, words[first:last], signs, codes)
        first = last
    if folder is not None:
        np.save(folder / STARTS, filing.starts)
        np.save(folder / SEGMENTS, segments)
        if not stored:
            np.save(folder / WORDS, code.codebook.centroids)
    return Part(Postings(lists, filing.starts, code.codebook), segments)


def _assigned(snapshot: Snapshot, rows: I64, code: PageCode) -> U16:
    """The visual words of the patches of `rows`."""
    found = [code.assign(codecs.decode(block.coded)) for block in snapshot.blocks(rows=rows)]
    return np.concatenate([*found, np.zeros(0, np.uint16)]).astype(np.uint16, copy=False)


def _encoded(
    snapshot: Snapshot, rows: I64, words: U16, codebook: Codebook, *, stored: bool
) -> Iterator[tuple[Block, tuple[U8, U8]]]:
    """Blocks of patches with the visual `words` (T,), and what of each is filed: its signs and codes. Where the words
    are `stored` in the index, the codec residual has the rest already.
    """

    def encode(block: Block, own: U16) -> tuple[U8, U8]:
        if stored and block.coded.codec == "residual":
            return cast("U8", block.coded.values), cast("U8", block.coded.scales)
        return residual.encode(codecs.decode(block.coded), own, codebook)

    waiting: deque[tuple[Block, Future[tuple[U8, U8]]]] = deque()
    first = 0
    for block in snapshot.blocks(rows=rows):
        waiting.append((block, pool().submit(encode, block, words[first : first + len(block.coded)])))
        first += len(block.coded)
        while len(waiting) > threads.available():
            done, coded = waiting.popleft()
            yield done, coded.result()
    for done, coded in waiting:
        yield done, coded.result()


def _read(snapshot: Snapshot, code: PageCode | None) -> Iterator[tuple[str, Part]]:
    """The parts that are there, and whole."""
    for folder in snapshot.cache_folders(PREFIX):
        try:
            lists = np.load(folder / LISTS, mmap_mode="r", allow_pickle=False)
            starts, segments = (np.load(folder / name, allow_pickle=False) for name in (STARTS, SEGMENTS))
            codebook = code.codebook if code is not None else Codebook(np.load(folder / WORDS, allow_pickle=False))
            count, dim = codebook.centroids.shape
            fits = lists.shape == (scan.file_bytes(int(starts[-1]), dim),) and starts.shape == (count + 1,)
            if not (fits and starts[0] == 0 and (np.diff(starts) >= 0).all() and tiers.are_segments(segments)):
                raise ValueError("its numbers do not fit each other")
        except (OSError, ValueError, EOFError, IndexError) as err:
            log.debug("%s is of no use: %s", folder, err)
            shutil.rmtree(folder, ignore_errors=True)
            continue
        yield folder.name, Part(Postings(np.asarray(lists), starts, codebook), segments)


def _thinned(values: NDArray[T]) -> NDArray[T]:
    """At most SAMPLE_PATCHES rows of an array, evenly spread."""
    return np.ascontiguousarray(values[:: -(-len(values) // SAMPLE_PATCHES) or 1])
