"""The page table: a record of each live page in row order, from the catalog, or from a cached file of a large index.

Also what follows from it alone: the first pages of documents, and the order of paths and page numbers.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import IndexDamaged
from ..records import I64
from .cache import Cache
from .catalog import RESTORE
from .segment import SegmentRow, are_in

PAGE_DTYPE = np.dtype(
    [(name, np.int64) for name in ("key", "document", "number", "segment", "slot", "vectors")]
    + [(name, np.float32) for name in ("width", "height")]
)
CACHED_PAGES = 20_000
"""Pages from which on the page table is cached in a file: reading 500,000 rows from the catalog takes a second."""


def open_table(
    directory: Path,
    connection: sqlite3.Connection,
    segments: Mapping[int, SegmentRow],
    cache: Cache,
    *,
    generation: str,
    pages: int,
) -> NDArray[np.void]:
    """The table (N,) PAGE_DTYPE of the N `pages` of this `generation`. Raises IndexDamaged."""
    if pages < CACHED_PAGES:
        return read(directory, connection, segments, pages)
    name = f"pages-{generation}.npy"
    with suppress(OSError, ValueError, EOFError):
        cached = cache.read_array(name)
        if cached.dtype == PAGE_DTYPE and cached.shape == (pages,):
            return cached
    table = read(directory, connection, segments, pages)
    cache.write_file(name, lambda path: np.save(path, table))
    return table


def read(
    directory: Path, connection: sqlite3.Connection, segments: Mapping[int, SegmentRow], pages: int
) -> NDArray[np.void]:
    """The table (N,) PAGE_DTYPE from the catalog, by segment and slot. Raises IndexDamaged."""
    columns = ", ".join(PAGE_DTYPE.names or ())
    cursor = connection.execute(f"SELECT {columns} FROM pages ORDER BY segment, slot")
    try:
        table = np.fromiter(cursor, PAGE_DTYPE, count=pages)
    except (ValueError, TypeError, OverflowError) as err:
        raise IndexDamaged(f"{directory}: the catalog's pages are damaged ({err}); {RESTORE}") from err
    if not are_in(segments, table["segment"], table["slot"]):
        raise IndexDamaged(f"{directory}: the catalog has pages that are in no segment; {RESTORE}")
    return table


def first_pages(table: NDArray[np.void]) -> I64:
    """For each row of a table (N,), the row of its document's first indexed page, (N,) int64."""
    order = np.lexsort((table["number"], table["document"]))
    _, starts, inverse = np.unique(table["document"][order], return_index=True, return_inverse=True)
    first = np.empty(len(table), np.int64)
    first[order] = order[starts][inverse]
    return first


def page_order(table: NDArray[np.void], paths: Mapping[int, str]) -> I64:
    """The place of each row of a table (N,) in the order of document paths and page numbers, (N,) int64.

    `paths` has the path of every document by its key.
    """
    place = np.zeros(max(paths, default=0) + 1, np.int64)
    place[sorted(paths, key=lambda key: paths[key])] = np.arange(len(paths))
    order = np.empty(len(table), np.int64)
    order[np.lexsort((table["number"], place[table["document"]]))] = np.arange(len(table))
    return order
