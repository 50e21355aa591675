"""Pages that were added but not yet committed: encoded at once, held in memory, written as one segment."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..compression.codecs import Coded, encode
from ..compression.residual import Codebook
from ..records import PageVectors
from . import layout, segment
from .segment import SegmentRow, StoredFile

SEGMENT_PAGES = 256
SEGMENT_BYTES = 128 * 1024 * 1024
BOX_BYTES = 8


class PageBuffer:
    """The pages of the next segment, in the order of their slots."""

    def __init__(self, codec: str, dims: tuple[int, int, bool] | None, codebook: Codebook | None) -> None:
        """`dims` are those of the index's pages: dimensions, single dimensions, whether they have words."""
        self._codec = codec
        self._codebook = codebook
        self._coded: list[Coded] = []
        self._boxes: list[NDArray[np.generic]] = []
        self._single: list[NDArray[np.generic]] = []
        self._words: list[NDArray[np.generic]] = []
        self._lengths: list[NDArray[np.int64]] = []
        self._dims = dims
        self.pages = 0
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether it is time to commit."""
        return self.pages >= SEGMENT_PAGES or self._bytes >= SEGMENT_BYTES

    def check(self, vectors: PageVectors, words: NDArray[np.uint16] | None) -> None:
        """Raise ValueError unless the arrays fit each other and the pages already here."""
        pages, total = len(vectors.refs), len(vectors.vectors.values)
        offsets = vectors.vectors.offsets
        if len(vectors.vectors) != pages or len(vectors.single) != pages:
            raise ValueError(
                f"{pages} refs, {len(vectors.vectors)} pages of vectors, {len(vectors.single)} single vectors"
            )
        if offsets[0] != 0 or offsets[-1] != total or (np.diff(offsets) < 0).any():
            raise ValueError(f"offsets run from {offsets[0]} to {offsets[-1]} over {total} vectors")
        if vectors.boxes.shape != (total, 4) or (words is not None and words.shape != (total,)):
            raise ValueError(f"{total} vectors need boxes ({total}, 4) and words ({total},) or None")
        if self._codec == "residual" and words is None:
            raise ValueError("the index stores what is left of visual words, and these pages come without them")
        if self._dims is not None and self._dims != _dims(vectors, words):
            raise ValueError(
                f"these pages have (dim, single dim, words) {_dims(vectors, words)}, the pages before them {self._dims}"
            )

    def add(self, vectors: PageVectors, words: NDArray[np.uint16] | None) -> None:
        """Take N pages that passed `check`, as slots `pages` to `pages` + N - 1."""
        self._dims = _dims(vectors, words)
        coded = encode(self._codec, np.asarray(vectors.vectors.values, np.float16), words, self._codebook)
        self._coded.append(coded)
        # Copies: the caller may reuse its arrays before the commit.
        self._boxes.append(vectors.boxes.astype("<u2"))
        self._single.append(vectors.single.astype("<f2"))
        self._lengths.append(vectors.vectors.lengths)
        if words is not None:
            self._words.append(words.astype("<u2"))
        self.pages += len(vectors.refs)
        self._bytes += coded.values.nbytes + len(coded) * BOX_BYTES

    def write(self, directory: Path, segment_id: int) -> tuple[SegmentRow, list[StoredFile]]:
        """Write everything here as a segment; the buffer holds at least one call's pages."""
        assert self._dims is not None
        dim, single_dim, has_words = self._dims
        offsets = np.concatenate([[0], np.cumsum(np.concatenate(self._lengths))]).astype(np.int64)
        row = SegmentRow(segment_id, self._codec, self.pages, int(offsets[-1]), dim, single_dim, has_words)
        parts: dict[str, Iterable[NDArray[np.generic]]] = {
            layout.VECTORS: [coded.values for coded in self._coded],
            layout.SCALES: [coded.scales for coded in self._coded if coded.scales is not None],
            layout.OFFSETS: [offsets],
            layout.BOXES: self._boxes,
            layout.SINGLE: self._single,
            layout.WORDS: self._words,
        }
        return row, segment.write(directory, row, parts)


def _dims(vectors: PageVectors, words: NDArray[np.uint16] | None) -> tuple[int, int, bool]:
    return vectors.vectors.values.shape[1], vectors.single.shape[1], words is not None
