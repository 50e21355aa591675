"""Links in the place of an index's own files and folders: refused, because the store deletes and overwrites those."""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError
from . import layout

FOLDERS = (layout.SEGMENTS, layout.SHARDS, layout.CACHE, layout.READERS, layout.UPLOADS)
FILES = (
    layout.CATALOG,
    f"{layout.CATALOG}-wal",
    f"{layout.CATALOG}-shm",
    layout.CODEBOOK,
    layout.SHARD_LIST,
    layout.ROOTS,
    layout.SOURCES,
    layout.WATCH_LOCK,
    layout.MARKS,
    layout.MARKS_LOCK,
    layout.UPLOADS_LOCK,
    layout.WRITER_LOCK,
    layout.READERS_LOCK,
)


def refuse(directory: Path, *, to_write: bool = False) -> None:
    """Raise UsageError if a folder of the index is a symbolic link, or, `to_write`, one of its files is.

    The index itself may be a link. A catalog with a second name (a hard link, as `cp -al` makes) is not written to:
    SQLite changes it in place, and so the other one, whose segments stay as they are.
    """
    for name in (*FOLDERS, *(FILES if to_write else ())):
        path = directory / name
        if path.is_symlink():
            raise UsageError(
                f"{path} is a symbolic link; docsearch deletes and overwrites files of an index, so it follows no link "
                "inside one: put the file or folder itself there, or move the whole index and link that"
            )
    catalog = layout.catalog_file(directory)
    if to_write and catalog.is_file() and catalog.stat().st_nlink > 1:
        raise UsageError(
            f"{catalog} has a second name (a hard link, as 'cp -al' makes); changing it would damage the other copy: "
            "make a real copy of the index ('cp -a') and use that"
        )
