"""Stage 1 for models with one vector a page: the pages whose vectors have the largest inner products with a query's.

Few pages are scanned as they lie in the segments, float16, which is exact. Of many there are codes (single_codes.py),
by which some times as many pages as asked for are chosen, and ranked by their own vectors. Pages that were added since
are scanned until they are as many as are worth a part. Where FAISS has a GPU, all vectors are searched there, too, but
for questions about some of the pages.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

import faiss
import numpy as np

from ..records import F32, I64, Candidates
from ..store import Snapshot
from ..store.mmap import let_go
from . import rabitq, tiers
from .flat_scan import Float16, Stretch, first, largest, selector
from .rabitq import CodedPart

log = logging.getLogger(__name__)

EXACT_PAGES = 20_000
"""Fewer pages than this get no codes: 80 MB at 2,048 numbers, which take about as long as codes and a second look."""
PART_PAGES = 2_000_000
"""Pages of the largest part."""
PASSED_A_PAGE = 1000
"""Codes of pages not asked for that are passed over in the time in which one page's vector is fetched."""
MAPPED_BYTES = 1 << 29
"""After so many bytes of codes were read, they are unmapped: what is read once more costs little, memory does."""
GPU_TIMES = 2
"""As many times the pages asked for are taken from a GPU, which rounds, and ranked by their own vectors."""
GPU_BYTES = 4 << 30
"""Memory of a GPU that vectors may take, those of a million pages at 2,048 numbers: MaxSim wants some, too."""
GPU_MOST = 2048
"""Pages that a GPU can be asked for."""


class SingleVectors:
    """The single vectors of a snapshot's pages, to be searched; any thread may ask."""

    def __init__(self, snapshot: Snapshot, coded: Sequence[CodedPart], *, gpu: faiss.Index | None = None) -> None:
        """`coded` are parts with codes; pages in none of them are scanned. A `gpu` holds all pages by their rows."""
        self.parts = coded
        self._snapshot, self._gpu = snapshot, gpu
        self._gpu_is_used = threading.Lock()  # its scratch memory is one
        self._plain = Float16(snapshot.single_dim)
        self._coded = [Stretch(part.coding, part.codes, tiers.rows_of(snapshot, part.segments)) for part in coded]
        in_parts = np.concatenate([np.zeros(0, np.int64), *(part.segments[:, 0] for part in coded)])
        self._scanned = _rows_by_segment(snapshot, np.setdiff1d(snapshot.places()[0], in_parts))
        stored = sum(len(each.rows) for each in self._coded) + sum(map(len, self._scanned.values()))
        self._alive = selector(np.arange(len(snapshot)), len(snapshot)) if stored > len(snapshot) else None
        self._code_bytes = sum(part.codes.nbytes for part in coded)
        self._read_bytes = 0

    @property
    def recall(self) -> float:
        """The least share of the exact first pages that a part keeps, as it was measured; 1 where all are scanned."""
        return min((part.stated.recall for part in self.parts), default=1.0)

    @property
    def times(self) -> int:
        """As many times the pages asked for are chosen by their codes."""
        return max((part.stated.times for part in self.parts), default=1)

    def nearest(self, vector: F32, *, count: int, rows: I64 | None = None) -> Candidates:
        """The `count` pages with the largest inner products with `vector` (S,), among `rows` if given, best first, ties
        by lower row; the scores are exact.
        """
        depth = self.times * count
        if rows is None and self._gpu is not None and GPU_TIMES * count <= GPU_MOST:
            return self._among(vector, self._from_gpu(vector, GPU_TIMES * count), count)
        if self._coded and rows is not None and len(rows) <= depth + self._codes // PASSED_A_PAGE:
            return self._among(vector, rows, count)
        allowed = self._alive if rows is None else selector(rows, len(self._snapshot))
        found = largest(vector, self._stretches(), count, allowed)
        if not self._coded:
            return found
        chosen = self._among(vector, largest(vector, self._coded, depth, allowed).pages, count)
        self._note_read()
        return first(np.concatenate([found.scores, chosen.scores]), np.concatenate([found.pages, chosen.pages]), count)

    @property
    def _codes(self) -> int:
        return sum(len(stretch.rows) for stretch in self._coded)

    def _stretches(self) -> list[Stretch]:
        """The pages that have no codes, as they lie in their segments."""
        return [
            Stretch(self._plain, self._snapshot.segment_single(segment, len(rows)), rows)
            for segment, rows in self._scanned.items()
        ]

    def _among(self, vector: F32, rows: I64, count: int) -> Candidates:
        """The best `count` of `rows` (n,) by their own vectors."""
        rows = np.sort(rows)
        return largest(vector, [Stretch(self._plain, self._snapshot.single(rows), rows)], count)

    def _from_gpu(self, vector: F32, count: int) -> I64:
        assert self._gpu is not None
        with self._gpu_is_used:
            _, ((*found,),) = self._gpu.search(vector[None], count)
        pages = np.array(found, np.int64)
        return pages[pages >= 0]

    def _note_read(self) -> None:
        self._read_bytes += self._code_bytes
        if min(self._read_bytes, self._code_bytes) > MAPPED_BYTES:
            self._read_bytes = 0
            for stretch in self._coded:
                let_go(stretch.values)


