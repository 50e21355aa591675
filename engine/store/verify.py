"""Integrity check: compares every file of an index with its committed checksum, and the catalog with itself."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ..errors import IndexDamaged
from . import codebook, layout, os_errors, row_checksums, shards, statements
from .segment import OpenSegments, SegmentRow, StoredFile

READ_ERROR = re.compile(r"unable to get the page\. error code=(\d+)")
CONTRADICTIONS = {
    "pages in a segment the catalog does not name": "SELECT count(*) FROM pages p WHERE NOT EXISTS "
    "(SELECT 1 FROM segments s WHERE s.id = p.segment AND p.slot BETWEEN 0 AND s.pages - 1)",
    "pages of a document the catalog does not name": "SELECT count(*) FROM pages p WHERE NOT EXISTS "
    "(SELECT 1 FROM documents d WHERE d.key = p.document)",
    "pages without a row for their text": "SELECT count(*) FROM pages p WHERE NOT EXISTS "
    "(SELECT 1 FROM page_text t WHERE t.rowid = p.key)",
    "finished documents with a page neither stored nor failed": "SELECT count(*) FROM documents d WHERE state = 'done' "
    "AND page_count <> (SELECT count(*) FROM pages p WHERE p.document = d.key) "
    "+ (SELECT count(*) FROM page_failures f WHERE f.document = d.key)",
}
"""Queries that count rows which contradict others, by what they count."""


def problems(directory: Path, connection: sqlite3.Connection) -> list[str]:
    """Everything that is wrong with the index, a sentence each. Reads every byte of it.

    Raises no Exception: what cannot be read is a problem.
    """
    checks: list[Callable[[], Iterable[str]]] = [
        lambda: _sqlite_problems(directory, connection),
        *(partial(_contradictions, directory, connection, what) for what in CONTRADICTIONS),
        lambda: row_checksums.problems(directory, connection),
        lambda: codebook.problems(directory, connection),
        lambda: _problems_of_segments(directory, connection),
    ]
    found: list[str] = []
    for check in checks:
        try:
            found += check()
        except Exception as err:  # noqa: BLE001 - whatever damage leads to, it is reported
            found.append(f"{layout.catalog_file(directory)}: cannot be read ({_told(directory, err)})")
    return list(dict.fromkeys(found))


def _told(directory: Path, err: Exception) -> str:
    """An error in words, that of SQLite with its cause."""
    return str(os_errors.translation(directory, err) if isinstance(err, sqlite3.DatabaseError) else err) or repr(err)


def _sqlite_problems(directory: Path, connection: sqlite3.Connection) -> Iterator[str]:
    for (line,) in connection.execute("PRAGMA integrity_check"):
        if line != "ok":
            code = READ_ERROR.search(str(line))
            failed = code is not None and int(code[1]) & os_errors.PRIMARY_CODE == sqlite3.SQLITE_IOERR
            cause = f" (it could not be read: {os_errors.FAILING})" if failed else ""
            yield f"{layout.catalog_file(directory)}: {' '.join(str(line).split())}{cause}"


def _contradictions(directory: Path, connection: sqlite3.Connection, what: str) -> Iterator[str]:
    number = connection.execute(CONTRADICTIONS[what]).fetchone()[0]
    if number:
        yield f"{layout.catalog_file(directory)}: {number} {what}"


def _problems_of_segments(directory: Path, connection: sqlite3.Connection) -> Iterator[str]:
    for row in statements.read_segments(connection).values():
        try:
            damage = segment_problems(directory, row, statements.read_files(connection, row.id))
            yield from damage or _length_problems(directory, row, connection)
        except Exception as err:  # noqa: BLE001 - as in `problems`; the other segments are checked, too
            yield f"{shards.find_segment(directory, row.id)}: cannot be checked ({_told(directory, err)})"


def segment_problems(
    directory: Path, row: SegmentRow, files: Sequence[StoredFile], *, raise_failures: bool = False
) -> list[str]:
    """What is wrong with the files of one segment, a sentence each.

    A file that is there and cannot be read is a problem, too; with `raise_failures` it raises OSError.
    """
    folder = shards.find_segment(directory, row.id)
    found = []
    if {file.name for file in files} != set(row.files()):
        found.append(f"{folder}: the files in the catalog are not those of such a segment")
    for file in files:
        path = folder / file.name
        try:
            size = path.stat().st_size
            if size != file.bytes:
                found.append(f"{path}: {size} bytes, {file.bytes} were committed")
                continue
            digest = codebook.checksum(path)
        except OSError as err:
            if raise_failures and not isinstance(err, (FileNotFoundError, IsADirectoryError, NotADirectoryError)):
                raise
            found.append(f"{path}: cannot be read ({err.strerror})")
            continue
        if digest != file.sha256:
            found.append(f"{path}: its checksum is not the committed one")
    return found


def _length_problems(directory: Path, row: SegmentRow, connection: sqlite3.Connection) -> list[str]:
    pages = connection.execute("SELECT slot, vectors FROM pages WHERE segment = ?", (row.id,)).fetchall()
    try:
        lengths = np.diff(OpenSegments(directory, {row.id: row})[row.id].offsets)
    except IndexDamaged as err:
        return [str(err)]
    wrong = sum(1 for slot, vectors in pages if slot >= row.pages or lengths[slot] != vectors)
    if wrong:
        return [f"{shards.find_segment(directory, row.id)}: {wrong} pages have another length in the catalog"]
    return []
