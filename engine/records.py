"""Frozen records that pass between stages: page references, vectors, queries, candidates, hits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .details import DescribedHit, HitSource
from .ocr_text import OcrText

F16 = NDArray[np.float16]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
Mode = Literal["visual", "text", "hybrid", "semantic"]
"""What pages are found by: their pictures, their text layers, both, or both and the meaning of their texts."""
Lines = tuple[int, int]
"""The first and the last line of a part of a text file, counting from 1."""
FloatBox = tuple[float, float, float, float]
"""x0, y0, x1, y1 in fractions of a page's width and height."""
BOX_SCALE = 65535
"""Boxes in uint16 are fractions of the page's width and height times this number."""
WHOLE_PAGE = np.array([0, 0, BOX_SCALE, BOX_SCALE], np.uint16)
"""The box of vectors without a place on the page: of a model's prompt, or of the page as a whole."""


@dataclass(frozen=True, slots=True)
class PageRef:
    """One page of one document.

    `doc_id` stays the same when the document is moved or indexed again. `path` is relative to the indexed folder, with
    forward slashes. `page` counts from 1. `index` is the name of its index where several are searched as one, else "".
    """

    doc_id: str
    path: str
    page: int
    index: str = ""


@dataclass(frozen=True, slots=True)
class PageImage:
    """A rendered page: `pixels` (H, W, 3) uint8, the `dpi` of the rendering, and the text layer's `text`, or "".

    A page whose print is too small at that size has the `detail` (H, W) uint8 too: the same page in grey, larger.
    If it `is_passage`, it shows one passage of a text file, and `text` is the passage as it stands there.
    """

    ref: PageRef
    pixels: U8
    dpi: float
    text: str = ""
    detail: U8 | None = None
    is_passage: bool = False


@dataclass(frozen=True, slots=True)
class PageWords:
    """The words of a page's text layer that can be seen, in the order of the text: W `texts` without white space, and
    `boxes` (W, 4) float32, x0, y0, x1, y1 in fractions of the page's width and height.
    """

    texts: tuple[str, ...]
    boxes: F32


