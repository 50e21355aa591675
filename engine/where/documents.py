"""Which documents of a snapshot a path filter and a condition select."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..records import I64, Query
from ..store import Snapshot
from ..store.column_values import ColumnType
from .paths import DocumentNames
from .sorted_columns import HasColumns, SortedColumns

CACHED_CONDITIONS = 64


def all_types(snapshot: HasColumns) -> dict[str, ColumnType]:
    """The type of every column of a snapshot's indexes; of several types of one name, that of the first index."""
    types: dict[str, ColumnType] = {}
    for _, table in snapshot.column_tables:
        types = table.types() | types
    return types


class DocumentFilter:
    """Selects documents of one snapshot. May be shared between threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._reading = threading.RLock()
        self._found: OrderedDict[str, I64] = OrderedDict()
        self._columns = SortedColumns(snapshot)

    def keys(self, path: str | None, where: str | None) -> I64:
        """The keys (n,) of the documents whose path matches the glob `path` and for which `where` holds, rising.

        None selects all. Raises UsageError for a condition that does not fit the index.
        """
        if path is None and where is None:
            return np.array(sorted(self.snapshot.page_documents()[1]), np.int64)
        by_path = None if path is None else np.array(self._matching(path), np.int64)
        if where is None:
            assert by_path is not None
            return by_path
        by_condition = self._where(where)
        return by_condition if by_path is None else np.intersect1d(by_path, by_condition, assume_unique=True)

    def paths(self, path: str | None, where: str | None) -> frozenset[str]:
        """The paths of the documents that `keys` selects."""
        paths = self.snapshot.page_documents()[1]
        return frozenset(paths[key] for key in self.keys(path, where).tolist())

    def selecting(self, query: Query, where: str | None) -> Query:
        """A query with a further condition, if any. Raises UsageError for a condition that does not fit the index."""
        for condition in filter(None, (query.where, where)):
            self._where(condition)
        if where is None:
            return query
        return replace(query, where=where if query.where is None else f"({query.where}) and ({where})")

    def _where(self, where: str) -> I64:
        with self._reading:
            if isinstance(where, str) and where in self._found:
                self._found.move_to_end(where)
                return self._found[where]
        from .evaluation import select  # imports the parser, which most questions do not need

        with self._reading:
            documents = self._documents
        found = select(where, self.snapshot, documents, self._matching, self._columns)
        with self._reading:
            self._found[where] = found
            while len(self._found) > CACHED_CONDITIONS:
                self._found.popitem(last=False)
        return found

    def _matching(self, pattern: str) -> list[int]:
        with self._reading:
            names = self._names
        return names.matching(pattern)

    @cached_property
    def _documents(self) -> NDArray[np.bool_]:
        """Whether a key (K,) is that of a document."""
        keys = np.fromiter(self.snapshot.page_documents()[1], np.int64)
        found = np.zeros(int(keys.max(initial=-1)) + 1, np.bool_)
        found[keys] = True
        return found

    @cached_property
    def _names(self) -> DocumentNames:
        return DocumentNames(self.snapshot.page_documents()[1])
