"""Translates errors of the operating system and of SQLite into docsearch's own."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import IndexDamaged, IndexLocked, StorageFull, UsageError

FULL_ERRNO = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
DENIED_ERRNO = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR})
# SQLite reports "disk I/O error" instead of "disk is full" when a quota or a file size limit stops a write.
FULL_SQLITE = frozenset(
    {
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_TRUNCATE,
        sqlite3.SQLITE_IOERR_SHMSIZE,
        sqlite3.SQLITE_IOERR_SHMOPEN,
    }
)
PRIMARY_CODE = 0xFF
"""The bits of an extended SQLite error code that hold the primary one."""


@contextmanager
def translated(directory: Path) -> Iterator[None]:
    """Raise StorageFull, IndexDamaged, IndexLocked or UsageError instead of an OSError or sqlite3.DatabaseError of the
    block that means the same; others pass.
    """
    try:
        yield
    except OSError as err:
        if err.errno in FULL_ERRNO:
            raise _full(directory) from err
        if err.errno in DENIED_ERRNO:
            raise _denied(directory, err) from err
        raise
    except sqlite3.DatabaseError as err:
        code: int = getattr(err, "sqlite_errorcode", 0)
        primary = code & PRIMARY_CODE
        if primary == sqlite3.SQLITE_FULL or code in FULL_SQLITE:
            raise _full(directory) from err
        if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise IndexDamaged(
                f"{directory}: the catalog cannot be read ({err}); restore it from a copy, or delete the folder and "
                "build it again with 'docsearch index'"
            ) from err
        if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            raise _denied(directory, err) from err
        if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise IndexLocked(f"{directory}: another program holds the catalog ({err}); try again later") from err
        raise


def _full(directory: Path) -> StorageFull:
    return StorageFull(
        f"{directory}: the disk is full (or a quota or file size limit is reached); everything committed before is "
        "intact. Free some space and run the same command again: it continues where it stopped"
    )


def _denied(directory: Path, err: Exception) -> UsageError:
    return UsageError(
        f"{directory}: access to the index was denied ({err}); check its permissions or choose another --index"
    )
