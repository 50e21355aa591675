"""Atomic writes that survive a power cut: a file or folder has all of its new content, or what it had before.

The content is written under a temporary name in the same folder and synced (fsync), renamed to its final name, and the
folder is synced, which makes the rename itself durable. A reader never sees half a file, and neither does the next
process after a crash: at most a temporary name is left, which begins with `layout.TEMPORARY`.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from . import layout

RANDOM_BYTES = 4


@contextmanager
def atomic_file(final: Path, *, sync: bool = True) -> Iterator[Path]:
    """Yield a temporary path to write to; on success it replaces the file `final`, on any error it is deleted.

    A symbolic link at `final` is followed, and a device or pipe there is written to directly. `sync=False` keeps the
    replacement atomic but not durable: for cache files, which can be made again. Raises OSError.
    """
    if final.exists() and not (final.is_file() or final.is_dir()):
        yield final
        return
    final = Path(os.path.realpath(final))
    temporary = temporary_path(final)
    try:
        yield temporary
        if sync:
            sync_file(temporary)
        temporary.replace(final)
        if sync:
            sync_folder(final.parent)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_folder(final: Path, *, sync: bool = True) -> Iterator[Path]:
    """Yield a temporary folder to fill; on success it gets the name `final`, on any error it is deleted.

    `final` must not exist, or be an empty folder. `sync=False` as in `atomic_file`. Raises OSError.
    """
    temporary = temporary_path(final)
    temporary.mkdir()
    try:
        yield temporary
        publish_folder(temporary, final, sync=sync)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def publish_folder(temporary: Path, final: Path, *, sync: bool = True) -> None:
    """Sync everything in a complete folder, rename it to `final` in the same parent folder, and sync that."""
    if sync:
        sync_tree(temporary)
    temporary.rename(final)
    if sync:
        sync_folder(final.parent)


def temporary_path(final: Path) -> Path:
    """A name beside `final` that no other process or thread uses; it keeps the suffix, by which some writers choose a
    format.
    """
    return final.with_name(f"{layout.TEMPORARY}{os.getpid()}-{secrets.token_hex(RANDOM_BYTES)}{final.suffix}")


def sync_file(file: Path) -> None:
    """Write what the operating system still buffers of a file to the disk."""
    with file.open("rb") as stream:
        os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder (created, renamed, deleted) survive a power cut; not the content of its files."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as err:
        if err.errno != errno.EINVAL:  # file systems that cannot sync folders
            raise
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Sync every file and folder below `folder`, and `folder` itself."""
    for parent, _, files in os.walk(folder, topdown=False):
        for name in sorted(files):
            sync_file(Path(parent, name))
        sync_folder(Path(parent))
