"""Distractor pages composed of patches of indexed pages, added to an index at thousands per minute."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from docsearch.engine.store import Snapshot

PAGES = 10_000
SOURCES = 12
"""Indexed pages that one composed page takes its patches from, so that its words co-occur as on real pages."""
DOCUMENT_PAGES = 100
SEED = 11


def add(directory: Path, *, pages: int = PAGES) -> None:
    """Add `pages` composed pages to the index in `directory`.

    A page has as many patches as a random page of the index, drawn from the patches of SOURCES other pages with their
    boxes and visual words: real words in new combinations, with the model's own noise.
    """
    from docsearch.engine.compression.codecs import decode
    from docsearch.engine.models.pixel.spec import SPEC
    from docsearch.engine.models.pixel.text import load_visual_words
    from docsearch.engine.records import PageRef, PagesToStore, PageVectors, Ragged
    from docsearch.engine.store import open_snapshot, open_writer

    visual_words = load_visual_words()
    generator = np.random.default_rng(SEED)
    with open_snapshot(directory) as snapshot:
        lengths, words, boxes = snapshot.lengths, snapshot.words(), all_boxes(snapshot)
        vectors = np.concatenate([decode(block.coded).astype(np.float16) for block in snapshot.blocks()])
    ends = np.cumsum(lengths)
    full = np.flatnonzero(lengths)
    with open_writer(directory, fingerprint=SPEC.fingerprint) as writer:
        for number in range(pages // DOCUMENT_PAGES):
            path = f"composed-{number:04}.pdf"
            doc_id = writer.begin_document(path, path, 1, 1, DOCUMENT_PAGES).doc_id
            picked = []
            for _ in range(DOCUMENT_PAGES):
                sources = generator.choice(full, SOURCES)
                pool = np.concatenate([np.arange(ends[row] - lengths[row], ends[row]) for row in sources])
                picked.append(
                    generator.choice(pool, min(int(lengths[generator.choice(full)]), len(pool)), replace=False)
                )
            offsets = np.concatenate([[0], np.cumsum([len(page) for page in picked])]).astype(np.int64)
            patches = np.concatenate(picked)
            named = words.values[patches]
            single = visual_words.page_vectors(Ragged(named, offsets))
            refs = tuple(PageRef(doc_id, path, i + 1) for i in range(DOCUMENT_PAGES))
            embedded = PageVectors(refs, Ragged(vectors[patches], offsets), boxes[patches], single)
            writer.add_pages(PagesToStore(embedded, [""] * DOCUMENT_PAGES, np.full((DOCUMENT_PAGES, 2), 600.0), named))
            writer.finish_document(doc_id, DOCUMENT_PAGES)


def all_boxes(snapshot: Snapshot) -> np.ndarray:
    """The boxes of all patches of the index, (T, 4) uint16, in row order."""
    return np.concatenate([snapshot.boxes(row) for row in range(len(snapshot))])
