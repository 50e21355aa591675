"""The file that each document was read from, so that a missing file is told from one in another folder.

The paths lie in a table of their own, which earlier versions of docsearch neither know nor read; a trigger, which
SQLite runs for those versions too, deletes the row of a document that is removed. Documents without a row were indexed
by an earlier version, by a run that was interrupted, or were uploaded to the server.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from . import extra_tables

TABLE = "document_files"
SCHEMA = (
    """CREATE TABLE IF NOT EXISTS document_files (
        document INTEGER PRIMARY KEY REFERENCES documents, file BLOB NOT NULL)""",
    """CREATE TRIGGER IF NOT EXISTS document_file_deleted AFTER DELETE ON documents
        BEGIN DELETE FROM document_files WHERE document = OLD.key; END""",
)


def create_table(connection: sqlite3.Connection) -> None:
    """Add the table and its trigger to an index that has none."""
    extra_tables.create(connection, TABLE, SCHEMA)


def read(connection: sqlite3.Connection) -> dict[str, bytes]:
    """The absolute path of each document's file, as the system encodes it (`os.fsencode`), by the document's path."""
    if not exists(connection):
        return {}
    return dict(connection.execute("SELECT path, file FROM document_files JOIN documents ON document = key"))


def write(connection: sqlite3.Connection, files: Mapping[str, bytes]) -> None:
    """Record the files of documents by their paths; paths that are not in the index are left out."""
    connection.executemany(
        "INSERT OR REPLACE INTO document_files (document, file) SELECT key, ? FROM documents WHERE path = ?",
        [(file, path) for path, file in files.items()],
    )


def exists(connection: sqlite3.Connection) -> bool:
    """Whether the index has the table: those of earlier versions get it when they are next written to."""
    return extra_tables.exists(connection.execute, TABLE)
