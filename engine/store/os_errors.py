"""Translates errors of the operating system and of SQLite into docsearch's own: one sentence, and what to do."""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..errors import IndexDamaged, IndexLocked, StorageFailed, StorageFull, UsageError
from . import layout

FULL_ERRNO = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
DENIED_ERRNO = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR})
# SQLite reports these when a quota or a file size limit stops a write, and when the disk fails.
WRITE_SQLITE = frozenset(
    {
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_TRUNCATE,
        sqlite3.SQLITE_IOERR_SHMSIZE,
        sqlite3.SQLITE_IOERR_SHMOPEN,
    }
)
FAILED_SQLITE = frozenset(
    {
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOLFS,
        sqlite3.SQLITE_INTERRUPT,
    }
)
MAYBE_FAILED_SQLITE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR})
"""SQLite reports these where a read failed, too (SQLITE_IOERR_CORRUPTFS; "vtable constructor failed")."""
PRIMARY_CODE = 0xFF
"""The bits of an extended SQLite error code that hold the primary one."""
PROBE_BYTES = 1 << 16
SQLITE_FILES = 5
"""Files that an open snapshot has open, at most: the catalog and its log, their index, a lock and a temporary file."""

NO_LOCKS = "this file system has no file locks, or its lock service does not answer: put the index on a local disk"
FOLDER = "a folder is in the place of a file, or a file in that of a folder: restore the index from a copy"
MANY_FILES = "close programs, or allow more open files ('ulimit -n'), and try again"
FAILING = "the disk or the file system may be failing: look at the system's log, and copy the index to another disk"
HINTS = {
    errno.ENOLCK: NO_LOCKS,
    errno.ENOSYS: NO_LOCKS,
    errno.EOPNOTSUPP: NO_LOCKS,
    errno.EISDIR: FOLDER,
    errno.EEXIST: FOLDER,
    errno.EMFILE: MANY_FILES,
    errno.ENFILE: MANY_FILES,
}
"""What to do about an errno; about any other, FAILING."""


@contextmanager
def translated(directory: Path) -> Iterator[None]:
    """Raise StorageFull, StorageFailed, IndexDamaged, IndexLocked or UsageError instead of an OSError or
    sqlite3.DatabaseError of the block; only misuse of a connection passes (sqlite3.ProgrammingError).
    """
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except (OSError, sqlite3.DatabaseError, UnicodeDecodeError) as err:
        raise translation(directory, err) from err


def translation(
    directory: Path, err: OSError | sqlite3.DatabaseError | UnicodeDecodeError
) -> StorageFull | StorageFailed | IndexDamaged | IndexLocked | UsageError:
    """The error of docsearch for one of the system or of SQLite, whose own messages sqlite3 may fail to decode."""
    return _of_system(directory, err) if isinstance(err, OSError) else _of_sqlite(directory, err)


def _of_system(directory: Path, err: OSError) -> StorageFull | StorageFailed | UsageError:
    if err.errno in FULL_ERRNO:
        return _full(directory)
    if err.errno in DENIED_ERRNO:
        return _denied(directory, err)
    return StorageFailed(f"{directory}: {err}; {HINTS.get(err.errno or 0, FAILING)}")


def _of_sqlite(
    directory: Path, err: sqlite3.DatabaseError | UnicodeDecodeError
) -> StorageFull | StorageFailed | IndexDamaged | IndexLocked | UsageError:
    code: int = getattr(err, "sqlite_errorcode", 0)
    primary = code & PRIMARY_CODE
    if primary == sqlite3.SQLITE_FULL or (code in WRITE_SQLITE and _has_no_room(directory)):
        return _full(directory)
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        if not _is_permitted(directory):
            return _denied(directory, err)
        if (cause := _why_not_opened(directory)) is not None:
            return _of_system(directory, cause)
        return StorageFailed(f"{directory}: the catalog: {err}, although its permissions allow it; {FAILING}")
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        if (cause := _why_not_locked(directory)) is not None:
            return _of_system(directory, cause)
        return IndexLocked(f"{directory}: another program holds the catalog ({err}); try again later")
    if primary in FAILED_SQLITE:
        no_locks = code in (sqlite3.SQLITE_IOERR_LOCK, sqlite3.SQLITE_IOERR_SHMLOCK, sqlite3.SQLITE_PROTOCOL)
        return StorageFailed(f"{directory}: the catalog: {err}; {NO_LOCKS if no_locks else FAILING}")
    if primary in MAYBE_FAILED_SQLITE and (cause := _why_not_read(directory)) is not None:
        return _of_system(directory, cause)
    return IndexDamaged(
        f"{directory}: the catalog cannot be read ({err}); restore it from a copy, or build the index again with "
        "'docsearch index' and another --index"
    )


