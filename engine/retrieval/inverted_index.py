"""Inverted index over patch vectors (IVF): approximates MaxSim of a query token with every page, for stage 1.

A patch is in the posting list of its visual word, the nearest centroid, with its residual in a few bytes. A query
vector scans the lists of its nearest centroids only, and gets its similarity with each patch there: the centroid alone
says too little about rare words (docs/log.md#ivfpq). The index comes in parts of some segments each (`tiers`).

IVF with asymmetric distances (IVFADC): Jégou, Douze and Schmid, "Product quantization for nearest neighbor search",
2011. Candidates for late interaction from centroids and residuals: Santhanam et al., "PLAID", 2022; Scheerer et al.,
"WARP: an efficient engine for multi-vector retrieval", 2025.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar, cast

import faiss
import numpy as np
from numpy.typing import NDArray

from .. import threads
from ..compression import codecs, residual
from ..compression.codecs import Coded
from ..compression.residual import Codebook
from ..compression.visual_words import VisualWords
from ..kernels import maxsim
from ..kernels.maxsim.reference import EMPTY
from ..kernels.postings import scan
from ..kernels.postings.scan import I32, Postings, PostingsBuilder
from ..page_maxima import evenly_spaced
from ..records import F32, I64, U8, U16
from ..store import Block, Snapshot
from ..store.checksums import DamagedFile, DerivedFolder, MappedFile
from . import tiers

T = TypeVar("T", bound=np.generic)

NPROBE = 32
"""Centroids whose lists a query vector scans; 128 find no more of the exact top 10."""
SAMPLE_PAGES = 1000
"""Pages from which visual words are learned, for models that have none."""
SAMPLE_PATCHES = 65_536
"""The most patches of them that k-means sees."""
WORDS_PER_ROOT, WORDS_MAX = 2.0, 4096
"""Visual words to learn, as a multiple of the square root of the number of patches; and the most."""
PATCHES_PER_WORD = 16
"""Fewest patches of the sample for each word that is learned from it."""
KMEANS_ITERATIONS, KMEANS_SEED = 10, 1
PART_VECTORS = 100_000_000
"""Vectors of the largest part: 2.2 GB of lists, which are written in random order and so have to fit the memory."""
PREFIX = "lists-"
"""How names of the cache folders with these parts begin."""
MAPPED_BYTES = 1 << 28
"""Lists of a part with more bytes are read, not mapped, to keep resident memory low."""
LISTS, STARTS, WORDS, LEARNED = "lists.npy", "starts.npy", "words.npy", "learned.npy"


@dataclass(frozen=True, eq=False)
class PostingsPart:
    """Posting lists of the pages of some `segments` (S, 2); see `tiers.Part`."""

    postings: Postings
    segments: I64
    file: MappedFile | None = None
    """The file with its lists, whose blocks are verified before they are scanned; None in memory."""
    learned: F32 | None = None
    """The centroids (V, D) that its patches were assigned to, where they were learned from them."""

    @property
    def size(self) -> int:
        """Patches in the lists."""
        return int(self.postings.starts[-1])

    @cached_property
    def filled(self) -> NDArray[np.bool_]:
        """Which lists have a patch, (V,)."""
        return np.diff(self.postings.starts) > 0


@dataclass(frozen=True, slots=True)
class NearestLists:
    """The lists that a query `vector` (D,) scans: `words` (n,) of each codebook, and its `products` (n,) with them.

    `farthest` is the least product with a centroid whose list is scanned, if others are not.
    """

    vector: F32
    words: Mapping[Codebook, I64]
    products: Mapping[Codebook, F32]
    farthest: float

    @staticmethod
    def of(vector: F32, products: Mapping[Codebook, F32], within: float, probes: int = NPROBE) -> NearestLists:
        """The `probes` nearest of all centroids, whose `products` (V,) are given by codebook, -inf for an empty list.

        Those more than `within` less than the largest product are left out.
        """
        words, own, farthest = {}, {}, float(EMPTY)
        for book, every in products.items():
            first = max(0, len(every) - probes)
            nearest = np.argpartition(every, first)[first:]
            nearest = nearest[(every[nearest] >= every[nearest].max() - within) & (every[nearest] > -np.inf)]
            words[book], own[book] = nearest, every[nearest]
            if 0 < len(nearest) < np.count_nonzero(every > -np.inf):
                farthest = max(farthest, float(every[nearest].min()))
        return NearestLists(vector, words, own, farthest)


class InvertedIndex:
    """Parts that together hold every page of a snapshot. May be shared between threads."""

    def __init__(
        self, snapshot: Snapshot, parts: Sequence[PostingsPart], rebuild: Callable[[I64, DamagedFile], PostingsPart]
    ) -> None:
        """`rebuild` makes the part of some segments (S, 2) again when one of its blocks turns out to be damaged."""
        self.parts = tuple(parts)
        self._snapshot, self._rebuild = snapshot, rebuild
        self._page_rows: dict[PostingsPart, I32] = {}
        """For each part, the row of each of its pages, and the number of pages for removed ones."""
        self._first_rows: dict[PostingsPart, int | None] = {}
        """For each part, the row of its first page if the others follow it one by one."""
        for part in parts:
            self._add(part)
        self._rebuilding = threading.Lock()
        self._pages = len(snapshot)
        self._filled_in_all: Mapping[Codebook, NDArray[np.bool_]] = {}

    def use_filled(self, filled: Mapping[Codebook, NDArray[np.bool_]]) -> None:
        """Scan the nearest of the lists (V,) of each codebook that are `filled`, also where they are empty here.

        For an index that holds some of a collection's pages: a vector scans the same lists as in one of all pages.
        """
        self._filled_in_all = dict(filled)

    def maxima(self, vectors: F32, floor: float, *, impute_missing: bool = False) -> F32:
        """The approximate MaxSim (N, Q) float32 of `vectors` (Q, D) with every page; -inf where not above `floor`.

        With `impute_missing`, no page gets less than the vector's product with the farthest centroid that was scanned,
        an estimate for patches that were not: for query vectors that match every page a little. Missing similarity
        imputation: Lee et al., "Rethinking the role of token retrieval in multi-vector retrieval" (XTR), 2023, and
        WARP, 2025.
        """
        best = np.empty((len(vectors), self._pages + 1), np.float32)

        def scan_parts(number: int, nearest: NearestLists, parts: Sequence[PostingsPart]) -> None:
            best[number].fill(EMPTY)
            for part in parts:
                words, products = self._lists_of(part, nearest)
                part.postings.update_maxima(nearest.vector, words, products, floor, self._page_rows[part], best[number])
            if impute_missing:
                np.maximum(best[number], np.float32(nearest.farthest), out=best[number])

        self._scan_all(vectors, scan_parts)
        return best[:, : self._pages].T

    def codes(self, vectors: F32, floors: F32, scales: F32, *, within: F32, probes: I64) -> list[U8]:
        """The approximate MaxSim of each of `vectors` (Q, D) with every page as codes (N,): `Postings.update_codes`.

        `floors` and `scales` (Q,) are those of the vectors, `probes` (Q,) the lists that each scans at most; those of
        centroids whose product with it is less than the largest one by more than its number of `within` (Q,) are left
        out. What is written in random order, the codes of a part, fits a core's cache.
        """
        out = [np.zeros(self._pages, np.uint8) for _ in vectors]

        def scan_parts(number: int, nearest: NearestLists, parts: Sequence[PostingsPart]) -> None:
            floor, scale = float(floors[number]), float(scales[number])
            for part in parts:
                rows, first = self._page_rows[part], self._first_rows[part]
                codes = out[number][first : first + len(rows)] if first is not None else np.zeros(len(rows), np.uint8)
                words, products = self._lists_of(part, nearest)
                part.postings.update_codes(nearest.vector, words, products, floor, scale, codes)
                if first is None:
                    is_live = rows < self._pages
                    out[number][rows[is_live]] = codes[is_live]

        self._scan_all(vectors, scan_parts, within=within, probes=probes, by_part=True)
        return out

    def _scan_all(
        self,
        vectors: F32,
        scan_parts: Callable[[int, NearestLists, Sequence[PostingsPart]], None],
        *,
        within: F32 | None = None,
        probes: I64 | None = None,
        by_part: bool = False,
    ) -> None:
        """Call `scan_parts` for each of `vectors` (Q, D) with its number, its lists and all parts, on every core.

        With `by_part` it is called for each part alone, which keeps all cores at work to the end. A part that is
        damaged is built again, and then all is scanned again.
        """
        parts, pool = self.parts, threads.shared_pool()
        with threads.no_blas_threads():
            books = {part.postings.codebook for part in parts} | self._filled_in_all.keys()
            products = {book: _centroid_products(book, vectors) for book in books}
        # Centroids of scripts that no page has would take the place of those that pages have.
        filled = self._filled_in_all or {
            book: _filled(part for part in parts if part.postings.codebook is book) for book in products
        }

        def nearest_to(number: int) -> NearestLists:
            own = {book: np.where(filled[book], each[number], -np.inf) for book, each in products.items()}
            nearby = np.inf if within is None else float(within[number])
            return NearestLists.of(vectors[number], own, nearby, NPROBE if probes is None else int(probes[number]))

        nearest = list(pool.map(nearest_to, range(len(vectors))))
        groups = [[part] for part in parts] if by_part else [parts]
        work = [(number, lists, group) for number, lists in enumerate(nearest) for group in groups]
        try:
            list(pool.map(lambda each: scan_parts(*each), work))
        except DamagedFile as err:
            (damaged,) = (part for part in parts if part.file is not None and part.file.path == err.path)
            self._replace(damaged, err)
            self._scan_all(vectors, scan_parts, within=within, probes=probes, by_part=by_part)

    def _lists_of(self, part: PostingsPart, nearest: NearestLists) -> tuple[I64, F32]:
        """Which lists of a part a vector scans, verified, and its products with their centroids. Raises DamagedFile."""
        postings = part.postings
        words = nearest.words[postings.codebook]
        if part.file is not None:
            begins, ends = postings.starts[words], postings.starts[words + 1]
            part.file.verify(begins * postings.patch_bytes, ends * postings.patch_bytes)
        return words, nearest.products[postings.codebook]

    def _add(self, part: PostingsPart) -> None:
        rows = tiers.page_rows(self._snapshot, part.segments).astype(np.int32)
        follow = len(rows) > 0 and rows[-1] < len(self._snapshot) and bool((np.diff(rows) == 1).all())
        self._page_rows[part], self._first_rows[part] = rows, int(rows[0]) if follow else None

    def _replace(self, damaged: PostingsPart, error: DamagedFile) -> None:
        """Build a part again, unless another thread has done so."""
        with self._rebuilding:
            if damaged not in self.parts:
                return
            built = self._rebuild(damaged.segments, error)
            self._add(built)
            self.parts = tuple(built if part is damaged else part for part in self.parts)


def _centroid_products(codebook: Codebook, vectors: F32) -> F32:
    """The products (Q, V) of `vectors` (Q, D) with all centroids: BLAS would round each by how many there are."""
    coded = Coded("float16", codebook.centroids, None, codebook.centroids.shape[1])
    return np.ascontiguousarray(maxsim.products(np.ascontiguousarray(vectors, np.float32), coded).T)


def _filled(parts: Iterable[PostingsPart]) -> NDArray[np.bool_]:
    """Which lists of parts with one codebook have a patch, (V,)."""
    found: NDArray[np.bool_] = np.logical_or.reduce([part.filled for part in parts])
    return found


def open_inverted_index(snapshot: Snapshot, visual_words: VisualWords | None) -> InvertedIndex:
    """The inverted index of a snapshot's patches.

    Its lists are those of `visual_words`, which are stored with the patches, or for None of words learned from them.
    Parts that are missing or damaged are built, and kept in the cache folder where that can be written to.
    """
    reader, builder = partial(read, visual_words), partial(build, snapshot, visual_words)
    parts = tiers.open_parts(
        snapshot, PREFIX, tiers.segment_vectors(snapshot), read=reader, build=builder, max_size=PART_VECTORS
    )
    return InvertedIndex(snapshot, parts, partial(tiers.rebuild, snapshot, PREFIX, read=reader, build=builder))


def read(visual_words: VisualWords | None, folder: DerivedFolder, segments: I64) -> PostingsPart:
    """Open the part in `folder`. Raises one of `tiers.UNUSABLE` where it is damaged."""
    file = folder.map(LISTS)
    lists = file.array
    starts = folder.load(STARTS)
    codebook = visual_words.codebook if visual_words else Codebook(folder.load(WORDS))
    count, dim = codebook.centroids.shape
    fits = lists.shape == (scan.lists_bytes(int(starts[-1]), dim),) and starts.shape == (count + 1,)
    if not (fits and starts[0] == 0 and (np.diff(starts) >= 0).all()):
        raise ValueError(f"{LISTS}, {STARTS} and the visual words do not fit each other")
    if lists.nbytes > MAPPED_BYTES:
        file.open()
    learned = folder.load(LEARNED) if visual_words is None and folder.has(LEARNED) else None
    return PostingsPart(Postings(lists, starts, codebook, file.descriptor, file.start), segments, file, learned)


def build(
    snapshot: Snapshot, visual_words: VisualWords | None, segments: I64, folder: Path | None, *, assign: bool = False
) -> PostingsPart:
    """Build the posting lists of `segments` (S, 2), in files of `folder`, or in memory for None.

    `assign`, patches are assigned to the `visual_words`, which are not stored with them.
    """
    where, slots = snapshot.locations()
    rows = np.flatnonzero(np.isin(where, segments[:, 0]))
    stored, is_learned = visual_words is not None and not assign, visual_words is None
    visual_words = visual_words or learn_visual_words(snapshot, rows)
    words = cast("U16", snapshot.words(rows).values) if stored else _assign(snapshot, rows, visual_words)
    visual_words.codebook.check(words)
    count, dim = visual_words.centroids.shape
    lists = tiers.allocate((scan.lists_bytes(len(words), dim),), None if folder is None else folder / LISTS)
    builder = PostingsBuilder(lists, np.bincount(words, minlength=count).astype(np.int64), dim)
    numbers = tiers.page_numbers(segments, where[rows], slots[rows])
    first = 0
    for block, (signs, codes) in _encode_blocks(snapshot, rows, words, visual_words.codebook, stored=stored):
        last = first + len(signs)
        pages = np.repeat(numbers[np.searchsorted(rows, block.rows)], np.diff(block.offsets))
        builder.add(pages, words[first:last], signs, codes)
        first = last
    if folder is not None:
        np.save(folder / STARTS, builder.starts)
        if not stored:
            np.save(folder / WORDS, visual_words.codebook.centroids)
            np.save(folder / LEARNED, visual_words.centroids)
    learned = visual_words.centroids if is_learned else None
    return PostingsPart(Postings(lists, builder.starts, visual_words.codebook), segments, learned=learned)


def learn_visual_words(snapshot: Snapshot, rows: I64) -> VisualWords:
    """Visual words for pages `rows` (n,) of a model that has none: spherical k-means of a sample of their patches."""
    sample = rows[evenly_spaced(len(rows), SAMPLE_PAGES)]
    patches = _subsample(np.concatenate([codecs.decode(block.coded) for block in snapshot.blocks(rows=sample)]))
    total = int(snapshot.lengths[rows].sum())
    count = max(1, min(round(WORDS_PER_ROOT * total**0.5), WORDS_MAX, len(patches) // PATCHES_PER_WORD))
    kmeans = faiss.Clustering(patches.shape[1], count)
    kmeans.niter, kmeans.seed, kmeans.spherical = KMEANS_ITERATIONS, KMEANS_SEED, True
    kmeans.min_points_per_centroid = 1  # FAISS would warn of a small index
    centroids = faiss.IndexFlatIP(patches.shape[1])
    kmeans.train(patches, centroids)
    return VisualWords(centroids.reconstruct_n(0, count), 0)


def _assign(snapshot: Snapshot, rows: I64, visual_words: VisualWords) -> U16:
    """The visual words (T,) of the patches of the pages `rows` (n,)."""
    found = [visual_words.assign(codecs.decode(block.coded)) for block in snapshot.blocks(rows=rows)]
    return np.concatenate([*found, np.zeros(0, np.uint16)]).astype(np.uint16, copy=False)


def _encode_blocks(
    snapshot: Snapshot, rows: I64, words: U16, codebook: Codebook, *, stored: bool
) -> Iterator[tuple[Block, tuple[U8, U8]]]:
    """Blocks of patches with the visual words `words` (T,), and the signs and codes of each; encoded on every core.

    Where the words are `stored` in the index, patches in the codec residual are encoded already.
    """

    def encode(block: Block, own: U16) -> tuple[U8, U8]:
        if stored and block.coded.codec == "residual":
            return cast("U8", block.coded.values), cast("U8", block.coded.scales)
        return residual.encode(codecs.decode(block.coded), own, codebook)

    waiting: deque[tuple[Block, Future[tuple[U8, U8]]]] = deque()
    first = 0
    for block in snapshot.blocks(rows=rows):
        waiting.append((block, threads.shared_pool().submit(encode, block, words[first : first + len(block.coded)])))
        first += len(block.coded)
        while len(waiting) > threads.available():
            done, coded = waiting.popleft()
            yield done, coded.result()
    for done, coded in waiting:
        yield done, coded.result()


def _subsample(values: NDArray[T]) -> NDArray[T]:
    """At most SAMPLE_PATCHES rows of an array, evenly spaced."""
    return np.ascontiguousarray(values[:: -(-len(values) // SAMPLE_PATCHES) or 1])
