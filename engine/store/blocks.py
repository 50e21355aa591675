"""Reads stored vectors in blocks: adjacent pages as views of the memory map, scattered pages copied together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..compression import codecs
from ..compression.codecs import Coded
from ..records import I64, U16
from .segment import OpenSegments

VIEW_VECTORS = 8192
"""A run of at least this many vectors becomes a block without a copy; shorter runs are copied together."""
READ_AHEAD_RUNS = 1000
"""At most so many runs are asked for at once where they have to come from a disk, which is faster than one by one."""


@dataclass(frozen=True, slots=True)
class Block:
    """n pages to score together.

    `rows` (n,) int64 are their rows, `coded` their T vectors as stored, and `offsets` (n + 1,) int64, from 0 to T, is
    where each page's vectors begin.
    """

    rows: I64
    coded: Coded
    offsets: I64


@dataclass(frozen=True, slots=True)
class Run:
    """Pages that are adjacent on disk: positions `start` to `stop` of the requested rows are consecutive slots of
    `segment`, from `slot` on.
    """

    start: int
    stop: int
    segment: int
    slot: int


def runs(segments: I64, slots: I64) -> Iterator[Run]:
    """Split pages, given by their segment (n,) and slot (n,), into runs of adjacent ones."""
    if not len(slots):
        return
    breaks = np.flatnonzero((np.diff(segments) != 0) | (np.diff(slots) != 1)) + 1
    bounds = [0, *breaks.tolist(), len(slots)]
    for start, stop in pairwise(bounds):
        yield Run(start, stop, int(segments[start]), int(slots[start]))


def views(opened: OpenSegments, rows: I64, segments: I64, slots: I64, max_vectors: int) -> Iterator[list[Block]]:
    """Runs of adjacent pages of `rows` (n,), at `segments` (n,) and `slots` (n,), as views of the memory map, in order.

    Each list has as many blocks as share a codec and have at most `max_vectors` vectors in total.
    """
    batch: list[Block] = []
    total = 0
    scattered = list(runs(segments, slots))
    _read_ahead(opened, scattered)
    for run in scattered:
        for block in _split(opened, rows, run, max_vectors):
            codec, length = block.coded.codec, len(block.coded)
            if batch and (batch[0].coded.codec != codec or total + length > max_vectors):
                yield batch
                batch, total = [], 0
            batch.append(block)
            total += length
    if batch:
        yield batch


def in_segments(opened: OpenSegments, segments: I64, slots: I64) -> Iterator[tuple[Coded, I64, I64]]:
    """Scattered pages in order, those of a segment together, without a copy and with little work for each page.

    Of each segment: all its vectors (T, D), where those of the pages begin (n,), and how many each has (n,).
    """
    _read_ahead(opened, list(runs(segments, slots)))
    bounds = [0, *(np.flatnonzero(np.diff(segments)) + 1).tolist(), len(segments)]
    for start, stop in pairwise(bounds) if len(segments) else ():
        source, own = opened[int(segments[start])], slots[start:stop]
        begins = source.offsets[own]
        lengths = source.offsets[own + 1] - begins
        opened.count_vectors_read(source.coded, int(lengths.sum()), runs=stop - start)
        yield source.coded, begins, lengths


def words(opened: OpenSegments, segments: I64, slots: I64) -> U16:
    """The visual words of pages in order, (T,) uint16; each segment must have them."""
    parts: list[U16] = []
    for run in runs(segments, slots):
        source = opened[run.segment]
        first, last = source.offsets[[run.slot, run.slot + run.stop - run.start]].tolist()
        parts.append(source.words[first:last])
    return np.concatenate(parts) if parts else np.zeros(0, np.uint16)


def _read_ahead(opened: OpenSegments, scattered: list[Run]) -> None:
    """Have the system read some runs at once, if this process reads from a disk."""
    if 1 < len(scattered) <= READ_AHEAD_RUNS and opened.is_read_from_disk():
        for run in scattered:
            opened.read_ahead(run.segment, run.slot, run.slot + run.stop - run.start)


def blocks(opened: OpenSegments, rows: I64, segments: I64, slots: I64, max_vectors: int) -> Iterator[Block]:
    """The vectors of `rows` (n,), in order, in blocks of at most `max_vectors`, or of one page that has more."""
    pending: list[Block] = []
    total = 0
    for run in runs(segments, slots):
        for block in _split(opened, rows, run, max_vectors):
            length = len(block.coded)
            mixed = bool(pending) and pending[0].coded.codec != block.coded.codec
            if pending and (length >= VIEW_VECTORS or mixed or total + length > max_vectors):
                yield _gather(pending)
                pending, total = [], 0
            if length >= VIEW_VECTORS:
                yield block
            else:
                pending.append(block)
                total += length
    if pending:
        yield _gather(pending)


def _split(opened: OpenSegments, rows: I64, run: Run, max_vectors: int) -> Iterator[Block]:
    """The run as views, split between pages so that none has more than `max_vectors` vectors unless it is one page."""
    source = opened[run.segment]
    offsets = source.offsets[run.slot : run.slot + (run.stop - run.start) + 1]
    first, pages = 0, run.stop - run.start
    begin, end = int(offsets[0]), int(offsets[-1])
    if end - begin <= max_vectors:
        coded = source.coded[begin:end]
        opened.count_vectors_read(coded, len(coded))
        yield Block(rows[run.start : run.stop], coded, offsets - begin)
        return
    while first < pages:
        last = int(np.searchsorted(offsets, offsets[first] + max_vectors, side="right")) - 1
        last = min(max(last, first + 1), pages)
        coded = source.coded[int(offsets[first]) : int(offsets[last])]
        opened.count_vectors_read(coded, len(coded))
        yield Block(
            rows[run.start + first : run.start + last],
            coded,
            offsets[first : last + 1] - offsets[first],
        )
        first = last


def _gather(parts: list[Block]) -> Block:
    """Concatenate blocks of one codec; a single one stays a view."""
    if len(parts) == 1:
        return parts[0]
    lengths = np.concatenate([np.diff(part.offsets) for part in parts])
    return Block(
        np.concatenate([part.rows for part in parts]),
        codecs.joined([part.coded for part in parts]),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
    )
