"""Renders PDF pages and extracts their text with PDFium, for users who cannot accept MuPDF's licence (AGPL).

The only module that imports pypdfium2. Runs only inside the child process (`worker`). PDFium has no API for a page's
UserUnit, so the rare page that sets one is taken to be smaller than it is: its print is read from the detail.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium_c

from ...engine.errors import DocumentError
from ...engine.records import U8, Lines
from ...engine.store.unread import DYNAMIC_FORM
from .backend import TEXT_MAX_CHARS, ConvertedPdf, GreyBitmap, PageBitmap
from .detail import detail_size, grey_of, strips
from .page_size import pixel_size
from .properties import of_pdf
from .undrawn import Undrawn, comment, lines
from .unread import Unread, attachments
from .visible_text import Word, seen_words, visible_text

ANNOTATIONS_MAX, ATTACHMENTS_MAX, CHARACTERS_MEASURED = 20_000, 10_000, 2000
"""Annotations of a page, attached files and characters that are looked at."""
COMMENTS = frozenset(
    (
        pdfium_c.FPDF_ANNOT_TEXT,
        pdfium_c.FPDF_ANNOT_HIGHLIGHT,
        pdfium_c.FPDF_ANNOT_UNDERLINE,
        pdfium_c.FPDF_ANNOT_STRIKEOUT,
        pdfium_c.FPDF_ANNOT_SQUIGGLY,
        pdfium_c.FPDF_ANNOT_CARET,
    )
)
"""As `COMMENT_SUBTYPES`."""
UTF16_END, STRING_MAX_BYTES = 2, 1 << 20
WHITE = (255, 255, 255, 255)
RENDER_FLAGS: int = pdfium_c.FPDF_ANNOT | pdfium_c.FPDF_REVERSE_BYTE_ORDER


def open_pdf(file: Path, passwords: tuple[str, ...], converted: ConvertedPdf | None = None) -> PdfiumDocument:
    """Open `file`, or what it was `converted` to; `passwords` are tried if it is encrypted. Raises DocumentError."""
    for password in (None, *passwords):
        try:
            content = file.open("rb") if converted is None else converted.content
            document = pypdfium2.PdfDocument(content, password=password, autoclose=True)
            return PdfiumDocument(document, () if converted is None else converted.unread)
        except pypdfium2.PdfiumError as err:
            if "password" not in str(err).lower():
                what = str(err).removeprefix("Failed to load document ").strip("().")
                raise DocumentError(f"the PDF cannot be opened: {what}") from err
    tried = f"none of the {len(passwords)} passwords given opens it" if passwords else "it needs a password"
    raise DocumentError(f"the PDF is encrypted and {tried}; pass the right one with --password")


class PdfiumDocument:
    """An open PDF; holds the page rendered last, from which its text is extracted too."""

    def __init__(self, document: pypdfium2.PdfDocument, unread: Sequence[Unread] = ()) -> None:
        self._document = document
        self._unread = list(unread)
        self._page: pypdfium2.PdfPage | None = None
        self._drawn: U8 | None = None
        self.of_office = False
        document.init_forms()
        self.page_count: int = len(document)

    def properties(self) -> dict[str, str]:
        """Return the title, author, subject and keywords of the PDF, as far as it has them."""
        return of_pdf(self._document.get_metadata_dict())

    def render(self, page: int, *, dpi: float, max_pixels: int) -> PageBitmap:
        """Render `page` with annotations and form fields, rotated and cropped as the PDF specifies, on white.

        Raises DocumentError if the page cannot be found or has no area, or whatever PDFium raises.
        """
        self._close_page()
        try:
            loaded = self._page = self._document[page - 1]
        except pypdfium2.PdfiumError as err:
            raise DocumentError("the page cannot be found; the PDF is damaged") from err
        width_pt, height_pt = loaded.get_size()
        if width_pt <= 0 or height_pt <= 0:
            raise DocumentError("the page is empty: its crop box lies outside the page")
        if self.of_office:
            for annotation, subtype in self._annotations():
                if subtype == pdfium_c.FPDF_ANNOT_TEXT:
                    pdfium_c.FPDFAnnot_SetFlags(annotation, pdfium_c.FPDF_ANNOT_FLAG_HIDDEN)
        width, height, effective_dpi = pixel_size(width_pt, height_pt, dpi=dpi, max_pixels=max_pixels)
        drawn = self._drawn = self._rows(width, height, 0, height)
        rgb = drawn.tobytes()
        return PageBitmap(
            width, height, rgb, effective_dpi, (width_pt, height_pt), self._document.get_page_label(page - 1)
        )

    def _rows(self, width: int, height: int, top: int, bottom: int) -> U8:
        """Rows `top` to `bottom` of the page drawn with `width` and `height`, all in px: (bottom - top, width, 3)."""
        loaded, rows = self._page, bottom - top
        assert loaded is not None
        bitmap = pypdfium2.PdfBitmap.new_native(width, rows, pdfium_c.FPDFBitmap_BGR, rev_byteorder=True)
        bitmap.fill_rect(WHITE, 0, 0, width, rows)
        pdfium_c.FPDF_RenderPageBitmap(bitmap, loaded, 0, -top, width, height, 0, RENDER_FLAGS)
        if self._document.formenv:
            pdfium_c.FPDF_FFLDraw(self._document.formenv, bitmap, loaded, 0, -top, width, height, 0, RENDER_FLAGS)
        drawn = np.frombuffer(bitmap.buffer, np.uint8).reshape(rows, bitmap.stride)
        rgb: U8 = drawn[:, : 3 * width].copy().reshape(rows, width, 3)
        bitmap.close()
        return rgb

    def text(self) -> str:
        """Return the text layer of the page rendered last, as far as it can be seen."""
        assert self._page is not None
        text_page = self._page.get_textpage()
        count = min(text_page.count_chars(), TEXT_MAX_CHARS)
        text = str(text_page.get_text_range(0, count))
        if self._drawn is not None and len(text) == count:  # else characters have other numbers than in the text
            text = visible_text(text, self._words(text, text_page), self._drawn)
        text_page.close()
        return text.replace("\r\n", "\n")

    def words(self) -> Iterator[Word]:
        """Return the words of the page rendered last that are seen on its picture, with their boxes there in px."""
        assert self._page is not None
        assert self._drawn is not None
        text_page = self._page.get_textpage()
        count = min(text_page.count_chars(), TEXT_MAX_CHARS)
        text = str(text_page.get_text_range(0, count))
        if len(text) == count:  # else characters have other numbers than in the text
            yield from seen_words(self._words(text, text_page), self._drawn)
        text_page.close()

    def _words(self, text: str, text_page: pypdfium2.PdfTextPage) -> Iterator[Word]:
        """The words of a text, from the boxes of their first and last characters."""
        for match in re.finditer(r"\S+", text):
            try:
                boxes = [text_page.get_charbox(i, loose=True) for i in (match.start(), match.end() - 1)]
            except pypdfium2.PdfiumError:  # a character without a place
                continue
            corners = [self._on_picture(x, y) for x0, y0, x1, y1 in boxes for x, y in ((x0, y0), (x1, y1))]
            across, down = zip(*corners, strict=True)
            yield min(across), min(down), max(across), max(down), match.group()

    def _on_picture(self, x: float, y: float) -> tuple[float, float]:
        """A point of the page, in points, on its picture, in px."""
        assert self._drawn is not None
        height, width, _ = self._drawn.shape
        column, row = ctypes.c_int(), ctypes.c_int()
        pdfium_c.FPDF_PageToDevice(self._page, 0, 0, width, height, 0, x, y, column, row)
        return column.value, row.value

    def attached_files(self) -> tuple[list[tuple[str, Callable[[], bytes]]], int]:
        """Return the files embedded in the PDF, as `OpenPdf.attached_files`; not those attached to its pages."""
        total = self._document.count_attachments()
        count = min(total, ATTACHMENTS_MAX)
        files = [self._document.get_attachment(number) for number in range(count)]
        return [(file.get_name(), partial(_content, file)) for file in files], total - count

    def unread(self) -> list[Unread]:
        """Return attached files, and a form that a viewer would have to lay out first (XFA)."""
        total = self._document.count_attachments()
        count = min(total, ATTACHMENTS_MAX)
        names = [self._document.get_attachment(number).get_name() for number in range(count)]
        found = self._unread + attachments(names, total - count)
        if self._document.get_formtype() == pdfium_c.FORMTYPE_XFA_FULL:
            found.append(Unread(DYNAMIC_FORM, 1))
        return found

    def undrawn(self) -> Undrawn:
        """Return the comments on the page rendered last. PDFium tells no descriptions of pictures that lie outside the
        page's text.
        """
        comments = [
            comment(_string(annotation, b"T"), _string(annotation, b"Contents"))
            for annotation, subtype in self._annotations()
            if subtype in COMMENTS
        ]
        return Undrawn(comments=lines(comments))

    def unread_on_page(self) -> list[Unread]:
        """Return files attached to the page."""
        attached = [subtype for _, subtype in self._annotations() if subtype == pdfium_c.FPDF_ANNOT_FILEATTACHMENT]
        return attachments([""] * len(attached))

    def _annotations(self) -> Iterator[tuple[Any, int]]:
        """The annotations of the page rendered last, each with its subtype; valid until the next one is taken."""
        assert self._page is not None
        for i in range(min(pdfium_c.FPDFPage_GetAnnotCount(self._page), ANNOTATIONS_MAX)):
            annotation = pdfium_c.FPDFPage_GetAnnot(self._page, i)
            yield annotation, pdfium_c.FPDFAnnot_GetSubtype(annotation)
            pdfium_c.FPDFPage_CloseAnnot(annotation)

    def font_sizes(self) -> list[tuple[float, int]]:
        """Return heights of characters of the page rendered last, in points: of every one, or evenly chosen ones, each
        then for several.
        """
        assert self._page is not None
        text_page = self._page.get_textpage()
        count = text_page.count_chars()
        step = max(1, count // CHARACTERS_MEASURED)
        sizes = []
        for i in range(0, count, step):
            _, bottom, _, top = text_page.get_charbox(i, loose=True)
            sizes.append((top - bottom, step))
        text_page.close()
        return sizes

    def headings(self) -> str:
        """Return "": PDFium tells no lines with their fonts."""
        return ""

    def lines(self) -> Lines | None:
        """Return None: it has no lines of text."""
        return None

    def own_dpi(self) -> float | None:
        """Return None: a scan is read at the resolution of a page."""
        return None

    def detail(self, *, dpi: float, max_pixels: int) -> GreyBitmap:
        """Render the page rendered last again, in grey, in strips. Raises whatever PDFium raises."""
        assert self._page is not None
        width, height, dpi = detail_size(*self._page.get_size(), dpi=dpi, max_pixels=max_pixels)
        parts = [grey_of(self._rows(width, height, top, bottom)) for top, bottom in strips(width, height)]
        return GreyBitmap(np.concatenate(parts), dpi)

    def close(self) -> None:
        """Close the file."""
        self._close_page()
        self._document.close()

    def _close_page(self) -> None:
        if self._page is not None:
            self._page.close()
            self._page = None


def _string(annotation: Any, key: bytes) -> str:
    """A text of an annotation by its key, "" without one. Sizes are in bytes of UTF-16, with two for the end."""
    size = pdfium_c.FPDFAnnot_GetStringValue(annotation, key, None, 0)
    if not UTF16_END < size <= STRING_MAX_BYTES:
        return ""
    buffer = ctypes.create_string_buffer(size)
    pdfium_c.FPDFAnnot_GetStringValue(annotation, key, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), size)
    return buffer.raw[: size - UTF16_END].decode("utf-16-le", "replace")


def _content(attachment: pypdfium2.PdfAttachment) -> bytes:
    return bytes(attachment.get_data())