@dataclass(frozen=True, slots=True)
class Ragged:
    """N sequences of vectors end to end, without padding or mask: `values` (T, D), `offsets` (N + 1,) int64.

    Examples:
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
        """Vectors of each sequence, (N,) int64."""
        return np.diff(self.offsets)

    @staticmethod
    def of(sequences: Sequence[NDArray[np.generic]]) -> Ragged:
        """Pack N ≥ 1 arrays (T_i, D) of one dtype and one D."""
        offsets = np.zeros(len(sequences) + 1, np.int64)
        np.cumsum([len(s) for s in sequences], out=offsets[1:])
        return Ragged(np.concatenate(sequences), offsets)


@dataclass(frozen=True, slots=True)
class PageVectors:
    """N embedded pages.

    `vectors` Ragged (T, D) float16, one per patch; `boxes` (T, 4) uint16, where the patches lie, as x0, y0, x1, y1 in
    page fractions times BOX_SCALE; `single` (N, S) float16, one dense vector per page for stage 1 (S may be 0).
    """

    refs: tuple[PageRef, ...]
    vectors: Ragged
    boxes: U16
    single: F16


@dataclass(frozen=True, slots=True)
class PagesToStore:
    """N embedded pages with everything else that the index stores about them.

    `vectors` of the pages; `texts` (N), their text layers; `sizes_pt` (N, 2), width and height in points; `words` (T,)
    uint16, the visual word of each vector, None for models without visual words. `labels` (N) are the numbers that the
    documents give the pages, "" where these are their own, `lines` (N) the lines that pages of text files show, or
    None, `headings` (N) their headings, a line each, and `ocr` (N) what OCR read; each is () where no page has one.
    """

    vectors: PageVectors
    texts: Sequence[str]
    sizes_pt: NDArray[np.floating]
    words: U16 | None = None
    labels: Sequence[str] = ()
    lines: Sequence[Lines | None] = ()
    headings: Sequence[str] = ()
    ocr: Sequence[OcrText | None] = ()

    def __len__(self) -> int:
        return len(self.vectors.refs)


@dataclass(frozen=True, slots=True)
class Region:
    """The page `ref`, or the part of it in `box`, x0, y0, x1, y1 in fractions of its width and height."""

    ref: PageRef
    box: FloatBox | None = None


@dataclass(frozen=True, slots=True)
class Operators:
    """What the operators of a question ask of pages; see `query.operators`.

    `phrases` are texts that a page must have as they are, `excluded` words that it must not have, and `beginnings`
    terms for which any word counts that begins with them.
    """

    phrases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    beginnings: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.phrases or self.excluded or self.beginnings)


QUESTION_MAX_CHARS = 2000
"""Longest question, in characters as they are given: each of its words is looked up, which takes milliseconds."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a batch: `text`, a picture `image` (H, W, 3) uint8, both, or `like`, a page to find similar ones.

    `path` keeps the documents whose path matches this glob, or whose file name it is, and `where` those of which this
    condition on their columns is true (docs/filters.md). Where `operators` have been read, `text` is without them.
    `corrections` are words of it that no page has, each with the word that is searched for instead.
    """

    query_id: str
    text: str
    path: str | None = None
    image: U8 | None = field(default=None, compare=False)
    like: Region | None = None
    operators: Operators = field(default_factory=Operators)
    corrections: tuple[tuple[str, str], ...] = ()
    where: str | None = None

    @property
    def corrected(self) -> str:
        """The text with its corrections, as texts are searched for it."""
        text = self.text
        for typed, instead in self.corrections:
            text = re.sub(rf"(?<!\w){re.escape(typed)}(?!\w)", instead, text)
        return text


@dataclass(frozen=True, slots=True)
class QueryExpansion:
    """Terms that a query token also matches: synonyms, or kinds of figures that it names.

    `vectors` (A, D) float32 of unit length; `tokens` (A,) int64, the row of the query token that each expands;
    `weights` (A,) float32 in 0..1, the share of a match with the term that counts. `floor` (A,) float32 are
    the terms' own floors; None where they are those of the tokens.
    """

    vectors: F32
    tokens: I64
    weights: F32
    floor: F32 | None = None

    def only(self, kept: NDArray[np.bool_]) -> QueryExpansion:
        """The terms that are `kept` (A,)."""
        floor = None if self.floor is None else self.floor[kept]
        return QueryExpansion(self.vectors[kept], self.tokens[kept], self.weights[kept], floor)


@dataclass(frozen=True, slots=True)
class DescribedPicture:
    """The kinds of figures and pages, and the colours, of the picture that a query describes.

    `vectors` (C, D) float32 of unit length mark them on pages. `terms` (C,) int64 is which of the T terms of the query
    names each: a page needs only one of those that one term names. `is_colour` (T,) bool tells terms that name colours.
    Similarities become matches between `floor` and `ceiling`, as those of a query's tokens do.
    """

    vectors: F32
    terms: I64
    is_colour: NDArray[np.bool_]
    floor: float
    ceiling: float


@dataclass(frozen=True, slots=True)
class QueryVectors:
    """An embedded query: Q token vectors, their weights, and how a similarity becomes a match.

    `vectors` (Q, D) float32 of unit length; `weights` (Q,) float32 that sum to 1; `single` (S,) float32, the dense
    vector for stage 1, (0,) where stage 1 looks up patches; `tokens`, the text of each row, "" for a patch of a
    picture. A page scores Σ_t weights[t] · m_t, where the match m_t rises from 0 at the similarity `floor` to 1 at
    `ceiling` (each a scalar, or one per row, (Q,)); see `scoring`. `pairs` (P, 2) int64 are rows of neighbouring
    tokens, which add to a score where they stand together on a page. `expansion` are further terms that a token
    matches. The token vectors of a `contextual` query come from a language model and depend on each other: they are
    scored by plain MaxSim, without IDF, first-page weight or pairs.
    `spelled` are the tokens as they stand in the query, where a model changes them. Of a pair whose tokens stand in the
    other order on a page, the share `reversed_share` counts. `described` is the picture that a query describes.
    """

    vectors: F32
    weights: F32
    single: F32
    tokens: tuple[str, ...]
    floor: float | F32 = 0.0
    ceiling: float | F32 = 1.0
    pairs: I64 = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    expansion: QueryExpansion | None = None
    contextual: bool = False
    spelled: tuple[str, ...] = ()
    reversed_share: float = 1.0
    described: DescribedPicture | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The tokens, Q, as the query spells them where that is known: for people."""
        return (*self.spelled, *self.tokens[len(self.spelled) :])

    @property
    def every(self) -> F32:
        """The vectors of the tokens, then of the expansion terms, (Q + A, D)."""
        return self.vectors if self.expansion is None else np.concatenate([self.vectors, self.expansion.vectors])

    @property
    def floors(self) -> F32:
        """The floor of each row, (Q,)."""
        return np.full(len(self.weights), self.floor, np.float32)

    @property
    def ceilings(self) -> F32:
        """The ceiling of each row, (Q,)."""
        return np.full(len(self.weights), self.ceiling, np.float32)

    @property
    def every_floor(self) -> F32:
        """The floors of the tokens, then of the expansion terms, (Q + A,)."""
        floors, terms = self.floors, self.expansion
        if terms is None:
            return floors
        return np.concatenate([floors, floors[terms.tokens] if terms.floor is None else terms.floor])

    @property
    def every_ceiling(self) -> F32:
        """The ceilings of the tokens, then of the expansion terms, (Q + A,)."""
        ceilings, terms = self.ceilings, self.expansion
        return ceilings if terms is None else np.concatenate([ceilings, ceilings[terms.tokens]])


