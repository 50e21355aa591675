"""The cache folder of an index: derived files, such as posting lists, which can be deleted and made again.

They are written without fsync. Checksums tell what a power cut left incomplete (`checksums`), which is made again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from . import checksums, durable, layout

logger = logging.getLogger(__name__)


class Cache:
    """The derived files of the index in `directory`; by their names, `garbage.delete_derived_files` finds old ones."""

    def __init__(self, directory: Path) -> None:
        self._folder = directory / layout.CACHE

    def path(self, name: str) -> Path:
        """Where the derived file or folder `name` belongs, whether or not it exists; the cache folder is created if
        the index is writable.
        """
        try:
            self._folder.mkdir(exist_ok=True)
        except OSError as err:
            logger.debug("%s: cannot be created: %s", self._folder, err)
        return self._folder / name

    def folders(self, prefix: str) -> list[Path]:
        """The derived folders whose names begin with `prefix`, sorted by name."""
        return sorted(self._folder.glob(f"{prefix}*"))

    def delete(self, entry: Path) -> None:
        """Delete a derived file or folder, which is made again when it is next needed, as far as that is possible."""
        durable.delete_folder(entry)
        with suppress(OSError):
            entry.unlink(missing_ok=True)

    @contextmanager
    def new_folder(self, name: str, segment_digests: Mapping[int, str]) -> Iterator[Path]:
        """Yield a temporary folder to write derived files to; at the end it replaces the folder `name`.

        `segment_digests` tell which segments they are made from. Raises OSError where the folder cannot be created, and
        what the block raises. When only the last rename fails, there is no such folder. The block should leave no file
        open: Windows would refuse to rename.
        """
        final, is_complete = self.path(name), False
        try:
            with durable.atomic_folder(final, sync=False) as temporary:
                yield temporary
                checksums.write_manifest(temporary, name, segment_digests)
                is_complete = True
                durable.delete_folder(final)  # outdated, or made by another process meanwhile
        except OSError as err:
            if not is_complete:
                raise
            logger.debug("%s: not cached: %s", final, err)

    def write_file(self, name: str, write: Callable[[Path], object]) -> None:
        """Have `write` write the derived file `name` to the path it is given; on an OSError there is no such file."""
        file = self.path(name)
        try:
            with durable.atomic_file(file, sync=False, follow_links=False) as temporary:
                write(temporary)
                checksums.append_trailer(temporary, name)
        except OSError as err:
            logger.debug("%s: not cached: %s", file, err)

    def read_array(self, name: str) -> NDArray[Any]:
        """The array in the derived file `name`, mapped and verified.

        Raises ValueError where it is damaged, OSError where there is none.
        """
        file = self._folder / name
        checksums.verify_trailer(file)
        return np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))

    def delete_damaged(self, segment_digests: Mapping[int, str]) -> list[str]:
        """Verify every byte of the derived files and delete what is damaged; a sentence for each."""
        found = []
        for entry in sorted(self._folder.glob("*")):
            if entry.name.startswith(layout.TEMPORARY) or entry.is_symlink():
                continue
            try:
                if not entry.is_dir():
                    if entry.suffix == ".npy":
                        checksums.verify_trailer(entry)
                elif (entry / checksums.MANIFEST).exists():  # earlier versions wrote none
                    checksums.DerivedFolder(entry, segment_digests).verify()
            except (OSError, ValueError, KeyError, TypeError) as err:
                if not entry.exists():  # replaced by another process meanwhile
                    continue
                self.delete(entry)
                state = "it cannot be deleted, and is not used" if entry.exists() else "it was deleted"
                found.append(f"{err}; {state}: it is made again when it is next needed")
        return found


class NoCache(Cache):
    """Keeps nothing: what is derived from several indexes together is made again each time."""

    def folders(self, prefix: str) -> list[Path]:  # noqa: ARG002 - as in Cache
        """None."""
        return []

    def write_file(self, name: str, write: Callable[[Path], object]) -> None:
        """Write nothing."""

    def read_array(self, name: str) -> NDArray[Any]:
        """Raise FileNotFoundError."""
        raise FileNotFoundError(name)


class ReadOnlyCache(Cache):
    """Reads what there is; what is missing, or damaged, is made in memory."""

    def path(self, name: str) -> Path:
        """Where the derived file or folder `name` belongs."""
        return self._folder / name

    def delete(self, entry: Path) -> None:
        """Delete nothing."""

    def new_folder(self, name: str, segment_digests: Mapping[int, str]) -> NoReturn:  # noqa: ARG002 - as in Cache
        """Raise PermissionError."""
        raise PermissionError(f"{self._folder}: only read")

    def write_file(self, name: str, write: Callable[[Path], object]) -> None:
        """Write nothing."""


@dataclass(frozen=True, slots=True)
class DerivedFiles:
    """The `cache` of one index, and the `digests` of its segments, of which the snapshot has the numbers from `first`
    on: 0 unless several indexes are read as one.
    """

    cache: Cache
    digests: Mapping[int, str]
    first: int = 0

    def numbered(self, segments: NDArray[np.int64]) -> NDArray[np.int64]:
        """A table (S, 2) of this index's segments, each with its number in the snapshot."""
        numbered: NDArray[np.int64] = segments + np.array([self.first, 0])
        return numbered

    def holds(self, segment: int) -> bool:
        """Whether a segment, by its number in the snapshot, is of this index."""
        return segment - self.first in self.digests
