"""Deletes what nothing refers to any more: segment folders of killed writers, dropped segments, stale derived files."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from pathlib import Path

from . import catalog, codebook, layout, locks

logger = logging.getLogger(__name__)


def orphans(directory: Path, connection: sqlite3.Connection) -> None:
    """Delete what no commit refers to. The caller holds the writer's lock and has no transaction open.

    A number above the last committed one was never visible to anyone. A lower number was dropped by a later commit, and
    an older snapshot may still map it, so it stays until no snapshot is open.
    """
    folder = directory / layout.SEGMENTS
    last = int(catalog.read_meta(connection, "last_segment"))
    live = {f"{segment:08d}" for (segment,) in connection.execute("SELECT id FROM segments")}
    found = [entry for entry in folder.iterdir() if entry.name not in live]
    dropped = [entry for entry in found if entry.name.isdecimal() and int(entry.name) <= last]
    unfinished = [
        entry
        for entry in found
        if entry.name.startswith(layout.TEMPORARY) or (entry.name.isdecimal() and entry not in dropped)
    ]
    _delete(unfinished)
    if codebook.is_left(directory, connection):
        with locks.no_readers(directory) as nobody_reads:
            if nobody_reads:
                layout.codebook_file(directory).unlink()
    if dropped:
        with locks.no_readers(directory) as nobody_reads:
            if nobody_reads:
                _delete(dropped)


def derived_files(directory: Path, connection: sqlite3.Connection, *, generation: str | None) -> None:
    """Delete the derived files that do not carry `generation` in their names (None: all), and the derived folders of
    segments that are gone, unless a snapshot is open.

    A folder's name ends in the numbers of the first and the last segment it is about; one between those of a newer
    folder is of no use any more.
    """
    folder = directory / layout.CACHE
    if not folder.is_dir():
        return
    live = [segment for (segment,) in connection.execute("SELECT id FROM segments")]
    with locks.no_readers(directory) as nobody_reads:
        if not nobody_reads:
            return
        about = {}
        for entry in folder.iterdir():
            if not entry.is_dir():
                if generation is None or generation not in entry.name:
                    entry.unlink(missing_ok=True)
                continue
            span = entry.name.split("-")[-2:]
            if entry.name.startswith(layout.TEMPORARY) or len(span) < 2 or not all(part.isdecimal() for part in span):
                _delete([entry])
            else:
                about[entry] = int(span[0]), int(span[1]), entry.stat().st_mtime_ns
        for entry, (first, last, made) in about.items():
            is_old = any(a <= first and last <= b and made < later for a, b, later in about.values())
            if is_old or not any(first <= segment <= last for segment in live):
                _delete([entry])


def _delete(folders: list[Path]) -> None:
    for folder in folders:
        logger.info("deleting %s: no commit refers to it", folder)
        shutil.rmtree(folder, ignore_errors=True)
