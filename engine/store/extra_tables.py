"""Tables that indexes got after the first version of their format: older indexes get them when they are changed.

Versions of docsearch that do not know such a table do not read it. Its triggers, which SQLite runs for those versions
too, delete the rows of what is removed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

IN_ONE_QUERY = 500
"""Pages that one statement asks for: SQLite limits the number of its values."""

Query = Callable[..., list[Any]]
"""Runs an SQL statement with its values, which are further arguments, and returns the rows."""


def query_of(connection: sqlite3.Connection) -> Query:
    """A `Query` that asks a connection."""
    return lambda statement, *values: connection.execute(statement, values).fetchall()


def exists(execute: Callable[[str], Iterable[Any]], table: str) -> bool:
    """Whether the index has a table; `execute` is a `Query` or the `execute` of a connection."""
    ((count,),) = execute(f"SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '{table}'")
    return bool(count)


def create(connection: sqlite3.Connection, table: str, schema: Iterable[str]) -> None:
    """Create a table that an index lacks, with what belongs to it, in one transaction. No effect if it is there."""
    if exists(connection.execute, table):
        return
    connection.execute("BEGIN IMMEDIATE")
    for statement in schema:
        connection.execute(statement)
    connection.execute("COMMIT")


def rows_of_pages(query: Query, table: str, columns: str, pages: Sequence[int]) -> dict[int, tuple[Any, ...]]:
    """The `columns` of those of the pages with these keys that have a row in `table`, by key; {} if there is no table.

    The table's primary key is `page`.
    """
    found: dict[int, tuple[Any, ...]] = {}
    if pages and exists(query, table):
        for start in range(0, len(pages), IN_ONE_QUERY):
            asked = pages[start : start + IN_ONE_QUERY]
            marks = ", ".join("?" * len(asked))
            rows = query(f"SELECT page, {columns} FROM {table} WHERE page IN ({marks})", *asked)
            found |= {page: tuple(values) for page, *values in rows}
    return found
