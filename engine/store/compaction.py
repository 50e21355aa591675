"""Compaction (Lucene's merge): rewrites segments with deleted pages, small ones, and those of another codec.

Pages are copied in the order of their documents' paths and their numbers, so the same index gives the same segments.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..compression.codecs import Coded, decode, encode
from ..compression.residual import Codebook
from ..errors import IndexDamaged, UsageError
from . import codebook as codebooks
from . import layout, segment, statements, verify
from .segment import OpenSegments, Segment, SegmentRow, StoredFile

COMPACTED_PAGES = 4096
"""Pages of a new segment."""
SMALL_PAGES = COMPACTED_PAGES // 2
"""A segment of fewer pages is rewritten."""
COPIED_PAGES = 64
"""Pages copied at a time: what is in memory meanwhile."""

Location = tuple[int, int, int]
"""A page's catalog key, segment and slot."""


@dataclass(frozen=True, slots=True)
class Count:
    """The size of an index: live pages, segments, and bytes of the segments' files and the codebook."""

    pages: int
    segments: int
    bytes: int


@dataclass(frozen=True, slots=True)
class CompactReport:
    """The result of a compaction: live pages, and segments and bytes (as in `Count`) before and after."""

    pages: int
    segments_before: int
    segments_after: int
    bytes_before: int
    bytes_after: int


def count(directory: Path, connection: sqlite3.Connection) -> Count:
    """The size of the index in `directory`, as its catalog says."""
    pages = connection.execute("SELECT count(*) FROM pages").fetchone()[0]
    segments = connection.execute("SELECT count(*) FROM segments").fetchone()[0]
    size = connection.execute("SELECT coalesce(sum(bytes), 0) FROM segment_files").fetchone()[0]
    return Count(pages, segments, size + codebooks.size(directory, connection))


def report(before: Count, after: Count) -> CompactReport:
    return CompactReport(after.pages, before.segments, after.segments, before.bytes, after.bytes)


def pages_for(connection: sqlite3.Connection, shards: int) -> int:
    """The pages that a segment may have so that each of `shards` shards, 1 or more, gets one.

    Raises UsageError where there are fewer pages than shards.
    """
    pages = connection.execute("SELECT count(*) FROM pages").fetchone()[0]
    if pages < shards:
        raise UsageError(
            f"the index has {pages:,} pages, and a shard needs one at least: divide it into {pages:,} or fewer"
        )
    return int(min(COMPACTED_PAGES, pages // shards))


def plan(directory: Path, connection: sqlite3.Connection, codec: str, limit: int | None = None) -> list[SegmentRow]:
    """The segments to rewrite for new segments in `codec`; with a `limit`, those with more pages than that, too.

    Raises IndexDamaged if one of them is not as it was committed, UsageError if it cannot be stored in `codec`.
    """
    live = dict(connection.execute("SELECT segment, count(*) FROM pages GROUP BY segment"))
    small, large = (SMALL_PAGES, math.inf) if limit is None else (min(SMALL_PAGES, limit), limit)
    found = [
        row
        for row in statements.read_segments(connection).values()
        if live.get(row.id, 0) < row.pages or not small <= row.pages <= large or row.codec != codec
    ]
    if len(found) == 1 and live.get(found[0].id, 0) == found[0].pages <= large and found[0].codec == codec:
        return []  # one small segment: rewriting it alone gains nothing
    if codec == "residual" and not all(row.has_words for row in found):
        raise UsageError(
            f"{directory}: the codec residual stores residuals of visual words, and the model of this index has none; "
            "int4 and binary need no words"
        )
    for row in found:
        # A damaged copy would get a new checksum, which hides the damage for ever.
        problems = verify.segment_problems(
            directory, row, statements.read_files(connection, row.id), raise_failures=True
        )
        if problems:
            raise IndexDamaged(f"{problems[0]}; not compacted. Restore the index from a copy, or build it again")
    return found


def rewrite_next(
    directory: Path,
    connection: sqlite3.Connection,
    planned: Sequence[SegmentRow],
    new_id: int,
    codec: str,
    codebook: Codebook | None,
    limit: int | None = None,
) -> tuple[SegmentRow, list[StoredFile]] | None:
    """Write segment `new_id` with the next pages of the planned segments, and update their catalog rows.

    It has COMPACTED_PAGES pages, or `limit`, if there are as many.

    Returns the new segment and its files; None if no page is left.
    """
    numbers = ",".join(str(row.id) for row in planned)
    locations: list[Location] = connection.execute(
        f"SELECT p.key, p.segment, p.slot FROM pages p JOIN documents d ON d.key = p.document "
        f"WHERE p.segment IN ({numbers}) ORDER BY d.path, p.number LIMIT {limit or COMPACTED_PAGES}"
    ).fetchall()
    if not locations:
        return None
    segments = OpenSegments(directory, {row.id: row for row in planned})
    lengths = np.array([np.diff(segments[old].offsets[slot : slot + 2])[0] for _, old, slot in locations], np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    like = planned[0]
    row = SegmentRow(new_id, codec, len(locations), int(offsets[-1]), like.dim, like.dense_dim, like.has_words)
    parts: dict[str, Iterable[NDArray[np.generic]]] = {
        layout.VECTORS: (coded.values for coded in _coded(segments, locations, codec, codebook)),
        layout.SCALES: (
            coded.scales for coded in _coded(segments, locations, codec, codebook) if coded.scales is not None
        ),
        layout.OFFSETS: [offsets],
        layout.BOXES: (source.boxes[vectors] for source, vectors, _ in _runs(segments, locations)),
        layout.DENSE: (source.dense[pages] for source, _, pages in _runs(segments, locations)),
        layout.WORDS: (source.words[vectors] for source, vectors, _ in _runs(segments, locations)),
    }
    files = segment.write(directory, row, parts)
    connection.executemany(
        "UPDATE pages SET segment = ?, slot = ? WHERE key = ?",
        [(new_id, slot, key) for slot, (key, _, _) in enumerate(locations)],
    )
    return row, files


def _coded(
    segments: OpenSegments, locations: Sequence[Location], codec: str, codebook: Codebook | None
) -> Iterator[Coded]:
    """The vectors of the pages in `codec`, re-encoded if need be, some pages at a time."""
    for source, vectors, _ in _runs(segments, locations):
        coded = source.coded[vectors]
        words = source.words[vectors] if codec == "residual" else None
        yield coded if coded.codec == codec else encode(codec, decode(coded).astype(np.float16), words, codebook)


def _runs(segments: OpenSegments, locations: Sequence[Location]) -> Iterator[tuple[Segment, slice, slice]]:
    """Runs of pages that are adjacent already: their segment, the slice of their vectors, the slice of their slots."""
    start = 0
    for stop in range(1, len(locations) + 1):
        _, old, slot = locations[stop - 1]
        continues = stop < len(locations) and locations[stop][1:] == (old, slot + 1) and stop - start < COPIED_PAGES
        if not continues:
            source, first = segments[old], locations[start][2]
            yield source, slice(int(source.offsets[first]), int(source.offsets[slot + 1])), slice(first, slot + 1)
            start = stop
