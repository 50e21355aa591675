"""File locks: one process may write to an index, named by its process id, and any number may read it.

All are advisory `flock` locks on files of the index, which the operating system releases when a process ends, however
it ends: there is no stale lock to clean up. Readers never wait for a writer to finish its work, and a writer never
waits for readers: it only asks whether a snapshot is open before it deletes segments that an older snapshot may still
map.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import portalocker
from portalocker import LockFlags

from ..errors import IndexLocked
from . import layout
from .os_errors import DENIED_ERRNO

PID_BYTES = 32


class FileLock:
    """A lock on the file `path`, from construction until `release` or the end of the process.

    Exclusive, or `shared` with other shared ones. Unless it is `blocking`, it raises BlockingIOError when another
    process, or another FileLock of this one, holds a lock that excludes it. The file is created if it is missing;
    `read_only` opens it without asking for the right to write to it, which locking does not need. Raises OSError.
    """

    _descriptor = -1

    def __init__(self, path: Path, *, shared: bool = False, blocking: bool = False, read_only: bool = False) -> None:
        flags = LockFlags.SHARED if shared else LockFlags.EXCLUSIVE
        descriptor = os.open(path, (os.O_RDONLY if read_only else os.O_RDWR) | os.O_CREAT, 0o644)
        try:
            _lock(descriptor, flags if blocking else flags | LockFlags.NON_BLOCKING)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def release(self) -> None:
        """Unlock and close the file; releasing twice is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class WriterLock(FileLock):
    """The exclusive right to write to one index; its file holds the process id. Raises IndexLocked if it is taken."""

    def __init__(self, directory: Path) -> None:
        path = directory / layout.WRITER_LOCK
        try:
            super().__init__(path)
        except BlockingIOError as err:
            pid = ""
            with suppress(OSError):  # on Windows a locked file cannot be read
                pid = path.read_bytes().decode("ascii", "replace").strip()
            owner = f"process {pid}" if pid else "another process"
            raise IndexLocked(
                f"{directory}: {owner} is writing to this index; wait until it ends, or choose another --index. "
                "Queries work meanwhile"
            ) from err
        try:
            # Fixed width: overwriting an older one needs no new space on a full disk.
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            os.write(self._descriptor, f"{os.getpid()}\n".ljust(PID_BYTES).encode())
        except BaseException:
            self.release()
            raise


class ReaderLock(FileLock):
    """A snapshot's shared lock; while any is held, segments that a writer dropped stay on disk."""

    def __init__(self, directory: Path) -> None:
        try:
            super().__init__(directory / layout.READERS_LOCK, shared=True, blocking=True, read_only=True)
        except OSError as err:
            # On a read-only medium without the file, there is no writer to protect the snapshot from.
            if err.errno not in DENIED_ERRNO or os.access(directory, os.W_OK):
                raise


@contextmanager
def no_readers(directory: Path) -> Iterator[bool]:
    """Yield whether no snapshot is open; if so, snapshots that are about to open wait until the block ends."""
    lock = None
    with suppress(BlockingIOError):
        lock = FileLock(directory / layout.READERS_LOCK, read_only=True)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            lock.release()


def _lock(descriptor: int, flags: LockFlags) -> None:
    """As `portalocker.lock`, with the operating system's own errors."""
    try:
        portalocker.lock(descriptor, flags)
    except portalocker.AlreadyLocked as err:
        raise BlockingIOError(errno.EWOULDBLOCK, os.strerror(errno.EWOULDBLOCK)) from err
    except portalocker.LockException as err:
        raise err.__cause__ or err from None
