"""Everything in an index, by document and page, whatever the order in which it was stored."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from docsearch.engine.compression import codecs
from docsearch.engine.store import layout, open_snapshot

TABLES = ("page_failures", "unread_content", "document_values")


def content(index: Path) -> dict[str, Any]:
    """The catalog's rows, with documents' paths in the place of keys, and what is stored of each page."""
    with closing(sqlite3.connect(layout.catalog_file(index))) as connection:
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute("SELECT * FROM documents")]
        paths = {row.pop("key"): row["path"] for row in rows}
        found: dict[str, Any] = {"documents": {row["path"]: row for row in rows}}
        for table in TABLES:
            each = [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
            found[table] = sorted(str(sorted({**row, "document": paths[row["document"]]}.items())) for row in each)
    found["pages"] = pages(index)
    return found


def pages(index: Path) -> dict[tuple[str, int], Any]:
    """What is stored of each page, by path and number."""
    found = {}
    with open_snapshot(index) as snapshot:
        for block in snapshot.blocks():
            vectors = codecs.decode(block.coded)
            for place, row in enumerate(block.rows.tolist()):
                (ref,) = snapshot.refs([row])
                own = vectors[block.offsets[place] : block.offsets[place + 1]]
                words = snapshot.words([row]).values.tobytes() if snapshot.has_words else b""
                found[ref.path, ref.page] = (
                    *(ref.doc_id, own.tobytes(), snapshot.boxes(row).tobytes(), words),
                    *(snapshot.dense_vectors([row]).tobytes(), snapshot.sizes([row]).tobytes()),
                    *(snapshot.text(row), snapshot.label(row)),
                )
        assert len(found) == len(snapshot), "a page is in the index twice"
        assert snapshot.verify() == []
    return found
