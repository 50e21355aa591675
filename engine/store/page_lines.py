"""The lines of a text file that each of its pages shows, for files whose pages a program lays out."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ..records import Lines
from . import extra_tables
from .extra_tables import Query

TABLE = "page_lines"
SCHEMA = (
    """CREATE TABLE IF NOT EXISTS page_lines (
        page INTEGER PRIMARY KEY REFERENCES pages, first INTEGER NOT NULL, last INTEGER NOT NULL)""",
    """CREATE TRIGGER IF NOT EXISTS lines_page_deleted AFTER DELETE ON pages
        BEGIN DELETE FROM page_lines WHERE page = OLD.key; END""",
)


def create_table(connection: sqlite3.Connection) -> None:
    """Add the table and its trigger to an index that has none."""
    extra_tables.create(connection, TABLE, SCHEMA)


def write(connection: sqlite3.Connection, page: int, lines: Lines) -> None:
    """Record the first and the last line of the page with this key, counting from 1."""
    connection.execute("INSERT OR REPLACE INTO page_lines (page, first, last) VALUES (?, ?, ?)", (page, *lines))


def read(query: Query, pages: Sequence[int]) -> list[Lines | None]:
    """The lines of the pages with these keys, in their order, None where none are recorded."""
    found = extra_tables.rows_of_pages(query, TABLE, "first, last", pages)
    return [(found[page][0], found[page][1]) if page in found else None for page in pages]
