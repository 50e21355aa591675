"""Embeds rendered pages in batches, and page by page where a batch fails."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..engine.models.encoder import EmbeddedPages, PageEncoder, PreparingEncoder
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


class Embedded(NamedTuple):
    """The embedded pages, in one batch or several; those that `failed`; those that were `crowded`, with the number of
    words that were left out of each.
    """

    batches: list[PagesToStore]
    failed: list[PageNotEmbedded]
    crowded: list[tuple[PageRef, int]]


def embed(encoder: PageEncoder, pages: Sequence[PageRendered], prepared: object | None = None) -> Embedded:
    """Embed `pages` in one batch or, if that fails, one by one, so that a bad page fails alone.

    `prepared` is what a `PreparingEncoder` made of the pages before, None if it did not.
    """
    try:
        if prepared is not None and isinstance(encoder, PreparingEncoder):
            embedded = encoder.encode_prepared(prepared)
        else:
            embedded = encoder.encode_pages([page.image for page in pages])
        _check_finite(embedded)
    except EMBEDDING_ERRORS as err:
        log.debug("a batch of %d pages could not be embedded (%s); trying one by one", len(pages), err)
        return _embed_one_by_one(encoder, pages)
    return Embedded([_to_store(pages, embedded)], [], _crowded(pages, embedded))


def _embed_one_by_one(encoder: PageEncoder, pages: Sequence[PageRendered]) -> Embedded:
    done = Embedded([], [], [])
    for page in pages:
        try:
            embedded = encoder.encode_pages([page.image])
            _check_finite(embedded)
        except EMBEDDING_ERRORS as err:
            reason = f"the model could not embed this page: {_first_line(err)}"
            done.failed.append(PageNotEmbedded(page.image.ref, reason))
        else:
            done.batches.append(_to_store([page], embedded))
            done.crowded.extend(_crowded([page], embedded))
    return done


def _check_finite(embedded: EmbeddedPages) -> None:
    """Raise FloatingPointError if a vector has NaN or an infinity in it: no page could be compared with it."""
    if not all(np.isfinite(part).all() for part in (embedded.vectors.vectors.values, embedded.vectors.single)):
        raise FloatingPointError(
            "its vectors are not finite numbers; the weights are damaged, or too large for what they are computed in "
            "(DOCSEARCH_ARITHMETIC=float32 has the widest range)"
        )


def _crowded(pages: Sequence[PageRendered], embedded: EmbeddedPages) -> list[tuple[PageRef, int]]:
    return [(page.image.ref, count) for page, count in zip(pages, embedded.left_out, strict=False) if count]


def _to_store(pages: Sequence[PageRendered], embedded: EmbeddedPages) -> PagesToStore:
    return PagesToStore(
        vectors=embedded.vectors,
        texts=tuple(page.image.text for page in pages),
        sizes_pt=np.array([page.size_pt for page in pages], np.float64),
        words=embedded.words,
        labels=tuple(page.label for page in pages),
        lines=tuple(page.lines for page in pages),
        headings=tuple(page.headings for page in pages),
        ocr=tuple(page.ocr for page in pages),
    )


def _first_line(err: BaseException) -> str:
    return str(err).partition("\n")[0] or type(err).__name__
