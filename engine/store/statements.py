"""SQL statements on the catalog's documents, pages and segments; those that change it expect an open transaction."""

from __future__ import annotations

import hashlib
import sqlite3
import sys
from collections.abc import Sequence

from ..compression.codecs import CODECS
from ..errors import IndexDamaged, IndexFormatError
from ..ocr_text import OcrText
from ..records import Lines
from . import labels, page_headings, page_lines, page_ocr, row_checksums
from .catalog import RESTORE, DocumentRow, Failure
from .segment import SegmentRow, StoredFile

ID_DIGITS = 16
MAX_COUNT = 1 << 40
"""No segment has so many pages, vectors or dimensions."""
LAST_CHARACTER = chr(sys.maxunicode)
COLUMNS = "id, path, sha256, size, mtime_ns, page_count, state, error"


def find_document(
    connection: sqlite3.Connection, *, path: str = "", doc_id: str = ""
) -> tuple[int, DocumentRow] | None:
    """The key and row of a document, by its path or by its id."""
    column, value = ("path", path) if path else ("id", doc_id)
    row = connection.execute(f"SELECT key, {COLUMNS} FROM documents WHERE {column} = ?", (value,)).fetchone()
    return None if row is None else (row[0], DocumentRow(*row[1:]))


def find_documents_of_content(connection: sqlite3.Connection, sha256: str) -> list[DocumentRow]:
    """The complete documents with this content, in path order."""
    query = f"SELECT {COLUMNS} FROM documents WHERE sha256 = ? AND state = 'done' ORDER BY path"
    return [DocumentRow(*row) for row in connection.execute(query, (sha256,))]


def index_contents(connection: sqlite3.Connection) -> None:
    """Make `find_documents_of_content` fast; earlier versions know no such index, and SQLite keeps it for them."""
    connection.execute("CREATE INDEX IF NOT EXISTS documents_by_content ON documents (sha256)")


def find_paths(connection: sqlite3.Connection, prefix: str) -> list[str]:
    """The paths of documents that begin with `prefix`, in order; and all that are not plain ASCII, whatever they
    begin with, because these may be written in another way.
    """
    query = (
        "SELECT path FROM documents WHERE path >= ? AND path < ? UNION "
        "SELECT path FROM documents WHERE path GLOB '*[^ -~]*' ORDER BY path"
    )
    return [path for (path,) in connection.execute(query, (prefix, prefix + LAST_CHARACTER))]


def new_id(connection: sqlite3.Connection, path: str, taken: Sequence[str]) -> str:
    """An unused id, not among `taken`, for a new document: a hash of its path, so that equal runs give equal ids."""
    attempt = 0
    while True:
        salt = f"\0{attempt}" if attempt else ""
        doc_id = hashlib.sha256((path + salt).encode()).hexdigest()[:ID_DIGITS]
        if doc_id not in taken and find_document(connection, doc_id=doc_id) is None:
            return doc_id
        attempt += 1


