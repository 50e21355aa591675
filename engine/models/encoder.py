"""What a model must offer: a description, queries to vectors, pages to vectors."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from ..records import F32, U8, U16, PageImage, PageVectors, QueryVectors, Ragged


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """A model's description. `dim` is the width of its patch vectors, `single_dim` of its one vector a page (0 = none),
    `vocabulary` the number of its visual words (0 = none); `render_dpi` and `max_pixels` are what it wants rendered.
    `alike` are the similarities between which two patches turn from different ones into the same one. `settings` are
    further choices that change its vectors; `notice` is what a user has to know before the first use;
    `present` tells whether its weights are on this machine. `scripts` are those that it reads, by Unicode's names; all
    where none is named.
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
    alike: tuple[float, float] = (0.0, 1.0)
    settings: tuple[tuple[str, str], ...] = ()
    notice: str = ""
    present: bool = True
    scripts: tuple[str, ...] = ()

    def unread(self, text: str) -> str:
        """The first letter of `text` that is of none of its `scripts`; "" where it reads all."""
        letters = (letter for letter in unicodedata.normalize("NFKC", text) if letter.isalpha())
        return next((each for each in letters if not unicodedata.name(each, "").startswith(self.scripts or "")), "")

    @property
    def weights_gb(self) -> float:
        """Memory of the weights alone, in bfloat16, in 10^9 bytes."""
        return self.parameters * 2 / 1e9

    @property
    def fingerprint(self) -> dict[str, str | int | float]:
        """What an index records of its model: vectors made under another fingerprint do not compare with these."""
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


@dataclass(frozen=True, slots=True)
class EmbeddedPages:
    """Pages as a model returns them: their `vectors` and, for models with visual words, `words` (T,) uint16."""

    vectors: PageVectors
    words: U16 | None


@dataclass(frozen=True, slots=True)
class TextVectors:
    """N embedded texts: `vectors` Ragged (T, D) float32 and `single` (N, S) float32, of unit length."""

    vectors: Ragged
    single: F32


def equal_tokens(vectors: F32, single: F32, tokens: tuple[str, ...]) -> QueryVectors:
    """A language model's question (T, D), whose tokens count alike: it scores the mean where published models sum."""
    weights = np.full(len(vectors), 1 / len(vectors), np.float32)
    return QueryVectors(vectors, weights, single, tokens, in_context=True)


class QueryEncoder(Protocol):
    """Queries to vectors."""

    @property
    def spec(self) -> EncoderSpec: ...

    def encode_query(self, text: str) -> QueryVectors:
        """Embed one query; raises UsageError when nothing in it can be searched for."""
        ...


@runtime_checkable
class ImageQueryEncoder(Protocol):
    """Pictures to vectors that are searched for as questions are: what models have that see both in one space."""

    def encode_image_queries(self, images: Sequence[U8]) -> list[QueryVectors]:
        """Embed pictures (H, W, 3) uint8 as questions. Where these are not `in_context`, their rows are patches whose
        weights follow from the collection that is searched.
        """
        ...


@runtime_checkable
class BatchEncoder(Protocol):
    """Many queries at once to vectors: what models have that are faster so."""

    def encode_queries(self, texts: Sequence[str]) -> list[QueryVectors]:
        """Embed questions in the order given; raises UsageError when one holds nothing to search for."""
        ...


@runtime_checkable
class PageEncoder(Protocol):
    """Pages to vectors; a page's vectors do not depend on the pages beside it."""

    @property
    def spec(self) -> EncoderSpec: ...

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        """Embed any number of pages of any sizes."""
        ...


class Encoder(QueryEncoder, BatchEncoder, PageEncoder, Protocol):
    """Both sides of a model, for programs: what `docsearch.load_encoder` opens."""

    def encode_texts(self, texts: Sequence[str]) -> TextVectors:
        """Embed texts as documents; raises UsageError where the model looks at pages only."""
        ...


class PreparedEncoder(Encoder, Protocol):
    """A model whose weights are read when they are first needed."""

    def prepare(self) -> None:
        """Read the weights now; raises UsageError when that fails."""
        ...
