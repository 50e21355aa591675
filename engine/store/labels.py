"""Labels of pages: their numbers as their documents have them, such as "iv" or "A-3", where these are others.

They lie in a table of its own, which earlier versions of docsearch neither know nor read. A trigger, which SQLite runs
for those versions too, deletes the label of a page that is removed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from . import extra_tables

LABEL_MAX_CHARS = 40
"""Longer labels are cut; no page meant for people has one."""

Query = Callable[..., list[Any]]
EXISTS = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'page_labels'"
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS page_labels (page INTEGER PRIMARY KEY REFERENCES pages, label TEXT NOT NULL)",
    """CREATE TRIGGER IF NOT EXISTS label_page_deleted AFTER DELETE ON pages
        BEGIN DELETE FROM page_labels WHERE page = OLD.key; END""",
)


def create_table(connection: sqlite3.Connection) -> None:
    """Add the table and its trigger to an index that has none."""
    if not connection.execute(EXISTS).fetchone()[0]:
        extra_tables.create(connection, SCHEMA)


def write(connection: sqlite3.Connection, page: int, label: str) -> None:
    """Record the label of the page with this key."""
    connection.execute("INSERT OR REPLACE INTO page_labels (page, label) VALUES (?, ?)", (page, label))


def read(query: Query, page: int) -> str:
    """The label of the page with this key, or ""; `query` runs a statement with its values, and returns the rows."""
    found = query("SELECT label FROM page_labels WHERE page = ?", page) if query(EXISTS)[0][0] else []
    return str(found[0][0]) if found else ""
