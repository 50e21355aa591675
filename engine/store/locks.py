"""File locks, and the writer's: one process may write to an index, named by its process id.

All are advisory `flock` locks on files of the index, which the operating system releases when a process ends, however
it ends: there is no stale lock to clean up. Any number of processes may read an index meanwhile (`readers`).

A child process that `os.fork` starts has its parent's files open, and with them their locks. An exclusive lock ends
when its owner releases it, whatever children there are; a shared one ends when neither process has the file open any
more, because a child may go on to read from its parent's snapshot.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from ..errors import IndexLocked
from . import layout

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:
    fcntl = None

PID_BYTES = 32


class FileLock:
    """A lock on the file `path`, from construction until `release` or the end of the process.

    Exclusive, or `shared` with other shared ones. Unless it is `blocking`, it raises BlockingIOError when another
    process, or another FileLock of this one, holds a lock that excludes it. The file is created if it is missing;
    `read_only` opens it without asking for the right to write to it, which locking does not need. Raises OSError.
    """

    _descriptor = -1
    _unlocks_in: int | None = None
    """The process that unlocks the file before it closes it; None for a shared lock, which closing ends."""

    def __init__(self, path: Path, *, shared: bool = False, blocking: bool = False, read_only: bool = False) -> None:
        descriptor = os.open(path, (os.O_RDONLY if read_only else os.O_RDWR) | os.O_CREAT, 0o644)
        try:
            lock = _lock_by_portalocker if fcntl is None else _lock
            lock(descriptor, shared=shared, blocking=blocking)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        self._unlocks_in = None if shared else os.getpid()

    def release(self) -> None:
        """Unlock and close the file; releasing twice is harmless."""
        if self._descriptor >= 0:
            if fcntl is not None and self._unlocks_in == os.getpid():
                with suppress(OSError):  # closing unlocks it too, unless a child process has it open
                    fcntl.flock(self._descriptor, fcntl.LOCK_UN)
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


def _lock(descriptor: int, *, shared: bool, blocking: bool) -> None:
    assert fcntl is not None
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, kind if blocking else kind | fcntl.LOCK_NB)
    except OSError as err:
        if not blocking and err.errno in (errno.EACCES, errno.EAGAIN):  # taken: some systems say one, some the other
            raise BlockingIOError(errno.EWOULDBLOCK, os.strerror(errno.EWOULDBLOCK)) from err
        raise


def _lock_by_portalocker(descriptor: int, *, shared: bool, blocking: bool) -> None:
    """Where there is no `flock`: on Windows. The import takes 10 ms, which other systems need not wait for."""
    import portalocker
    from portalocker import LockFlags

    kind = LockFlags.SHARED if shared else LockFlags.EXCLUSIVE
    try:
        portalocker.lock(descriptor, kind if blocking else kind | LockFlags.NON_BLOCKING)
    except portalocker.AlreadyLocked as err:
        raise BlockingIOError(errno.EWOULDBLOCK, os.strerror(errno.EWOULDBLOCK)) from err
    except portalocker.LockException as err:
        raise err.__cause__ or err from None
