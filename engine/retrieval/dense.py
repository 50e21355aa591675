"""Stage 1 for models with one dense vector per page: maximum inner product search by FAISS.

A small collection is scanned in float16, which is exact. A large one has RaBitQ codes (`rabitq`), which choose several
times as many pages as are asked for; these are ranked by their own vectors, as FAISS's IndexRefine does. Pages added
since are scanned in float16 until they are worth a part of their own. Where FAISS has a GPU, queries over all pages go
there.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import faiss
import numpy as np

from ..records import F32, I64, Candidates
from ..store import Snapshot
from ..store.checksums import DamagedFile
from ..store.mmap import release
from . import flat_scan, rabitq, tiers
from .flat_scan import Float16, VectorBlock, best_rows, row_selector
from .rabitq import RaBitQPart

log = logging.getLogger(__name__)

EXACT_PAGES = 20_000
"""Below this many pages no codes are built: 80 MB at 2,048 dimensions scans about as fast as codes plus rescoring."""
PART_PAGES = 2_000_000
"""Pages of the largest part."""
SKIPPED_PER_FETCH = 1000
"""Codes of filtered pages that are skipped in the time it takes to fetch one page's vector."""
MAPPED_BYTES = 1 << 29
"""Bytes of codes read after which they are unmapped, to keep resident memory low; reading them again costs little."""
GPU_OVERSAMPLING = 2
"""Oversampling of searches on a GPU, whose sums are rounded; pages are ranked again by exact products."""
GPU_BYTES = 4 << 30
"""GPU memory that dense vectors may take, those of a million pages at 2,048 dimensions: MaxSim needs some, too."""
GPU_MAX_PAGES = 2048
"""The most pages that a search by FAISS on a GPU returns."""


