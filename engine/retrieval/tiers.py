"""How derived files of an index come in parts, each of some of its segments, so that what is added costs what it is.

Segments never change: a part stays good until its segments are gone, and what is removed is left out when it is read.
What is counted, pages or vectors, is the caller's.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..records import I64, U8
from ..store import Snapshot

MERGED_BELOW = 2
"""A part of less than so many times what is new is made again together with it."""


def name(prefix: str, ids: Sequence[int]) -> str:
    """The name of a part's folder: the prefix, then the first and the last of its segments, by which it is swept."""
    return f"{prefix}{ids[0]:08d}-{ids[-1]:08d}"


def plan(found: dict[str, tuple[I64, int]], live: dict[int, int], most: int) -> tuple[list[str], list[int]]:
    """Which parts to use, and the segments that none of these has. `found` are the ids of each part's segments and how
    much it holds, `live` how much is left in each segment that is there, `most` what the largest part may hold.

    A part that is half gone is of no use; one that is not much larger than what is new is made again with it, so that
    there are few parts, and each thing is filed a few times at most however many commits there are.
    """
    alive = {name: sum(live.get(i, 0) for i in ids.tolist()) for name, (ids, _) in found.items()}
    kept: list[str] = []
    covered: set[int] = set()
    for name in sorted(found, key=lambda name: (-alive[name], name)):
        ids, held = found[name]
        if 2 * alive[name] >= held > 0 and covered.isdisjoint(ids.tolist()):
            kept.append(name)
            covered.update(ids.tolist())
    missing = live.keys() - covered
    while kept and missing:
        new, smallest = sum(live[i] for i in missing), min(kept, key=lambda name: (alive[name], name))
        if alive[smallest] >= MERGED_BELOW * new or alive[smallest] + new > most:
            break
        kept.remove(smallest)
        missing |= live.keys() & set(found[smallest][0].tolist())
    return sorted(kept), sorted(missing)


def split(ids: Sequence[int], live: dict[int, int], most: int) -> list[list[int]]:
    """Segments in runs that hold at most `most`, or of one; `live` is how much each holds."""
    runs: list[list[int]] = []
    room = 0
    for i in ids:
        if live[i] > room:
            runs.append([])
            room = most
        runs[-1].append(i)
        room -= live[i]
    return runs


def segments_of(snapshot: Snapshot, ids: Sequence[int]) -> I64:
    """Segments by their ids, rising, each with the pages that it has, dead ones included, (S, 2)."""
    return np.stack([ids, snapshot.segment_pages(ids)], axis=1).astype(np.int64)


def are_segments(segments: I64) -> bool:
    """Whether what was read can be such a table."""
    return segments.ndim == 2 and segments.shape[1] == 2 and bool((np.diff(segments[:, 0]) > 0).all())


def numbers(segments: I64, where: I64, slots: I64) -> I64:
    """The numbers in a part of `segments` (S, 2) of pages in the `slots` (n,) of segments `where` (n,)."""
    starts = np.concatenate([[0], np.cumsum(segments[:, 1])])
    found: I64 = starts[np.searchsorted(segments[:, 0], where)] + slots
    return found


def rows_of(snapshot: Snapshot, segments: I64) -> I64:
    """The row of each page of a part of `segments` (S, 2), (P,); of pages that are gone, one behind the last row."""
    where, slots = snapshot.places()
    rows = np.flatnonzero(np.isin(where, segments[:, 0]))
    out = np.full(segments[:, 1].sum(), len(snapshot), np.int64)
    out[numbers(segments, where[rows], slots[rows])] = rows
    return out


def room(shape: tuple[int, ...], file: Path | None) -> U8:
    """An array of bytes to be filled, in a `.npy` file if there is one. Raises OSError where the disk is full."""
    if file is None:
        return np.zeros(shape, np.uint8)
    mapped = np.lib.format.open_memmap(file, "w+", np.uint8, shape)
    if hasattr(os, "posix_fallocate"):
        with file.open("r+b") as opened:  # writing to a map that the disk has no room for would end us
            os.posix_fallocate(opened.fileno(), 0, opened.seek(0, os.SEEK_END))
    return np.asarray(mapped)
