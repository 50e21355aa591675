"""Derived files of an index in parts, each of which covers some segments, so that adding pages costs O(new pages).

As in a tiered merge policy or an LSM tree (O'Neil et al., "The log-structured merge-tree", 1996): new segments get a
part of their own, and small parts are built again together with what is new. Segments never change, so a part is valid
until its segments are gone; pages removed meanwhile are skipped when it is used. Callers choose the unit that parts are
measured in, pages or vectors.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from ..records import I64, U8
from ..store import Snapshot
from ..store.cache import DerivedFiles
from ..store.checksums import DamagedFile, DerivedFolder

log = logging.getLogger(__name__)

MERGED_BELOW = 2
"""A part of less than this many times what is new is built again together with it."""
SEGMENTS = "segments.npy"
"""File of a part with its table of segments."""
UNUSABLE = (OSError, ValueError, TypeError, KeyError, EOFError, IndexError)
"""What reading a damaged or incomplete part raises."""
ZEROS_BYTES = 1 << 20
"""Bytes that are written at a time where space cannot be reserved."""


class Part(Protocol):
    """One part of some derived file."""

    @property
    def segments(self) -> I64:
        """Its segments, (S, 2): their ids, rising, and the pages of each, removed ones included."""

    @property
    def size(self) -> int:
        """What it held when it was built, without removed pages."""


P = TypeVar("P", bound=Part)


def open_parts(
    snapshot: Snapshot,
    prefix: str,
    live: Mapping[int, int],
    *,
    read: Callable[[DerivedFolder, I64], P],
    build: Callable[[I64, Path | None], P],
    max_size: int,
    min_new: int = 0,
    on_missing: Callable[[int], None] | None = None,
) -> list[P]:
    """The parts in the cache folders named `prefix`… that cover a snapshot, in the order of their segments.

    `live` is the size of what is left of each segment. `read` opens the part in a folder, given its segments (S, 2),
    and raises one of UNUSABLE if it is damaged: then it is deleted. Missing parts of up to `max_size` are made by
    `build`, given segments, in a cache folder, which is then read, or, where none can be written, in memory (None).
    Segments that hold less than `min_new` together get no part. Parts are of one index each, where several are read as
    one, so that they serve that index alone and any others with it. `on_missing` receives the size of what is to be
    built for an index, before the first `build`.
    """
    parts = []
    for files in snapshot.derived_files:
        its_live = {segment: size for segment, size in live.items() if files.holds(segment)}
        found = dict(_usable_parts(files, prefix, read))
        kept, missing = plan(
            {name: (part.segments[:, 0], part.size) for name, part in found.items()}, its_live, max_size
        )
        parts += [found[name] for name in kept]
        missing_size = sum(live[segment] for segment in missing)
        if on_missing is not None:
            on_missing(missing_size)
        if missing_size >= min_new:
            for ids in split(missing, live, max_size):
                log.debug("building %s for segments %s", prefix, ids)
                parts.append(_build_part(snapshot, files, prefix, ids, read, build))
    return sorted(parts, key=lambda part: int(part.segments[0, 0]))


def rebuild(
    snapshot: Snapshot,
    prefix: str,
    segments: I64,
    error: DamagedFile,
    *,
    read: Callable[[DerivedFolder, I64], P],
    build: Callable[[I64, Path | None], P],
) -> P:
    """Build the part of `segments` (S, 2) again, in whose files `error` was found; as `open_parts` does."""
    log.warning("stage 1: a derived file is damaged and is made again: %s", error)
    files = next(files for files in snapshot.derived_files if files.holds(int(segments[0, 0])))
    files.cache.delete(error.path.parent)
    ids = np.intersect1d(segments[:, 0], snapshot.locations()[0]).tolist()
    return _build_part(snapshot, files, prefix, ids, read, build)


def _usable_parts(files: DerivedFiles, prefix: str, read: Callable[[DerivedFolder, I64], P]) -> Iterator[tuple[str, P]]:
    """The parts that can be read, with the names of their folders; the folders of others are deleted."""
    for folder in files.cache.folders(prefix):
        try:
            derived = DerivedFolder(folder, files.digests)
            segments = derived.load(SEGMENTS)
            if segments.ndim != 2 or segments.shape[1] != 2 or not (np.diff(segments[:, 0]) > 0).all():
                raise ValueError(f"{SEGMENTS} is no table of segments")
            part = read(derived, files.numbered(segments))
        except UNUSABLE as err:
            log.debug("%s: deleted, it cannot be used: %s", folder, err)
            files.cache.delete(folder)
            continue
        yield folder.name, part


def _build_part(
    snapshot: Snapshot,
    files: DerivedFiles,
    prefix: str,
    ids: Sequence[int],
    read: Callable[[DerivedFolder, I64], P],
    build: Callable[[I64, Path | None], P],
) -> P:
    """Build the part of some segments in a cache folder, or in memory if that fails."""
    segments = segment_table(snapshot, ids)
    own = [i - files.first for i in ids]
    name = folder_name(prefix, own)
    digests = {i: files.digests[i] for i in own}
    try:
        with files.cache.new_folder(name, digests) as folder:
            build(segments, folder)  # its maps are closed before the folder is renamed, as Windows requires
            np.save(folder / SEGMENTS, segments - np.array([files.first, 0]))
    except OSError as err:  # the disk is full, or the index cannot be written to
        log.debug("%s is built in memory: %s", prefix, err)
        return build(segments, None)
    try:
        derived = DerivedFolder(files.cache.path(name), digests)
        derived.verify()
        return read(derived, segments)
    except UNUSABLE as err:  # it could not be renamed, another process has deleted it, or the disk is failing
        log.debug("%s is built in memory: %s", name, err)
        return build(segments, None)


def folder_name(prefix: str, ids: Sequence[int]) -> str:
    """The name of a part's folder: its first and last segment say when it can be deleted (`store.garbage`)."""
    return f"{prefix}{ids[0]:08d}-{ids[-1]:08d}"


