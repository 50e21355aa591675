"""The interface to a rendering library: an open document, the bitmap of a page, and how errors are reported."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ...engine.errors import DocumentError
from ...engine.records import U8, Lines
from .undrawn import Undrawn
from .unread import Unread
from .visible_text import Word

TEXT_MAX_CHARS = 200_000
"""Characters of a page's text layer that are kept; no page meant for people has more."""
WORDS_MAX = 20_000
"""Words of a page whose places are told; no page meant for people has more."""
REASON_MAX_CHARS = 300
OUT_OF_MEMORY = re.compile(r"malloc|calloc|realloc|out of memory|bad_alloc|cannot allocate", re.IGNORECASE)
"""How native libraries report that an allocation failed."""


class OutOfMemory(Exception):
    """A library hit the memory limit and reported it in its own way."""


@dataclass(frozen=True, slots=True)
class PageBitmap:
    """A rendered page: `rgb` is height x width x 3 bytes, `size_pt` the page's width and height in points, and `label`
    the page's number as the document has it, if it has one.

    `rgb` may point into the library's memory: it is valid until the document renders another page or is closed.
    """

    width: int
    height: int
    rgb: bytes | memoryview
    dpi: float
    size_pt: tuple[float, float]
    label: str = ""


@dataclass(frozen=True, slots=True)
class GreyBitmap:
    """A page rendered in grey: `pixels` (H, W) uint8, at `dpi`."""

    pixels: U8
    dpi: float


@dataclass(frozen=True, slots=True)
class ConvertedPdf:
    """The `content` of a PDF that was made from a document of another kind, and what of that it lacks."""

    content: bytes
    unread: tuple[Unread, ...] = ()


class OpenDocument(Protocol):
    """A document opened by a rendering library; pages count from 1. Any method may raise anything, or never return."""

    page_count: int

    def properties(self) -> dict[str, str]:
        """Return what the file says of itself, by names of `properties.NAMES`."""

    def render(self, page: int, *, dpi: float, max_pixels: int) -> PageBitmap:
        """Render `page` at `dpi`, or lower where `max_pixels` requires it."""

    def text(self) -> str:
        """Return the text layer of the page rendered last, or ""."""

    def words(self) -> Iterable[Word]:
        """Return the words of the text layer of the page rendered last that can be seen, in its order, with their boxes
        on its picture.
        """

    def unread(self) -> list[Unread]:
        """Return what belongs to the document as a whole and is on none of its pages."""

    def unread_on_page(self) -> list[Unread]:
        """Return what belongs to the page rendered last and is not drawn on it."""

    def font_sizes(self) -> Iterable[tuple[float, int]]:
        """Return the font sizes of the text layer of the page rendered last, in points, each with its characters."""

    def lines(self) -> Lines | None:
        """Return the lines of a text file that the page rendered last shows; None for other files."""

    def headings(self) -> str:
        """Return the headings of the page rendered last, a line each; see `headings`."""

    def own_dpi(self) -> float | None:
        """Return the resolution of the picture that the page rendered last consists of; None if it is no picture."""

    def detail(self, *, dpi: float, max_pixels: int) -> GreyBitmap:
        """Render the page rendered last again, in grey, at `dpi`, or lower where `max_pixels` requires it."""

    def close(self) -> None:
        """Close the file."""


@runtime_checkable
class OpenPdf(OpenDocument, Protocol):
    """A PDF opened by a rendering library.

    `of_office`: it was made of an Office document. Marks of comments are not drawn on its pages then, and pictures may
    have descriptions.
    """

    of_office: bool

    def undrawn(self) -> Undrawn:
        """Return the comments on the page rendered last, and descriptions of its pictures."""

    def attached_files(self) -> tuple[list[tuple[str, Callable[[], bytes]]], int]:
        """Return the name of each file that lies in it with a function that reads the file, and how many files there
        are beyond these.
        """


def as_render_error(what: str, err: Exception) -> OutOfMemory | DocumentError:
    """Translate a library's exception: OutOfMemory, or DocumentError with the message "`what`: reason"."""
    if isinstance(err, MemoryError) or OUT_OF_MEMORY.search(str(err)):
        return OutOfMemory(str(err))
    return DocumentError(f"{what}: {one_line(err)}" if what else one_line(err))


def one_line(err: BaseException) -> str:
    """The message of a library's exception on one line of at most REASON_MAX_CHARS, without MuPDF's error code."""
    message = re.sub(r"^code=\d+: ", "", " ".join(str(err).split()))
    return (message or type(err).__name__)[:REASON_MAX_CHARS]
