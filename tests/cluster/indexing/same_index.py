"""Everything in an index, by document and page, whatever the order in which it was stored."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from docsearch.engine.compression import codecs
from docsearch.engine.store import layout, open_snapshot

TIMES = {"mtime_ns"}


def content(index: Path) -> dict[str, Any]:
    """The catalog's rows with documents' ids in the place of keys, and what is stored of each page."""
    with closing(sqlite3.connect(layout.catalog_file(index))) as connection:
        connection.row_factory = sqlite3.Row
        documents = {row["key"]: dict(row) for row in connection.execute("SELECT * FROM documents")}
        found: dict[str, Any] = {
            "documents": {row["id"]: {k: v for k, v in row.items() if k != "key"} for row in documents.values()},
            "failures": sorted(
                (documents[row["document"]]["path"], row["number"], row["reason"])
                for row in connection.execute("SELECT * FROM page_failures")
            ),
        }
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table in sorted(tables & {"unread", "document_columns", "document_values", "columns"}):
            rows = []
            for row in connection.execute(f"SELECT * FROM {table}"):
                values = dict(row)
                if "document" in values:
                    values["document"] = documents[values["document"]]["path"]
                rows.append(tuple(sorted((name, str(value)) for name, value in values.items())))
            found[table] = sorted(rows)
        found["labels"] = (
            sorted(
                (documents[row["document"]]["path"], row["number"], row["label"])
                for row in connection.execute(
                    "SELECT document, number, label FROM labels JOIN pages ON page = pages.key"
                )
            )
            if "labels" in tables
            else []
        )
    with open_snapshot(index) as snapshot:
        pages = {}
        for block in snapshot.blocks():
            vectors = codecs.decode(block.coded)
            for place, row in enumerate(block.rows.tolist()):
                (ref,) = snapshot.refs([row])
                own = vectors[block.offsets[place] : block.offsets[place + 1]]
                words = snapshot.words([row]).values.tobytes() if snapshot.has_words else b""
                pages[ref.path, ref.page] = (
                    *(ref.doc_id, own.tobytes(), snapshot.boxes(row).tobytes(), words),
                    *(snapshot.dense_vectors([row]).tobytes(), snapshot.sizes([row]).tobytes()),
                    *(snapshot.text(row), snapshot.label(row)),
                )
        found["pages"] = pages
    return found
