"""MaxSim and ranking on a GPU, for the pages of one snapshot.

If all vectors fit into the device's memory they are copied there once; otherwise each block is copied from the memory
map while the one before it is scored. On the device "cpu" the same code runs in Triton's interpreter, as in tests.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from ..compression import codecs
from ..kernels.maxsim import triton as kernel
from ..kernels.maxsim.arguments import check_query
from ..kernels.maxsim.triton import DevicePages
from ..models import device as devices
from ..records import F32, I64, QueryVectors, Ranking
from ..scoring import match, top_k, weighted_sum
from ..store import Block, Snapshot

STREAMED_VECTORS = 1 << 20
"""Vectors of a block that is copied to the device: 134 MB of int8 at 128 dimensions."""
MEMORY_SHARE = 0.8
"""Share of the device's free memory that vectors may take; the rest is for queries and results."""
COPIED_PAGES = 2000
"""Fewer pages than this are scored by the CPU sooner than they are copied."""
RESIDENT_SHARE = 0.5
"""Queries over more than this share of the pages copy all to the device: all of them, or one of each content."""
COARSE_ERROR = 2**-10
"""How far off a similarity of unit vectors is with the query rounded to float16, with a margin for other rounding."""
MAXIMA_BYTES = 1 << 30
"""Memory for the maxima of queries that are scored together; more queries need another pass over the pages."""