def _rows_by_segment(snapshot: Snapshot, ids: I64) -> dict[int, I64]:
    """The row of each page of segments, and one behind the last row for pages that are gone, by the segments' `ids`."""
    if not len(ids):
        return {}
    segments = tiers.segments_of(snapshot, ids.tolist())
    ends = np.cumsum(segments[:, 1])
    rows = np.split(tiers.rows_of(snapshot, segments), ends[:-1])
    return dict(zip(ids.tolist(), rows, strict=True))


def open_single(snapshot: Snapshot, *, on_gpu: bool = False) -> SingleVectors | None:
    """The single vectors of a snapshot, `on_gpu` if FAISS and memory allow; None if the model has none. Codes that are
    missing or damaged are made, and kept for the next time.
    """
    if not snapshot.single_dim:
        return None
    ids, pages = np.unique(snapshot.places()[0], return_counts=True)
    live: dict[int, int] = dict(zip(ids.tolist(), pages.tolist(), strict=True))
    found = dict(rabitq.read(snapshot))
    held = {name: (part.segments[:, 0], part.stated.pages) for name, part in found.items()}
    kept, missing = tiers.plan(held, live, PART_PAGES)
    used = [found[name] for name in kept]
    if sum(live[segment] for segment in missing) >= EXACT_PAGES:
        for run in tiers.split(missing, live, PART_PAGES):
            log.debug("coding the single vectors of segments %s", run)
            used.append(rabitq.build(snapshot, run))
    for part in used:
        log.info("stage 1: %d pages in codes, %s", len(part.codes), part.stated)
    return SingleVectors(snapshot, used, gpu=gpu_index(snapshot) if on_gpu else None)


def gpu_index(snapshot: Snapshot, library: Any = faiss) -> faiss.Index | None:
    """The single vectors of all pages by their rows as a flat float16 index of FAISS on the GPU; None where it has no
    GPU, or not the memory.
    """
    if not hasattr(library, "StandardGpuResources") or not library.get_num_gpus():
        return None
    dim = snapshot.single_dim
    if len(snapshot) * dim * 2 > GPU_BYTES:
        return None
    config = library.GpuIndexFlatConfig()
    config.useFloat16 = True
    try:
        index: faiss.Index = library.GpuIndexFlatIP(library.StandardGpuResources(), dim, config)
        plain = Float16(dim)
        for start in range(0, len(snapshot), rabitq.BLOCK_PAGES):
            rows = np.arange(start, min(start + rabitq.BLOCK_PAGES, len(snapshot)))
            index.add(plain.decode(snapshot.single(rows)))
    except RuntimeError as err:  # its memory is full
        log.info("single vectors do not go to the GPU: %s", err)
        return None
    return index
