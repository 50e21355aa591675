"""The catalog: one SQLite file that says what an index contains. This module has its schema, opening and settings.

A page's row number is not stored: pages are numbered 0..N-1 in the order of (segment, slot), so the rows of a segment
without deleted pages are adjacent both in the catalog and on disk.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .. import probes
from ..compression import pooling
from ..compression.codecs import CODECS
from ..errors import EncoderMismatch, IndexDamaged, IndexFormatError, IndexNotFound, UsageError
from . import layout, private_copy

FORMAT = 1
APPLICATION_ID = 0x646F6373  # "docs", in the SQLite header
BUSY_TIMEOUT_S = 30.0
GENERATION_DIGITS = 16  # hexadecimal
CODEBOOK = "codebook"
"""The setting with the SHA-256 of the codebook, in an index that has one."""
CROSS_LANGUAGE = "cross_language"
"""The setting with the name of the sentence encoder, in an index with cross-language search."""
OCR = "ocr"
"""The setting with the engine and the languages that read pages without a text layer, in an index where any does."""

NO_CODEBOOK = "the codec residual needs a model with visual words, such as pixel; int4 and binary need none"
RESTORE = "restore the index from a copy, or build it again with 'docsearch index' and another --index"

Fingerprint = Mapping[str, str | int | float]
"""The settings of an encoder that decide its vectors, such as name, revision and dimensions."""

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
    """A document in the catalog.

    `state` is "indexing" (begun, not finished), "done" or "failed" (with its `error`); `page_count` is None until it is
    known; `size` is in bytes.
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
    """A page that could not be indexed, or a whole document (`page` None), and the reason."""

    path: str
    page: int | None
    reason: str


def exists(directory: Path) -> bool:
    """Whether there is an index in a folder."""
    return layout.catalog_file(directory).is_file()


def open_to_read(directory: Path) -> sqlite3.Connection:
    """Connect to an existing catalog, in a read transaction. Raises IndexNotFound, IndexFormatError."""
    if not exists(directory):
        raise IndexNotFound(
            f"{directory}: there is no index here; make one with 'docsearch index PATH --index {directory}'"
        )
    connection = _connect_to_read(directory)
    try:
        connection.execute("PRAGMA query_only = 1")
        connection.execute("BEGIN")
        # SQLite fixes the transaction's view at its first read, so this check and everything later see one state.
        if not _has_tables(connection, directory):
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
    """Connect to the catalog; create it if there is none and `fingerprint` is given.

    An index in which no page was ever stored, as a run with the wrong model leaves it, takes the encoder and codec of
    this one. `codec`, by default the first one, and `write_codebook`, which writes the codebook and returns its
    checksum, matter only for these and for a new catalog. The caller holds the writer's lock. Raises IndexNotFound,
    IndexFormatError, EncoderMismatch.
    """
    if fingerprint is None and not exists(directory):
        raise IndexNotFound(
            f"{directory}: there is no index here; make one with 'docsearch index PATH --index {directory}'"
        )
    connection = _connect(directory, "mode=rwc")
    try:
        if not _has_tables(connection, directory):
            if fingerprint is None:
                raise IndexNotFound(f"{directory}: the index is empty; fill it with 'docsearch index'")
            _create(connection, fingerprint, codec or CODECS[0], _codebook(codec, write_codebook))
        elif fingerprint is not None and _is_of_another_run(connection, fingerprint, codec):
            connection.execute("BEGIN IMMEDIATE")
            delete_meta(connection, CROSS_LANGUAGE)
            _write_encoder(connection, fingerprint, codec or CODECS[0], _codebook(codec, write_codebook))
            connection.execute("COMMIT")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = 1")  # on macOS fsync leaves data in the disk's buffer
        if fingerprint is not None:
            check_encoder(directory, read_fingerprint(connection), fingerprint)
    except BaseException:
        connection.close()
        raise
    return connection


def check_encoder(directory: Path, recorded: Fingerprint, wanted: Fingerprint) -> None:
    """Raise EncoderMismatch, which says what differs and what to do, unless the two fingerprints are equal.

    Answers of a remote model to the same text are equal if they are alike (`probes`).
    """
    recorded, wanted = json.loads(json.dumps(dict(recorded))), json.loads(json.dumps(dict(wanted)))
    names = sorted(name for name in {*recorded, *wanted} if recorded.get(name) != wanted.get(name))
    if probes.are_of_one_model(recorded.get(probes.SETTING), wanted.get(probes.SETTING)):
        names = [name for name in names if name != probes.SETTING]
    if names == [pooling.SETTING]:
        raise EncoderMismatch(
            f"{directory}: the index was made with --pool {pooling.factor_of(recorded)}, not "
            f"{pooling.factor_of(wanted)}; leave --pool out, or choose another --index and fill it with "
            "'docsearch index'"
        )
    if names and recorded.get("name") == wanted.get("name") and set(names) <= {"revision", "vocabulary"}:
        raise EncoderMismatch(
            f"{directory}: the index was made with revision {recorded.get('revision', 'unknown')} of the model "
            f"{recorded.get('name')}, and this version reads pages by revision {wanted.get('revision')}; index the "
            "documents again, into another --index or after deleting this one"
        )
    if names:
        differences = ", ".join(f"{name} {recorded.get(name)!r} there, {wanted.get(name)!r} here" for name in names)
        raise EncoderMismatch(
            f"{directory}: the index was made with another encoder ({differences}); pass the --model it was made with "
            f"({recorded.get('name', 'unknown')!r}), or choose another --index and fill it with 'docsearch index'"
        )


