"""What every model offers: a description (`EncoderSpec`), and protocols that embed queries, pages and texts."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from ..chance import Chance
from ..confidence import Calibration
from ..errors import UsageError
from ..records import F32, U8, U16, PageImage, PageVectors, QueryVectors, Ragged

SHOWN_CHARS = 40
"""Characters of a question that a message shows."""


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """The description of a model.

    `dim` is the dimension of its patch vectors, `single_dim` that of its one vector per page, and `vocabulary` the
    number of its visual words; each is 0 if it has none. Pages are rendered at `render_dpi`, or at less so that
    they have at most `max_pixels`. A page whose print is too small at that size has a detail too, of at most
    `detail_pixels` (0: the model reads none). `match_range` is the cosine range over which two patches go from
    different to the same. `settings` are further choices that change its vectors; `notice` is what a user must know
    before the first use; `present` says whether its weights are on this machine. `scripts` lists scripts by the prefix
    of their Unicode letter names ("LATIN"); empty if it reads all. `calibration` turns scores of texts into
    confidences, where that was measured, and `chance` lowers the floors of words that stand out in a collection. If it
    `reads_passages`, text files are embedded as text, in passages, instead of as pictures of pages.
    """

    name: str
    revision: str
    summary: str
    licence: str
    parameters: int
    dim: int
    single_dim: int
    vocabulary: int
    render_dpi: float
    max_pixels: int
    match_range: tuple[float, float] = (0.0, 1.0)
    settings: tuple[tuple[str, str], ...] = ()
    notice: str = ""
    present: bool = True
    scripts: tuple[str, ...] = ()
    calibration: Calibration | None = None
    chance: Chance | None = None
    detail_pixels: int = 0
    reads_passages: bool = False

    def unread_letters(self, text: str) -> str:
        """The letters of `text` in scripts that the model does not read, each once; "" if it reads all of them.

        >>> from docsearch.engine.models.pixel.spec import SPEC
        >>> SPEC.unread_letters("ბანკი of ბ 2023")
        'ბანკი'
        """
        return "".join(dict.fromkeys(each for each in _letters(text) if not self._reads(each)))

    def reads_nothing_of(self, text: str) -> bool:
        """Whether `text` has letters or digits, and the model reads none of them."""
        found = [each for each in unicodedata.normalize("NFKC", text) if each.isalnum()]
        return bool(found) and not any(each.isdigit() or self._reads(each) for each in found)

    def _reads(self, letter: str) -> bool:
        return unicodedata.name(letter, "").startswith(self.scripts or "")

    @property
    def weights_gb(self) -> float:
        """Memory of the weights alone, in bfloat16, in units of 10^9 bytes."""
        return self.parameters * 2 / 1e9

    @property
    def fingerprint(self) -> dict[str, str | int | float]:
        """What an index records of its model; vectors of models with different fingerprints are not comparable."""
        return {
            "name": self.name,
            "revision": self.revision,
            "dim": self.dim,
            "single_dim": self.single_dim,
            "vocabulary": self.vocabulary,
            "render_dpi": self.render_dpi,
            "max_pixels": self.max_pixels,
            **dict(self.settings),
        }


def _letters(text: str) -> list[str]:
    return [each for each in unicodedata.normalize("NFKC", text) if each.isalpha()]


@dataclass(frozen=True, slots=True)
class EmbeddedPages:
    """Embedded pages: their `vectors` and, if the model has visual words, the `words` (T,) uint16 of these.

    `left_out` counts, for each page, words that were not embedded because the page has too many; empty if none were.
    """

    vectors: PageVectors
    words: U16 | None
    left_out: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TextVectors:
    """N embedded texts: `vectors` Ragged (T, D) float32 and `single` (N, S) float32, both of unit length."""

    vectors: Ragged
    single: F32


def contextual_query(vectors: F32, single: F32, tokens: tuple[str, ...]) -> QueryVectors:
    """A query (T, D) embedded by a language model: all its tokens weigh the same.

    Its score is the mean of the tokens' MaxSim, where ColBERT (Khattab and Zaharia, 2020) takes the sum. Raises
    UsageError for vectors that are not finite.
    """
    _check_finite(vectors)
    weights = np.full(len(vectors), 1 / len(vectors), np.float32)
    return QueryVectors(vectors, weights, single, tokens, contextual=True)


def single_query(vector: F32) -> QueryVectors:
    """A query that is one dense vector (S,): for models without patch vectors, whose pages are found by it alone.

    Raises UsageError for a vector that is not finite.
    """
    _check_finite(vector)
    none: F32 = np.zeros((0, 0), np.float32)
    return QueryVectors(none, np.zeros(0, np.float32), vector, (), contextual=True)


def shown(text: str) -> str:
    r"""A question as a message shows it: in quotes, and no more than SHOWN_CHARS of it.

    >>> print(shown(" \u200b"), shown("?" * 50))
    ' \u200b' '????????????????????????????????????????'…
    """
    return f"{text[:SHOWN_CHARS]!r}…" if len(text) > SHOWN_CHARS else repr(text)


def _check_finite(vectors: F32) -> None:
    if not np.isfinite(vectors).all():
        raise UsageError(
            "the vectors of this question are not finite numbers; the model's weights are damaged, or too large for "
            "what they are computed in (DOCSEARCH_ARITHMETIC=float32 has the widest range)"
        )


class QueryEncoder(Protocol):
    """Embeds queries that are text."""

    @property
    def spec(self) -> EncoderSpec: ...

    def encode_query(self, text: str) -> QueryVectors:
        """Embed one query. Raises UsageError if nothing in it can be searched for."""
        ...


@runtime_checkable
class ImageQueryEncoder(Protocol):
    """Embeds queries that are images: for models that map text and images into one space."""

    def encode_image_queries(self, images: Sequence[U8]) -> list[QueryVectors]:
        """Embed images (H, W, 3) uint8 as queries.

        Unless a query is `contextual`, its rows are patches, whose weights are computed from the index searched.
        """
        ...


@runtime_checkable
class TokenQueryEncoder(Protocol):
    """Embeds queries without a dense vector: for models whose pages are found by their patches, where it costs time."""

    def encode_tokens(self, text: str) -> QueryVectors:
        """Embed one query, its `single` empty, (0,). Raises UsageError if nothing in it can be searched for."""
        ...


@runtime_checkable
class BatchEncoder(Protocol):
    """Embeds several queries in one pass: for models that are faster that way."""

    def encode_queries(self, texts: Sequence[str]) -> list[QueryVectors]:
        """Embed queries, in the order given. Raises UsageError if one of them has nothing to search for."""
        ...


@runtime_checkable
class PageEncoder(Protocol):
    """Embeds pages; the vectors of a page do not depend on the other pages of a call."""

    @property
    def spec(self) -> EncoderSpec: ...

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        """Embed one or more pages of any sizes."""
        ...


BATCH_PAGES = 16
"""Pages that an encoder gets at a time, unless it is a `PreparingEncoder` and says otherwise."""


@runtime_checkable
class PreparingEncoder(Protocol):
    """Embeds pages in two steps, so that the processor prepares some while others are computed."""

    @property
    def batch_pages(self) -> int:
        """How many pages to prepare at a time."""
        ...

    def prepare_pages(self, pages: Sequence[PageImage]) -> object:
        """What the network reads of one or more pages. Called by a thread of its own, ahead of `encode_prepared`."""
        ...

    def encode_prepared(self, prepared: object) -> EmbeddedPages:
        """Embed pages, given what `prepare_pages` returned: as `encode_pages` does."""
        ...


class Encoder(QueryEncoder, BatchEncoder, PageEncoder, Protocol):
    """All of a model, for programs: what `docsearch.load_encoder` returns."""

    def encode_texts(self, texts: Sequence[str]) -> TextVectors:
        """Embed texts as documents. Raises UsageError if the model embeds images of pages only."""
        ...


class LazyEncoder(Encoder, Protocol):
    """A model that loads its weights when they are first needed."""

    def prepare(self) -> None:
        """Load the weights now. Raises UsageError if they cannot be loaded."""
        ...
