"""Questions in words or pictures to vectors: the text side in numpy, and the page side once a picture is asked for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...compression.visual_words import PageCode
from ...records import U8, PageImage, PageRef, QueryVectors
from ..encoder import EncoderSpec
from . import spec
from .text import PixelText

if TYPE_CHECKING:
    from .pages import PixelPages


class PixelQueries:
    """What questions need of the embedded model; words alone need no torch."""

    def __init__(self, text: PixelText, folder: Path | None = None) -> None:
        """`folder` holds the weights of a fine-tuned model; None for those that ship."""
        self._text = text
        self._folder = folder
        self._one_at_a_time = threading.Lock()

    @property
    def spec(self) -> EncoderSpec:
        return self._text.spec

    @property
    def code(self) -> PageCode:
        return self._text.code

    def encode_query(self, text: str) -> QueryVectors:
        """Embed one query, see `PixelText.encode_query`."""
        return self._text.encode_query(text)

    def encode_image_queries(self, images: Sequence[U8]) -> list[QueryVectors]:
        """Embed pictures (H, W, 3), see `seen`."""
        with self._one_at_a_time:
            pages = self._pages
        return [seen(pages, pixels) for pixels in images]

    @cached_property
    def _pages(self) -> PixelPages:
        from .pages import PixelPages

        return PixelPages.load(self._folder)


def seen(pages: PixelPages, pixels: U8) -> QueryVectors:
    """What the model sees on a picture (H, W, 3), read as a page is, the most salient first, all with one weight."""
    image = PageImage(PageRef("", "", 1), pixels, spec.SPEC.render_dpi)
    vectors = pages.read(image).vectors
    count = len(vectors)
    weights = np.full(count, 1 / max(1, count), np.float32)
    single = pages.code.query_vector(vectors, weights) if count else np.zeros(spec.SINGLE_DIM, np.float32)
    return QueryVectors(vectors, weights, single, ("",) * count, *spec.SPEC.alike)
