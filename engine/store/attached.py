"""Documents that lie in other documents: files attached to an e-mail, embedded in a PDF, or packed in an archive.

Such a document has the path of the one that it lies in, and its own name after it: `mail.eml/report.pdf`. It has no
file of its own (`document_files`). A table says which documents have been opened for what lies in them, and for which
extensions; a trigger forgets that where the content changes, also if an earlier version of docsearch changes it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Sequence

from . import extra_tables, unread
from .document_files import exists as has_files
from .unread import ATTACHMENT, UnreadContent

TABLE = "attachments_opened"
SCHEMA = (
    """CREATE TABLE IF NOT EXISTS attachments_opened (
        document INTEGER PRIMARY KEY REFERENCES documents, suffixes TEXT NOT NULL)""",
    """CREATE TRIGGER IF NOT EXISTS opened_document_deleted AFTER DELETE ON documents
        BEGIN DELETE FROM attachments_opened WHERE document = OLD.key; END""",
    """CREATE TRIGGER IF NOT EXISTS opened_document_changed AFTER UPDATE OF sha256 ON documents
        WHEN OLD.sha256 <> NEW.sha256
        BEGIN DELETE FROM attachments_opened WHERE document = OLD.key; END""",
)
AFTER_SLASH = "0"
"""The character after "/": paths below a document sort before its path and this."""


def create_table(connection: sqlite3.Connection) -> None:
    """Add the table and its triggers to an index that has none."""
    extra_tables.create(connection, TABLE, SCHEMA)


def container_of(path: str, documents: Container[str]) -> str | None:
    """The path of the document that the one at `path` lies in, the innermost; None if it lies in none of `documents`.

    >>> container_of("in/mail.eml/a.zip/b.pdf", {"in/mail.eml"})
    'in/mail.eml'
    """
    above = path.rpartition("/")[0]
    while above and above not in documents:
        above = above.rpartition("/")[0]
    return above or None


def below(connection: sqlite3.Connection, path: str) -> list[str]:
    """The paths of the documents that lie in the one at `path`, at any depth, in order."""
    found = connection.execute(
        "SELECT path FROM documents WHERE path > ? AND path < ? "
        + ("AND key NOT IN (SELECT document FROM document_files) " if has_files(connection) else "")
        + "ORDER BY path",
        (f"{path}/", f"{path}{AFTER_SLASH}"),
    )
    return [each for (each,) in found]


def opened(connection: sqlite3.Connection) -> dict[str, frozenset[str]]:
    """For which extensions each document was opened for what lies in it, by its path; none if it has to be again."""
    rows = connection.execute("SELECT path, suffixes FROM attachments_opened JOIN documents ON document = key")
    return {path: frozenset(suffixes.split()) for path, suffixes in rows}


def open_again(connection: sqlite3.Connection, path: str) -> None:
    """Have the next run open the documents that the one at `path` lies in, as if nothing of them had been read."""
    folders = path.split("/")[:-1]
    above = ["/".join(folders[: i + 1]) for i in range(len(folders))]
    connection.executemany(
        "UPDATE attachments_opened SET suffixes = '' WHERE document IN (SELECT key FROM documents WHERE path = ?)",
        [(each,) for each in above],
    )


def with_unread(connection: sqlite3.Connection) -> set[str]:
    """The paths of documents in which, or on whose pages, files lie that were not read."""
    rows = connection.execute(
        "SELECT DISTINCT path FROM unread_content JOIN documents ON document = key WHERE kind = ?", (ATTACHMENT,)
    )
    return {path for (path,) in rows}


def record_opened(
    connection: sqlite3.Connection, document: int, suffixes: Sequence[str], left: UnreadContent | None
) -> None:
    """Record that the document with this key was opened for what lies in it, and what of that was not read."""
    connection.execute("DELETE FROM unread_content WHERE document = ? AND kind = ?", (document, ATTACHMENT))
    if left is not None:
        unread.write(connection, document, left)
    connection.execute(
        "INSERT OR REPLACE INTO attachments_opened (document, suffixes) VALUES (?, ?)",
        (document, " ".join(sorted(suffixes))),
    )
