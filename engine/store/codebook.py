"""The codebook of an index with the codec residual: one file that never changes, its SHA-256 in the catalog."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path
from typing import cast

import numpy as np

from ..compression.residual import Codebook
from ..errors import IndexDamaged
from ..records import F16
from . import arrays, catalog, durable, layout


def add(directory: Path, connection: sqlite3.Connection, codebook: Codebook) -> None:
    """Write the file, and its checksum to the open transaction, unless the index has a codebook."""
    if catalog.find_meta(connection, catalog.CODEBOOK) is None:
        catalog.write_meta(connection, catalog.CODEBOOK, write(directory, codebook))


def write(directory: Path, codebook: Codebook) -> str:
    """Write the file durably and return its SHA-256; nothing refers to it yet."""
    final = layout.codebook_file(directory)
    with durable.atomic_file(final, follow_links=False) as temporary:
        np.save(temporary, codebook.centroids.astype("<f2"), allow_pickle=False)
    return checksum(final)


def drop_unused(connection: sqlite3.Connection) -> None:
    """Remove the codebook from the catalog, in the open transaction, if no segment needs it and no new one will.

    Its file is deleted with the other garbage.
    """
    needed = catalog.read_meta(connection, "codec") == "residual"
    if not needed and connection.execute("SELECT 1 FROM segments WHERE codec = 'residual'").fetchone() is None:
        catalog.delete_meta(connection, catalog.CODEBOOK)


def is_orphaned(directory: Path, connection: sqlite3.Connection) -> bool:
    """Whether there is a file that no commit refers to."""
    return layout.codebook_file(directory).exists() and catalog.find_meta(connection, catalog.CODEBOOK) is None


def find(directory: Path, connection: sqlite3.Connection) -> Codebook | None:
    """The codebook, or None if the index has none. Raises IndexDamaged."""
    return None if catalog.find_meta(connection, catalog.CODEBOOK) is None else read(directory)


def size(directory: Path, connection: sqlite3.Connection) -> int:
    """Bytes of the file; 0 if the index has none, or the file is missing."""
    path = layout.codebook_file(directory)
    is_there = catalog.find_meta(connection, catalog.CODEBOOK) is not None and path.exists()
    return path.stat().st_size if is_there else 0


def read(directory: Path) -> Codebook:
    """The codebook of an index that has one. Raises IndexDamaged."""
    path = layout.codebook_file(directory)
    centroids = arrays.load(path, mapped=False)
    if centroids.dtype != np.float16 or centroids.ndim != 2:
        raise IndexDamaged(
            f"{path}: contains {centroids.dtype} {centroids.shape}, not (V, D) float16; restore the index from a copy"
        )
    return Codebook(cast("F16", centroids))


def problems(directory: Path, connection: sqlite3.Connection) -> list[str]:
    """What is wrong with the file, if the index has one: at most one sentence."""
    committed, path = catalog.find_meta(connection, catalog.CODEBOOK), layout.codebook_file(directory)
    if committed is None:
        return []
    try:
        found = checksum(path)
    except OSError as err:
        return [f"{path}: cannot be read ({err.strerror})"]
    return [] if found == committed else [f"{path}: its checksum is not the committed one"]


def checksum(path: Path) -> str:
    """A file's SHA-256 in hexadecimal."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
