"""The facts of an index that `docsearch info` prints, counted in its catalog."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

from ..compression import pooling
from . import catalog, compaction, layout, shards, statements, unread

READ_DOCUMENTS = """SELECT count(*) FROM documents
    WHERE state <> 'failed' OR EXISTS (SELECT 1 FROM pages WHERE document = documents.key)"""
"""Documents that could be read, or of which pages from an earlier time can be found."""
Facts = dict[str, str | int | float | dict[str, int]]


def read(directory: Path, connection: sqlite3.Connection) -> Facts:
    """The facts of the index in `directory`; sizes in bytes."""
    fingerprint = catalog.read_fingerprint(connection)
    states = dict(connection.execute("SELECT state, count(*) FROM documents GROUP BY state"))
    codecs = dict(connection.execute("SELECT codec, count(*) FROM segments GROUP BY codec ORDER BY codec"))
    segments = statements.read_segments(connection).values()
    counted = compaction.count(directory, connection)
    size = counted.bytes + layout.catalog_file(directory).stat().st_size
    pages_failed = connection.execute("SELECT count(*) FROM page_failures").fetchone()[0]
    return {
        "index": str(directory),
        "format": catalog.FORMAT,
        "model": str(fingerprint.get("name", "")),
        "revision": str(fingerprint.get("revision", "")),
        "cross_language": catalog.find_meta(connection, catalog.CROSS_LANGUAGE) or "off",
        "ocr": catalog.find_meta(connection, catalog.OCR) or "off",
        "codec": catalog.read_meta(connection, "codec"),
        "pool": pooling.factor_of(fingerprint),
        "documents": connection.execute(READ_DOCUMENTS).fetchone()[0],
        "documents_unfinished": states.get("indexing", 0),
        "documents_failed": states.get("failed", 0),
        "pages": counted.pages,
        "pages_failed": pages_failed,
        "failed": states.get("failed", 0) + pages_failed,
        "unread": unread.count_places(connection),
        "vectors": connection.execute("SELECT coalesce(sum(vectors), 0) FROM pages").fetchone()[0],
        "dim": next((row.dim for row in segments), 0),
        "segments": counted.segments,
        "segments_by_codec": codecs,
        "shards": _shards(directory, {row.id for row in segments}),
        "dead_pages": sum(row.pages for row in segments) - counted.pages,
        "bytes": size,
        "bytes_per_page": round(size / max(1, counted.pages), 1),
        "generation": catalog.read_meta(connection, "generation"),
    }


def _shards(directory: Path, segments: set[int]) -> dict[str, int]:
    """How many of the `segments` each shard holds, and how many none does yet; nothing for an undivided index."""
    if not (names := shards.names(directory)):
        return {}
    found = Counter(shard for segment, shard in shards.placement(directory).items() if segment in segments)
    return {name: found[name] for name in names} | ({"none": found[""]} if found[""] else {})
