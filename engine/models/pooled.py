"""A page encoder goes in; one comes out whose pages have fewer vectors, because similar ones are merged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, cast, runtime_checkable

import numpy as np

from ..compression import pooling
from ..records import F16, U16, PageImage, Ragged
from .encoder import EmbeddedPages, EncoderSpec, PageEncoder


@runtime_checkable
class WordFinder(Protocol):
    """Vectors to visual words: what models have whose pages come with words."""

    def assign(self, vectors: F16) -> U16:
        """The nearest visual word of each vector (T, D), as (T,) uint16."""
        ...


def described(spec: EncoderSpec, factor: int) -> EncoderSpec:
    """A model whose pages are pooled by `factor`; its fingerprint is another, unless the factor is 1."""
    if factor == 1:
        return spec
    return replace(spec, settings=(*spec.settings, (pooling.SETTING, str(factor))))


def pooled(encoder: PageEncoder, factor: int) -> PageEncoder:
    """`encoder` with its pages pooled by `factor`: itself where that is 1."""
    return encoder if factor == 1 else PooledPages(encoder, factor)


@dataclass(frozen=True)
class PooledPages:
    """Embeds as `encoder` does, then merges the vectors of each page, alone, to about one in `factor`.

    What the model calls different things, by the lower of its similarities `alike`, stays apart. The visual word of a
    merged vector is the nearest to it. The single vector of a page stays that of all its patches.
    """

    encoder: PageEncoder
    factor: int

    @property
    def spec(self) -> EncoderSpec:
        return described(self.encoder.spec, self.factor)

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        """Embed pages; one without patches stays without."""
        embedded = self.encoder.encode_pages(pages)
        every, cuts = embedded.vectors, embedded.vectors.vectors.offsets[1:-1]
        vectors = cast("list[F16]", list(every.vectors))
        boxes = np.split(every.boxes, cuts)
        least = self.encoder.spec.alike[0]
        parts = [pooling.pool(*page, self.factor, least=least) for page in zip(vectors, boxes, strict=True)]
        words = None
        if embedded.words is not None:
            own = np.split(embedded.words, cuts)
            words = np.concatenate([self._words(part, page) for part, page in zip(parts, own, strict=True)])
        fewer = replace(
            every, vectors=Ragged.of([part.vectors for part in parts]), boxes=np.concatenate([p.boxes for p in parts])
        )
        return EmbeddedPages(fewer, words)

    def _words(self, page: pooling.Pooled, before: U16) -> U16:
        """The visual words of a pooled page, whose patches had the words `before` (T,)."""
        words, merged = before[page.firsts], page.sizes > 1
        if merged.any():
            assert isinstance(self.encoder, WordFinder), f"{self.encoder.spec.name} has visual words and finds none"
            words[merged] = self.encoder.assign(page.vectors[merged])
        return words
