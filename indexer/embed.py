"""Embeds rendered pages in batches, and page by page where a batch fails."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..engine.models.encoder import EmbeddedPages, PageEncoder
from ..engine.records import PageRef, PagesToStore
from .render.renderer import PageRendered

log = logging.getLogger(__name__)

EMBEDDING_ERRORS = (RuntimeError, ValueError, ArithmeticError, MemoryError)
"""What a model raises on a page it cannot embed; torch reports exhausted memory as RuntimeError."""


@dataclass(frozen=True, slots=True)
class PageNotEmbedded:
    """A page that the model could not embed, and why."""

    ref: PageRef
    reason: str


def embed(encoder: PageEncoder, pages: Sequence[PageRendered]) -> tuple[list[PagesToStore], list[PageNotEmbedded]]:
    """Embed `pages` in one batch or, if that fails, one by one, so that a bad page fails alone.

    Returns the embedded pages, in one batch or several, and the pages that failed.
    """
    try:
        embedded = encoder.encode_pages([page.image for page in pages])
    except EMBEDDING_ERRORS as err:
        log.debug("a batch of %d pages could not be embedded (%s); trying one by one", len(pages), err)
        return _embed_one_by_one(encoder, pages)
    return [_to_store(pages, embedded)], []


def _embed_one_by_one(
    encoder: PageEncoder, pages: Sequence[PageRendered]
) -> tuple[list[PagesToStore], list[PageNotEmbedded]]:
    done: list[PagesToStore] = []
    failed: list[PageNotEmbedded] = []
    for page in pages:
        try:
            embedded = encoder.encode_pages([page.image])
        except EMBEDDING_ERRORS as err:
            reason = f"the model could not embed this page: {_first_line(err)}"
            failed.append(PageNotEmbedded(page.image.ref, reason))
        else:
            done.append(_to_store([page], embedded))
    return done, failed


def _to_store(pages: Sequence[PageRendered], embedded: EmbeddedPages) -> PagesToStore:
    return PagesToStore(
        vectors=embedded.vectors,
        texts=tuple(page.image.text for page in pages),
        sizes_pt=np.array([page.size_pt for page in pages], np.float64),
        words=embedded.words,
    )


def _first_line(err: BaseException) -> str:
    return str(err).partition("\n")[0] or type(err).__name__
