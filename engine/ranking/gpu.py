"""Pages scored on a GPU: a snapshot goes in, token maxima and rankings come out.

Where every vector fits into the device's memory it is copied there once; else blocks are copied from the memory map
while the block before them is scored. On the device "cpu" the same code runs in Triton's interpreter: tests do.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from ..compression import codecs
from ..kernels import maxsim
from ..kernels.maxsim import triton as kernel
from ..kernels.maxsim.triton import DevicePages
from ..models import device as devices
from ..records import F32, I64, QueryVectors, Ranking
from ..store import Block, Snapshot
from .rerank import best

STREAMED_VECTORS = 1 << 20
"""Vectors of a block on its way to the device: 134 MB of int8 at 128 dimensions."""
MEMORY_SHARE = 0.8
"""Share of the device's free memory that vectors may take; the rest is for queries and results."""
COPIED_PAGES = 2000
"""Fewer pages than this are scored by the processor sooner than they are copied."""
COARSE_ERROR = 2**-10
"""How far off a match is when the query is rounded to float16, with room for other roundings: vectors of length 1."""
MAXIMA_BYTES = 1 << 30
"""Memory for the maxima of several queries at once; more queries read the pages again."""


class GpuPages:
    """The pages of one snapshot, for a device that holds them or gets them block by block; a `rerank.Scorer`.

    Page rows are those of the snapshot. May be shared between threads.
    """

    def __init__(self, snapshot: Snapshot, device: torch.device, *, memory: int | None = None) -> None:
        """`memory` in bytes is what vectors may take on the device; None for a share of what is free there."""
        self.device = device
        free = devices.free_bytes(device) if memory is None else None
        self._memory = int((free or 0) * MEMORY_SHARE) if memory is None else memory
        self._snapshot = snapshot
        self._loading = threading.Lock()
        self._resident: DevicePages | None = None

    @property
    def is_resident(self) -> bool:
        """Whether the vectors are on the device already."""
        return self._resident is not None

    def takes(self, rows: I64 | None) -> bool:
        """Whether the device should score `rows`: all pages, some of those it holds, or so many that copying pays.
        Never in a codec that its kernel does not know.
        """
        return self._is_readable and (rows is None or self.is_resident or len(rows) >= COPIED_PAGES)

    @cached_property
    def _is_readable(self) -> bool:
        """Whether the kernel knows all codecs of the snapshot."""
        return all(codec in kernel.CODECS for codec in self._by_codec)

    @property
    def _by_codec(self) -> dict[str, int]:
        by_codec = self._snapshot.info()["segments_by_codec"]
        assert isinstance(by_codec, dict)
        return by_codec

    @cached_property
    def fits(self) -> bool:
        """Whether the device may hold every vector; they have to be of one codec."""
        dim, by_codec = self._snapshot.info()["dim"], self._by_codec
        assert isinstance(dim, int)
        total = int(self._snapshot.lengths.sum())
        return len(by_codec) == 1 and total * codecs.vector_bytes(next(iter(by_codec)), dim) <= self._memory

    def token_maxima(self, query: F32, rows: I64 | None) -> F32:
        """`maxsim.token_maxima` of `query` (Q, D) with all pages, or with `rows` (n,), each once and in order."""
        found: F32 = self._maxima(torch.from_numpy(np.ascontiguousarray(query)).to(self.device), rows).cpu().numpy()
        return found

    def rank(self, queries: Sequence[QueryVectors], *, rows: I64 | None, k: int) -> list[Ranking]:
        """The best `k` pages of each query among `rows` (n,), or all, by plain weighted MaxSim.

        All pages are scored with queries in half precision, and those scores stay on the device. What may be among the
        first k is scored again, exactly and here, so scores and ties are those of `rerank.rank`.
        """
        asked = np.arange(len(self._snapshot)) if rows is None else np.unique(rows)
        out: list[Ranking] = []
        for some in _groups(queries, max(len(asked), 1)):
            stacked = np.ascontiguousarray(np.concatenate([query.every for query in some]))
            coarse, start = self._maxima(torch.from_numpy(stacked).to(self.device), rows, parts=1), 0
            for query in some:
                own = coarse[:, start : start + len(query.every)]
                start += len(query.every)
                chosen = asked[self._near_the_top(own, query, k)]
                matches = maxsim.match(self.token_maxima(query.every, chosen), query)
                out.append(best(chosen, maxsim.score(matches, query.weights), k))
        return out

    def _near_the_top(self, maxima: torch.Tensor, query: QueryVectors, k: int) -> I64:
        """Places among coarse maxima (n, Q) of all that may have one of the `k` best scores."""
        if k >= len(maxima):
            return np.arange(len(maxima))
        floor, rise = np.float32(query.floor), np.float32(query.ceiling - query.floor)
        matches = ((maxima - torch.tensor(floor, device=self.device)) / torch.tensor(rise, device=self.device)).clamp(
            0, 1
        )
        scores = matches @ torch.from_numpy(query.weights).to(self.device)
        # Both the k-th and one that belongs before it may be off.
        border = torch.topk(scores, k).values[-1] - 2 * COARSE_ERROR / float(rise.min())
        places: I64 = torch.nonzero(scores >= border)[:, 0].cpu().numpy()
        return places

    def _maxima(self, query: torch.Tensor, rows: I64 | None, *, parts: int = kernel.PARTS) -> torch.Tensor:
        wanted = rows is None or len(rows) > 0
        if wanted and len(self._snapshot) and (rows is None or self.is_resident) and self.fits:
            resident = self._load()
            chosen = None if rows is None else torch.from_numpy(np.unique(rows)).to(self.device)
            return kernel.page_maxima(query, resident, chosen, parts=parts)
        blocks = [kernel.page_maxima(query, pages, parts=parts) for pages in self._streamed(rows)]
        return torch.cat(blocks) if blocks else torch.empty((0, len(query)), device=self.device)

    def _load(self) -> DevicePages:
        """Every vector on the device, copied there the first time."""
        with self._loading:
            if self._resident is None:
                total, offsets = int(self._snapshot.lengths.sum()), np.zeros(len(self._snapshot) + 1, np.int64)
                np.cumsum(self._snapshot.lengths, out=offsets[1:])
                values = scales = None
                bits, start = 0, 0
                for pages in self._streamed(None):
                    if values is None:
                        bits = pages.bits
                        values = pages.values.new_empty((total, pages.values.shape[1]))
                        scales = None if pages.scales is None else pages.scales.new_empty(total)
                    stop = start + len(pages.values)
                    values[start:stop] = pages.values
                    if scales is not None and pages.scales is not None:
                        scales[start:stop] = pages.scales
                    start = stop
                assert values is not None
                self._resident = DevicePages(values, scales, torch.from_numpy(offsets).to(self.device), bits)
            return self._resident

    def _streamed(self, rows: I64 | None) -> Iterator[DevicePages]:
        """Blocks of pages on the device, the next one on its way while the caller works on one."""
        blocks = self._snapshot.blocks(STREAMED_VECTORS, rows)
        if self.device.type != "cuda":
            yield from (_copied(block, self.device) for block in blocks)
            return
        copying = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        computing = torch.cuda.current_stream(self.device)
        waiting: _Sent | None = None
        for block in blocks:
            sent = _send(block, self.device, copying)
            if waiting is not None:
                yield waiting.arrived(computing)
            waiting = sent
        if waiting is not None:
            yield waiting.arrived(computing)


