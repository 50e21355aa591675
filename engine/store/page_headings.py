"""The headings of pages, whose words say more about a page than others.

Pages that a version of docsearch without this table added have none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from . import extra_tables
from .extra_tables import Query

TABLE = "page_headings"
SCHEMA = (
    """CREATE TABLE IF NOT EXISTS page_headings (
        page INTEGER PRIMARY KEY REFERENCES pages, text TEXT NOT NULL)""",
    """CREATE TRIGGER IF NOT EXISTS headings_page_deleted AFTER DELETE ON pages
        BEGIN DELETE FROM page_headings WHERE page = OLD.key; END""",
)


def create_table(connection: sqlite3.Connection) -> None:
    """Add the table and its trigger to an index that has none."""
    extra_tables.create(connection, TABLE, SCHEMA)


def write(connection: sqlite3.Connection, page: int, headings: str) -> None:
    """Record the headings of the page with this key, a line each."""
    connection.execute("INSERT OR REPLACE INTO page_headings (page, text) VALUES (?, ?)", (page, headings))


def read(query: Query, pages: Sequence[int]) -> list[str]:
    """The headings of the pages with these keys, in their order, "" where none are recorded."""
    found = extra_tables.rows_of_pages(query, TABLE, "text", pages)
    return [found[page][0] if page in found else "" for page in pages]
