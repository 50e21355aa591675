"""A private copy of the catalog, for a reader who may not create files beside it.

In SQLite's WAL mode a reader protects its view by locks in a file beside the catalog. Who cannot create that file could
ask SQLite to take the catalog for immutable, and would get wrong rows once a writer commits. A copy never changes.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from pathlib import Path

from ..errors import IndexLocked, UsageError
from . import layout

ATTEMPTS = 20
WAIT_S = 0.1
"""Pause before the next attempt, and the age at which a change has another modification time than the next one."""
WAL_HEADER_BYTES = 32
"""The start of the write-ahead log, which changes whenever the log begins anew."""


def is_needed(directory: Path) -> bool:
    """Whether this process can neither protect its view of the catalog by SQLite's locks, nor rely on it not to change.

    Nothing changes on a read-only file system, unless a write-ahead log was left there: then the copy takes that in.
    """
    path = layout.catalog_file(directory)
    if os.access(directory, os.W_OK) and os.access(path, os.W_OK):
        return False
    return not is_on_read_only_file_system(directory) or _log(path).exists()


def is_on_read_only_file_system(directory: Path) -> bool:
    return sys.platform != "win32" and bool(os.statvfs(directory).f_flag & os.ST_RDONLY)


def connect(directory: Path) -> sqlite3.Connection:
    """Connect to a copy of the catalog as of its last commit; its file is gone when the connection is closed.

    Raises IndexLocked if a writer changed the catalog during each of the ATTEMPTS, UsageError if there is no room.
    """
    import tempfile  # here, since almost nobody needs a copy

    catalog = layout.catalog_file(directory)
    with tempfile.TemporaryDirectory(prefix="docsearch-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / layout.CATALOG
        _copy_unchanged(catalog, copy)
        connection = sqlite3.connect(copy, isolation_level=None, check_same_thread=False)
        try:
            # Takes the copied log into the copied catalog. Then SQLite needs no second file, and no name for the first.
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection


def _copy_unchanged(catalog: Path, copy: Path) -> None:
    """Copy the catalog and its log while no log is written back and none begins: what is appended does no harm."""
    for _ in range(ATTEMPTS):
        before = _state(catalog)
        if abs(time.time() - catalog.stat().st_mtime) > WAIT_S:
            _copy(catalog, copy)
            if _log(catalog).exists():
                _copy(_log(catalog), _log(copy))
            if _state(catalog) == before:
                return
            _log(copy).unlink(missing_ok=True)
        time.sleep(WAIT_S)
    raise IndexLocked(
        f"{catalog.parent}: a writer keeps changing the catalog, and this user may not create the files by which "
        "readers and writers agree; try again later, or give this user the right to write to the folder"
    )


def _copy(file: Path, copy: Path) -> None:
    try:
        import shutil

        shutil.copyfile(file, copy)
    except FileNotFoundError:
        copy.unlink(missing_ok=True)  # the log is gone: the state has changed
    except OSError as err:
        if err.filename2 is None and err.filename == os.fspath(file):
            raise
        raise UsageError(
            f"{copy.parent}: {file} ({file.stat().st_size:,} bytes) cannot be copied there ({err.strerror}), as a user "
            "without the right to write to the index needs; set TMPDIR to a folder with more room"
        ) from err


def _state(catalog: Path) -> tuple[object, ...]:
    status = catalog.stat()
    try:
        with _log(catalog).open("rb") as log:
            header: bytes | None = log.read(WAL_HEADER_BYTES)
    except FileNotFoundError:
        header = None
    return status.st_ino, status.st_size, status.st_mtime_ns, header


def _log(catalog: Path) -> Path:
    return catalog.with_name(f"{catalog.name}-wal")
