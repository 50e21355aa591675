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
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from ..store.mmap import release
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
MAPPED_BYTES = 1 << 29
"""Bytes of lists that stay mapped: when others are read, all are unmapped, to keep resident memory low."""
LISTS, STARTS, WORDS = "lists.npy", "starts.npy", "words.npy"


@dataclass(frozen=True, eq=False)
class PostingsPart:
    """Posting lists of the pages of some `segments` (S, 2); see `tiers.Part`."""

    postings: Postings
    segments: I64
    file: MappedFile | None = None
    """The file with its lists, whose blocks are verified before they are scanned; None in memory."""

    @property
    def size(self) -> int:
        """Patches in the lists."""
        return int(self.postings.starts[-1])


class InvertedIndex:
    """Parts that together hold every page of a snapshot. May be shared between threads."""

    def __init__(
        self, snapshot: Snapshot, parts: Sequence[PostingsPart], rebuild: Callable[[I64, DamagedFile], PostingsPart]
    ) -> None:
        """`rebuild` makes the part of some segments (S, 2) again when one of its blocks turns out to be damaged."""
        self.parts = tuple(parts)
        self._page_rows: dict[PostingsPart, I32] = {}
        """For each part, the row of each of its pages, and the number of pages for removed ones."""
        for part in parts:
            self._page_rows[part] = tiers.page_rows(snapshot, part.segments).astype(np.int32)
        self._was_read = {part: _no_list(part) for part in parts}
        """For each part, which lists (V,) were read since its map was last released."""
        self._snapshot, self._rebuild = snapshot, rebuild
        self._rebuilding = threading.Lock()
        self._pages = len(snapshot)
        self._read_bytes = 0
        self._releasing: list[Future[None]] = []
        self._is_large = sum(part.postings.lists.nbytes for part in parts) > MAPPED_BYTES

    def maxima(self, vectors: F32, floor: float, *, impute_missing: bool = False) -> F32:
        """The approximate MaxSim (N, Q) float32 of `vectors` (Q, D) with every page; -inf where not above `floor`.

        With `impute_missing`, no page gets less than the vector's product with the farthest centroid that was scanned,
        an estimate for patches that were not: for query vectors that match every page a little. Missing similarity
        imputation: Lee et al., "Rethinking the role of token retrieval in multi-vector retrieval" (XTR), 2023, and
        WARP, 2025.
        """
        parts = self.parts
        best = np.empty((len(vectors), self._pages + 1), np.float32)
        with threads.no_blas_threads():
            products = {book: _centroid_products(book, vectors) for book in {part.postings.codebook for part in parts}}
        scan_parts = partial(_scan_parts, parts, self._page_rows, self._was_read, products, floor)
        try:
            scanned = list(threads.shared_pool().map(scan_parts, range(len(vectors)), vectors, best))
        except DamagedFile as err:
            (damaged,) = (part for part in parts if part.file is not None and part.file.path == err.path)
            self._replace(damaged, err)
            return self.maxima(vectors, floor, impute_missing=impute_missing)
        self._read_bytes += sum(read for read, _ in scanned)
        if impute_missing:
            farthest = np.array([farthest for _, farthest in scanned], np.float32)
            np.maximum(best, farthest[:, None], out=best)
        if self._read_bytes > MAPPED_BYTES and self._is_large:
            self._read_bytes = 0
            for part in self.parts:
                self._was_read[part] = _no_list(part)
            # In the background: unmapping half a gigabyte takes some 20 ms.
            self._releasing = [threads.shared_pool().submit(release, part.postings.lists) for part in self.parts]
        return best[:, : self._pages].T

    def _replace(self, damaged: PostingsPart, error: DamagedFile) -> None:
        """Build a part again, unless another thread has done so."""
        with self._rebuilding:
            if damaged not in self.parts:
                return
            built = self._rebuild(damaged.segments, error)
            self._page_rows[built] = tiers.page_rows(self._snapshot, built.segments).astype(np.int32)
            self._was_read[built] = _no_list(built)
            self.parts = tuple(built if part is damaged else part for part in self.parts)


def _centroid_products(codebook: Codebook, vectors: F32) -> F32:
    """The products (Q, V) of `vectors` (Q, D) with all centroids: BLAS would round each by how many there are."""
    coded = Coded("float16", codebook.centroids, None, codebook.centroids.shape[1])
    return np.ascontiguousarray(maxsim.products(np.ascontiguousarray(vectors, np.float32), coded).T)


def _scan_parts(
    parts: Sequence[PostingsPart],
    page_rows: Mapping[PostingsPart, I32],
    was_read: Mapping[PostingsPart, NDArray[np.bool_]],
    products: Mapping[Codebook, F32],
    floor: float,
    number: int,
    vector: F32,
    best: F32,
) -> tuple[int, float]:
    """Scan the lists of the centroids nearest to `vector` (D,), number `number` of a query, in all parts.

    `products` (Q, V) are those of the query's vectors with all centroids, by codebook. Fills `best` (N + 1,) with the
    vector's maxima, and sets `was_read`. Returns the number of bytes read for the first time since the maps were
    released, and the vector's product with the farthest centroid that was scanned. Raises DamagedFile.
    """
    best.fill(EMPTY)
    nearest: dict[Codebook, I64] = {}
    read, farthest = 0, float(EMPTY)
    for part in parts:
        postings = part.postings
        own = products[postings.codebook][number]
        words = nearest.get(postings.codebook)
        if words is None:
            first = max(0, len(own) - NPROBE)
            words = nearest[postings.codebook] = np.argpartition(own, first)[first:]
            if first:
                farthest = max(farthest, float(own[words].min()))
        begins, ends = postings.starts[words], postings.starts[words + 1]
        if part.file is not None:
            part.file.verify(begins * postings.patch_bytes, ends * postings.patch_bytes)
        postings.update_maxima(vector, words, own[words], floor, page_rows[part], best)
        is_first = ~was_read[part][words]
        was_read[part][words] = True
        read += int((ends - begins)[is_first].sum()) * postings.patch_bytes
    return read, farthest


def _no_list(part: PostingsPart) -> NDArray[np.bool_]:
    """For each list (V,) of a part, False."""
    return np.zeros(len(part.postings.starts) - 1, np.bool_)


def open_inverted_index(snapshot: Snapshot, visual_words: VisualWords | None) -> InvertedIndex:
    """The inverted index of a snapshot's patches.

    Its lists are those of `visual_words`, which are stored with the patches, or for None of words learned from them.
    Parts that are missing or damaged are built, and kept in the cache folder where that can be written to.
    """
    reader, builder = partial(read, visual_words), partial(build, snapshot, visual_words)
    parts = tiers.open_parts(
        snapshot, PREFIX, snapshot.segment_vectors(), read=reader, build=builder, max_size=PART_VECTORS
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
    return PostingsPart(Postings(lists, starts, codebook), segments, file)


def build(snapshot: Snapshot, visual_words: VisualWords | None, segments: I64, folder: Path | None) -> PostingsPart:
    """Build the posting lists of `segments` (S, 2), in files of `folder`, or in memory for None."""
    where, slots = snapshot.locations()
    rows = np.flatnonzero(np.isin(where, segments[:, 0]))
    stored = visual_words is not None
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
    return PostingsPart(Postings(lists, builder.starts, visual_words.codebook), segments)


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