class GpuPages:
    """Scores the pages of one snapshot on a device, which holds them or gets them block by block; a `rerank.Scorer`.

    Rows are those of the snapshot. May be shared between threads.
    """

    def __init__(self, snapshot: Snapshot, device: torch.device, *, memory: int | None = None) -> None:
        """`memory` is what vectors may take on the device, in bytes; None for MEMORY_SHARE of what is free."""
        self.device = device
        free = devices.free_bytes(device) if memory is None else None
        self._memory = int((free or 0) * MEMORY_SHARE) if memory is None else memory
        self._snapshot = snapshot
        self._loading = threading.Lock()
        self._resident: DevicePages | None = None
        self._centroids: torch.Tensor | None = None

    @property
    def is_resident(self) -> bool:
        """Whether the vectors are on the device already."""
        return self._resident is not None

    def accepts(self, rows: I64 | None) -> bool:
        """Whether to score `rows` on the device: all pages, or enough for copying to pay.

        Always False if the kernel cannot decode the codec. Whether the device holds the pages already does not count:
        CPU and GPU round differently, and earlier queries must not change a score.
        """
        return self._is_readable and (rows is None or len(rows) >= COPIED_PAGES)

    @cached_property
    def _is_readable(self) -> bool:
        """Whether the kernel decodes all codecs of the snapshot."""
        return all(codec in kernel.CODECS for codec in self._by_codec)

    @property
    def _by_codec(self) -> dict[str, int]:
        by_codec = self._snapshot.info()["segments_by_codec"]
        assert isinstance(by_codec, dict)
        return by_codec

    @cached_property
    def _dim(self) -> int:
        """The dimensions of the stored vectors."""
        dim = self._snapshot.info()["dim"]
        assert isinstance(dim, int)
        return dim

    @cached_property
    def fits(self) -> bool:
        """Whether the device has the memory for all vectors, which have to be in one codec."""
        dim, by_codec = self._dim, self._by_codec
        total = int(self._snapshot.lengths.sum())
        return len(by_codec) == 1 and total * codecs.vector_bytes(next(iter(by_codec)), dim) <= self._memory

    def token_maxima(self, query: F32, rows: I64 | None) -> F32:
        """`maxsim.token_maxima` of `query` (Q, D) with all pages, or with `rows` (n,), each once and in order.

        Raises ValueError for a query of another dimension or type, or one that is not finite.
        """
        found: F32 = self._maxima(self._on_device(query), rows).cpu().numpy()
        return found

    def rank(self, queries: Sequence[QueryVectors], *, rows: I64 | None, k: int) -> list[Ranking]:
        """The best `k` pages of each query among `rows` (n,), or all, by plain weighted MaxSim.

        All pages get a coarse score, with queries rounded to half precision; coarse scores stay on the device. Pages
        that may be among the top k are scored again, with the query in full precision and `scoring`'s functions on
        the CPU, so scores and ties are those of `rerank.rank`.
        """
        allowed = np.arange(len(self._snapshot)) if rows is None else np.unique(rows)
        out: list[Ranking] = []
        for group in _groups(queries, max(len(allowed), 1)):
            stacked = self._on_device(np.concatenate([query.every for query in group]))
            coarse, start = self._maxima(stacked, rows, parts=1), 0
            for query in group:
                own = coarse[:, start : start + len(query.every)]
                start += len(query.every)
                chosen = allowed[may_reach_top_k(own, query, k)]
                matches = match(self.token_maxima(query.every, chosen), query)
                out.append(top_k(chosen, weighted_sum(matches, query.weights), k, self._snapshot.page_order()))
        return out

    def _on_device(self, query: F32) -> torch.Tensor:
        """Query vectors (Q, D) on the device, after the checks that need no wait for it."""
        if len(self._snapshot):
            check_query(query, self._dim)
        return torch.from_numpy(np.ascontiguousarray(query)).to(self.device)

    def _maxima(self, query: torch.Tensor, rows: I64 | None, *, parts: int = kernel.PARTS) -> torch.Tensor:
        """`token_maxima` as a tensor on the device; `parts` as in `triton.page_maxima`."""
        wanted = rows is None or len(rows) > 0
        is_most = rows is None or len(rows) > RESIDENT_SHARE * len(self._snapshot)
        if wanted and len(self._snapshot) and (is_most or self.is_resident) and self.fits:
            resident = self._load()
            chosen = None if rows is None else torch.from_numpy(np.unique(rows)).to(self.device)
            return kernel.page_maxima(query, resident, chosen, parts=parts)
        blocks = [kernel.page_maxima(query, pages, parts=parts) for pages in self._streamed(rows)]
        return torch.cat(blocks) if blocks else torch.empty((0, len(query)), device=self.device)

    def _load(self) -> DevicePages:
        """All vectors on the device, copied there the first time."""
        with self._loading:
            if self._resident is None:
                total, offsets = int(self._snapshot.lengths.sum()), np.zeros(len(self._snapshot) + 1, np.int64)
                np.cumsum(self._snapshot.lengths, out=offsets[1:])
                values = scales = words = centroids = None
                bits, start = 0, 0
                for pages in self._streamed(None):
                    if values is None:
                        bits, centroids = pages.bits, pages.centroids
                        values = pages.values.new_empty((total, pages.values.shape[1]))
                        scales = None if pages.scales is None else _empty_like(pages.scales, total)
                        words = None if pages.words is None else _empty_like(pages.words, total)
                    stop = start + len(pages.values)
                    values[start:stop] = pages.values
                    if scales is not None and pages.scales is not None:
                        scales[start:stop] = pages.scales
                    if words is not None and pages.words is not None:
                        words[start:stop] = pages.words
                    start = stop
                assert values is not None
                places = torch.from_numpy(offsets).to(self.device)
                self._resident = DevicePages(values, scales, places, bits, words, centroids)
            return self._resident

    def _streamed(self, rows: I64 | None) -> Iterator[DevicePages]:
        """Blocks of pages on the device; the next one is copied while the caller works on one."""
        blocks = self._snapshot.blocks(STREAMED_VECTORS, rows)
        if self.device.type != "cuda":
            yield from (_to_device(block, self.device, self._centroids_of(block)) for block in blocks)
            return
        copying = torch.cuda.Stream(self.device)
        computing = torch.cuda.current_stream(self.device)
        in_flight: _Transfer | None = None
        for block in blocks:
            started = _start_copy(block, self.device, copying, self._centroids_of(block))
            if in_flight is not None:
                yield in_flight.wait(computing)
            in_flight = started
        if in_flight is not None:
            yield in_flight.wait(computing)

    def _centroids_of(self, block: Block) -> torch.Tensor | None:
        """The centroids (V, D) float16 of a block in residual, on the device; an index has one codebook."""
        if block.coded.codebook is None:
            return None
        if self._centroids is None:
            self._centroids = torch.from_numpy(block.coded.codebook.centroids).to(self.device)
        return self._centroids


