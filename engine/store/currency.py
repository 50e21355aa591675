"""Whether an answer of an earlier moment, such as a running server's, is still what the catalog says; without numpy."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from . import layout

TIMEOUT_S = 1.0


def is_current(directory: Path, generation: str, paths: Mapping[str, str], columns: str | None = None) -> bool:
    """Whether the last commit of the index in `directory` has this `generation`, and documents these `paths` by id.

    `columns` is the revision of the documents' columns, for an answer that depends on these.

    False where the catalog cannot be read: then a snapshot, which says why, has to be opened.
    """
    uri = f"{layout.catalog_file(directory).resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=TIMEOUT_S)) as connection:
            committed = connection.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()
            revision = connection.execute("SELECT value FROM meta WHERE name = 'columns_revision'").fetchone()
            find = "SELECT path FROM documents WHERE id = ?"
            is_same = columns is None or columns == ("" if revision is None else str(revision[0]))
            return (
                is_same
                and committed == (generation,)
                and all(connection.execute(find, (doc_id,)).fetchone() == (path,) for doc_id, path in paths.items())
            )
    except (sqlite3.Error, OSError, UnicodeError):
        return False
