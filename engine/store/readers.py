"""The readers of an index: every open snapshot is registered for its generation, so that a writer knows what to keep.

All of it is advisory locks (`locks`), which the operating system releases when a process ends, however it ends.

- `readers.lock` is the gate. A snapshot holds it, shared, only while it opens: from before its view of the catalog is
  fixed until it is registered.
- `readers/GENERATION` is the register of a generation: every snapshot of it holds that file, shared, until it is
  closed. A writer creates the file before it commits the generation, because a reader without the right to write to
  the index can lock a file but not create one; readers that may, create it where an earlier version did not.
- Who deletes something takes the gate exclusively, so that no snapshot opens meanwhile, and asks which registers are
  held. What a commit dropped may go when no snapshot of an earlier generation is open. Writers do so, and a snapshot
  of an earlier generation does so when it is closed: the disk space of a compaction is freed when the last reader has
  moved on, without a further writer (`garbage`).

A reader of an earlier version holds the gate itself for as long as it is open, and so does one that cannot register:
then nobody gets the gate exclusively, and nothing is deleted. The writers of earlier versions, however, take a free
gate to mean that there are no readers.

On network file systems that turn these locks into locks of byte ranges (NFS), an exclusive lock needs a file that is
open for writing, a shared one does not; on Windows a file is only deleted while nobody holds it. Neither matters here:
who deletes may write to the index, and only registers that nobody holds are deleted.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from . import layout
from .locks import FileLock
from .os_errors import DENIED_ERRNO

GENERATION = re.compile(r"[0-9a-f]{1,64}")
"""What a generation looks like: one from a damaged catalog must not become the name of a file elsewhere."""
GATE_ATTEMPTS, GATE_WAIT_S = 20, 0.005
"""How often the gate is tried, and the pause between: a snapshot that opens holds it for a millisecond or two."""


class ReaderLock:
    """A snapshot's lock: the gate from construction on, its generation's register from `register` to `release`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._held: FileLock | None = None
        try:
            self._held = FileLock(directory / layout.READERS_LOCK, shared=True, blocking=True, read_only=True)
        except OSError as err:
            # On a read-only medium without the file, there is no writer to protect the snapshot from.
            if err.errno not in DENIED_ERRNO or os.access(directory, os.W_OK):
                raise

    def register(self, generation: str) -> None:
        """Hold the register of `generation` instead of the gate; the gate, if that is not possible."""
        gate = self._held
        if gate is None or not GENERATION.fullmatch(generation):
            return
        with suppress(OSError):
            register = _register(self._directory, generation)
            if not register.is_symlink():
                self._held = FileLock(register, shared=True, blocking=True, read_only=True)
                gate.release()

    def release(self) -> None:
        """Let go of either; releasing twice is harmless."""
        if self._held is not None:
            self._held.release()


def create_register(directory: Path, generation: str) -> None:
    """Create the register of a generation, for readers that may not. Raises OSError."""
    if GENERATION.fullmatch(generation):
        _register(directory, generation).touch()


@contextmanager
def no_snapshot_opens(directory: Path, *, wait: bool = True) -> Iterator[bool]:
    """Take the gate, so that snapshots that are about to open wait until the block ends; yield whether that succeeded.

    It does not while a reader of an earlier version is open; a snapshot that is opening is waited for, if `wait`.
    """
    gate = None
    for attempt in range(GATE_ATTEMPTS if wait else 1):
        if attempt:
            time.sleep(GATE_WAIT_S)
        with suppress(BlockingIOError):
            gate = _exclusive(directory / layout.READERS_LOCK)
            break
    try:
        yield gate is not None
    finally:
        if gate is not None:
            gate.release()


def registered(directory: Path, current: str) -> set[str]:
    """The generations that open snapshots are registered for; within `no_snapshot_opens`.

    Deletes the registers that nobody holds, except that of the `current` generation.
    """
    held = set()
    folder = directory / layout.READERS
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            if not path.is_symlink():
                _exclusive(path).release()
        except OSError:  # held, or not to be opened: that of another user, perhaps
            held.add(path.name)
            continue
        if path.name != current:
            with suppress(OSError):
                path.unlink()
    return held


def _register(directory: Path, generation: str) -> Path:
    """The file of a generation; its folder is created where it is missing. Raises OSError."""
    folder = directory / layout.READERS
    if not folder.is_dir():
        folder.mkdir(exist_ok=True)
    return folder / generation


def _exclusive(path: Path) -> FileLock:
    """An exclusive lock on an existing or new file, open for writing where that is allowed. Raises OSError."""
    try:
        return FileLock(path)
    except OSError as err:
        if isinstance(err, BlockingIOError) or err.errno not in DENIED_ERRNO:
            raise
        return FileLock(path, read_only=True)
