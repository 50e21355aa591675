"""Garbage collection: deletes segment folders of killed writers, dropped segments and outdated derived files."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from . import catalog, codebook, durable, layout, locks

logger = logging.getLogger(__name__)


def delete_orphans(directory: Path, connection: sqlite3.Connection) -> None:
    """Delete what no commit refers to. The caller holds the writer's lock and has no transaction open.

    A segment number above the last committed one was never visible to anyone. A lower one was dropped by a later
    commit, and an older snapshot may still map its files, so it stays until no snapshot is open.
    """
    last = catalog.read_last_segment(connection)
    live = {f"{segment:08d}" for (segment,) in connection.execute("SELECT id FROM segments")}
    found = [entry for entry in (directory / layout.SEGMENTS).iterdir() if entry.name not in live]
    dropped = [entry for entry in found if entry.name.isdecimal() and int(entry.name) <= last]
    unfinished = [
        entry
        for entry in found
        if entry.name.startswith(layout.TEMPORARY) or (entry.name.isdecimal() and entry not in dropped)
    ]
    _delete_folders(unfinished)
    for file in directory.glob(f"{layout.TEMPORARY}*"):
        # Only what this package left, earlier versions included: people put files of their own into the folder.
        if durable.is_temporary(file.name) or file.name == layout.TEMPORARY + layout.CODEBOOK:
            with suppress(OSError):
                file.unlink()
    if codebook.is_orphaned(directory, connection):
        with locks.no_readers(directory) as is_unread:
            if is_unread:
                layout.codebook_file(directory).unlink()
    if dropped:
        with locks.no_readers(directory) as is_unread:
            if is_unread:
                _delete_folders(dropped)


def delete_derived_files(directory: Path, connection: sqlite3.Connection, *, generation: str | None) -> None:
    """Delete outdated files and folders of the cache, unless a snapshot is open.

    A file is outdated unless its name contains `generation` (None: always). A folder's name ends in the numbers of the
    first and the last segment it was made from; it is outdated when none of that range is left, or when a newer folder
    covers the range.
    """
    folder = directory / layout.CACHE
    if not folder.is_dir():
        return
    live = [segment for (segment,) in connection.execute("SELECT id FROM segments")]
    with locks.no_readers(directory) as is_unread:
        if not is_unread:
            return
        ranges = {}
        for entry in folder.iterdir():
            if entry.is_symlink() or not entry.is_dir():
                if generation is None or generation not in entry.name:
                    entry.unlink(missing_ok=True)
                continue
            ends = entry.name.split("-")[-2:]
            if entry.name.startswith(layout.TEMPORARY) or len(ends) < 2 or not all(part.isdecimal() for part in ends):
                _delete_folders([entry])
            else:
                ranges[entry] = int(ends[0]), int(ends[1]), entry.stat().st_mtime_ns
        for entry, (first, last, made) in ranges.items():
            is_covered = any(a <= first and last <= b and made < later for a, b, later in ranges.values())
            if is_covered or not any(first <= segment <= last for segment in live):
                _delete_folders([entry])


def _delete_folders(folders: Iterable[Path]) -> None:
    for folder in folders:
        logger.info("deleting %s: no commit refers to it", folder)
        durable.delete_folder(folder)
