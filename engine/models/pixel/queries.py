"""Queries for the embedded model: text is embedded in numpy; the page side is loaded for the first image."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...compression.visual_words import VisualWords
from ...records import U8, PageImage, PageRef, QueryVectors
from ..encoder import EncoderSpec
from . import spec
from .text import PixelText

if TYPE_CHECKING:
    from .pages import PixelPages


class PixelQueries:
    """The query encoder of the model; its page side is loaded only for queries that are images."""

    def __init__(self, text: PixelText, folder: Path | None = None) -> None:
        """`folder` holds the weights of a fine-tuned model; None for those that ship with the package."""
        self._text = text
        self._folder = folder
        self._loading = threading.Lock()

    @property
    def spec(self) -> EncoderSpec:
        return self._text.spec

    @property
    def visual_words(self) -> VisualWords:
        return self._text.visual_words

    def encode_query(self, text: str) -> QueryVectors:
        """Embed one query; see `PixelText.encode_query`."""
        return self._text.encode_query(text)

    def encode_tokens(self, text: str) -> QueryVectors:
        """Embed one query without its dense vector; see `PixelText.encode_tokens`."""
        return self._text.encode_tokens(text)

    def encode_image_queries(self, images: Sequence[U8]) -> list[QueryVectors]:
        """Embed images (H, W, 3) as queries; see `encode_image_query`."""
        with self._loading:
            pages = self._pages
        return [encode_image_query(pages, pixels) for pixels in images]

    @cached_property
    def _pages(self) -> PixelPages:
        from .pages import PixelPages

        return PixelPages.load(self._folder)


def encode_image_query(pages: PixelPages, pixels: U8) -> QueryVectors:
    """Embed an image (H, W, 3), read as a page is, as a query: its patches, most salient first, all of one weight."""
    image = PageImage(PageRef("", "", 1), pixels, spec.SPEC.render_dpi)
    vectors = pages.read(image).vectors
    count = len(vectors)
    weights = np.full(count, 1 / max(1, count), np.float32)
    single = pages.visual_words.query_vector(vectors, weights) if count else np.zeros(spec.SINGLE_DIM, np.float32)
    return QueryVectors(vectors, weights, single, ("",) * count, *spec.SPEC.match_range)