# Closing a descriptor of the catalog would release the POSIX locks that SQLite holds on it in this process. So these
# probes do not open it, or keep it open.
_kept_open: dict[tuple[int, int], int] = {}
"""The descriptors of catalogs that were probed, by device and inode."""


def _is_permitted(directory: Path) -> bool:
    """Whether this user may read and write the folder, the catalog and the files that SQLite keeps beside it."""
    catalog = layout.catalog_file(directory)
    beside = (catalog.with_name(f"{catalog.name}{suffix}") for suffix in ("", "-wal", "-shm"))
    return os.access(directory, os.R_OK | os.W_OK | os.X_OK) and all(
        os.access(file, os.R_OK | os.W_OK) for file in beside if file.exists()
    )


def _why_not_opened(directory: Path) -> OSError | None:
    """The error that SQLite does not tell, of opening as many files as it does; None if there is none any more."""
    catalog = layout.catalog_file(directory)
    try:
        if catalog.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(catalog))
        with ExitStack() as opened:
            for _ in range(SQLITE_FILES):
                opened.enter_context(tempfile.TemporaryFile(dir=directory))
        return None
    except OSError as err:
        return err


def _why_not_locked(directory: Path) -> OSError | None:
    """The error of a POSIX lock on another file beside the catalog; None if this system can lock files there."""
    if sys.platform != "win32":
        import fcntl

        try:
            with tempfile.TemporaryFile(dir=directory) as probe:
                fcntl.lockf(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            return None if err.errno in DENIED_ERRNO else err
    return None


def _why_not_read(directory: Path) -> OSError | None:
    """The error of reading the catalog or its log; None if every byte can be read."""
    catalog = layout.catalog_file(directory)
    try:
        if sys.platform == "win32":  # closing a file there does not concern other handles, but an open one stays
            with catalog.open("rb") as stream:
                _read_all(stream.fileno())
        else:
            status = catalog.stat()
            place = status.st_dev, status.st_ino
            if place not in _kept_open:
                _kept_open[place] = os.open(catalog, os.O_RDONLY)
            _read_all(_kept_open[place])
        with suppress(FileNotFoundError), catalog.with_name(f"{catalog.name}-wal").open("rb") as log:
            _read_all(log.fileno())
        return None
    except OSError as err:
        return err


def _read_all(descriptor: int) -> None:
    os.lseek(descriptor, 0, os.SEEK_SET)
    while os.read(descriptor, PROBE_BYTES):
        pass


def _has_no_room(directory: Path) -> bool:
    """Whether a quota or a limit stops a write to a file as large as the catalog's log; SQLite does not tell."""
    log = layout.catalog_file(directory).with_name(f"{layout.CATALOG}-wal")
    probe = directory / f"{layout.TEMPORARY}{os.getpid()}-probe"
    try:
        with probe.open("xb") as stream:
            stream.seek(log.stat().st_size if log.exists() else 0)
            stream.write(bytes(PROBE_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as err:
        return err.errno in FULL_ERRNO
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    return False


def _full(directory: Path) -> StorageFull:
    return StorageFull(
        f"{directory}: the disk is full (or a quota or file size limit is reached); everything committed before is "
        "intact. Free some space and run the same command again: it continues where it stopped"
    )


def _denied(directory: Path, err: Exception) -> UsageError:
    return UsageError(
        f"{directory}: access to the index was denied ({err}); check its permissions or choose another --index"
    )
