"""What is exported of an index: its pages in row order, in parts that fit in memory and are the same in every run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from ..engine.compression import codecs
from ..engine.compression.codecs import Coded
from ..engine.errors import UsageError
from ..engine.records import F16, F32, I64, U16, PageRef, Ragged
from ..engine.store import Snapshot
from ..engine.where.paths import path_matches

PART_VECTORS = 1 << 17
"""Vectors of a part: 32 MB of float16 at 128 dimensions. A page that has more is a part of its own."""
PART_PAGES = 1000
Vectors = Literal["float16", "stored", "none"]
"""How vectors are exported: decoded, as the index stores them, or not at all."""


@dataclass(frozen=True, slots=True)
class ExportedPages:
    """n pages. `sizes` (n, 2) float32 are width and height in points, `texts` (n) their text layers or "",
    `headings` (n) the headings in these, a line each, `ocr_engines` (n) the programs that read the texts by OCR, "" for
    those of text layers.

    Exported as float16, page i has the vectors `vectors[i]` (T_i, D) float16; as stored, the codes, scales and visual
    words `coded[offsets[i] : offsets[i + 1]]`. `boxes` (T, 4) uint16 are x0, y0, x1, y1 of each vector's patch in page
    fractions times 65,535, `words` (T,) uint16 its visual word, None for models without; `single` (n, S) float16 the
    dense vectors, S may be 0. Without vectors, all of these are None.
    """

    refs: list[PageRef]
    sizes: F32
    texts: list[str]
    headings: list[str]
    ocr_engines: list[str]
    vectors: Ragged | None = None
    coded: Coded | None = None
    offsets: I64 | None = None
    boxes: U16 | None = None
    words: U16 | None = None
    single: F16 | None = None

    def __len__(self) -> int:
        return len(self.refs)

    @property
    def ids(self) -> list[str]:
        """An id for each page that stays the same when its document moves: the document's id, "-", the page number."""
        return [f"{ref.doc_id}-{ref.page}" for ref in self.refs]


def parts(snapshot: Snapshot, path: str | None = None) -> list[I64]:
    """The rows (n,) of each part, in row order: those whose document's path matches the glob `path`, or all."""
    rows = np.arange(len(snapshot))
    if path is not None:
        rows = np.flatnonzero([path_matches(str(each), path) for each in snapshot.paths()])
    # A part ends before the page that would bring it above either limit.
    starts, vectors, pages = [0], 0, 0
    for i, length in enumerate(snapshot.lengths[rows].tolist()):
        if pages and (vectors + length > PART_VECTORS or pages == PART_PAGES):
            starts.append(i)
            vectors = pages = 0
        vectors, pages = vectors + length, pages + 1
    return [rows[first:last] for first, last in pairwise([*starts, len(rows)])] if len(rows) else []


def read(snapshot: Snapshot, rows: I64, vectors: Vectors) -> ExportedPages:
    """The pages of `rows` (n,), ascending.

    Raises IndexDamaged, StorageFailed where the disk does not answer, and UsageError where vectors are to be exported
    as stored and are stored in more than one way.
    """
    texts = [snapshot.text(row) for row in rows.tolist()]
    headings = snapshot.headings(rows.tolist())
    found = snapshot.ocr_engines(rows.tolist())
    engines = [engine if text else "" for engine, text in zip(found, texts, strict=True)]
    pages = ExportedPages(snapshot.refs(rows), snapshot.sizes(rows), texts, headings, engines)
    if vectors == "none":
        return pages
    boxes = np.concatenate([np.zeros((0, 4), np.uint16), *(snapshot.boxes(row) for row in rows.tolist())])
    words = snapshot.words(rows).values.astype(np.uint16) if snapshot.has_words else None
    single = snapshot.dense_vectors(rows)
    offsets = np.concatenate([[0], np.cumsum(snapshot.lengths[rows])]).astype(np.int64)
    if vectors == "stored":
        coded = _stored(snapshot, rows)
        return replace(pages, coded=coded, offsets=offsets, boxes=boxes, words=words, single=single)
    values = np.zeros((0, 0), np.float16)
    last = 0
    for block in snapshot.blocks(rows=rows):
        decoded = codecs.decode(block.coded)
        if not last:
            values = np.empty((int(offsets[-1]), decoded.shape[1]), np.float16)
        values[last : last + len(decoded)] = decoded
        last += len(decoded)
    float16 = Ragged(values, offsets)
    return replace(pages, vectors=float16, offsets=offsets, boxes=boxes, words=words, single=single)


def _stored(snapshot: Snapshot, rows: I64) -> Coded:
    """The vectors of `rows` as stored."""
    blocks = [block.coded for block in snapshot.blocks(rows=rows)]
    if len({each.codec for each in blocks}) > 1:
        raise UsageError("the index is being converted to another codec: let 'docsearch compact' finish first")
    return codecs.joined(blocks)
