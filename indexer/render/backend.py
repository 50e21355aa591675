"""What a renderer hands over, whichever library draws: a `Drawing` of each page of an `OpenDocument`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from ...engine.errors import DocumentError

TEXT_MAX_CHARS = 200_000
"""Text kept of one page; no page that a person reads has more."""
REASON_MAX_CHARS = 300
OUT_OF_MEMORY = re.compile(r"malloc|calloc|realloc|out of memory|bad_alloc|cannot allocate", re.IGNORECASE)
"""How native libraries say that they met the memory limit."""


class OutOfMemory(Exception):
    """A library met the memory limit and said so in its own way."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn page: `rgb` is height x width x 3 bytes, `size_pt` the page's width and height in points.

    `rgb` is good until its document draws another page or closes.
    """

    width: int
    height: int
    rgb: bytes | memoryview
    dpi: float
    size_pt: tuple[float, float]


class OpenDocument(Protocol):
    """A document that a renderer has opened; pages count from 1. Anything may raise, or never come back."""

    page_count: int

    def draw(self, page: int, *, dpi: float, max_pixels: int) -> Drawing:
        """Draw `page` within `max_pixels`."""

    def text(self) -> str:
        """Return the text layer of the page drawn last, or ""."""

    def close(self) -> None:
        """Let go of the file."""


def failure(what: str, err: Exception) -> Exception:
    """Return the error to raise where a library raised `err`: OutOfMemory, or DocumentError saying `what` failed."""
    if isinstance(err, MemoryError) or OUT_OF_MEMORY.search(str(err)):
        return OutOfMemory(str(err))
    return DocumentError(f"{what}: {in_words(err)}" if what else in_words(err))


def in_words(err: BaseException) -> str:
    """Say what a library raised, on one line of bounded length."""
    words = re.sub(r"^code=\d+: ", "", " ".join(str(err).split()))
    return (words or type(err).__name__)[:REASON_MAX_CHARS]
