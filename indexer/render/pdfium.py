"""A PDF file goes in; its pages come out as pixels and text, by PDFium, for those who cannot take MuPDF's licence.

Runs inside the child process of `render_worker` only. The only importer of pypdfium2. PDFium offers no way to read a
page's UserUnit, so the rare page that has one is taken for smaller than it is.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium_c

from ...engine.errors import DocumentError
from .backend import TEXT_MAX_CHARS, Drawing
from .page_size import pixel_size

WHITE = (255, 255, 255, 255)
DRAW_FLAGS: int = pdfium_c.FPDF_ANNOT | pdfium_c.FPDF_REVERSE_BYTE_ORDER


def open_pdf(file: Path, passwords: tuple[str, ...]) -> PdfiumDocument:
    """Open `file`, trying `passwords` in turn where it is encrypted. Raises DocumentError."""
    for password in (None, *passwords):
        try:
            return PdfiumDocument(pypdfium2.PdfDocument(file.open("rb"), password=password, autoclose=True))
        except pypdfium2.PdfiumError as err:
            if "password" not in str(err).lower():
                what = str(err).removeprefix("Failed to load document ").strip("().")
                raise DocumentError(f"the PDF cannot be opened: {what}") from err
    tried = f"none of the {len(passwords)} passwords given opens it" if passwords else "it needs a password"
    raise DocumentError(f"the PDF is encrypted and {tried}; pass the right one with --password")


class PdfiumDocument:
    """An open PDF; holds the page drawn last, from which the text is taken too."""

    def __init__(self, document: pypdfium2.PdfDocument) -> None:
        self._document = document
        self._page: pypdfium2.PdfPage | None = None
        document.init_forms()
        self.page_count: int = len(document)

    def draw(self, page: int, *, dpi: float, max_pixels: int) -> Drawing:
        """Draw `page` with annotations and form fields, rotated and cropped as the PDF says, on white."""
        self._forget_page()
        try:
            loaded = self._page = self._document[page - 1]
        except pypdfium2.PdfiumError as err:
            raise DocumentError("the page cannot be found, the PDF is damaged") from err
        width_pt, height_pt = loaded.get_size()
        if width_pt <= 0 or height_pt <= 0:
            raise DocumentError("the page has no area: nothing of it lies inside its crop box")
        width, height, drawn_dpi = pixel_size(width_pt, height_pt, dpi=dpi, max_pixels=max_pixels)
        bitmap = pypdfium2.PdfBitmap.new_native(width, height, pdfium_c.FPDFBitmap_BGR, rev_byteorder=True)
        bitmap.fill_rect(WHITE, 0, 0, width, height)
        pdfium_c.FPDF_RenderPageBitmap(bitmap, loaded, 0, 0, width, height, 0, DRAW_FLAGS)
        if self._document.formenv:
            pdfium_c.FPDF_FFLDraw(self._document.formenv, bitmap, loaded, 0, 0, width, height, 0, DRAW_FLAGS)
        rows = np.frombuffer(bitmap.buffer, np.uint8).reshape(height, bitmap.stride)
        rgb = np.ascontiguousarray(rows[:, : 3 * width]).tobytes()
        bitmap.close()
        return Drawing(width, height, rgb, drawn_dpi, (width_pt, height_pt))

    def text(self) -> str:
        """Return the text layer of the page drawn last."""
        assert self._page is not None
        text_page = self._page.get_textpage()
        text = text_page.get_text_range(0, min(text_page.count_chars(), TEXT_MAX_CHARS))
        text_page.close()
        return str(text).replace("\r\n", "\n")

    def close(self) -> None:
        self._forget_page()
        self._document.close()

    def _forget_page(self) -> None:
        if self._page is not None:
            self._page.close()
            self._page = None
