"""A PDF file goes in; its pages come out as pixels and text, by MuPDF. The only importer of pymupdf.

Runs inside the child process of `render_worker` only: MuPDF is not thread-safe, and a broken file can crash it.
"""

# pymupdf says that it is typed, yet leaves most of its functions without types.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import stringprep
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymupdf

from ...engine.errors import DocumentError
from .backend import OUT_OF_MEMORY, Drawing, OutOfMemory, failure
from .page_size import pixel_size

OBJECTS_SEARCHED_MAX = 500_000
"""Objects of a file without a page tree that are looked at, in search of its pages."""
TEXT_FLAGS = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_MEDIABOX_CLIP | pymupdf.TEXT_DEHYPHENATE
"""What is cropped away is no text of the page; ligatures are spelled out and words joined again, for searching."""


def open_pdf(file: Path, passwords: tuple[str, ...]) -> MupdfDocument:
    """Open `file`, trying `passwords` in turn where it is encrypted. Raises DocumentError."""
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    pymupdf.TOOLS.store_shrink(100)
    pymupdf.TOOLS.reset_mupdf_warnings()
    try:
        str(file).encode()
        document = pymupdf.open(str(file), filetype="pdf")
    except UnicodeEncodeError:  # MuPDF takes names in UTF-8 only
        document = pymupdf.open(stream=file.read_bytes(), filetype="pdf")
    except Exception as err:
        raise failure("the PDF cannot be opened", _root(err)) from err
    if not document.is_pdf:
        raise DocumentError("not a PDF: the content is of another kind")
    if document.needs_pass and not any(document.authenticate(form) for form in _spellings(passwords)):
        tried = f"none of the {len(passwords)} passwords given opens it" if passwords else "it needs a password"
        raise DocumentError(f"the PDF is encrypted and {tried}; pass the right one with --password")
    if _page_count(document) == 0:
        _gather_pages(document)
    return MupdfDocument(document)


class MupdfDocument:
    """An open PDF; holds the display list of the page drawn last, from which the text is taken too."""

    def __init__(self, document: pymupdf.Document) -> None:
        self._document = document
        self._list: pymupdf.DisplayList | None = None
        self._pixmap: pymupdf.Pixmap | None = None  # owns the memory that the last Drawing points into
        self.page_count = _page_count(document)

    def draw(self, page: int, *, dpi: float, max_pixels: int) -> Drawing:
        """Draw `page` with annotations and form fields, rotated and cropped as the PDF says, on white."""
        self._list = self._pixmap = None
        pymupdf.TOOLS.reset_mupdf_warnings()
        try:
            loaded = self._document.load_page(page - 1)
        except Exception as err:
            raise failure("the page cannot be found, the PDF is damaged", err) from err
        width_pt, height_pt = loaded.rect.width, loaded.rect.height
        width, height, drawn_dpi = pixel_size(width_pt, height_pt, dpi=dpi, max_pixels=max_pixels)
        zoom = pymupdf.Matrix(width / width_pt, height / height_pt)
        self._list = loaded.get_displaylist(annots=True)
        pixmap = self._pixmap = self._list.get_pixmap(matrix=zoom, colorspace=pymupdf.csRGB, alpha=0)
        if OUT_OF_MEMORY.search(pymupdf.TOOLS.mupdf_warnings()):  # MuPDF then leaves things out of the picture
            raise OutOfMemory
        assert (pixmap.n, pixmap.stride) == (3, 3 * pixmap.width)
        return Drawing(pixmap.width, pixmap.height, pixmap.samples_mv, drawn_dpi, (width_pt, height_pt))

    def text(self) -> str:
        """Return the text layer of the page drawn last."""
        assert self._list is not None
        text = pymupdf.TextPage(self._list.get_textpage(TEXT_FLAGS)).extractText()
        return str(text)

    def close(self) -> None:
        self._list = self._pixmap = None
        self._document.close()


def _page_count(document: pymupdf.Document) -> int:
    try:
        return int(document.page_count)
    except (RuntimeError, ValueError):  # a page tree that MuPDF finds no way through
        return 0


def _gather_pages(document: Any) -> None:
    """Give a PDF whose page tree is empty or broken a new one, of all the pages among its objects in file order.

    They keep their old parents, from which they may inherit their size and fonts.
    """
    pages = [
        number for number in range(1, min(document.xref_length(), OBJECTS_SEARCHED_MAX)) if _is_page(document, number)
    ]
    if not pages:
        return
    tree = document.get_new_xref()
    document.update_object(tree, f"<</Type/Pages/Count {len(pages)}/Kids[{' '.join(f'{n} 0 R' for n in pages)}]>>")
    if (catalog := document.pdf_catalog()) <= 0:
        catalog = document.get_new_xref()
        document.update_object(catalog, "<</Type/Catalog>>")
        document.xref_set_key(-1, "Root", f"{catalog} 0 R")
    document.xref_set_key(catalog, "Pages", f"{tree} 0 R")


def _is_page(document: Any, number: int) -> bool:
    try:
        return bool(document.xref_get_key(number, "Type") == ("name", "/Page"))
    except Exception:  # noqa: BLE001 - an object that cannot be read is no page
        return False


def _root(err: Exception) -> Exception:
    """Return what MuPDF itself said, below what PyMuPDF made of it."""
    return err.__cause__ if isinstance(err.__cause__, Exception) else err


def _spellings(passwords: tuple[str, ...]) -> Iterator[str]:
    """Yield each password as typed and as RFC 4013 (SASLprep) normalises it, which PDF 2.0 asks for."""
    for password in passwords:
        yield password
        mapped = "".join(" " if stringprep.in_table_c12(c) else c for c in password if not stringprep.in_table_b1(c))
        if (normal := unicodedata.normalize("NFKC", mapped)) != password:
            yield normal
