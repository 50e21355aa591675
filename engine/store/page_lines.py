"""The lines of a text file that each of its pages shows, for files whose pages a program lays out.

They lie in a table of its own, which earlier versions of docsearch neither know nor read. A trigger, which SQLite runs
for those versions too, deletes the lines of a page that is removed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from ..records import Lines
from . import extra_tables

IN_ONE_QUERY = 500
"""Pages that one statement asks for: SQLite limits the number of its values."""

Query = Callable[..., list[Any]]
EXISTS = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'page_lines'"
SCHEMA = (
    """CREATE TABLE IF NOT EXISTS page_lines (
        page INTEGER PRIMARY KEY REFERENCES pages, first INTEGER NOT NULL, last INTEGER NOT NULL)""",
    """CREATE TRIGGER IF NOT EXISTS lines_page_deleted AFTER DELETE ON pages
        BEGIN DELETE FROM page_lines WHERE page = OLD.key; END""",
)


def create_table(connection: sqlite3.Connection) -> None:
    """Add the table and its trigger to an index that has none."""
    if not connection.execute(EXISTS).fetchone()[0]:
        extra_tables.create(connection, SCHEMA)


def write(connection: sqlite3.Connection, page: int, lines: Lines) -> None:
    """Record the first and the last line of the page with this key, counting from 1."""
    connection.execute("INSERT OR REPLACE INTO page_lines (page, first, last) VALUES (?, ?, ?)", (page, *lines))


def read(query: Query, pages: Sequence[int]) -> list[Lines | None]:
    """The lines of the pages with these keys, in their order, None where none are recorded; `query` runs a statement
    with its values, and returns the rows.
    """
    if not pages or not query(EXISTS)[0][0]:
        return [None] * len(pages)
    found: dict[int, Lines] = {}
    for start in range(0, len(pages), IN_ONE_QUERY):
        asked = pages[start : start + IN_ONE_QUERY]
        places = ", ".join("?" * len(asked))
        rows = query(f"SELECT page, first, last FROM page_lines WHERE page IN ({places})", *asked)
        found |= {page: (first, last) for page, first, last in rows}
    return [found.get(page) for page in pages]