def read_fingerprint(connection: sqlite3.Connection) -> Fingerprint:
    """Raises IndexDamaged."""
    text = read_meta(connection, "fingerprint")
    try:
        fingerprint = json.loads(text)
    except ValueError:
        fingerprint = None
    if not isinstance(fingerprint, dict):
        raise IndexDamaged(f"the catalog's setting 'fingerprint' is not a JSON object; {RESTORE}")
    return fingerprint


def read_last_segment(connection: sqlite3.Connection) -> int:
    """The highest number that a segment ever had; 0 for none. Raises IndexDamaged."""
    text = read_meta(connection, "last_segment")
    if not text.isdecimal():
        raise IndexDamaged(f"the catalog's setting 'last_segment' is {text!r}, not a number; {RESTORE}")
    return int(text)


def read_meta(connection: sqlite3.Connection, name: str) -> str:
    """A setting that every index has: "fingerprint" (JSON), "codec" of new segments, "generation", "last_segment"."""
    value = find_meta(connection, name)
    if value is None:
        raise sqlite3.DatabaseError(f"the catalog has no setting {name!r}")
    return value


def find_meta(connection: sqlite3.Connection, name: str) -> str | None:
    """A setting that not every index has: CODEBOOK, CROSS_LANGUAGE, OCR. None if it is missing."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def write_meta(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Write a setting, in the place of its earlier value."""
    connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, value))


def delete_meta(connection: sqlite3.Connection, name: str) -> None:
    """Delete a setting. No effect if there is none of this name."""
    connection.execute("DELETE FROM meta WHERE name = ?", (name,))


def change_meta(connection: sqlite3.Connection, name: str, value: str | None) -> bool:
    """Write a setting that not every index has, or delete it; whether it was another one before."""
    is_other = find_meta(connection, name) != value
    if value is None:
        delete_meta(connection, name)
    elif is_other:
        write_meta(connection, name, value)
    return is_other


def read_documents(connection: sqlite3.Connection, first: int = 0, count: int = -1) -> dict[str, DocumentRow]:
    """Every document by its path, in path order; or `count` of them after the `first` ones."""
    query = "SELECT id, path, sha256, size, mtime_ns, page_count, state, error FROM documents ORDER BY path "
    return {row[1]: DocumentRow(*row) for row in connection.execute(query + "LIMIT ? OFFSET ?", (count, first))}


def _connect_to_read(directory: Path) -> sqlite3.Connection:
    if private_copy.is_needed(directory):
        return private_copy.connect(directory)
    # WAL creates files beside the catalog. A read-only file system allows none, and needs none: nothing changes there.
    log = layout.catalog_file(directory).with_name(f"{layout.CATALOG}-wal")
    is_fixed = private_copy.is_on_read_only_file_system(directory) and not log.exists()
    return _connect(directory, "immutable=1" if is_fixed else "mode=rw")


def _connect(directory: Path, options: str) -> sqlite3.Connection:
    path = layout.catalog_file(directory)
    return sqlite3.connect(
        f"{path.resolve().as_uri()}?{options}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )


def _has_tables(connection: sqlite3.Connection, directory: Path) -> bool:
    """Whether the file is a catalog; False if it is an empty database. Raises IndexFormatError for anything else."""
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if tables == 0 and application == 0:
        return False
    if application != APPLICATION_ID:
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
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    _write_encoder(connection, fingerprint, codec, codebook)
    write_meta(connection, "generation", "0" * GENERATION_DIGITS)
    write_meta(connection, "last_segment", "0")
    connection.execute("COMMIT")


def _write_encoder(connection: sqlite3.Connection, fingerprint: Fingerprint, codec: str, codebook: str | None) -> None:
    write_meta(connection, "fingerprint", json.dumps(dict(fingerprint), sort_keys=True))
    write_meta(connection, "codec", codec)
    change_meta(connection, CODEBOOK, codebook)


def _is_of_another_run(connection: sqlite3.Connection, fingerprint: Fingerprint, codec: str | None) -> bool:
    """Whether no page was ever stored in an index, and it was begun for another encoder or codec than these."""
    if read_last_segment(connection):
        return False
    is_other_codec = codec is not None and codec != read_meta(connection, "codec")
    return is_other_codec or read_fingerprint(connection) != json.loads(json.dumps(dict(fingerprint)))


def _codebook(codec: str | None, write: Callable[[], str] | None) -> str | None:
    """The checksum of the codebook that a new index has, which is written; None for codecs without one."""
    if codec == "residual" and write is None:
        raise UsageError(NO_CODEBOOK)
    return None if write is None else write()
