"""Buffer of added pages that are not yet committed: encoded when they are added, then written as one segment."""

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
"""Pages after which the buffer is committed."""
SEGMENT_BYTES = 128 * 1024 * 1024
"""Bytes of vectors and boxes after which it is committed: a bound on the writer's memory."""
BOX_BYTES = 8


class PageBuffer:
    """The pages of the next segment, in the order of their slots."""

    def __init__(self, codec: str, dims: tuple[int, int, bool] | None, codebook: Codebook | None) -> None:
        """`dims` are the dimensions of the index's patch and dense vectors, and whether it has visual words.

        They are None for an empty index.
        """
        self._codec = codec
        self._codebook = codebook
        self._coded: list[Coded] = []
        self._boxes: list[NDArray[np.generic]] = []
        self._dense: list[NDArray[np.generic]] = []
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
        """Raise ValueError unless the shapes agree with each other and with the pages before.

        `words` (T,) are the visual words of the T vectors, None for models that have none.
        """
        pages, total = len(vectors.refs), len(vectors.vectors.values)
        offsets = vectors.vectors.offsets
        if len(vectors.vectors) != pages or len(vectors.single) != pages:
            raise ValueError(
                f"{pages} refs, {len(vectors.vectors)} pages of vectors, {len(vectors.single)} dense vectors"
            )
        if offsets[0] != 0 or offsets[-1] != total or (np.diff(offsets) < 0).any():
            raise ValueError(f"offsets run from {offsets[0]} to {offsets[-1]} over {total} vectors")
        if vectors.boxes.shape != (total, 4) or (words is not None and words.shape != (total,)):
            raise ValueError(f"{total} vectors need boxes ({total}, 4) and words ({total},) or None")
        if self._codec == "residual" and words is None:
            raise ValueError(
                "the index stores residuals of visual words (codec residual), and these pages have no words"
            )
        if self._dims is not None and self._dims != _dims(vectors, words):
            raise ValueError(
                f"these pages have (dim, dense dim, words) {_dims(vectors, words)}, the pages before them {self._dims}"
            )

    def add(self, vectors: PageVectors, words: NDArray[np.uint16] | None) -> None:
        """Add N pages that passed `check`, as slots `pages` to `pages` + N - 1."""
        self._dims = _dims(vectors, words)
        coded = encode(self._codec, np.asarray(vectors.vectors.values, np.float16), words, self._codebook)
        self._coded.append(coded)
        # Copies: the caller may reuse its arrays before the commit.
        self._boxes.append(vectors.boxes.astype("<u2"))
        self._dense.append(vectors.single.astype("<f2"))
        self._lengths.append(vectors.vectors.lengths)
        if words is not None:
            self._words.append(words.astype("<u2"))
        self.pages += len(vectors.refs)
        self._bytes += coded.values.nbytes + len(coded) * BOX_BYTES

    def write(self, directory: Path, segment_id: int) -> tuple[SegmentRow, list[StoredFile]]:
        """Write the buffered pages, at least one, as segment `segment_id`."""
        assert self._dims is not None
        dim, dense_dim, has_words = self._dims
        offsets = np.concatenate([[0], np.cumsum(np.concatenate(self._lengths))]).astype(np.int64)
        row = SegmentRow(segment_id, self._codec, self.pages, int(offsets[-1]), dim, dense_dim, has_words)
        parts: dict[str, Iterable[NDArray[np.generic]]] = {
            layout.VECTORS: [coded.values for coded in self._coded],
            layout.SCALES: [coded.scales for coded in self._coded if coded.scales is not None],
            layout.OFFSETS: [offsets],
            layout.BOXES: self._boxes,
            layout.DENSE: self._dense,
            layout.WORDS: self._words,
        }
        return row, segment.write(directory, row, parts)


def _dims(vectors: PageVectors, words: NDArray[np.uint16] | None) -> tuple[int, int, bool]:
    return vectors.vectors.values.shape[1], vectors.single.shape[1], words is not None
