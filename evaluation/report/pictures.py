"""Small pictures of pages for a report, with what matches the question highlighted."""

from __future__ import annotations

import base64
from contextlib import suppress

from ...engine import images
from ...engine.errors import DocsearchError, UsageError
from ...engine.hits import PagePictures
from ...engine.records import PageRef
from ...engine.searcher import Searcher

WIDTH_PX = 340
"""Width of a picture; it is shown at two thirds of it, sharp on most screens."""
JPEG_QUALITY = 62
"""Pillow's quality setting, 1 to 95."""


class Pictures:
    """Draws the pages of one index; `undrawn` are those whose document is gone or cannot be rendered."""

    def __init__(self, searcher: Searcher, pages: PagePictures) -> None:
        self._searcher = searcher
        self._pages = pages
        self.undrawn: set[tuple[str, int]] = set()

    def of(self, text: str, path: str, number: int | None) -> str | None:
        """The page `number` of a document, the first one for None, as a data URI of a JPEG with the heat map of the
        question `text`; None if it cannot be drawn.
        """
        document = self._searcher.snapshot.document(path=path)
        if document is None:
            return None
        ref = PageRef(document.id, path, number or 1)
        try:
            pixels, words = self._pages.with_words(ref)
        except DocsearchError:
            self.undrawn.add((path, ref.page))
            return None
        with suppress(UsageError):  # a model whose vectors have no place, a question without words: the page as it is
            pixels = self._searcher.heatmap(text, ref, pixels, words=words)
        encoded = images.encode_jpeg(pixels, width=WIDTH_PX, quality=JPEG_QUALITY)
        return "data:image/jpeg;base64," + base64.b64encode(encoded).decode("ascii")
