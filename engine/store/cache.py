"""The cache folder of an index: derived files, such as posting lists, which can be deleted and made again."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from . import durable, layout

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

    @contextmanager
    def new_folder(self, name: str) -> Iterator[Path]:
        """Yield a temporary folder to write derived files to; at the end it replaces the folder `name`.

        Raises OSError where it cannot be created, and what the block raises. When only the last rename fails, the files
        stay valid as long as they are open, and are made again next time.
        """
        final, is_complete = self.path(name), False
        try:
            with durable.atomic_folder(final, sync=False) as temporary:
                yield temporary
                is_complete = True
                shutil.rmtree(final, ignore_errors=True)  # outdated, or made by another process meanwhile
        except OSError as err:
            if not is_complete:
                raise
            logger.debug("%s: not cached: %s", final, err)

    def write_file(self, name: str, write: Callable[[Path], object]) -> None:
        """Have `write` write the derived file `name` to the path it is given; on an OSError there is no such file."""
        file = self.path(name)
        try:
            with durable.atomic_file(file, sync=False) as temporary:
                write(temporary)
        except OSError as err:
            logger.debug("%s: not cached: %s", file, err)
