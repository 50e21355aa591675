"""The frozen values that travel between stages: page references, vectors, candidates, hits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

F16 = NDArray[np.float16]
F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]

FloatBox = tuple[float, float, float, float]
"""x0, y0, x1, y1 in fractions of a page's width and height."""

BOX_SCALE = 65535
"""Boxes are fractions of the page's width and height, times this number."""

WHOLE_PAGE = np.array([0, 0, BOX_SCALE, BOX_SCALE], np.uint16)
"""The box of vectors that stand for no place: what is said of the page as a whole, a model's prompt."""


@dataclass(frozen=True, slots=True)
class PageRef:
    """One page of one document.

    `doc_id` stays the same when the document is indexed again or moved; `path` is relative to the indexed folder,
    with forward slashes; `page` counts from 1.
    """

    doc_id: str
    path: str
    page: int


@dataclass(frozen=True, slots=True)
class PageImage:
    """A rendered page: `pixels` (H, W, 3) uint8, the `dpi` it was rendered at, and the text layer's `text` or ""."""

    ref: PageRef
    pixels: U8
    dpi: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Ragged:
    """N sequences of vectors end to end: `values` (T, D), `offsets` (N + 1,) int64, no padding and no mask.

    >>> import numpy as np
    >>> pages = Ragged(np.zeros((5, 2), np.float32), np.array([0, 3, 3, 5]))
    >>> len(pages), [len(page) for page in pages]
    (3, [3, 0, 2])
    """

    values: NDArray[np.generic]
    offsets: I64

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> NDArray[np.generic]:
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    def __iter__(self) -> Iterator[NDArray[np.generic]]:
        return (self[row] for row in range(len(self)))

    @property
    def lengths(self) -> I64:
        """Vectors in each sequence, (N,) int64."""
        return np.diff(self.offsets)

    @staticmethod
    def of(sequences: Sequence[NDArray[np.generic]]) -> Ragged:
        """Pack N arrays (T_i, D) of one dtype and one D; N is at least 1."""
        offsets = np.zeros(len(sequences) + 1, np.int64)
        np.cumsum([len(s) for s in sequences], out=offsets[1:])
        return Ragged(np.concatenate(sequences), offsets)


@dataclass(frozen=True, slots=True)
class PageVectors:
    """N embedded pages: patch `vectors` Ragged (T, D) float16, their `boxes` (T, 4) uint16 as x0, y0, x1, y1 in page
    fractions times `BOX_SCALE`, and `single` (N, S) float16, one vector a page for stage 1 (S may be 0).
    """

    refs: tuple[PageRef, ...]
    vectors: Ragged
    boxes: U16
    single: F16


@dataclass(frozen=True, slots=True)
class Others:
    """What else query words look for, such as figures that they name: `vectors` (A, D) float32 of unit length, the row
    of the query word of each, `words` (A,) int64, and how much of a match with it counts, `shares` (A,) float32.
    """

    vectors: F32
    words: I64
    shares: F32


@dataclass(frozen=True, slots=True)
class QueryVectors:
    """An embedded query: `vectors` (Q, D) float32 of unit length, `weights` (Q,) float32 that sum to 1,
    `single` (S,) float32 for stage 1, and the `tokens` the rows stand for.

    A page scores Σ_q weights[q] · m(s_q), where s_q is the largest inner product of query vector q with a patch of the
    page, and the match m rises from 0 at the similarity `floor` and below to 1 at `ceiling` and above, which are the
    same for all rows or arrays (Q,) with each row's own. `pairs` (P, 2)
    are the rows of words that stand together in the query, and count more where they stand together on a page. A word's
    match is the best of its own and those of its `others`. Rows that a language model made `in_context` are no words
    that could be counted: their weights stay as they are, and a document's first page lends them nothing.
    """

    vectors: F32
    weights: F32
    single: F32
    tokens: tuple[str, ...]
    floor: float | F32 = 0.0
    ceiling: float | F32 = 1.0
    pairs: I64 = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    others: Others | None = None
    in_context: bool = False

    @property
    def every(self) -> F32:
        """The vectors of the words, then of their others, (Q + A, D)."""
        return self.vectors if self.others is None else np.concatenate([self.vectors, self.others.vectors])

    @property
    def floors(self) -> F32:
        """The floor of each row, (Q,)."""
        return np.full(len(self.weights), self.floor, np.float32)

    @property
    def ceilings(self) -> F32:
        """The ceiling of each row, (Q,)."""
        return np.full(len(self.weights), self.ceiling, np.float32)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pages that stage 1 proposes: rows `pages` (K,) int64, `scores` (K,) float32, best first, ties by lower row."""

    pages: I64
    scores: F32


@dataclass(frozen=True, slots=True)
class Ranking:
    """Pages in their final order: rows `pages` (K,) int64, `scores` (K,) float32, best first, ties by lower row."""

    pages: I64
    scores: F32


@dataclass(frozen=True, slots=True)
class Hit:
    """A page that answers: its `ref`, its `score` in 0..1 (a weighted MaxSim), its `rank` counting from 1."""

    ref: PageRef
    score: float
    rank: int