def insert_document(connection: sqlite3.Connection, row: DocumentRow) -> int:
    """Add a document and return its key."""
    values = (row.id, row.path, row.sha256, row.size, row.mtime_ns, row.page_count, row.state, row.error)
    cursor = connection.execute(f"INSERT INTO documents ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
    assert cursor.lastrowid is not None
    row_checksums.write_document(connection, cursor.lastrowid, row)
    return cursor.lastrowid


def update_document(connection: sqlite3.Connection, key: int, row: DocumentRow) -> None:
    """Write a document's row in the place of the one with this key; its id stays."""
    connection.execute(
        "UPDATE documents SET path = ?, sha256 = ?, size = ?, mtime_ns = ?, page_count = ?, state = ?, error = ? "
        "WHERE key = ?",
        (row.path, row.sha256, row.size, row.mtime_ns, row.page_count, row.state, row.error, key),
    )
    row_checksums.write_document(connection, key, row)


def delete_pages(connection: sqlite3.Connection, document: int) -> int:
    """Delete the pages of a document, their text and its page failures; return how many pages there were."""
    connection.execute("DELETE FROM page_text WHERE rowid IN (SELECT key FROM pages WHERE document = ?)", (document,))
    delete_failures(connection, document)
    return connection.execute("DELETE FROM pages WHERE document = ?", (document,)).rowcount


def delete_failures(connection: sqlite3.Connection, document: int) -> None:
    """Forget which pages of a document failed."""
    connection.execute("DELETE FROM page_failures WHERE document = ?", (document,))


def delete_document(connection: sqlite3.Connection, document: int) -> int:
    """Delete a document with its pages; return how many pages it had."""
    pages = delete_pages(connection, document)
    connection.execute("DELETE FROM documents WHERE key = ?", (document,))
    return pages


def stored_pages(connection: sqlite3.Connection, document: int) -> set[int]:
    """The page numbers of a document that are in the index."""
    return {number for (number,) in connection.execute("SELECT number FROM pages WHERE document = ?", (document,))}


def failed_pages(connection: sqlite3.Connection, document: int) -> set[int]:
    """The page numbers of a document that could not be indexed."""
    query = "SELECT number FROM page_failures WHERE document = ?"
    return {number for (number,) in connection.execute(query, (document,))}


def read_failures(connection: sqlite3.Connection, path: str | None) -> list[Failure]:
    """The documents and pages that could not be indexed, of one `path` or of all; by path and page."""
    of_path, values = ("TRUE", []) if path is None else ("path = ?", [path, path])
    query = (
        f"SELECT path, NULL AS number, error FROM documents WHERE state = 'failed' AND {of_path} UNION ALL "
        f"SELECT path, number, reason FROM page_failures JOIN documents ON document = key WHERE {of_path} "
        "ORDER BY path, number"
    )
    return [Failure(*row) for row in connection.execute(query, values)]


def insert_page(
    connection: sqlite3.Connection,
    document: int,
    number: int,
    *,
    location: tuple[int, int],
    size: tuple[float, float],
    vectors: int,
    text: str,
    label: str = "",
    lines: Lines | None = None,
    headings: str = "",
    ocr: OcrText | None = None,
) -> None:
    """Add one page at `location` (segment, slot), with `size` (width, height) in points, its text layer `text`, its
    `label` and its `headings`, if these are not "", the `lines` of a text file that it shows, and what `ocr` read, of
    which `text` is the text.
    """
    connection.execute("DELETE FROM page_failures WHERE document = ? AND number = ?", (document, number))
    stored = storable_text(text)
    cursor = connection.execute(
        "INSERT INTO pages (document, number, segment, slot, width, height, vectors) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (document, number, *location, *size, vectors),
    )
    assert cursor.lastrowid is not None
    connection.execute("INSERT INTO page_text (rowid, text) VALUES (?, ?)", (cursor.lastrowid, stored))
    if label:
        labels.write(connection, cursor.lastrowid, storable_text(label))
    if lines is not None:
        page_lines.write(connection, cursor.lastrowid, lines)
    if headings:
        page_headings.write(connection, cursor.lastrowid, storable_text(headings))
    if ocr is not None:
        page_ocr.write(connection, cursor.lastrowid, ocr)
    row_checksums.write_page(connection, cursor.lastrowid, document, number, size=size, vectors=vectors, text=stored)


def read_texts(connection: sqlite3.Connection, doc_id: str, limit: int) -> list[str]:
    """The text layers of the first `limit` pages of a document that have one, in page order."""
    query = (
        "SELECT text FROM documents JOIN pages ON pages.document = documents.key JOIN page_text ON page_text.rowid = "
        "pages.key WHERE documents.id = ? AND text <> '' ORDER BY number LIMIT ?"
    )
    return [text for (text,) in connection.execute(query, (doc_id, limit))]


def insert_segment(connection: sqlite3.Connection, row: SegmentRow, files: Sequence[StoredFile]) -> None:
    """Make a written segment part of the index."""
    connection.execute(
        "INSERT INTO segments (id, codec, pages, vectors, dim, single_dim, has_words) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (row.id, row.codec, row.pages, row.vectors, row.dim, row.dense_dim, row.has_words),
    )
    connection.executemany(
        "INSERT INTO segment_files (segment, name, bytes, sha256) VALUES (?, ?, ?, ?)",
        [(row.id, file.name, file.bytes, file.sha256) for file in files],
    )


def delete_empty_segments(connection: sqlite3.Connection) -> int:
    """Delete segments without live pages; return how many there were. `garbage` deletes their files later."""
    query = "SELECT id FROM segments WHERE NOT EXISTS (SELECT 1 FROM pages WHERE pages.segment = segments.id)"
    empty = connection.execute(query).fetchall()
    connection.executemany("DELETE FROM segment_files WHERE segment = ?", empty)
    connection.executemany("DELETE FROM segments WHERE id = ?", empty)
    return len(empty)


def read_segments(connection: sqlite3.Connection) -> dict[int, SegmentRow]:
    """Every segment by its number, in rising order.

    Raises IndexDamaged for rows that cannot be, and what `check_codecs` raises.
    """
    check_codecs(connection)
    query = "SELECT id, codec, pages, vectors, dim, single_dim, has_words FROM segments ORDER BY id"
    found = {}
    for row in connection.execute(query):
        if any(not isinstance(value, int) or not 0 <= value < MAX_COUNT for value in (row[0], *row[2:])):
            raise IndexDamaged(f"the catalog's row of segment {row[0]} is damaged; {RESTORE}")
        found[row[0]] = SegmentRow(*row)
    return found


def check_codecs(connection: sqlite3.Connection) -> None:
    """Raise IndexFormatError if a segment has a codec of a newer version."""
    if unknown := {str(codec) for (codec,) in connection.execute("SELECT DISTINCT codec FROM segments")} - set(CODECS):
        raise IndexFormatError(
            f"the index stores vectors as {', '.join(sorted(unknown))}; this version reads {', '.join(CODECS)}: use a "
            "newer docsearch"
        )


def read_files(connection: sqlite3.Connection, segment: int) -> list[StoredFile]:
    """The files of one segment, by name."""
    query = "SELECT name, bytes, sha256 FROM segment_files WHERE segment = ? ORDER BY name"
    return [StoredFile(*row) for row in connection.execute(query, (segment,))]


def read_digests(connection: sqlite3.Connection) -> dict[int, str]:
    """By segment, a digest of the committed checksums of its files."""
    found: dict[int, list[str]] = {}
    for segment, checksum in connection.execute("SELECT segment, sha256 FROM segment_files ORDER BY segment, name"):
        found.setdefault(segment, []).append(checksum)
    return {segment: hashlib.sha256("".join(each).encode()).hexdigest()[:ID_DIGITS] for segment, each in found.items()}


def read_dims(connection: sqlite3.Connection) -> tuple[int, int, bool] | None:
    """The dimensions of patch vectors and of dense vectors, and whether there are visual words: equal in all segments.

    None without segments.
    """
    row = connection.execute("SELECT dim, single_dim, has_words FROM segments LIMIT 1").fetchone()
    return None if row is None else (row[0], row[1], bool(row[2]))


def storable_text(text: str) -> str:
    """Text that SQLite can store: without lone surrogates and NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
