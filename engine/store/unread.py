"""Content of indexed documents that was not read: attached files, comments, dynamic forms, frames of animations, print
that is too small or too much, files that are read in part.

Triggers delete the rows of a document that is removed or whose content changes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import extra_tables
from .extra_tables import Query

ATTACHMENT, COMMENT, DYNAMIC_FORM, SMALL_PRINT = "attachment", "comment", "dynamic form", "small print"
FRAMES, CROWDED, PARTIAL = "frames", "crowded", "partial"
KINDS = (ATTACHMENT, COMMENT, DYNAMIC_FORM, SMALL_PRINT, FRAMES, CROWDED, PARTIAL)
WHOLE_DOCUMENT = 0
"""The page number in the table of what belongs to no page."""

TABLE = "unread_content"
SCHEMA = (
    """CREATE TABLE IF NOT EXISTS unread_content (
        document INTEGER NOT NULL REFERENCES documents, number INTEGER NOT NULL, kind TEXT NOT NULL,
        items INTEGER NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (document, number, kind)) WITHOUT ROWID""",
    """CREATE TRIGGER IF NOT EXISTS unread_document_deleted AFTER DELETE ON documents
        BEGIN DELETE FROM unread_content WHERE document = OLD.key; END""",
    """CREATE TRIGGER IF NOT EXISTS unread_document_changed AFTER UPDATE OF sha256 ON documents
        WHEN OLD.sha256 <> NEW.sha256
        BEGIN DELETE FROM unread_content WHERE document = OLD.key; END""",
)


@dataclass(frozen=True, slots=True)
class UnreadContent:
    """Content of a page of the document at `path`, or of the document as a whole (`page` None), that was not read.

    `kind` is one of KINDS; `items` counts files, comments, forms or characters, 0 where they cannot be counted;
    `detail` is the names of attached files, or how a page was drawn.
    """

    path: str
    page: int | None
    kind: str
    items: int
    detail: str = ""

    @property
    def reason(self) -> str:
        """A sentence about it, without the path and the page."""
        return reason(self.kind, self.items, self.detail)


def reason(kind: str, items: int, detail: str = "") -> str:
    """A sentence about content of a `kind`.

    >>> reason(ATTACHMENT, 1, "costs.xlsx")
    '1 attached file was not read: costs.xlsx'
    >>> reason(SMALL_PRINT, 0, "drawn at 51 dpi, print below 11 pt")
    'print is too small to read: drawn at 51 dpi, print below 11 pt'
    """
    were = "was" if items == 1 else "were"
    plural = "" if items == 1 else "s"
    text = {
        ATTACHMENT: f"{items:,} attached file{plural} {were} not read" if items else "attached files were not read",
        COMMENT: f"{items:,} comment{plural} {were} not read, because the page does not show the text",
        DYNAMIC_FORM: "the pages of a dynamic form (XFA) were not read, because only some viewers can draw them",
        FRAMES: f"{items:,} frame{plural} of an animation after the first one {were} not read",
        CROWDED: f"the page was read in part: {items:,} word{plural} {were} left out, those hardest to read",
        PARTIAL: f"read in part, without {items:,} item{plural}" if items else "read in part",
        SMALL_PRINT: f"{items:,} character{plural} {'is' if items == 1 else 'are'} too small to read"
        if items
        else "print is too small to read",
    }.get(kind, f"{items:,} of kind {kind!r} {were} not read")
    return f"{text}: {detail}" if detail else text


def create_table(connection: sqlite3.Connection) -> None:
    """Add the table and its triggers to an index that has none."""
    extra_tables.create(connection, TABLE, SCHEMA)


def write(connection: sqlite3.Connection, document: int, content: UnreadContent) -> None:
    """Record content of the document with this key, in the place of what was recorded for its page and kind."""
    number = WHOLE_DOCUMENT if content.page is None else content.page
    connection.execute(
        "INSERT OR REPLACE INTO unread_content (document, number, kind, items, detail) VALUES (?, ?, ?, ?, ?)",
        (document, number, content.kind, content.items, content.detail),
    )


def delete(connection: sqlite3.Connection, document: int) -> None:
    """Forget what was recorded of the document with this key."""
    if extra_tables.exists(connection.execute, TABLE):
        connection.execute("DELETE FROM unread_content WHERE document = ?", (document,))


def count_places(connection: sqlite3.Connection) -> dict[str, int]:
    """As `UnreadTable.places`."""
    return UnreadTable(extra_tables.query_of(connection)).places()


class UnreadTable:
    """Reads the table; an index of an earlier version has none, and nothing in it."""

    def __init__(self, query: Query) -> None:
        self._query = query

    def all(self) -> list[UnreadContent]:
        """All unread content, by path and page; that of a document comes before that of its pages."""
        found = self._rows(
            "SELECT path, NULLIF(number, 0), kind, items, detail FROM unread_content JOIN documents ON document = key "
            "ORDER BY path, number, kind"
        )
        return [UnreadContent(*row) for row in found]

    def places(self) -> dict[str, int]:
        """How many pages, and documents as a whole, have unread content, by kind."""
        return dict(self._rows("SELECT kind, count(*) FROM unread_content GROUP BY kind ORDER BY kind"))

    def places_of(self, documents: Sequence[str]) -> dict[str, dict[str, int]]:
        """As `places`, of each of some documents by their ids; those without any are left out."""
        marks = ", ".join("?" * len(documents))
        found: dict[str, dict[str, int]] = {}
        for doc_id, kind, count in self._rows(
            "SELECT id, kind, count(*) FROM unread_content JOIN documents ON document = key "
            f"WHERE id IN ({marks}) GROUP BY id, kind ORDER BY id, kind",
            *documents,
        ):
            found.setdefault(doc_id, {})[kind] = count
        return found

    def _rows(self, statement: str, *values: str) -> list[Any]:
        return self._query(statement, *values) if extra_tables.exists(self._query, TABLE) else []