class DenseIndex:
    """Searches the dense vectors of a snapshot's pages. May be shared between threads."""

    def __init__(
        self,
        snapshot: Snapshot,
        parts: Sequence[RaBitQPart],
        *,
        rebuild: Callable[[I64, DamagedFile], RaBitQPart] | None = None,
        gpu: faiss.Index | None = None,
    ) -> None:
        """Pages outside all `parts` are scanned in float16. A `gpu` index holds all pages by their rows.

        `rebuild` makes the part of some segments (S, 2) again when its codes turn out to be damaged.
        """
        self.parts = tuple(parts)
        self._rebuild = rebuild
        self._verifying = threading.Lock()
        self._is_verified = False
        self._snapshot, self._gpu = snapshot, gpu
        self._page_order = snapshot.page_order()
        self._using_gpu = threading.Lock()  # its scratch memory is shared
        self._float16 = Float16(snapshot.dense_dim)
        self._coded = [self._block(part) for part in parts]
        in_parts = np.concatenate([np.zeros(0, np.int64), *(part.segments[:, 0] for part in parts)])
        self._scanned = _rows_by_segment(snapshot, np.setdiff1d(snapshot.locations()[0], in_parts))
        stored = sum(len(each.rows) for each in self._coded) + sum(map(len, self._scanned.values()))
        has_removed = stored > len(snapshot)
        self._alive = row_selector(np.arange(len(snapshot)), len(snapshot)) if has_removed else None
        self._code_bytes = sum(part.codes.nbytes for part in parts)
        self._read_bytes = 0

    @property
    def recall(self) -> float:
        """The lowest measured recall of the parts; 1 where all pages are scanned exactly."""
        return min((part.measured.recall for part in self.parts), default=1.0)

    @property
    def oversampling(self) -> int:
        """How many times as many pages the codes choose as are asked for."""
        return max((part.measured.oversampling for part in self.parts), default=1)

    def nearest(self, vector: F32, *, count: int, rows: I64 | None = None) -> Candidates:
        """The `count` pages with the largest inner products with `vector` (S,), among `rows` if given.

        Best first, ties by `Snapshot.page_order`; the scores are exact.
        """
        self._verify_codes()
        depth = self.oversampling * count
        if rows is None and self._gpu is not None and GPU_OVERSAMPLING * count <= GPU_MAX_PAGES:
            chosen = self._search_gpu(vector, GPU_OVERSAMPLING * count)
            if chosen is not None:
                return self._rank(vector, chosen, count)
        if self._coded and rows is not None and is_few(len(rows), depth, self._codes):
            return self._rank(vector, rows, count)
        scanned, estimated = self.scan(vector, count=count, depth=depth, rows=rows)
        if not self._coded:
            return scanned
        coded = self._rank(vector, estimated.pages, count)
        scores = np.concatenate([scanned.scores, coded.scores])
        return best_rows(scores, np.concatenate([scanned.pages, coded.pages]), count, self._page_order)

    def scan(self, vector: F32, *, count: int, depth: int, rows: I64 | None = None) -> tuple[Candidates, Candidates]:
        """The first `count` of the pages without codes, and the first `depth` of those with codes, by estimated scores.

        Among `rows` (n,) if given; best first, ties by `Snapshot.page_order`. An estimate depends on the vector, the
        page and the centre of its part alone.
        """
        self._verify_codes()
        allowed = self._alive if rows is None else row_selector(rows, len(self._snapshot))
        scanned = flat_scan.search(vector, self._uncoded(), count, self._page_order, allowed)
        if not self._coded:
            return scanned, Candidates(np.zeros(0, np.int64), np.zeros(0, np.float32))
        chosen = flat_scan.search(vector, self._coded, depth, self._page_order, allowed)
        self._release_codes()
        return scanned, chosen

    def nearest_exactly(self, vector: F32, *, count: int, rows: I64 | None = None) -> Candidates:
        """As `nearest`, without codes: every page's own vector is read."""
        return self._rank(vector, np.arange(len(self._snapshot)) if rows is None else rows, count)

    @property
    def _codes(self) -> int:
        return sum(len(block.rows) for block in self._coded)

    def _block(self, part: RaBitQPart) -> VectorBlock:
        return VectorBlock(part.coding, part.codes, tiers.page_rows(self._snapshot, part.segments))

    def _verify_codes(self) -> None:
        """Verify all codes before the first search, which reads all of them; what is damaged is built again."""
        if self._is_verified:
            return
        with self._verifying:
            for number, part in enumerate(self.parts):
                try:
                    if part.file is not None:
                        part.file.verify_all()
                except DamagedFile as err:
                    assert self._rebuild is not None
                    built = self._rebuild(part.segments, err)
                    self.parts = (*self.parts[:number], built, *self.parts[number + 1 :])
                    self._coded[number] = self._block(built)
            self._is_verified = True

    def _uncoded(self) -> list[VectorBlock]:
        """The pages without codes, as they are stored in their segments."""
        return [
            VectorBlock(self._float16, self._snapshot.segment_dense(segment, len(rows)), rows)
            for segment, rows in self._scanned.items()
        ]

    def _rank(self, vector: F32, rows: I64, count: int) -> Candidates:
        """The best `count` of `rows` (n,) by their own vectors."""
        rows = np.sort(rows)
        block = VectorBlock(self._float16, self._snapshot.dense_vectors(rows), rows)
        return flat_scan.search(vector, [block], count, self._page_order)

    def _search_gpu(self, vector: F32, count: int) -> I64 | None:
        """About the `count` best pages; None where as many have the same score that the GPU would choose among them."""
        assert self._gpu is not None
        with self._using_gpu:
            ((*scores,),), ((*found,),) = self._gpu.search(vector[None], count)
        pages = np.array(found, np.int64)
        if count < len(self._snapshot) and scores[len(scores) // GPU_OVERSAMPLING - 1] == scores[-1]:
            return None
        return pages[pages >= 0]

    def _release_codes(self) -> None:
        """Unmap the codes when enough of them were read."""
        self._read_bytes += self._code_bytes
        if min(self._read_bytes, self._code_bytes) > MAPPED_BYTES:
            self._read_bytes = 0
            for block in self._coded:
                release(block.values)


def is_few(rows: int, depth: int, codes: int) -> bool:
    """Whether so many filtered pages are sooner fetched than chosen: `depth` of them, by so many `codes`."""
    return rows <= depth + codes // SKIPPED_PER_FETCH


def _rows_by_segment(snapshot: Snapshot, ids: I64) -> dict[int, I64]:
    """By segment, of those with the `ids`, the row of each page; one past the last row for removed pages."""
    if not len(ids):
        return {}
    segments = tiers.segment_table(snapshot, ids.tolist())
    ends = np.cumsum(segments[:, 1])
    rows = np.split(tiers.page_rows(snapshot, segments), ends[:-1])
    return dict(zip(ids.tolist(), rows, strict=True))


def open_dense_index(snapshot: Snapshot, *, on_gpu: bool = False) -> DenseIndex | None:
    """The dense index of a snapshot, `on_gpu` if FAISS and memory allow; None if the model has no dense vectors."""
    if not snapshot.dense_dim:
        return None
    parts, rebuild = open_codes(snapshot), partial(tiers.rebuild, snapshot, rabitq.PREFIX, **_part_functions(snapshot))
    return DenseIndex(snapshot, parts, rebuild=rebuild, gpu=gpu_index(snapshot) if on_gpu else None)


def open_codes(snapshot: Snapshot) -> list[RaBitQPart]:
    """The codes of a snapshot that is large enough; those that are missing or damaged are made, and kept if possible.

    Which segments have codes, by which centre, and how many more pages they have to choose, depends on all pages.
    """
    ids, pages = np.unique(snapshot.locations()[0], return_counts=True)
    live: dict[int, int] = dict(zip(ids.tolist(), pages.tolist(), strict=True))
    parts = tiers.open_parts(
        snapshot, rabitq.PREFIX, live, **_part_functions(snapshot), max_size=PART_PAGES, min_new=EXACT_PAGES
    )
    for part in parts:
        log.info("stage 1: %d pages in RaBitQ codes, %s", len(part.codes), part.measured)
    return parts


def _part_functions(snapshot: Snapshot) -> dict[str, Any]:
    return {"read": partial(rabitq.read, snapshot), "build": partial(rabitq.build, snapshot)}


def gpu_index(snapshot: Snapshot, library: Any = faiss) -> faiss.Index | None:
    """The dense vectors of all pages, by their rows, in a flat float16 index of FAISS on the GPU.

    None where FAISS has no GPU, or not enough memory. `library` is FAISS.
    """
    if not hasattr(library, "StandardGpuResources") or not library.get_num_gpus():
        return None
    dim = snapshot.dense_dim
    if len(snapshot) * dim * 2 > GPU_BYTES:
        return None
    config = library.GpuIndexFlatConfig()
    config.useFloat16 = True
    try:
        index: faiss.Index = library.GpuIndexFlatIP(library.StandardGpuResources(), dim, config)
        float16 = Float16(dim)
        for start in range(0, len(snapshot), rabitq.BLOCK_PAGES):
            rows = np.arange(start, min(start + rabitq.BLOCK_PAGES, len(snapshot)))
            index.add(float16.decode(snapshot.dense_vectors(rows)))
    except RuntimeError as err:  # its memory is full
        log.info("dense vectors are searched on the CPU: %s", err)
        return None
    return index
