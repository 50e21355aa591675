"""Copies: pages with identical content, that is, the same page of documents with the same bytes.

A search shows each content once, by the first of its paths, and statistics count it once: a file that is filed in fifty
folders makes its words no more common.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..records import I64
from . import page_table
from .cache import Cache

DOCUMENTS = (
    "SELECT group_concat(key) FROM documents WHERE sha256 <> '' GROUP BY sha256 HAVING count(*) > 1 ORDER BY min(key)"
)
"""The keys of documents with the same bytes, a row for each content that several have."""


class Copies:
    """Which of the N pages of a snapshot have the same content. May be shared between threads."""

    def __init__(self, shared: I64, page_order: I64) -> None:
        """`shared` (n, 2) as in `shared_rows`; `page_order` (N,) is `Snapshot.page_order`."""
        self._page_order = page_order
        self._first = np.arange(len(page_order))
        self._first[shared[:, 0]] = shared[:, 1]
        self._is_shared = np.zeros(len(page_order), np.bool_)
        self._is_shared[shared[:, 0]] = True
        self._shared = shared[np.lexsort((page_order[shared[:, 0]], shared[:, 1]))]

    @cached_property
    def counted(self) -> I64:
        """Each content once, (n,) rising: by the row that had it first, so that more copies change no statistics."""
        return np.flatnonzero(self._first == np.arange(len(self._first)))

    @cached_property
    def shown(self) -> I64:
        """Each content once, (n,) rising: by the first of its paths."""
        return self.one_of_each(np.arange(len(self._first)))

    def one_of_each(self, rows: I64) -> I64:
        """Of `rows` (n,), rising, each content once: by the first of the paths that are among them."""
        at = np.flatnonzero(self._is_shared[rows])
        content = self._first[rows[at]]
        order = np.lexsort((self._page_order[rows[at]], content))
        is_first = np.diff(content[order], prepend=-1) > 0
        kept = np.ones(len(rows), np.bool_)
        kept[at[order[~is_first]]] = False
        return rows[kept]

    def share_largest(self, values: NDArray[np.float64]) -> None:
        """Give each of the pages with one content the largest of their `values` (N,)."""
        rows, contents = self._shared[:, 0], self._shared[:, 1]
        largest = np.zeros(len(values), values.dtype)
        np.maximum.at(largest, contents, values[rows])
        values[rows] = largest[contents]

    def of(self, row: int) -> I64:
        """The rows (n,) of the content of `row`, itself among them, in the order of their paths."""
        if not self._is_shared[row]:
            return np.array([row], np.int64)
        first, last = np.searchsorted(self._shared[:, 1], [self._first[row], self._first[row] + 1]).tolist()
        return self._shared[first:last, 0]


def find(
    connection: sqlite3.Connection, table: NDArray[np.void], page_order: I64, cache: Cache, generation: str
) -> Copies | None:
    """The copies among the pages of a page table (N,), None where each has a content of its own.

    A large index keeps what is found in a cached file of its `generation`.
    """
    name = f"copies-{generation}.npy"
    is_cached = len(table) >= page_table.CACHED_PAGES
    shared = None
    if is_cached:
        with suppress(OSError, ValueError, EOFError):
            cached = cache.read_array(name)
            if cached.dtype == np.int64 and cached.ndim == 2 and cached.shape[1] == 2:
                shared = np.array(cached)
    if shared is None:
        shared = shared_rows(connection, table)
        if is_cached:
            cache.write_file(name, lambda path: np.save(path, shared))
    return Copies(shared, page_order) if len(shared) else None


def shared_rows(connection: sqlite3.Connection, table: NDArray[np.void]) -> I64:
    """The rows whose content is that of another row, rising, each with the lowest row of that content: (n, 2)."""
    return rows_of_contents([[int(key) for key in keys.split(",")] for (keys,) in connection.execute(DOCUMENTS)], table)


def rows_of_contents(same: Sequence[Sequence[int]], table: NDArray[np.void]) -> I64:
    """As `shared_rows`, given the keys of the documents of each content that several documents have."""
    if not same:
        return np.zeros((0, 2), np.int64)
    keys = np.array([key for each in same for key in each], np.int64)
    contents = np.repeat(np.arange(len(same)), [len(each) for each in same])
    order = np.argsort(keys)
    rows = np.flatnonzero(np.isin(table["document"], keys))
    documents, numbers = table["document"][rows], table["number"][rows]
    pages = contents[order][np.searchsorted(keys[order], documents)] * (numbers.max(initial=0) + 1) + numbers
    _, first, inverse, count = np.unique(pages, return_index=True, return_inverse=True, return_counts=True)
    found: I64 = np.stack([rows, rows[first[inverse]]], axis=1)[count[inverse] > 1]
    return found
