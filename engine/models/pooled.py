"""Token pooling at index time: a page encoder whose pages have fewer vectors, since similar ones are merged.

Clavié, Chaffin and Adams, "Reducing the Footprint of Multi-Vector Retrieval with Minimal Performance Impact via Token
Pooling", 2024. The clustering is `compression.pooling`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, cast, runtime_checkable

import numpy as np

from ..compression import pooling
from ..records import F16, U16, PageImage, Ragged
from .encoder import BATCH_PAGES, EmbeddedPages, EncoderSpec, PageEncoder, PreparingEncoder


@runtime_checkable
class VisualWordAssigner(Protocol):
    """Assigns vectors to visual words: for models that have a codebook of them."""

    def assign(self, vectors: F16) -> U16:
        """The nearest visual word of each vector (T, D), as (T,) uint16."""
        ...


def pooled_spec(spec: EncoderSpec, factor: int) -> EncoderSpec:
    """The spec of a model whose pages are pooled by `factor`: it has another fingerprint, unless the factor is 1."""
    if factor == 1:
        return spec
    return replace(spec, settings=(*spec.settings, (pooling.SETTING, str(factor))), calibration=None)


def pooled_encoder(encoder: PageEncoder, factor: int) -> PageEncoder:
    """`encoder` with its pages pooled by `factor`; the encoder itself if that is 1."""
    return encoder if factor == 1 else PoolingPageEncoder(encoder, factor)


@dataclass(frozen=True)
class PoolingPageEncoder:
    """Embeds pages with `encoder`, then merges the vectors of each page, on its own, to about one in `factor`.

    Vectors that are less similar than the lower end of the model's `match_range` are never merged. The visual word of a
    merged vector is the nearest one to it. The single vector of a page is still computed from all its patches.
    """

    encoder: PageEncoder
    factor: int

    @property
    def spec(self) -> EncoderSpec:
        return pooled_spec(self.encoder.spec, self.factor)

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        """Embed one or more pages; a page without patches has no vectors."""
        return self._pooled(self.encoder.encode_pages(pages))

    @property
    def batch_pages(self) -> int:
        """How many pages `encoder` prepares at a time."""
        return self.encoder.batch_pages if isinstance(self.encoder, PreparingEncoder) else BATCH_PAGES

    def prepare_pages(self, pages: Sequence[PageImage]) -> object:
        """What `encoder` prepares of pages; the pages themselves if it prepares nothing."""
        return self.encoder.prepare_pages(pages) if isinstance(self.encoder, PreparingEncoder) else pages

    def encode_prepared(self, prepared: object) -> EmbeddedPages:
        """Embed pages, given what `prepare_pages` returned."""
        if isinstance(self.encoder, PreparingEncoder):
            return self._pooled(self.encoder.encode_prepared(prepared))
        return self.encode_pages(cast("Sequence[PageImage]", prepared))

    def _pooled(self, embedded: EmbeddedPages) -> EmbeddedPages:
        every, cuts = embedded.vectors, embedded.vectors.vectors.offsets[1:-1]
        vectors = cast("list[F16]", list(every.vectors))
        boxes = np.split(every.boxes, cuts)
        least = self.encoder.spec.match_range[0]
        parts = [pooling.pool(*page, self.factor, min_cosine=least) for page in zip(vectors, boxes, strict=True)]
        words = None
        if embedded.words is not None:
            before = np.split(embedded.words, cuts)
            words = np.concatenate([self._words(part, page) for part, page in zip(parts, before, strict=True)])
        fewer = replace(
            every, vectors=Ragged.of([part.vectors for part in parts]), boxes=np.concatenate([p.boxes for p in parts])
        )
        return EmbeddedPages(fewer, words, embedded.left_out)

    def _words(self, page: pooling.Pooled, before: U16) -> U16:
        """The visual words of a pooled page; those of its patches were `before` (T,)."""
        words, merged = before[page.firsts], page.sizes > 1
        if merged.any():
            assert isinstance(self.encoder, VisualWordAssigner), f"{self.encoder.spec.name} cannot assign visual words"
            words[merged] = self.encoder.assign(page.vectors[merged])
        return words
