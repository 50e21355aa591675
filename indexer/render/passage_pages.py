"""Opens a text file as a document with a page for each of its passages, for models that read text.

Runs only inside the child process (`worker`). The text of a page is the passage as it stands in the file, with its
indentation; the picture of a page, for people, is as tall as the passage needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ...engine.errors import DocumentError
from ...engine.records import Lines
from .backend import GreyBitmap, PageBitmap
from .laid_out import PAGE_SIZE_PT, LaidOutDocument, open_text, read_text
from .line_numbers import split_lines
from .mupdf import prepare
from .passages import Passage, passages
from .unread import Unread
from .visible_text import Word

HEIGHT_MAX_PT = 16 * PAGE_SIZE_PT[1]
"""Height of a page at most; what a passage has beyond is not on its picture."""


def open_passages(file: Path) -> PassageDocument:
    """Open a text file. Raises DocumentError for one that cannot be read or has no text."""
    prepare()
    text, unread = read_text(file)
    found = passages(split_lines(text))
    if not found:
        raise DocumentError("the file has no text")
    return PassageDocument(found, unread)


class PassageDocument:
    """The passages of an open text file; `unread` is what of the file is in none of them."""

    def __init__(self, found: Sequence[Passage], unread: Sequence[Unread]) -> None:
        self._passages = found
        self._unread = list(unread)
        self._page: LaidOutDocument | None = None  # the passage that was rendered last
        self._shown = found[0]
        self.page_count = len(found)

    def render(self, page: int, *, dpi: float, max_pixels: int) -> PageBitmap:
        """Render the passage with this number. Raises DocumentError, or what `MupdfDocument.render` raises."""
        if not 1 <= page <= self.page_count:
            raise DocumentError("the page cannot be found; the document is damaged")
        self.close()
        self._shown = self._passages[page - 1]
        height = PAGE_SIZE_PT[1]
        self._page = open_text(self._shown.text)
        while self._page.page_count > 1 and height < HEIGHT_MAX_PT:
            height *= 2
            self._page.close()
            self._page = open_text(self._shown.text, height_pt=height)
        return self._page.render(1, dpi=dpi, max_pixels=max_pixels)

    def text(self) -> str:
        """Return the passage that was rendered last, as it stands in the file."""
        return self._shown.text

    def headings(self) -> str:
        """Return "": all print of a passage is alike."""
        return ""

    def lines(self) -> Lines | None:
        """Return the lines of the file that the passage consists of."""
        return self._shown.first, self._shown.last

    def words(self) -> Iterable[Word]:
        """Return the words of the passage that was rendered last, with their boxes on its picture in px."""
        return self._laid_out().words()

    def font_sizes(self) -> list[tuple[float, int]]:
        """Return nothing: the print is that of every passage, and large enough."""
        return []

    def own_dpi(self) -> float | None:
        """Return None: a passage is no picture."""
        return None

    def detail(self, *, dpi: float, max_pixels: int) -> GreyBitmap:
        """Render the passage that was rendered last again; raises what `MupdfDocument.detail` raises."""
        return self._laid_out().detail(dpi=dpi, max_pixels=max_pixels)

    def properties(self) -> dict[str, str]:
        """Return nothing: a text says nothing of itself."""
        return {}

    def unread(self) -> list[Unread]:
        """Return what was cut off."""
        return self._unread

    def unread_on_page(self) -> list[Unread]:
        """Return nothing."""
        return []

    def close(self) -> None:
        """Close the passage that is open."""
        if self._page is not None:
            self._page.close()
            self._page = None

    def _laid_out(self) -> LaidOutDocument:
        assert self._page is not None, "rendered before"
        return self._page
