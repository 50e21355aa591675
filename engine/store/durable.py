"""Atomic writes that survive a power cut: a file or folder has all of its new content, or what it had before.

The content is written under a temporary name in the same folder and synced (fsync), renamed to its final name, and the
folder is synced, which makes the rename itself durable. A reader never sees half a file, and neither does the next
process after a crash: at most a temporary name is left, which begins with `layout.TEMPORARY`.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from . import layout

RANDOM_BYTES = 4
TEMPORARY_NAME = re.compile(rf"{re.escape(layout.TEMPORARY)}\d+-[0-9a-f]{{{2 * RANDOM_BYTES}}}(\.|$)")


@contextmanager
def atomic_file(final: Path, *, sync: bool = True, follow_links: bool = True) -> Iterator[Path]:
    """Yield a temporary path to write to; on success it replaces the file `final`, on any error it is deleted.

    The mode of an older file at `final` is kept. A symbolic link there is followed, and a device or pipe is written to
    directly; with `follow_links=False`, for files of an index, they are replaced. `sync=False` keeps
    the replacement atomic but not durable: for cache files, which can be made again. Raises OSError.
    """
    if follow_links:
        if final.exists() and not (final.is_file() or final.is_dir()):
            yield final
            return
        final = Path(os.path.realpath(final))
    temporary = temporary_path(final)
    try:
        yield temporary
        with suppress(FileNotFoundError):
            import shutil

            shutil.copymode(final, temporary)
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
        import shutil

        shutil.rmtree(temporary, ignore_errors=True)
        raise


def publish_folder(temporary: Path, final: Path, *, sync: bool = True) -> None:
    """Sync everything in a complete folder, rename it to `final` in the same parent folder, and sync that."""
    if sync:
        sync_tree(temporary)
    temporary.rename(final)
    if sync:
        sync_folder(final.parent)


def delete_folder(folder: Path) -> None:
    """Delete a folder and everything in it, as far as that is possible; of a symbolic link, only the link itself."""
    if folder.is_symlink():
        with suppress(OSError):
            folder.unlink()
    else:
        import shutil

        shutil.rmtree(folder, ignore_errors=True)


def temporary_path(final: Path) -> Path:
    """A name beside `final` that no other process or thread uses; it keeps the suffix, by which some writers choose a
    format.
    """
    return final.with_name(f"{layout.TEMPORARY}{os.getpid()}-{os.urandom(RANDOM_BYTES).hex()}{final.suffix}")


def is_temporary(name: str) -> bool:
    """Whether a file or folder of this name was made by `temporary_path`.

    >>> is_temporary(".tmp-4711-0a1b2c3d.npy"), is_temporary(".tmp-notes.txt")
    (True, False)
    """
    return TEMPORARY_NAME.match(name) is not None


def sync_file(file: Path) -> None:
    """Write what the operating system still buffers of a file to the disk."""
    with file.open("r+b" if sys.platform == "win32" else "rb") as stream:  # Windows syncs no file opened to be read
        _sync(stream.fileno())


def _sync(descriptor: int) -> None:
    """As `os.fsync`; on macOS, where that leaves data in the disk's own buffer, with F_FULLFSYNC if the disk has it."""
    if sys.platform == "darwin":
        import fcntl

        with suppress(OSError):  # not supported by this file system
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder (created, renamed, deleted) survive a power cut; not the content of its files.

    Windows cannot open a folder to sync it; NTFS keeps a journal of its names.
    """
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            _sync(descriptor)
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
