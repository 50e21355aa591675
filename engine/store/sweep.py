"""Deletes what nothing refers to any more: segment folders of killed writers, dropped segments, stale derived files."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from pathlib import Path

from . import catalog, codebook, layout, lock

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
        with lock.no_readers(directory) as nobody_reads:
            if nobody_reads:
                layout.codebook_file(directory).unlink()
    if dropped:
        with lock.no_readers(directory) as nobody_reads:
            if nobody_reads:
                _delete(dropped)


def derived_files(directory: Path, *, generation: str | None) -> None:
    """Delete the derived files that do not carry `generation` in their names (None: all), unless a snapshot is open."""
    folder = directory / layout.CACHE
    if not folder.is_dir():
        return
    with lock.no_readers(directory) as nobody_reads:
        if nobody_reads:
            for file in folder.iterdir():
                if file.is_file() and (generation is None or generation not in file.name):
                    file.unlink(missing_ok=True)


def _delete(folders: list[Path]) -> None:
    for folder in folders:
        logger.info("deleting %s: no commit refers to it", folder)
        shutil.rmtree(folder, ignore_errors=True)
