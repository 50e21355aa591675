"""A page encoder without weights: vectors are hashes of strips of the page, so equal pixels give equal vectors."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence

import numpy as np

from docsearch.engine.models.encoder import EmbeddedPages, EncoderSpec
from docsearch.engine.records import PageImage, PageVectors, QueryVectors, Ragged

DIM = 16
STRIPS = 5
SPEC = EncoderSpec(
    name="fake",
    revision="1",
    summary="hashes of strips of the page",
    licence="Apache-2.0",
    parameters=0,
    dim=DIM,
    single_dim=DIM,
    vocabulary=0,
    render_dpi=36.0,
    max_pixels=40_000,
)


class FakeEncoder:
    """Embeds pages and queries. `seconds_per_page` slows it down; page number `fails_on` raises RuntimeError."""

    def __init__(self, *, seconds_per_page: float = 0.0, fails_on: int | None = None) -> None:
        self.spec = SPEC
        self.pages = 0
        self._seconds_per_page = seconds_per_page
        self._fails_on = fails_on

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        if any(page.ref.page == self._fails_on for page in pages):
            raise RuntimeError("no vectors for this page\nand a second line")
        time.sleep(self._seconds_per_page * len(pages))
        self.pages += len(pages)
        vectors = [
            np.stack([_direction(strip.tobytes()) for strip in np.array_split(page.pixels, STRIPS)]) for page in pages
        ]
        edges = np.linspace(0, 65535, STRIPS + 1).astype(np.uint16)
        strips = np.stack([np.zeros(STRIPS), edges[:-1], np.full(STRIPS, 65535), edges[1:]], axis=1).astype(np.uint16)
        return EmbeddedPages(
            PageVectors(
                refs=tuple(page.ref for page in pages),
                vectors=Ragged.of(vectors),
                boxes=np.tile(strips, (len(pages), 1)),
                single=np.stack([page.mean(axis=0) for page in vectors]).astype(np.float16),
            ),
            words=None,
        )

    def encode_query(self, text: str) -> QueryVectors:
        vector = _direction(text.encode()).astype(np.float32)
        return QueryVectors(vector[None], np.ones(1, np.float32), vector, (text,))


def _direction(content: bytes) -> np.ndarray[tuple[int], np.dtype[np.float16]]:
    digest = np.frombuffer(hashlib.sha256(content).digest()[:DIM], np.uint8).astype(np.float32) - 127.5
    return (digest / np.linalg.norm(digest)).astype(np.float16)
