"""The headings of pages, whose words say more about a page than others.

They lie in a table of its own, which earlier versions of docsearch neither know nor read; pages that these added have
none. A trigger, which SQLite runs for those versions too, deletes the headings of a page that is removed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from . import extra_tables

IN_ONE_QUERY = 500
"""Pages that one statement asks for: SQLite limits the number of its values."""

Query = Callable[..., list[Any]]
EXISTS = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'page_headings'"
SCHEMA = (
    """CREATE TABLE IF NOT EXISTS page_headings (
        page INTEGER PRIMARY KEY REFERENCES pages, text TEXT NOT NULL)""",
    """CREATE TRIGGER IF NOT EXISTS headings_page_deleted AFTER DELETE ON pages
        BEGIN DELETE FROM page_headings WHERE page = OLD.key; END""",
)


def create_table(connection: sqlite3.Connection) -> None:
    """Add the table and its trigger to an index that has none."""
    if not connection.execute(EXISTS).fetchone()[0]:
        extra_tables.create(connection, SCHEMA)


def write(connection: sqlite3.Connection, page: int, headings: str) -> None:
    """Record the headings of the page with this key, a line each."""
    connection.execute("INSERT OR REPLACE INTO page_headings (page, text) VALUES (?, ?)", (page, headings))


def read(query: Query, pages: Sequence[int]) -> list[str]:
    """The headings of the pages with these keys, in their order, "" where none are recorded; `query` runs a statement
    with its values, and returns the rows.
    """
    if not pages or not query(EXISTS)[0][0]:
        return [""] * len(pages)
    found: dict[int, str] = {}
    for start in range(0, len(pages), IN_ONE_QUERY):
        asked = pages[start : start + IN_ONE_QUERY]
        places = ", ".join("?" * len(asked))
        found |= dict(query(f"SELECT page, text FROM page_headings WHERE page IN ({places})", *asked))
    return [found.get(page, "") for page in pages]
