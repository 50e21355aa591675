"""Columns of documents: what their files say of them (title, author, …) and what users say (any names).

The values lie in tables of their own, which earlier versions of docsearch neither know nor read. Triggers, which SQLite
runs for those versions too, delete the values of a document that is removed, and those from its file if its content
changes. Where a user and the file both give a column, the user's value counts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from . import catalog, extra_tables
from .column_values import ColumnType, Value, compared, iso_of_nanoseconds
from .extra_tables import Query
from .statements import storable_text

PATH, KIND, MODIFIED, SIZE, PAGES = "path", "kind", "modified", "size", "pages"
TITLE, AUTHOR, SUBJECT, KEYWORDS = "title", "author", "subject", "keywords"
LANGUAGE, HAS_TEXT, PRODUCER, OCR_ENGINE = "language", "has_text", "producer", "ocr_engine"
OWN_COLUMNS: Mapping[str, ColumnType] = {
    PATH: "text",
    KIND: "text",
    MODIFIED: "date",
    SIZE: "number",
    PAGES: "number",
    TITLE: "text",
    AUTHOR: "text",
    SUBJECT: "text",
    KEYWORDS: "list",
    LANGUAGE: "text",
    HAS_TEXT: "flag",
    PRODUCER: "text",
    OCR_ENGINE: "text",
}
"""The columns that docsearch fills itself, with their types."""
SPOKEN = (TITLE, AUTHOR, SUBJECT, KEYWORDS)
"""Columns of words that say what a document is; a user may give them other values."""
CATALOG_COLUMNS = {PATH: "path", MODIFIED: "mtime_ns", SIZE: "size", PAGES: "page_count"}
"""Columns that every version keeps in the table of documents, and their names there."""
REVISION = "columns_revision"
"""The setting that changes with every change of a value."""
Origin = Literal["file", "user"]

TABLE = "document_values"
SCHEMA = (  # conditions read the indexes alone: both have every column that a comparison needs
    """CREATE TABLE IF NOT EXISTS document_values (
        document INTEGER NOT NULL REFERENCES documents, name TEXT NOT NULL, origin TEXT NOT NULL, item INTEGER NOT NULL,
        value NOT NULL, compared NOT NULL, counts INTEGER NOT NULL,
        PRIMARY KEY (document, name, origin, item)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS document_values_by_value ON document_values (name, counts, compared, document)",
    "CREATE INDEX IF NOT EXISTS documents_by_size ON documents (size, mtime_ns, page_count)",
    "CREATE TABLE IF NOT EXISTS user_columns (name TEXT PRIMARY KEY, type TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TRIGGER IF NOT EXISTS values_document_deleted AFTER DELETE ON documents
        BEGIN DELETE FROM document_values WHERE document = OLD.key; END""",
    """CREATE TRIGGER IF NOT EXISTS values_document_changed AFTER UPDATE OF sha256 ON documents
        WHEN OLD.sha256 <> NEW.sha256
        BEGIN DELETE FROM document_values WHERE document = OLD.key AND origin = 'file'; END""",
)


def create_tables(connection: sqlite3.Connection) -> None:
    """Add the tables and their triggers to an index that has none."""
    extra_tables.create(connection, TABLE, SCHEMA)


def write(
    connection: sqlite3.Connection,
    document: int,
    values: Mapping[str, Value],
    types: Mapping[str, ColumnType],
    origin: Origin,
) -> None:
    """Record the values of the document with this key in the place of those of the same origin; empty ones are left
    out. `types` are those of the values' columns. Expects an open transaction.

    Raises ValueError for a date that is none.
    """
    connection.execute("DELETE FROM document_values WHERE document = ? AND origin = ?", (document, origin))
    rows = []
    for name, value in values.items():
        for item, each in enumerate(value if isinstance(value, tuple) else (value,)):
            stored = storable_text(each) if isinstance(each, str) else each
            if stored != "":
                rows.append((document, name, origin, item, stored, compared(stored, types[name])))
    connection.executemany("INSERT INTO document_values VALUES (?, ?, ?, ?, ?, ?, 1)", rows)
    connection.execute(
        "UPDATE document_values SET counts = NOT EXISTS (SELECT 1 FROM document_values AS users "
        "WHERE users.document = ?1 AND users.name = document_values.name AND users.origin = 'user') "
        "WHERE document = ?1 AND origin = 'file'",
        (document,),
    )
    _change_revision(connection)


def recorded_producers(connection: sqlite3.Connection, path: str | None = None) -> dict[str, str]:
    """The program that laid out each document that has no pages of its own, or the one with this path, by path."""
    if not extra_tables.exists(connection.execute, TABLE):
        return {}
    joined = "document_values JOIN documents ON document = key"
    query = f"SELECT path, value FROM {joined} WHERE name = ? AND origin = 'file'"
    if path is None:
        return dict(connection.execute(query, (PRODUCER,)))
    return dict(connection.execute(f"{query} AND path = ?", (PRODUCER, path)))


def changed_by(
    connection: sqlite3.Connection, found: Mapping[int, Mapping[str, Value]], types: Mapping[str, ColumnType]
) -> list[int]:
    """The keys of the documents whose users' values would not be those `found`, by key, of columns with these `types`.

    A value of a column whose type changes is another value.
    """
    table = ColumnsTable(extra_tables.query_of(connection))
    old_types = table.user_types()
    old = table.stored({**OWN_COLUMNS, **old_types}, origin="user")
    retyped = {name for name in types if name in old_types and old_types[name] != types[name]}
    return [
        key
        for key in sorted(old.keys() | found.keys())
        if old.get(key, {}) != found.get(key, {}) or not retyped.isdisjoint(found.get(key, {}))
    ]


def write_user_columns(connection: sqlite3.Connection, types: Mapping[str, ColumnType]) -> None:
    """Record the users' columns and their types in the place of those recorded."""
    recorded = dict(connection.execute("SELECT name, type FROM user_columns"))
    if recorded != types:
        connection.execute("DELETE FROM user_columns")
        connection.executemany("INSERT INTO user_columns VALUES (?, ?)", sorted(types.items()))
        _change_revision(connection)


def undescribed(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    """The keys and paths of complete documents whose files have not been asked for their values, in path order."""
    query = (
        "SELECT key, path FROM documents WHERE state = 'done' AND NOT EXISTS (SELECT 1 FROM document_values "
        f"WHERE document = key AND name = '{HAS_TEXT}' AND origin = 'file') ORDER BY path"
    )
    return connection.execute(query).fetchall()


def _change_revision(connection: sqlite3.Connection) -> None:
    number = int(catalog.find_meta(connection, REVISION) or "0") + 1
    catalog.write_meta(connection, REVISION, str(number))


class ColumnsTable:
    """Reads the columns of one snapshot's documents; an index of an earlier version has the catalog's columns only."""

    def __init__(self, query: Query) -> None:
        self.query = query

    @property
    def has_values(self) -> bool:
        """Whether any document's file was asked for its values, or a user gave some."""
        return extra_tables.exists(self.query, TABLE) and bool(self.query("SELECT 1 FROM document_values LIMIT 1"))

    @property
    def revision(self) -> str:
        """Changes with every commit that changes a value; "" in an index without any."""
        found = self.query("SELECT value FROM meta WHERE name = ?", REVISION)
        return str(found[0][0]) if found else ""

    def types(self) -> dict[str, ColumnType]:
        """The type of every column: docsearch's own, then the users', by name."""
        return {**OWN_COLUMNS, **self.user_types()}

    def user_types(self) -> dict[str, ColumnType]:
        """The type of every column that users gave, by name, in alphabetical order."""
        return dict(self._rows("SELECT name, type FROM user_columns ORDER BY name"))

    def of(self, doc_ids: Iterable[str]) -> dict[str, dict[str, Value]]:
        """The columns of some documents that have a value, by the documents' ids; dates are in ISO 8601, in UTC."""
        types, found = self.types(), {}
        for doc_id in doc_ids:
            row = self.query("SELECT key, path, mtime_ns, size, page_count FROM documents WHERE id = ?", doc_id)
            if row:
                key, path, mtime_ns, size, pages = row[0]
                own: dict[str, Value] = {PATH: path, MODIFIED: iso_of_nanoseconds(mtime_ns), SIZE: size, PAGES: pages}
                known = {name: value for name, value in own.items() if value not in (None, "")}
                stored = self.stored(types, document=key).get(key, {})
                found[doc_id] = {name: (known | stored)[name] for name in types if name in known or name in stored}
        return found

    def stored(
        self, types: Mapping[str, ColumnType], *, document: int | None = None, origin: Origin | None = None
    ) -> dict[int, dict[str, Value]]:
        """The values by the documents' keys: of all documents or one, of those that count or those of an `origin`."""
        where, asked = ["counts = 1" if origin is None else "origin = ?"], ([] if origin is None else [str(origin)])
        if document is not None:
            where, asked = [*where, "document = ?"], [*asked, str(document)]
        statement = f"SELECT document, name, value FROM document_values WHERE {' AND '.join(where)}"
        found: dict[int, dict[str, Value]] = {}
        for key, name, value in self._rows(f"{statement} ORDER BY document, name, item", *asked):
            its, kind = found.setdefault(key, {}), types.get(name, "text")
            if kind == "list":
                so_far = its.get(name, ())
                its[name] = (*(so_far if isinstance(so_far, tuple) else ()), value)
            else:
                its[name] = bool(value) if kind == "flag" else value
        return found

    def _rows(self, statement: str, *values: object) -> list[Any]:
        return self.query(statement, *values) if extra_tables.exists(self.query, TABLE) else []
