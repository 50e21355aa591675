"""Rewrites segments that lost pages, are small, or have another codec, into fewer and fuller ones.

Pages are taken in the order of their documents' paths and their numbers, so the same index gives the same segments.
"""

from __future__ import annotations

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
SMALL_PAGES = COMPACTED_PAGES // 2
COPIED_PAGES = 64  # copied at a time: what is in memory while segments are rewritten

Place = tuple[int, int, int]
"""A page's catalog key, segment and slot."""


@dataclass(frozen=True, slots=True)
class Count:
    """How much there is: live pages, segments, bytes of segment files and of the codebook."""

    pages: int
    segments: int
    bytes: int


@dataclass(frozen=True, slots=True)
class CompactReport:
    """What a compaction did: `pages` live pages, and segments and bytes of their files and of the codebook before and
    after.
    """

    pages: int
    segments_before: int
    segments_after: int
    bytes_before: int
    bytes_after: int


def count(directory: Path, connection: sqlite3.Connection) -> Count:
    pages = connection.execute("SELECT count(*) FROM pages").fetchone()[0]
    segments = connection.execute("SELECT count(*) FROM segments").fetchone()[0]
    size = connection.execute("SELECT coalesce(sum(bytes), 0) FROM segment_files").fetchone()[0]
    return Count(pages, segments, size + codebooks.size(directory, connection))


def report(before: Count, after: Count) -> CompactReport:
    return CompactReport(after.pages, before.segments, after.segments, before.bytes, after.bytes)


def plan(directory: Path, connection: sqlite3.Connection, codec: str) -> list[SegmentRow]:
    """The segments worth rewriting. Raises IndexDamaged if one of them is not as it was committed."""
    live = dict(connection.execute("SELECT segment, count(*) FROM pages GROUP BY segment"))
    found = [
        row
        for row in statements.read_segments(connection).values()
        if live.get(row.id, 0) < row.pages or row.pages < SMALL_PAGES or row.codec != codec
    ]
    if len(found) == 1 and live.get(found[0].id, 0) == found[0].pages and found[0].codec == codec:
        return []  # one small segment: rewriting it alone gains nothing
    if codec == "residual" and not all(row.has_words for row in found):
        raise UsageError(
            f"{directory}: the codec residual stores what is left of visual words, and the model of this index has "
            "none; int4 and binary need no words"
        )
    for row in found:
        # A copy would get a fresh checksum, and hide the damage for ever.
        problems = verify.segment_problems(directory, row, statements.read_files(connection, row.id))
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
) -> tuple[SegmentRow, list[StoredFile]] | None:
    """Write segment `new_id` from the next pages of the planned segments and point those pages to it; None if no page
    is left.
    """
    numbers = ",".join(str(row.id) for row in planned)
    places: list[Place] = connection.execute(
        f"SELECT p.key, p.segment, p.slot FROM pages p JOIN documents d ON d.key = p.document "
        f"WHERE p.segment IN ({numbers}) ORDER BY d.path, p.number LIMIT {COMPACTED_PAGES}"
    ).fetchall()
    if not places:
        return None
    segments = OpenSegments(directory, {row.id: row for row in planned})
    lengths = np.array([np.diff(segments[old].offsets[slot : slot + 2])[0] for _, old, slot in places], np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    like = planned[0]
    row = SegmentRow(new_id, codec, len(places), int(offsets[-1]), like.dim, like.single_dim, like.has_words)
    parts: dict[str, Iterable[NDArray[np.generic]]] = {
        layout.VECTORS: (coded.values for coded in _coded(segments, places, codec, codebook)),
        layout.SCALES: (
            coded.scales for coded in _coded(segments, places, codec, codebook) if coded.scales is not None
        ),
        layout.OFFSETS: [offsets],
        layout.BOXES: (source.boxes[vectors] for source, vectors, _ in _runs(segments, places)),
        layout.SINGLE: (source.single[pages] for source, _, pages in _runs(segments, places)),
        layout.WORDS: (source.words[vectors] for source, vectors, _ in _runs(segments, places)),
    }
    files = segment.write(directory, row, parts)
    connection.executemany(
        "UPDATE pages SET segment = ?, slot = ? WHERE key = ?",
        [(new_id, slot, key) for slot, (key, _, _) in enumerate(places)],
    )
    return row, files


def _coded(segments: OpenSegments, places: Sequence[Place], codec: str, codebook: Codebook | None) -> Iterator[Coded]:
    for source, vectors, _ in _runs(segments, places):
        coded = source.coded[vectors]
        words = source.words[vectors] if codec == "residual" else None
        yield coded if coded.codec == codec else encode(codec, decode(coded).astype(np.float16), words, codebook)


def _runs(segments: OpenSegments, places: Sequence[Place]) -> Iterator[tuple[Segment, slice, slice]]:
    """Pages that already lie next to each other: their segment, and the slices of their vectors and of their slots."""
    start = 0
    for stop in range(1, len(places) + 1):
        _, old, slot = places[stop - 1]
        goes_on = stop < len(places) and places[stop][1:] == (old, slot + 1) and stop - start < COPIED_PAGES
        if not goes_on:
            source, first = segments[old], places[start][2]
            yield source, slice(int(source.offsets[first]), int(source.offsets[slot + 1])), slice(first, slot + 1)
            start = stop