@dataclass(frozen=True, slots=True)
class Candidates:
    """K pages that stage 1 proposes, best first, ties by path: `pages` (K,) int64 are rows, `scores` (K,) float32."""

    pages: I64
    scores: F32


@dataclass(frozen=True, slots=True)
class TextEvidence:
    """What the text of N pages says of one question.

    `text` (N,) is BM25 of each text layer, and `document` (N,) the share of the question that the name and the opening
    of each page's document hold, both 0 to 1; `has_text` (N,) tells the pages with a text layer. Of values and codes in
    the question, such as "15:45", that any text layer has, `stated` (N,) is the share that the page's own text has, and
    `denied` (N,) the share that it does not have. `is_unread` (N,) tells the pages with a text layer in a script that
    the model does not read; None where there are none.
    """

    text: F32
    document: F32
    has_text: NDArray[np.bool_]
    stated: F32
    denied: F32
    is_unread: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class SourcePages:
    """What N pages are to a question, of which some show source code.

    `defined` (N,) float32 is the share of the question's words that are a name which the page defines, 0 to 1; `tests`
    (n,) are the rows of pages of tests, if the question does not ask for tests.
    """

    defined: F32
    tests: I64


@dataclass(frozen=True, slots=True)
class SoughtWord:
    """What texts are searched for: a word of a question, or a value that several of its words spell.

    `terms` are those of the question, one for a word; `weight` is its share of the question, by BM25's inverse document
    frequency. `spelled` are the terms and forms of values that a page may have instead of the word, or of the value,
    each with how much it counts, 0..1. Words that the question only implies have `is_implied`.
    """

    terms: tuple[str, ...]
    weight: float
    spelled: Mapping[str, float]
    is_implied: bool = False


@dataclass(frozen=True, slots=True)
class Ranking:
    """Pages in their final order: rows `pages` (K,) int64, `scores` (K,) float32.

    Best first; equal scores are in the order of document paths and page numbers. `best_visual` is the score of the
    first page by its picture alone, where that was computed on the way.
    """

    pages: I64
    scores: F32
    best_visual: float | None = None


@dataclass(frozen=True, slots=True)
class Hit(DescribedHit):
    """A page found for a query: its `ref`, its `score` in 0..1 (weighted MaxSim), its `rank` counting from 1.

    `also` are the other paths, in order, of documents with the same bytes: the page is the same in each. Those in
    another index begin with its name and ": ". `lines` are those of a text file that the page shows, None for other
    documents. `details`, the properties and the pictures of `DescribedHit` read the index, which must still be open; a
    hit that was pickled has no index.
    """

    ref: PageRef
    score: float
    rank: int
    also: tuple[str, ...] = ()
    source: HitSource | None = field(default=None, compare=False, repr=False)
    """The index; None for a hit without one."""
    lines: Lines | None = None

    def __reduce__(self) -> tuple[Callable[..., Hit], tuple[object, ...]]:
        return Hit, (self.ref, self.score, self.rank, self.also, None, self.lines)

    def as_dict(self, *, score_digits: int = 6) -> dict[str, int | float | str | list[str] | list[int]]:
        """The hit as a JSON object, its score rounded to `score_digits` decimals."""
        return {
            "rank": self.rank,
            "score": round(self.score, score_digits),
            "path": self.ref.path,
            "page": self.ref.page,
            "doc_id": self.ref.doc_id,
            "also": list(self.also),
            **({"lines": list(self.lines)} if self.lines else {}),
            **({"index": self.ref.index} if self.ref.index else {}),
        }