def _empty_like(tensor: torch.Tensor, count: int) -> torch.Tensor:
    """Room for `count` rows like those of a tensor."""
    return tensor.new_empty((count, *tensor.shape[1:]))


def coarse_scores(maxima: torch.Tensor, query: QueryVectors) -> torch.Tensor:
    """`scoring.match` and `scoring.weighted_sum` of `maxima` (n, Q) for a plain MaxSim query, on their device, (n,)."""
    device = maxima.device
    floor, width = np.float32(query.floor), np.float32(query.ceiling - query.floor)
    matches = ((maxima - torch.tensor(floor, device=device)) / torch.tensor(width, device=device)).clamp(0, 1)
    scores: torch.Tensor = matches @ torch.from_numpy(query.weights).to(device)
    return scores


def may_reach_top_k(maxima: torch.Tensor, query: QueryVectors, k: int) -> I64:
    """The indices of all pages whose exact score may be among the `k` best, from maxima (n, Q) off by COARSE_ERROR."""
    if k >= len(maxima):
        return np.arange(len(maxima))
    scores = coarse_scores(maxima, query)
    width = np.float32(query.ceiling - query.floor)
    # Both the k-th page and one that belongs before it may be off.
    border = torch.topk(scores, k).values[-1] - 2 * COARSE_ERROR / float(width.min())
    found: I64 = torch.nonzero(scores >= border)[:, 0].cpu().numpy()
    return found


def _groups(queries: Sequence[QueryVectors], pages: int) -> Iterator[list[QueryVectors]]:
    """Consecutive queries whose maxima with this many pages fit into MAXIMA_BYTES, at least one at a time."""
    group: list[QueryVectors] = []
    width = 0
    for query in queries:
        width += len(query.every)
        if group and width * pages * 4 > MAXIMA_BYTES:
            yield group
            group, width = [], len(query.every)
        group.append(query)
    yield group


@dataclass(frozen=True, slots=True)
class _Transfer:
    """Pages that are being copied to the device; `done` is recorded after the copy."""

    pages: DevicePages
    done: torch.cuda.Event

    def wait(self, computing: torch.cuda.Stream) -> DevicePages:
        """The pages, for work on the stream `computing`, which waits for the copy."""
        computing.wait_event(self.done)
        for tensor in (self.pages.values, self.pages.scales, self.pages.offsets, self.pages.words):
            if tensor is not None:
                tensor.record_stream(computing)
        return self.pages


def _start_copy(
    block: Block, device: torch.device, copying: torch.cuda.Stream, centroids: torch.Tensor | None
) -> _Transfer:
    with torch.cuda.stream(copying):
        pages = _to_device(block, device, centroids)
        done = torch.cuda.Event()
        done.record(copying)
    return _Transfer(pages, done)


def _to_device(block: Block, device: torch.device, centroids: torch.Tensor | None) -> DevicePages:
    """A block's pages on the device; copied to a GPU from page-locked memory, so that this thread does not wait."""
    coded, is_locked = block.coded, device.type == "cuda"

    def copied(array: np.ndarray) -> torch.Tensor:
        return torch.tensor(array, pin_memory=is_locked).to(device, non_blocking=True)

    scales = None if coded.scales is None else copied(coded.scales)
    words = None
    if coded.codebook is not None and coded.words is not None:
        coded.codebook.check(coded.words)
        words = copied(coded.words.view(np.int16))
    bits = codecs.PACKED_BITS.get(coded.codec, 0)
    return DevicePages(copied(coded.values), scales, copied(block.offsets), bits, words, centroids)
