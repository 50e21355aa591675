"""Divides an index into shards: whole segments move, or get a second name; no page is read or embedded again."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import UsageError
from . import durable, layout, shards
from .segment import SegmentRow
from .snapshot import open_snapshot

COPIED_FILES = (layout.CODEBOOK, layout.ROOTS, layout.SOURCES, layout.MARKS)
"""Files that a divided copy of an index has, too, beside the catalog."""

OnSegment = Callable[[int, int], None]
"""Callback: receives how many segments are in their places, and how many there are."""


@dataclass(frozen=True, slots=True)
class ShardReport:
    """A shard of an index: its name, and what it holds; `pages` and `vectors` count removed pages too."""

    name: str
    segments: int
    pages: int
    vectors: int


def divided(rows: Mapping[int, SegmentRow], count: int) -> list[list[int]]:
    """The numbers of segments in `count` groups of about as many vectors each, in rising order.

    Neighbouring segments stay together: the documents that span two of them are then in one shard. Raises UsageError
    where there are fewer segments than shards.
    """
    if count < 1:
        raise UsageError(f"the number of shards must be 1 or more, not {count}")
    ids = sorted(rows)
    if len(ids) < count:
        raise UsageError(
            f"the index has {len(ids)} segment{'' if len(ids) == 1 else 's'}, and a shard needs one at least: "
            f"divide it into {len(ids)} or fewer, or where it is with 'docsearch compact --shards {count}', which cuts "
            "segments"
        )
    sizes = np.cumsum([rows[i].vectors + rows[i].pages for i in ids])
    cuts = [0]
    for shard in range(1, count):
        wanted = int(np.searchsorted(sizes, sizes[-1] * shard / count)) + 1
        cuts.append(min(max(wanted, cuts[-1] + 1), len(ids) - count + shard))
    return [ids[first:last] for first, last in zip(cuts, [*cuts[1:], len(ids)], strict=True)]


def reports(rows: Mapping[int, SegmentRow], groups: Sequence[Sequence[int]]) -> list[ShardReport]:
    """What shards with these `groups` of segments hold."""
    return [
        ShardReport(shard_name(i), len(ids), sum(rows[n].pages for n in ids), sum(rows[n].vectors for n in ids))
        for i, ids in enumerate(groups)
    ]


def shard_name(number: int) -> str:
    """The name of a shard, and of its folder."""
    return f"{number:04d}"


def divide_copy(source: Path, output: Path, count: int, on_segment: OnSegment | None = None) -> list[ShardReport]:
    """Make a copy of the index in `source`, divided into `count` shards, in the new folder `output`.

    Segments and derived files get a second name where the file system allows (hard links take no space), and are copied
    elsewhere. `output` appears when it is complete. Raises UsageError, and what `open_snapshot` raises.
    """
    if output.exists() and any(output.iterdir()):
        raise UsageError(f"{output}: there is something in it already; give a new folder for the shards")
    output.parent.mkdir(parents=True, exist_ok=True)
    with open_snapshot(source) as snapshot:
        rows = snapshot.segment_rows
        groups = divided(rows, count)
        with durable.atomic_folder(output) as temporary:
            with closing(sqlite3.connect(layout.catalog_file(temporary))) as copy:
                snapshot.copy_catalog(copy)
            for name in COPIED_FILES:
                if (source / name).is_file():
                    shutil.copy2(source / name, temporary / name)
            (temporary / layout.SEGMENTS).mkdir()
            done = 0
            for number, ids in enumerate(groups):
                segments = shards.folder(temporary, shard_name(number)) / layout.SEGMENTS
                segments.mkdir(parents=True)
                for segment in ids:
                    _link_tree(shards.find_segment(source, segment), segments / f"{segment:08d}")
                    done += 1
                    if on_segment is not None:
                        on_segment(done, len(rows))
            if (source / layout.CACHE).is_dir():
                _link_tree(source / layout.CACHE, temporary / layout.CACHE)
            if (source / layout.UPLOADS).is_dir():
                _link_tree(source / layout.UPLOADS, temporary / layout.UPLOADS)
            shards.write_names(temporary, [shard_name(number) for number in range(count)])
    return reports(rows, groups)


def place(
    directory: Path, rows: Mapping[int, SegmentRow], count: int, on_segment: OnSegment | None = None
) -> list[ShardReport]:
    """Divide an index where it is into `count` shards, or into another number of them; 0 makes it undivided again.

    The caller holds the writer's lock. Segments are renamed, one after the other: whenever it ends, each is in one
    place, in which readers find it, and the next run continues. Raises UsageError, OSError.
    """
    groups = divided(rows, count) if count else [sorted(rows)]
    targets = [shard_name(number) for number in range(count)] or [""]
    before = shards.names(directory)
    if absent := shards.missing(directory):
        raise UsageError(
            f"{directory}: shard {', '.join(absent)} is not there; mount its disk before segments are moved"
        )
    for target in targets:
        (shards.folder(directory, target) / layout.SEGMENTS).mkdir(parents=True, exist_ok=True)
    shards.write_names(directory, sorted({*before, *targets} - {""}))
    done = 0
    for target, ids in zip(targets, groups, strict=True):
        for segment in ids:
            to = shards.folder(directory, target) / layout.SEGMENTS / f"{segment:08d}"
            _move(shards.find_segment(directory, segment), to)
            done += 1
            if on_segment is not None:
                on_segment(done, len(rows))
    shards.write_names(directory, [name for name in targets if name])
    for name in before:
        if name not in targets:
            removed = shards.folder(directory, name)
            for entry in sorted((removed / layout.SEGMENTS).iterdir()):
                if entry.name.isdecimal():  # dropped, but an open snapshot may still need it
                    _move(entry, layout.segment_folder(directory, int(entry.name)))
            durable.delete_folder(removed)
    return reports(rows, groups) if count else []


def _move(source: Path, target: Path) -> None:
    """Move a segment's folder durably, to another disk if need be; nothing where it is there already."""
    if source == target:
        return
    try:
        source.rename(target)
    except OSError as err:
        if err.errno == errno.EXDEV:  # another disk
            with durable.atomic_folder(target) as temporary:
                shutil.copytree(source, temporary, dirs_exist_ok=True)
            durable.delete_folder(source)
        elif not target.is_dir():
            raise
        else:  # copied by a run that was killed before it deleted the source
            durable.delete_folder(source)
    durable.sync_folder(target.parent)
    if source.parent.is_dir():
        durable.sync_folder(source.parent)


def _link_tree(source: Path, target: Path) -> None:
    """A folder with the same files under a second name, or copies of them where the file system has no such names."""
    shutil.copytree(
        source,
        target,
        copy_function=_link_file,
        ignore=lambda _, found: [name for name in found if name.startswith(layout.TEMPORARY)],
    )


def _link_file(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without hard links
        shutil.copy2(source, target)
