"""Rendered pages go in; their vectors come out, and a reason for each page that the model could not embed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from ..engine.models.encoder import EmbeddedPages, PageEncoder
from ..engine.records import PageImage

log = logging.getLogger(__name__)

EMBEDDING_ERRORS = (RuntimeError, ValueError, ArithmeticError, MemoryError)
"""What a model raises on a page that it cannot take; torch reports exhausted memory as RuntimeError."""


@dataclass(frozen=True, slots=True)
class PageNotEmbedded:
    """A page that the model could not take, and why."""

    page: PageImage
    reason: str


def embed(
    encoder: PageEncoder, pages: Sequence[PageImage]
) -> tuple[list[tuple[Sequence[PageImage], EmbeddedPages]], list[PageNotEmbedded]]:
    """Embed `pages` together; when that fails, one by one, so that a page the model cannot take costs itself only.

    Returns groups of pages, each with its vectors, and the pages that failed.
    """
    try:
        return [(pages, encoder.encode_pages(pages))], []
    except EMBEDDING_ERRORS as err:
        log.debug("a batch of %d pages could not be embedded (%s); trying one by one", len(pages), err)
    done: list[tuple[Sequence[PageImage], EmbeddedPages]] = []
    failed: list[PageNotEmbedded] = []
    for page in pages:
        try:
            done.append(([page], encoder.encode_pages([page])))
        except EMBEDDING_ERRORS as err:
            failed.append(PageNotEmbedded(page, f"the model could not embed this page: {_first_line(err)}"))
    return done, failed


def _first_line(err: BaseException) -> str:
    return str(err).partition("\n")[0] or type(err).__name__
