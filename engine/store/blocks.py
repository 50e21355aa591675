"""Rows in, packed vectors out: long runs of neighbours as views of the memory map, scattered pages gathered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import cast

import numpy as np

from ..compression.codecs import Coded
from ..records import F16, I64, U8
from .segment import OpenSegments

VIEW_VECTORS = 8192
"""A run of at least this many vectors is worth a block of its own; shorter ones are copied together."""


@dataclass(frozen=True, slots=True)
class Block:
    """n pages to score together: their `rows` (n,) int64, their T vectors as stored, and where each page's begin,
    `offsets` (n + 1,) int64 with offsets[0] = 0.
    """

    rows: I64
    coded: Coded
    offsets: I64


@dataclass(frozen=True, slots=True)
class Run:
    """Pages that lie next to each other: positions `start` to `stop` of the rows asked for are the slots from `slot` on
    of segment `segment`.
    """

    start: int
    stop: int
    segment: int
    slot: int


def runs(segments: I64, slots: I64) -> Iterator[Run]:
    """Cut places (n,), (n,) wherever the next page does not lie behind the one before it."""
    if not len(slots):
        return
    breaks = np.flatnonzero((np.diff(segments) != 0) | (np.diff(slots) != 1)) + 1
    bounds = [0, *breaks.tolist(), len(slots)]
    for start, stop in pairwise(bounds):
        yield Run(start, stop, int(segments[start]), int(slots[start]))


def views(opened: OpenSegments, rows: I64, segments: I64, slots: I64, max_vectors: int) -> Iterator[list[Block]]:
    """Runs of neighbours as views of the memory map, in order, as many together as have one codec and at most
    `max_vectors` vectors.
    """
    together: list[Block] = []
    total = 0
    for run in runs(segments, slots):
        for block in _split(opened, rows, run, max_vectors):
            codec, length = block.coded.codec, len(block.coded)
            if together and (together[0].coded.codec != codec or total + length > max_vectors):
                yield together
                together, total = [], 0
            together.append(block)
            total += length
    if together:
        yield together


def blocks(opened: OpenSegments, rows: I64, segments: I64, slots: I64, max_vectors: int) -> Iterator[Block]:
    """Blocks of at most `max_vectors` vectors (or one page that has more) with each of the rows, in order."""
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
    """The run as views, cut between pages so that none has more than `max_vectors` unless it is one page."""
    source = opened[run.segment]
    offsets = source.offsets[run.slot : run.slot + (run.stop - run.start) + 1]
    first, pages = 0, run.stop - run.start
    fits = int(offsets[-1] - offsets[0]) <= max_vectors
    while first < pages:
        last = pages
        if not fits:
            last = int(np.searchsorted(offsets, offsets[first] + max_vectors, side="right")) - 1
            last = min(max(last, first + 1), pages)
        coded = source.coded[int(offsets[first]) : int(offsets[last])]
        opened.note_read(coded)
        yield Block(
            rows[run.start + first : run.start + last],
            coded,
            offsets[first : last + 1] - offsets[first],
        )
        first = last


def _gather(parts: list[Block]) -> Block:
    """Blocks of one codec end to end; a single one stays a view."""
    if len(parts) == 1:
        return parts[0]
    coded = [part.coded for part in parts]
    scales = [each.scales for each in coded if each.scales is not None]
    words = [each.words for each in coded if each.words is not None]
    lengths = np.concatenate([np.diff(part.offsets) for part in parts])
    return Block(
        np.concatenate([part.rows for part in parts]),
        replace(
            coded[0],
            values=np.concatenate([each.values for each in coded]),
            scales=cast("F16 | U8", np.concatenate(scales)) if scales else None,
            words=np.concatenate(words) if words else None,
        ),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
    )
