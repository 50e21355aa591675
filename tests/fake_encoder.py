"""A page encoder without weights: vectors are hashes of strips of the page, so equal pixels give equal vectors."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from docsearch.engine.errors import UsageError
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


def load(name: str, device: str) -> FakeEncoder:
    """A fake encoder in a process of its own (`models.spread`); `name` says how it behaves.

    "fails on N" as `fails_on`; "dies on N": the process ends at that page; "no model": it cannot be loaded.
    "meets FOLDER": each device waits until two of them encode at the same time, and fails after ten minutes.
    """
    if name == "no model":
        raise UsageError("there is no such model")
    words = name.split()
    encoder = FakeEncoder(fails_on=int(words[-1]) if "fails" in words else None)
    if words[0] == "meets":
        encode_alone, folder = encoder.encode_pages, Path(name.removeprefix("meets "))

        def encode_together(pages: Sequence[PageImage]) -> EmbeddedPages:
            (folder / device).touch()
            deadline = time.monotonic() + 600
            while len(list(folder.iterdir())) < 2:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{device} encodes alone")
                time.sleep(0.01)
            return encode_alone(pages)

        encoder.encode_pages = encode_together  # type: ignore[method-assign]
    if "dies" in words:
        encode = encoder.encode_pages

        def encode_or_die(pages: Sequence[PageImage]) -> EmbeddedPages:
            if any(page.ref.page == int(words[-1]) for page in pages):
                os._exit(7)
            return encode(pages)

        encoder.encode_pages = encode_or_die  # type: ignore[method-assign]
    return encoder


def _direction(content: bytes) -> np.ndarray[tuple[int], np.dtype[np.float16]]:
    digest = np.frombuffer(hashlib.sha256(content).digest()[:DIM], np.uint8).astype(np.float32) - 127.5
    return (digest / np.linalg.norm(digest)).astype(np.float16)
