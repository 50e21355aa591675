"""Checksums of the catalog's rows: of each page with its text layer, and of each document.

They lie in tables of their own, which earlier versions of docsearch neither know nor read. Triggers, which SQLite runs
for those versions too, delete the checksum of a row that they change: a row has the right checksum or none. Rows that
an earlier version wrote get one when they are next changed, or by a compaction.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from . import extra_tables, layout
from .catalog import DocumentRow

NAMED = 20
"""Damaged rows that are listed one by one; of more, only the number is told."""
SUM_BYTES = 8

TABLES = "page_checksums", "document_checksums"
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS page_checksums (page INTEGER PRIMARY KEY, checksum INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS document_checksums (document INTEGER PRIMARY KEY, checksum INTEGER NOT NULL)",
    """CREATE TRIGGER IF NOT EXISTS page_deleted AFTER DELETE ON pages
        BEGIN DELETE FROM page_checksums WHERE page = OLD.key; END""",
    """CREATE TRIGGER IF NOT EXISTS document_deleted AFTER DELETE ON documents
        BEGIN DELETE FROM document_checksums WHERE document = OLD.key; END""",
    """CREATE TRIGGER IF NOT EXISTS document_changed AFTER UPDATE ON documents
        BEGIN DELETE FROM document_checksums WHERE document = OLD.key; END""",
)
PAGES = (
    "SELECT key, document, number, width, height, vectors, CAST(text AS BLOB), checksum FROM pages "
    "JOIN page_text ON page_text.rowid = key LEFT JOIN page_checksums ON page = key"
)
DOCUMENTS = (
    "SELECT key, id, path, sha256, size, mtime_ns, page_count, state, error, checksum FROM documents "
    "LEFT JOIN document_checksums ON document = key"
)
LOST = {
    "pages that were committed": "SELECT count(*) FROM page_checksums WHERE page NOT IN (SELECT key FROM pages)",
    "documents that were committed": "SELECT count(*) FROM document_checksums "
    "WHERE document NOT IN (SELECT key FROM documents)",
}
"""Queries that count checksums without a row, by what is missing."""


def create_tables(connection: sqlite3.Connection) -> None:
    """Add the tables and triggers to an index that has none."""
    for table in TABLES:
        extra_tables.create(connection, table, SCHEMA)


def write_page(
    connection: sqlite3.Connection,
    key: int,
    document: int,
    number: int,
    *,
    size: tuple[float, float],
    vectors: int,
    text: str,
) -> None:
    """Record the checksum of a new page: of its keys, its number, `size` (width, height) in points, its number of
    `vectors` and its text layer.
    """
    _write_page(connection, key, _checksum((key, document, number, *size, vectors), text.encode()))


def write_document(connection: sqlite3.Connection, key: int, row: DocumentRow) -> None:
    """Record the checksum of a new or changed document."""
    values = (key, row.id, row.path, row.sha256, row.size, row.mtime_ns, row.page_count, row.state, row.error)
    _write_document(connection, key, _checksum(values))


def add_missing(connection: sqlite3.Connection) -> None:
    """Add the checksums of rows that an earlier version wrote, in the open transaction."""
    for key, checksum, _ in list(_pages(connection, "WHERE checksum IS NULL")):
        _write_page(connection, key, checksum)
    for key, checksum, _ in list(_documents(connection, "WHERE checksum IS NULL")):
        _write_document(connection, key, checksum)


def problems(directory: Path, connection: sqlite3.Connection) -> list[str]:
    """What is wrong with the rows that have a checksum, a sentence each."""
    if not _exist(connection):
        return []
    catalog = layout.catalog_file(directory)
    pages = [key for key, found, wanted in _pages(connection) if wanted is not None and found != wanted]
    documents = [key for key, found, wanted in _documents(connection) if wanted is not None and found != wanted]
    lines = [f"{catalog}: {_name(connection, key)} or its text is not what was committed" for key in pages[:NAMED]]
    lines += [f"{catalog}: the row of document {key} is not what was committed" for key in documents[:NAMED]]
    if (unnamed := len(pages[NAMED:]) + len(documents[NAMED:])) > 0:
        lines.append(f"{catalog}: {unnamed} more pages and documents are not what was committed")
    for what, query in LOST.items():
        if number := connection.execute(query).fetchone()[0]:
            lines.append(f"{catalog}: {number} {what} are missing")
    return lines


def _exist(connection: sqlite3.Connection) -> bool:
    return all(extra_tables.exists(connection.execute, table) for table in TABLES)


def _write_page(connection: sqlite3.Connection, key: int, checksum: int) -> None:
    connection.execute("INSERT OR REPLACE INTO page_checksums (page, checksum) VALUES (?, ?)", (key, checksum))


def _write_document(connection: sqlite3.Connection, key: int, checksum: int) -> None:
    connection.execute("INSERT OR REPLACE INTO document_checksums (document, checksum) VALUES (?, ?)", (key, checksum))


def _pages(connection: sqlite3.Connection, where: str = "") -> Iterator[tuple[int, int, int | None]]:
    """Each page's key, its checksum as computed now, and the recorded one."""
    for key, document, number, width, height, vectors, text, recorded in connection.execute(f"{PAGES} {where}"):
        yield key, _checksum((key, document, number, width, height, vectors), text or b""), recorded


def _documents(connection: sqlite3.Connection, where: str = "") -> Iterator[tuple[int, int, int | None]]:
    """As `_pages`, of documents."""
    for *values, recorded in connection.execute(f"{DOCUMENTS} {where}"):
        yield values[0], _checksum(tuple(values)), recorded


def _name(connection: sqlite3.Connection, key: int) -> str:
    query = "SELECT number, path FROM pages LEFT JOIN documents ON documents.key = document WHERE pages.key = ?"
    number, path = connection.execute(query, (key,)).fetchone()
    return f"page {number} of {path}"


def _checksum(values: tuple[object, ...], text: bytes = b"") -> int:
    """The first SUM_BYTES of a SHA-256 of both."""
    digest = hashlib.sha256(repr(values).encode("utf-8", "surrogatepass") + b"\0" + text).digest()
    return int.from_bytes(digest[:SUM_BYTES], "little", signed=True)