def plan(found: Mapping[str, tuple[I64, int]], live: Mapping[int, int], max_size: int) -> tuple[list[str], list[int]]:
    """Which parts to use, and the segments that none of them covers.

    `found` are, by name, the ids (n,) of each part's segments and its size; `live` is the size of what is left of each
    segment. A part is not used if less than half of it is left, or if it has less than its segments: it was made when
    more pages had been removed, before the index was restored from a copy. A part that is not much larger than what is
    new is built again together with it, up to `max_size`: so there are few parts, and each page is added to a part only
    a few times, however many commits there are.
    """
    alive = {name: sum(live.get(i, 0) for i in ids.tolist()) for name, (ids, _) in found.items()}
    kept: list[str] = []
    covered: set[int] = set()
    for name in sorted(found, key=lambda name: (-alive[name], name)):
        ids, size = found[name]
        if 2 * alive[name] >= size >= alive[name] > 0 and covered.isdisjoint(ids.tolist()):
            kept.append(name)
            covered.update(ids.tolist())
    missing = live.keys() - covered
    while kept and missing:
        new, smallest = sum(live[i] for i in missing), min(kept, key=lambda name: (alive[name], name))
        if alive[smallest] >= MERGED_BELOW * new or alive[smallest] + new > max_size:
            break
        kept.remove(smallest)
        missing |= live.keys() & set(found[smallest][0].tolist())
    return sorted(kept), sorted(missing)


def split(ids: Sequence[int], live: Mapping[int, int], max_size: int) -> list[list[int]]:
    """Consecutive groups of segments that hold at most `max_size` together, or a single larger one."""
    groups: list[list[int]] = []
    room = 0
    for i in ids:
        if live[i] > room:
            groups.append([])
            room = max_size
        groups[-1].append(i)
        room -= live[i]
    return groups


def segment_table(snapshot: Snapshot, ids: Sequence[int]) -> I64:
    """Segments (S, 2) by their ids, rising: each with its number of pages, removed ones included."""
    return np.stack([ids, snapshot.segment_pages(ids)], axis=1).astype(np.int64)


def segment_vectors(snapshot: Snapshot) -> dict[int, int]:
    """The number of live pages' patch vectors by segment, of the segments that have any."""
    totals = np.bincount(snapshot.locations()[0], weights=snapshot.lengths)
    return {segment: int(total) for segment, total in enumerate(totals.tolist()) if total}


def page_numbers(segments: I64, where: I64, slots: I64) -> I64:
    """The numbers (n,) of pages within the part of `segments` (S, 2), from their segments `where` and `slots` (n,)."""
    starts = np.concatenate([[0], np.cumsum(segments[:, 1])])
    found: I64 = starts[np.searchsorted(segments[:, 0], where)] + slots
    return found


def page_rows(snapshot: Snapshot, segments: I64) -> I64:
    """The rows (P,) of a part's pages in the snapshot; one past the last row for removed pages."""
    where, slots = snapshot.locations()
    rows = np.flatnonzero(np.isin(where, segments[:, 0]))
    out = np.full(segments[:, 1].sum(), len(snapshot), np.int64)
    out[page_numbers(segments, where[rows], slots[rows])] = rows
    return out


def allocate(shape: tuple[int, ...], file: Path | None) -> U8:
    """An array of zero bytes of a `shape`, to be filled: mapped to a new `.npy` file or, for None, in memory.

    Raises OSError where the disk is full.
    """
    if file is None:
        return np.zeros(shape, np.uint8)
    mapped = np.lib.format.open_memmap(file, "w+", np.uint8, shape)
    with file.open("r+b") as opened:  # else writing to the map on a full disk would kill the process
        size = opened.seek(0, os.SEEK_END)
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(opened.fileno(), 0, size)
        else:  # macOS, Windows
            for start in range(opened.seek(mapped.offset), size, ZEROS_BYTES):
                opened.write(bytes(min(ZEROS_BYTES, size - start)))
    return np.asarray(mapped)
