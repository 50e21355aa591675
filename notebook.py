"""An index opened for programs and notebooks: a Searcher whose hits can show their pages."""

from __future__ import annotations

from pathlib import Path

from .engine import searcher
from .engine.models.encoder import QueryEncoder
from .engine.searcher import Searcher
from .indexer.page_images import PageSource

PICTURE_DPI = 72.0
"""A letter page is 612 pixels wide: enough for a picture of it in a list."""
MAX_PIXELS = 2_000_000
PAGE_TIMEOUT_S = 10.0


def open_index(directory: Path | str, *, encoder: QueryEncoder | None = None, device: str = "cpu") -> Searcher:
    """Open an index for searching, with the model that made it, or with `encoder`; `device` is where pages are scored:
    "cpu", "cuda", or "auto" for a GPU if there is one.

    In a notebook its hits show their pages, drawn from the documents as far as these are where they were indexed.
    Raises IndexNotFound, IndexFormatError, IndexDamaged, and EncoderMismatch when the model is of another revision.

    >>> index = open_index("reports.index")                   # doctest: +SKIP
    >>> index.search("revenue chart 2023", k=5)               # doctest: +SKIP
    """
    pages = PageSource(Path(directory), dpi=PICTURE_DPI, max_pixels=MAX_PIXELS, page_timeout_s=PAGE_TIMEOUT_S)
    return searcher.open_index(directory, encoder=encoder, pages=pages, device=device)