def _groups(queries: Sequence[QueryVectors], pages: int) -> Iterator[list[QueryVectors]]:
    """Neighbouring queries whose maxima with so many pages take MAXIMA_BYTES, or one alone."""
    some: list[QueryVectors] = []
    width = 0
    for query in queries:
        width += len(query.every)
        if some and width * pages * 4 > MAXIMA_BYTES:
            yield some
            some, width = [], len(query.every)
        some.append(query)
    yield some


@dataclass(frozen=True, slots=True)
class _Sent:
    """Pages on their way; the page-locked memory they come from stays until they are there."""

    pages: DevicePages
    done: torch.cuda.Event

    def arrived(self, computing: torch.cuda.Stream) -> DevicePages:
        """The pages, for work on `computing`, which waits for them."""
        computing.wait_event(self.done)
        for tensor in (self.pages.values, self.pages.scales, self.pages.offsets):
            if tensor is not None:
                tensor.record_stream(computing)
        return self.pages


def _send(block: Block, device: torch.device, copying: torch.cuda.Stream) -> _Sent:
    with torch.cuda.stream(copying):
        pages = _copied(block, device)
        done = torch.cuda.Event()  # type: ignore[no-untyped-call]
        done.record(copying)
    return _Sent(pages, done)


def _copied(block: Block, device: torch.device) -> DevicePages:
    """A block's pages on the device; to a GPU from page-locked memory, so that nobody waits for the copy."""
    coded, is_locked = block.coded, device.type == "cuda"

    def there(array: np.ndarray) -> torch.Tensor:
        return torch.tensor(array, pin_memory=is_locked).to(device, non_blocking=True)

    scales = None if coded.scales is None else there(coded.scales)
    return DevicePages(there(coded.values), scales, there(block.offsets), codecs.PACKED_BITS.get(coded.codec, 0))
