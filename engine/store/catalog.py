"""The catalog: what an index holds, in one SQLite file. Here are its tables, its opening, and its settings.

A page's row number is not stored: pages are numbered 0..N-1 in the order of (segment, slot), so the rows of a segment
that lost no page lie next to each other both in the catalog and on disk.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..compression import pooling
from ..errors import EncoderMismatch, IndexFormatError, IndexNotFound
from . import layout

FORMAT = 1
APPLICATION = 0x646F6373  # "docs", in the SQLite header
BUSY_TIMEOUT_S = 30.0
GENERATION_DIGITS = 16
CODEBOOK = "codebook"
"""The setting that holds the SHA-256 of the codebook, in an index that has one."""

Fingerprint = Mapping[str, str | int | float]

SCHEMA = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE documents (
        key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, path TEXT NOT NULL UNIQUE, sha256 TEXT NOT NULL,
        size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, page_count INTEGER,
        state TEXT NOT NULL CHECK (state IN ('indexing', 'done', 'failed')), error TEXT)""",
    """CREATE TABLE pages (
        key INTEGER PRIMARY KEY, document INTEGER NOT NULL REFERENCES documents, number INTEGER NOT NULL,
        segment INTEGER NOT NULL REFERENCES segments, slot INTEGER NOT NULL,
        width REAL NOT NULL, height REAL NOT NULL, vectors INTEGER NOT NULL)""",
    "CREATE UNIQUE INDEX pages_by_document ON pages (document, number)",
    "CREATE UNIQUE INDEX pages_by_place ON pages (segment, slot)",
    """CREATE TABLE page_failures (
        document INTEGER NOT NULL REFERENCES documents, number INTEGER NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (document, number)) WITHOUT ROWID""",
    """CREATE TABLE segments (
        id INTEGER PRIMARY KEY, codec TEXT NOT NULL, pages INTEGER NOT NULL, vectors INTEGER NOT NULL,
        dim INTEGER NOT NULL, single_dim INTEGER NOT NULL, has_words INTEGER NOT NULL)""",
    """CREATE TABLE segment_files (
        segment INTEGER NOT NULL REFERENCES segments, name TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
        PRIMARY KEY (segment, name)) WITHOUT ROWID""",
    "CREATE VIRTUAL TABLE page_text USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2')",
)


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document of the catalog. `state` is "indexing" (begun, not finished), "done" or "failed" (with its `error`);
    `page_count` is None until it is known; `size` in bytes.
    """

    id: str
    path: str
    sha256: str
    size: int
    mtime_ns: int
    page_count: int | None
    state: str
    error: str | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A page that could not be indexed, or a whole document (`page` is None), and why."""

    path: str
    page: int | None
    reason: str


def exists(directory: Path) -> bool:
    return layout.catalog_file(directory).is_file()


def open_to_read(directory: Path) -> sqlite3.Connection:
    """Connect to an existing catalog and pin its present state. Raises IndexNotFound, IndexFormatError."""
    if not exists(directory):
        raise IndexNotFound(
            f"{directory}: there is no index here; make one with 'docsearch index PATH --index {directory}'"
        )
    connection = _connect(directory)
    try:
        connection.execute("PRAGMA query_only = 1")
        connection.execute("BEGIN")
        # The first read pins the snapshot, so the check and everything after it see one state.
        if not _is_catalog(connection, directory):
            raise IndexNotFound(
                f"{directory}: the index is empty; fill it with 'docsearch index PATH --index {directory}'"
            )
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_write(
    directory: Path,
    fingerprint: Fingerprint | None,
    codec: str | None,
    write_codebook: Callable[[], str] | None = None,
) -> sqlite3.Connection:
    """Connect to the catalog, and make it if `fingerprint` is given and there is none; `codec` and what writes a
    codebook and returns its checksum only count then.

    Raises IndexNotFound, IndexFormatError, EncoderMismatch. The caller holds the writer's lock.
    """
    if fingerprint is None and not exists(directory):
        raise IndexNotFound(
            f"{directory}: there is no index here; make one with 'docsearch index PATH --index {directory}'"
        )
    connection = _connect(directory)
    try:
        if not _is_catalog(connection, directory):
            if fingerprint is None or codec is None:
                raise IndexNotFound(f"{directory}: the index is empty; fill it with 'docsearch index'")
            _create(connection, fingerprint, codec, None if write_codebook is None else write_codebook())
        connection.execute("PRAGMA synchronous = FULL")
        if fingerprint is not None:
            check_encoder(directory, read_fingerprint(connection), fingerprint)
    except BaseException:
        connection.close()
        raise
    return connection


