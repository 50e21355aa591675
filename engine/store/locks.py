"""Who may touch an index: one writer, named by its process id, and any number of readers.

Both are `flock` locks, which the system releases when a process ends, however it ends: there is no stale lock to clean
up. Readers never wait for a writer to finish its work, and the writer never waits for readers: it only asks whether
any snapshot is open before it deletes segments that an older snapshot may still map.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import IndexLocked
from . import layout

PID_BYTES = 32


class WriterLock:
    """The right to write to one index, from construction until `release`. Raises IndexLocked if it is taken."""

    def __init__(self, directory: Path) -> None:
        descriptor = os.open(directory / layout.WRITER_LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _take(descriptor, directory)
            # Fixed width: writing it over an older one needs no new space on a full disk.
            os.pwrite(descriptor, f"{os.getpid()}\n".ljust(PID_BYTES).encode(), 0)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def release(self) -> None:
        """Let the next writer in; releasing twice is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class ReaderLock:
    """A snapshot's share in the index; while any exists, segments that a writer dropped stay on disk."""

    def __init__(self, directory: Path) -> None:
        path = directory / layout.READERS_LOCK
        self._descriptor = -1
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
        except OSError:
            # On a read-only medium without the file there is no writer to protect the snapshot from.
            if os.access(directory, os.W_OK):
                raise
            return
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def release(self) -> None:
        """Give the share back; releasing twice is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


@contextmanager
def no_readers(directory: Path) -> Iterator[bool]:
    """Yield whether no snapshot is open; if so, snapshots that are about to open wait until the block ends."""
    descriptor = os.open(directory / layout.READERS_LOCK, os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _take(descriptor: int, directory: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as err:
        pid = os.pread(descriptor, PID_BYTES, 0).decode("ascii", "replace").strip()
        owner = f"process {pid}" if pid else "another process"
        raise IndexLocked(
            f"{directory}: {owner} is writing to this index; wait until it ends, or choose another --index. "
            "Queries work meanwhile"
        ) from err
