"""Which pages a query may return: path filters, conditions, one of identical pages, and not the page that it is."""

from __future__ import annotations

import threading
from functools import cached_property

import numpy as np

from ..records import I64
from ..store import Snapshot
from ..where.documents import DocumentFilter

FEW = 64
"""Where fewer than one document in so many is selected, its pages are looked up; else all pages are gone through."""


class PageFilter:
    """Finds the pages of one snapshot that a query may return. Shared between threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._reading = threading.Lock()
        self.documents = DocumentFilter(snapshot)

    def rows(
        self, path: str | None, excluded: int | None, *, all_copies: bool = False, where: str | None = None
    ) -> I64 | None:
        """Rows (n,) of the documents that match `path` and `where`, without the row `excluded`, rising; None where all
        are allowed.

        Of pages with identical content only the one with the first of the paths that are selected, and none with the
        content of `excluded`; with `all_copies` each of them. Raises UsageError for a `where` that does not fit.
        """
        copies = None if all_copies else self._snapshot.copies
        is_open = path is None and where is None
        if is_open and excluded is None:
            return None if copies is None else copies.shown
        rows = np.arange(len(self._snapshot)) if is_open else self._rows_of(self.documents.keys(path, where))
        if excluded is not None:
            rows = np.setdiff1d(rows, [excluded] if copies is None else copies.of(excluded), assume_unique=True)
        return rows if copies is None else copies.one_of_each(rows)

    def copies(self, row: int, path: str | None, where: str | None) -> tuple[str, ...]:
        """The other paths of the content of `row` that `path` and `where` select, in order."""
        copies = self._snapshot.copies
        if copies is None or len(rows := copies.of(row)) == 1:
            return ()
        others = rows[rows != row]
        if path is not None or where is not None:
            others = others[np.isin(self._documents[others], self.documents.keys(path, where))]
        own, *refs = self._snapshot.refs([row, *others.tolist()])
        return tuple(ref.path if ref.index == own.index else f"{ref.index}: {ref.path}" for ref in refs)

    def _rows_of(self, keys: I64) -> I64:
        """The rows of documents with `keys`, rising."""
        with self._reading:
            documents = self._documents
            if FEW * len(keys) >= self._document_count:
                is_wanted = np.zeros(int(documents.max(initial=0)) + 1, np.bool_)
                is_wanted[keys[keys < len(is_wanted)]] = True
                selected: I64 = np.flatnonzero(is_wanted[documents])
                return selected
            order, by_document = self._rows_by_document
        spans = zip(np.searchsorted(by_document, keys), np.searchsorted(by_document, keys, side="right"), strict=True)
        found: I64 = np.sort(np.concatenate([np.zeros(0, np.int64), *(order[first:last] for first, last in spans)]))
        return found

    @cached_property
    def _documents(self) -> I64:
        """The key of each row's document, (N,)."""
        return self._snapshot.page_documents()[0]

    @cached_property
    def _document_count(self) -> int:
        return len(self._snapshot.page_documents()[1])

    @cached_property
    def _rows_by_document(self) -> tuple[I64, I64]:
        """Rows (N,) sorted by the key of their document, and these keys (N,)."""
        order = np.argsort(self._documents, kind="stable")
        return order, self._documents[order]
