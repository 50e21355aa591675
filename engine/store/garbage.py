"""Garbage collection: deletes segment folders of killed writers, dropped segments and outdated derived files.

What a commit dropped may still be mapped by snapshots of earlier generations, so it stays until the last of those is
closed (`readers`). It is renamed first and deleted when snapshots can open again.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import DocsearchError
from . import catalog, codebook, durable, layout, private_copy, readers, shards

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Committed:
    """The last commit: its generation, the numbers of its segments, and the highest number one ever had."""

    generation: str
    segments: frozenset[int]
    last_segment: int

    @staticmethod
    def read(connection: sqlite3.Connection) -> _Committed:
        """Read it, on a connection that has a read transaction open, or the writer's, so that it is one commit."""
        segments = frozenset(segment for (segment,) in connection.execute("SELECT id FROM segments"))
        return _Committed(catalog.read_meta(connection, "generation"), segments, catalog.read_last_segment(connection))

    def dropped(self, directory: Path, entries: Iterable[Path] | None = None) -> list[Path]:
        """Folders of segments that an earlier commit had, among these `entries`, or among all segments."""
        live = {f"{segment:08d}" for segment in self.segments}
        return [
            entry
            for entry in (shards.segment_entries(directory) if entries is None else entries)
            if entry.name not in live and entry.name.isdecimal() and int(entry.name) <= self.last_segment
        ]


def delete_orphans(directory: Path, connection: sqlite3.Connection) -> None:
    """Delete what no commit refers to. The caller holds the writer's lock and has no transaction open.

    A segment number above the last committed one was never visible to anyone. A lower one was dropped by a later
    commit, and an older snapshot may still map its files, so it stays until no such snapshot is open.
    """
    committed, entries = _Committed.read(connection), list(shards.segment_entries(directory))  # thousands, if large
    _delete(
        entry
        for entry in entries
        if entry.name.startswith(layout.TEMPORARY)
        or (entry.name.isdecimal() and int(entry.name) > committed.last_segment)
    )
    for file in directory.glob(f"{layout.TEMPORARY}*"):
        # Only what this package left, earlier versions included: people put files of their own into the folder.
        if durable.is_temporary(file.name) or file.name == layout.TEMPORARY + layout.CODEBOOK:
            with suppress(OSError):
                file.unlink()
    has_dropped = bool(committed.dropped(directory, entries))
    has_garbage = codebook.is_orphaned(directory, connection) or has_dropped
    detached: list[Path] = []
    with readers.no_snapshot_opens(directory, wait=has_garbage) as is_held:
        if is_held and readers.registered(directory, committed.generation) <= {committed.generation}:
            if codebook.is_orphaned(directory, connection):
                layout.codebook_file(directory).unlink()
            if has_dropped:
                detached = _detach(committed.dropped(directory))
    _delete(detached)


def delete_derived_files(directory: Path, connection: sqlite3.Connection) -> None:
    """Delete outdated files and folders of the cache, unless a snapshot of an earlier generation is open.

    The caller has no transaction open.
    """
    if not (directory / layout.CACHE).is_dir():
        return
    committed = _Committed.read(connection)
    detached: list[Path] = []
    with readers.no_snapshot_opens(directory) as is_held:
        if is_held:
            detached = _outdated_derived(directory, committed, readers.registered(directory, committed.generation))
    _delete(detached)


def delete_after_reading(directory: Path) -> None:
    """Delete dropped segments and outdated derived files, as a reader does that leaves an earlier generation.

    Nothing happens while another snapshot of an earlier generation is open, or where this user may not write to the
    index. Needs no writer's lock: dropped segments never come back, and a new one has a number that was not committed
    when the gate was taken. An error is logged.
    """
    detached: list[Path] = []
    try:
        if private_copy.is_needed(directory) or private_copy.is_on_read_only_file_system(directory):
            return
        with readers.no_snapshot_opens(directory) as is_held:
            if not is_held:
                return
            with closing(catalog.open_to_read(directory)) as connection:  # one view of the catalog, newer than the gate
                committed = _Committed.read(connection)
            registered = readers.registered(directory, committed.generation)
            if registered <= {committed.generation}:
                detached = _detach(committed.dropped(directory))
                detached += _outdated_derived(directory, committed, registered)
    except (OSError, sqlite3.Error, DocsearchError) as err:
        logger.debug("%s: garbage was not deleted: %s", directory, err)
    _delete(detached)


def _outdated_derived(directory: Path, committed: _Committed, registered: set[str]) -> list[Path]:
    """Detach outdated entries of the cache folder; none while another generation than the last one is read.

    A file is outdated unless its name contains the generation. A folder's name ends in the numbers of the first and the
    last segment it was made from; it is outdated when none of that range is left, or when a newer folder of the same
    kind covers the range. What is being written has a temporary name, and is garbage only if nobody reads the index.
    """
    folder = directory / layout.CACHE
    if not registered <= {committed.generation} or not folder.is_dir():
        return []
    outdated, ranges = [], {}
    for entry in folder.iterdir():
        *kind, first, last = ["", "", *entry.name.split("-")]
        if entry.name.startswith(layout.TEMPORARY):
            if not registered:
                outdated.append(entry)
        elif entry.is_symlink() or not entry.is_dir():
            if committed.generation not in entry.name:
                outdated.append(entry)
        elif not (first.isdecimal() and last.isdecimal()):
            outdated.append(entry)
        else:
            ranges[entry] = kind, int(first), int(last), entry.stat().st_mtime_ns
    for entry, (kind, begin, end, made) in ranges.items():
        is_covered = any(
            other == kind and a <= begin and end <= b and made < later for other, a, b, later in ranges.values()
        )
        if is_covered or not any(begin <= segment <= end for segment in committed.segments):
            outdated.append(entry)
    return _detach(outdated)


def _detach(entries: Iterable[Path]) -> list[Path]:
    """Rename files and folders to temporary names, which are garbage whatever happens; return what is to be deleted."""
    detached = []
    for entry in entries:
        temporary = durable.temporary_path(entry)
        try:
            entry.rename(temporary)
        except OSError:  # a file in it is open, on Windows
            temporary = entry
        logger.info("deleting %s: no commit refers to it", entry)
        detached.append(temporary)
    return detached


def _delete(entries: Iterable[Path]) -> None:
    """Delete files and folders, as far as that is possible."""
    for entry in entries:
        durable.delete_folder(entry)
        with suppress(OSError):
            entry.unlink(missing_ok=True)
