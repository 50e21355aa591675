"""Random dense vectors of pages and questions, distributed like a model's.

Pages share one offset and questions another; some directions vary more than others; pages cluster by document and
topic; a few dimensions have a large magnitude.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .large import SEGMENT_PAGES, write_segments

if TYPE_CHECKING:
    from docsearch.engine.records import F32

LATENT, DECAY = 256, 0.4
"""Number of directions in which pages differ, and the exponent by which their weights fall."""
DOCUMENT_PAGES, TOPIC_PAGES = 16, 400
LOUD_SHARE, LOUD = 1 / 200, 4.0
"""The share of dimensions of large magnitude, and their factor."""
PATCH_DIM = 128
SEED = 3


class Drawn:
    """Pages and questions of `dim` dimensions; deterministic for a number of `pages`."""

    def __init__(self, pages: int, dim: int) -> None:
        self.pages, self.dim = pages, dim
        self._rng = rng = np.random.default_rng(SEED)
        weights = (np.arange(1, LATENT + 1) ** -DECAY).astype(np.float32)
        self._weights = weights / np.linalg.norm(weights)
        self._directions = rng.standard_normal((LATENT, dim), np.float32) / np.float32(dim**0.5)
        self._offset, self._offset_of_questions = rng.standard_normal((2, dim), np.float32) / np.float32(dim**0.5)
        self._loud = np.ones(dim, np.float32)
        self._loud[rng.choice(dim, max(1, round(dim * LOUD_SHARE)), replace=False)] = LOUD
        documents = pages // DOCUMENT_PAGES + 1
        topics = self._drawn(pages // TOPIC_PAGES + 1)
        self._documents = 0.7 * topics[rng.integers(0, len(topics), documents)] + 0.7 * self._drawn(documents)

    def blocks(self) -> Iterator[F32]:
        """The pages in blocks of some thousands, each (n, dim)."""
        for start in range(0, self.pages, SEGMENT_PAGES):
            numbers = np.arange(start, min(start + SEGMENT_PAGES, self.pages))
            own = 0.75 * self._documents[numbers // DOCUMENT_PAGES] + 0.66 * self._drawn(len(numbers))
            yield self._placed(own, self._offset, 0.3)

    def questions(self, count: int) -> F32:
        """Questions about some documents, (count, dim)."""
        about = self._documents[self._rng.integers(0, len(self._documents), count)]
        own = 0.6 * about + 0.8 * self._drawn(count)
        return self._placed(own, 0.6 * self._offset + 0.9 * self._offset_of_questions, 0.5)

    def _drawn(self, count: int) -> F32:
        found: F32 = self._rng.standard_normal((count, LATENT), np.float32) * self._weights
        return found

    def _placed(self, own: F32, offset: F32, noise: float) -> F32:
        found = own @ self._directions
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        found += offset + np.float32(noise / self.dim**0.5) * self._rng.standard_normal(found.shape, np.float32)
        found *= self._loud
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        return found


def write(directory: Path, drawn: Drawn) -> None:
    """Create an index of the pages in `directory`, which must not exist; each page has one patch of zeros."""
    from docsearch.engine.store import layout
    from docsearch.engine.store.segment import SegmentRow

    fingerprint: dict[str, str | int] = {"name": "drawn", "revision": "1", "dim": PATCH_DIM, "single_dim": drawn.dim}
    write_segments(
        directory,
        fingerprint,
        (
            (
                SegmentRow(number, "float16", len(block), len(block), PATCH_DIM, drawn.dim, 0),
                {
                    layout.VECTORS: [np.zeros((len(block), PATCH_DIM), np.float16)],
                    layout.OFFSETS: [np.arange(len(block) + 1, dtype=np.int64)],
                    layout.BOXES: [np.zeros((len(block), 4), np.uint16)],
                    layout.DENSE: [block.astype(np.float16)],
                },
            )
            for number, block in enumerate(drawn.blocks(), 1)
        ),
    )
