"""Conditions on documents that no index has: their columns are given, and lie in a database in memory meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

import numpy as np

from ..records import I64
from ..store import columns
from ..store.column_values import ColumnType, Value, compared, folded
from ..store.columns import CATALOG_COLUMNS, KIND, MODIFIED, PATH, SIZE, ColumnsTable
from .paths import DocumentNames
from .sorted_columns import SortedColumns

KNOWN_COLUMNS = (PATH, KIND, MODIFIED, SIZE)
"""Columns of docsearch that a document has before it is read."""


class ColumnsInMemory:
    """The columns of documents: each a mapping of PATH, KIND, SIZE, MODIFIED (nanoseconds) and users' columns, whose
    types are `user_types`. The key of a document is its place.
    """

    def __init__(self, documents: Sequence[Mapping[str, Value]], user_types: Mapping[str, ColumnType]) -> None:
        connection = self._connection = sqlite3.connect(":memory:")
        connection.create_function("folded", 1, folded, deterministic=True)
        connection.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT)")
        connection.execute(
            "CREATE TABLE documents (key INTEGER PRIMARY KEY, path TEXT, mtime_ns INTEGER, size INTEGER, "
            "page_count INTEGER, sha256 TEXT DEFAULT '')"
        )
        columns.create_tables(connection)
        types: dict[str, ColumnType] = {**user_types, KIND: "text"}
        connection.executemany(
            "INSERT INTO documents (key, path, mtime_ns, size) VALUES (?, ?, ?, ?)",
            ((key, its[PATH], its[MODIFIED], its[SIZE]) for key, its in enumerate(documents)),
        )
        connection.executemany(
            "INSERT INTO document_values VALUES (?, ?, 'user', ?, ?, ?, 1)",
            (
                (key, name, item, each, compared(each, types[name]))
                for key, its in enumerate(documents)
                for name, value in its.items()
                if name not in CATALOG_COLUMNS
                for item, each in enumerate(value if isinstance(value, tuple) else (value,))
            ),
        )
        columns.write_user_columns(connection, user_types)
        self._names = DocumentNames({key: str(its[PATH]) for key, its in enumerate(documents)})
        self._count = len(documents)
        self._user_types = user_types

    def close(self) -> None:
        """Forget the documents."""
        self._connection.close()

    @property
    def column_tables(self) -> list[tuple[int, ColumnsTable]]:
        """As `Snapshot.column_tables`, without docsearch's columns that only a read document has."""
        return [(0, _KnownColumns(self._connection, self._user_types))]

    def keys(self, where: str) -> I64:
        """The keys (n,) of the documents for which `where` holds, rising. Raises UsageError as `evaluation.select`."""
        from .evaluation import select  # imports the parser

        return select(where, self, np.ones(self._count, np.bool_), self._names.matching, SortedColumns(self))


class _KnownColumns(ColumnsTable):
    """The columns that a document has before it is read, and the users'."""

    def __init__(self, connection: sqlite3.Connection, user_types: Mapping[str, ColumnType]) -> None:
        super().__init__(lambda statement, *values: connection.execute(statement, values).fetchall())
        self._user_types = user_types

    def types(self) -> dict[str, ColumnType]:
        """The type of every column that is known."""
        own = {name: columns.OWN_COLUMNS[name] for name in KNOWN_COLUMNS}
        return {**own, **self._user_types}
