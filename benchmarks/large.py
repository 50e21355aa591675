"""A large index of composed pages: patches of indexed pages in new combinations, written directly as segments.

Stored vectors are copied without decoding, so a page costs little more than its bytes on disk. A patch may be on a page
twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .composed import SOURCES, all_boxes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from docsearch.engine.compression.codecs import Coded
    from docsearch.engine.compression.residual import Codebook
    from docsearch.engine.compression.visual_words import VisualWords
    from docsearch.engine.records import I64, U16
    from docsearch.engine.store import Snapshot
    from docsearch.engine.store.catalog import Fingerprint
    from docsearch.engine.store.segment import SegmentRow

    Segment = tuple[SegmentRow, Mapping[str, list[NDArray[np.generic]]]]
    """A segment's row in the catalog, and the parts of each of its files by name."""

SEGMENT_PAGES = 4096
DOCUMENT_PAGES = 64
SEED = 12


@dataclass(frozen=True, slots=True)
class Pool:
    """The patches of an index that pages are composed of: stored vectors, boxes, visual words, and page offsets."""

    coded: Coded
    boxes: U16
    words: U16
    offsets: I64

    @staticmethod
    def of(snapshot: Snapshot) -> Pool:
        """All patches of a snapshot whose segments have one codec, in memory."""
        blocks = list(snapshot.blocks())
        words = snapshot.words()
        coded = blocks[0].coded
        whole = type(coded)(
            coded.codec,
            np.concatenate([block.coded.values for block in blocks]),
            None if coded.scales is None else np.concatenate([np.asarray(block.coded.scales) for block in blocks]),
            coded.dim,
        )
        return Pool(whole, all_boxes(snapshot), words.values, words.offsets)


def write(directory: Path, source: Snapshot, visual_words: VisualWords, *, pages: int) -> None:
    """Create an index of `pages` composed pages in `directory`, which must not exist, from the patches of `source`.

    `visual_words` are the model's. Pages have no dense vectors: with visual words nothing needs them.
    """
    from docsearch.engine.store import layout
    from docsearch.engine.store.segment import SegmentRow

    pool, generator = Pool.of(source), np.random.default_rng(SEED)

    def segments() -> Iterator[Segment]:
        for number, first in enumerate(range(0, pages, SEGMENT_PAGES), 1):
            patches, offsets = composed(pool, min(SEGMENT_PAGES, pages - first), generator)
            row = SegmentRow(number, pool.coded.codec, len(offsets) - 1, len(patches), pool.coded.dim, 0, 1)
            yield (
                row,
                {
                    layout.VECTORS: [pool.coded.values[patches]],
                    layout.SCALES: [] if pool.coded.scales is None else [pool.coded.scales[patches]],
                    layout.OFFSETS: [offsets],
                    layout.BOXES: [pool.boxes[patches]],
                    layout.DENSE: [np.zeros((row.pages, 0), np.float16)],
                    layout.WORDS: [pool.words[patches]],
                },
            )

    write_segments(directory, source.fingerprint, segments(), codebook=visual_words.codebook)


def write_segments(
    directory: Path, fingerprint: Fingerprint, segments: Iterable[Segment], *, codebook: Codebook | None = None
) -> None:
    """Create an index in `directory`, which must not exist, of segments numbered from 1 with their files by name."""
    from docsearch.engine.store import layout, segment, statements
    from docsearch.engine.store.catalog import DocumentRow, write_meta
    from docsearch.engine.store.transaction import open_transaction

    transaction = None
    try:
        for row, parts in segments:
            if transaction is None:
                transaction = open_transaction(directory, fingerprint, row.codec, codebook, create=True)
            lengths = np.diff(parts[layout.OFFSETS][0]).tolist()
            with transaction.changing() as connection:
                for slot, length in enumerate(lengths):
                    if slot % DOCUMENT_PAGES == 0:
                        path, count = f"{row.id:05}/{slot:05}.pdf", min(DOCUMENT_PAGES, len(lengths) - slot)
                        document = DocumentRow(path, path, path, 1, 1, count, "done", None)
                        key = statements.insert_document(connection, document)
                    statements.insert_page(
                        connection,
                        key,
                        slot % DOCUMENT_PAGES + 1,
                        location=(row.id, slot),
                        size=(600.0, 800.0),
                        vectors=length,
                        text="",
                    )
                files = segment.write(directory, row, parts)
                statements.insert_segment(connection, row, files)
                write_meta(connection, "last_segment", str(row.id))
                transaction.record_page_change(" ".join(file.sha256 for file in files), row.pages)
            transaction.commit()
    finally:
        if transaction is not None:
            transaction.close()


def composed(pool: Pool, pages: int, generator: np.random.Generator) -> tuple[I64, I64]:
    """Patches (T,) for `pages` pages, and the offset of each page, (pages + 1,).

    A page has as many patches as a random real page, each from one of SOURCES others.
    """
    lengths = np.diff(pool.offsets)
    full = np.flatnonzero(lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths[generator.choice(full, pages)])])
    sources = generator.choice(full, (pages, SOURCES))
    page = np.repeat(np.arange(pages), np.diff(offsets))
    source = sources[page, generator.integers(0, SOURCES, len(page))]
    return pool.offsets[source] + (generator.random(len(page)) * lengths[source]).astype(np.int64), offsets