def check_encoder(directory: Path, recorded: Fingerprint, wanted: Fingerprint) -> None:
    """Raise EncoderMismatch, saying what differs and what to do, unless the two fingerprints are equal."""
    recorded, wanted = json.loads(json.dumps(dict(recorded))), json.loads(json.dumps(dict(wanted)))
    names = sorted(name for name in {*recorded, *wanted} if recorded.get(name) != wanted.get(name))
    if names == [pooling.SETTING]:
        raise EncoderMismatch(
            f"{directory}: the index was made with --pool {pooling.factor_of(recorded)}, not "
            f"{pooling.factor_of(wanted)}; leave --pool out, or choose another --index and fill it with "
            "'docsearch index'"
        )
    if names:
        differences = ", ".join(f"{name} {recorded.get(name)!r} there, {wanted.get(name)!r} here" for name in names)
        raise EncoderMismatch(
            f"{directory}: the index was made with another encoder ({differences}); pass the --model it was made with "
            f"({recorded.get('name', 'unknown')!r}), or choose another --index and fill it with 'docsearch index'"
        )


def read_fingerprint(connection: sqlite3.Connection) -> Fingerprint:
    fingerprint: Fingerprint = json.loads(read_meta(connection, "fingerprint"))
    return fingerprint


def read_meta(connection: sqlite3.Connection, name: str) -> str:
    """One setting: "fingerprint" (JSON), "codec" of new segments, "generation", "last_segment" (a number)."""
    value = find_meta(connection, name)
    if value is None:
        raise sqlite3.DatabaseError(f"the catalog lacks its setting {name!r}")
    return value


def find_meta(connection: sqlite3.Connection, name: str) -> str | None:
    """As `read_meta`, for a setting that not every index has: CODEBOOK."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def write_meta(connection: sqlite3.Connection, name: str, value: str) -> None:
    connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, value))


def read_documents(connection: sqlite3.Connection) -> dict[str, DocumentRow]:
    """Every document by its path, in path order."""
    query = "SELECT id, path, sha256, size, mtime_ns, page_count, state, error FROM documents ORDER BY path"
    return {row[1]: DocumentRow(*row) for row in connection.execute(query)}


def _connect(directory: Path) -> sqlite3.Connection:
    path = layout.catalog_file(directory)
    options = "mode=rwc"
    if path.exists() and not os.access(directory, os.W_OK) and not path.with_name(path.name + "-wal").exists():
        # WAL needs to create files beside the catalog; on a read-only medium nothing changes, so none are needed.
        options = "immutable=1"
    return sqlite3.connect(
        f"{path.resolve().as_uri()}?{options}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )


def _is_catalog(connection: sqlite3.Connection, directory: Path) -> bool:
    """Whether the tables are there; False for a file without any. Raises IndexFormatError for another format."""
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if tables == 0 and application == 0:
        return False
    if application != APPLICATION:
        raise IndexFormatError(f"{directory / layout.CATALOG}: not a docsearch catalog; choose another --index")
    if version != FORMAT:
        raise IndexFormatError(
            f"{directory}: the index has format {version}, this version reads format {FORMAT}; use the docsearch that "
            "made it, or build a new index with 'docsearch index' and another --index"
        )
    return True


def _create(connection: sqlite3.Connection, fingerprint: Fingerprint, codec: str, codebook: str | None) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    for statement in SCHEMA:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    write_meta(connection, "fingerprint", json.dumps(dict(fingerprint), sort_keys=True))
    write_meta(connection, "codec", codec)
    write_meta(connection, "generation", "0" * GENERATION_DIGITS)
    write_meta(connection, "last_segment", "0")
    if codebook is not None:
        write_meta(connection, CODEBOOK, codebook)
    connection.execute("COMMIT")
