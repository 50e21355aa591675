"""Labels of pages: their numbers as their documents have them, such as "iv" or "A-3", where these are others."""

from __future__ import annotations

import sqlite3

from . import extra_tables
from .extra_tables import Query

LABEL_MAX_CHARS = 40
"""Longer labels are cut; no page meant for people has one."""

TABLE = "page_labels"
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS page_labels (page INTEGER PRIMARY KEY REFERENCES pages, label TEXT NOT NULL)",
    """CREATE TRIGGER IF NOT EXISTS label_page_deleted AFTER DELETE ON pages
        BEGIN DELETE FROM page_labels WHERE page = OLD.key; END""",
)


def create_table(connection: sqlite3.Connection) -> None:
    """Add the table and its trigger to an index that has none."""
    extra_tables.create(connection, TABLE, SCHEMA)


def write(connection: sqlite3.Connection, page: int, label: str) -> None:
    """Record the label of the page with this key."""
    connection.execute("INSERT OR REPLACE INTO page_labels (page, label) VALUES (?, ?)", (page, label))


def read(query: Query, page: int) -> str:
    """The label of the page with this key, or ""."""
    (label,) = extra_tables.rows_of_pages(query, TABLE, "label", [page]).get(page, ("",))
    return str(label)
