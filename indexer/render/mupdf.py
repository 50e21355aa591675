"""Renders PDF pages and extracts their text with MuPDF. Only this module and `laid_out` import pymupdf.

Runs only inside the child process (`worker`): MuPDF is not thread-safe, and a broken file can crash it.
"""

# pymupdf declares itself typed but leaves most of its functions untyped.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import logging
import re
import stringprep
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf

from ...engine.errors import DocumentError
from ...engine.records import Lines
from ...engine.store.unread import DYNAMIC_FORM
from .backend import OUT_OF_MEMORY, ConvertedPdf, GreyBitmap, OutOfMemory, PageBitmap, as_render_error
from .detail import detail_size, strips
from .headings import PrintedLine, headings
from .page_size import POINTS_PER_INCH, pixel_size
from .properties import of_pdf
from .undrawn import Undrawn, comment, description, lines
from .unread import COMMENT_SUBTYPES, Unread, attachments
from .visible_text import Word, seen_words, visible_text

log = logging.getLogger(__name__)

OBJECTS_SEARCHED_MAX = 500_000
"""Objects scanned for pages in a file without a usable page tree."""
ANNOTATIONS_MAX = 20_000
"""Annotations of a page that are looked at; no page meant for people has more."""
ATTACHED_MAX, PAGES_WITH_ATTACHED_MAX = 1000, 5000
"""Files in a PDF that are looked at, and pages that these are looked for on."""
BOLD_NAME = re.compile("bold|black|heavy", re.IGNORECASE)
"""Part of the name of a bold font: many fonts in PDFs do not say that they are bold."""
PAGE_REFERENCE = re.compile(r"(\d{1,9}) 0 R")
COVERED_SHARE = 0.5
"""A page of which one image covers this share is a scan, and read at the resolution of that image at most."""
TEXT_FLAGS = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_MEDIABOX_CLIP | pymupdf.TEXT_DEHYPHENATE
"""Text outside the visible page is left out; ligatures are expanded and hyphenated words joined, for searching."""


def open_pdf(file: Path, passwords: tuple[str, ...], converted: ConvertedPdf | None = None) -> MupdfDocument:
    """Open `file`, or what it was `converted` to; `passwords` are tried if it is encrypted. Raises DocumentError."""
    prepare()
    try:
        str(file).encode()
        if converted is None:
            document = pymupdf.open(str(file), filetype="pdf")
        else:
            document = pymupdf.open(stream=converted.content, filetype="pdf")
    except UnicodeEncodeError:  # MuPDF accepts file names in UTF-8 only
        document = pymupdf.open(stream=file.read_bytes(), filetype="pdf")
    except Exception as err:
        raise as_render_error("the PDF cannot be opened", cause(err)) from err
    if not document.is_pdf:
        raise DocumentError("not a PDF: the content is of another type")
    if document.needs_pass and not any(document.authenticate(form) for form in _normal_forms(passwords)):
        tried = f"none of the {len(passwords)} passwords given opens it" if passwords else "it needs a password"
        raise DocumentError(f"the PDF is encrypted and {tried}; pass the right one with --password")
    if _page_count(document) == 0:
        _rebuild_page_tree(document)
    return MupdfDocument(document, () if converted is None else converted.unread)


def prepare() -> None:
    """Make MuPDF quiet, and forget what it kept of the document before."""
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    pymupdf.TOOLS.store_shrink(100)
    pymupdf.TOOLS.reset_mupdf_warnings()


class MupdfDocument:
    """An open PDF; holds the display list of the page rendered last, from which its text is extracted too."""

    def __init__(self, document: pymupdf.Document, unread: Sequence[Unread] = ()) -> None:
        self._document = document
        self._unread = list(unread)
        self._display_list: pymupdf.DisplayList | None = None
        self._page: Any = None
        self._pixmap: pymupdf.Pixmap | None = None  # owns the memory that the last PageBitmap points into
        self._described: dict[int, list[str]] | None = None
        self.of_office = False
        self.page_count = _page_count(document)

    def properties(self) -> dict[str, str]:
        """Return the title, author, subject and keywords of the PDF, as far as it has them."""
        return of_pdf(dict(self._document.metadata or {}))

    def render(self, page: int, *, dpi: float, max_pixels: int) -> PageBitmap:
        """Render `page` with annotations and form fields, rotated and cropped as the PDF specifies, on white.

        Raises DocumentError if the page cannot be found, OutOfMemory at the memory limit, or whatever MuPDF raises.
        """
        self._display_list = self._pixmap = self._page = None
        pymupdf.TOOLS.reset_mupdf_warnings()
        try:
            loaded = self._page = self._document.load_page(page - 1)
        except Exception as err:
            raise as_render_error("the page cannot be found; the document is damaged", err) from err
        width_pt, height_pt = loaded.rect.width, loaded.rect.height
        width, height, effective_dpi = pixel_size(width_pt, height_pt, dpi=dpi, max_pixels=max_pixels)
        zoom = pymupdf.Matrix(width / width_pt, height / height_pt)
        if self.of_office:
            for note in loaded.annots(types=[pymupdf.mupdf.PDF_ANNOT_TEXT]):
                note.set_flags(pymupdf.mupdf.PDF_ANNOT_IS_HIDDEN)
        self._display_list = loaded.get_displaylist(annots=True)
        pixmap = self._pixmap = self._display_list.get_pixmap(matrix=zoom, colorspace=pymupdf.csRGB, alpha=0)
        if OUT_OF_MEMORY.search(pymupdf.TOOLS.mupdf_warnings()):  # MuPDF then renders the page with parts missing
            raise OutOfMemory
        assert (pixmap.n, pixmap.stride) == (3, 3 * pixmap.width)
        size_pt = (width_pt, height_pt)
        return PageBitmap(pixmap.width, pixmap.height, pixmap.samples_mv, effective_dpi, size_pt, self._label())

    def _label(self) -> str:
        try:
            return str(self._page.get_label()) if self._document.is_pdf else ""
        except Exception:  # noqa: BLE001 - broken labels must never cost the page
            return ""

    def text(self) -> str:
        """Return the text layer of the page rendered last, as far as it can be seen."""
        assert self._display_list is not None
        page = pymupdf.TextPage(self._display_list.get_textpage(TEXT_FLAGS))
        text, drawn = str(page.extractText()), self._pixmap
        if drawn is None or not text.strip():
            return text
        pixels = np.frombuffer(drawn.samples_mv, np.uint8).reshape(drawn.height, drawn.width, 3)
        return visible_text(text, self._words(page, drawn), pixels)

    def words(self) -> Iterator[Word]:
        """Return the words of the page rendered last that are seen on its picture, with their boxes there in px."""
        drawn = self._pixmap
        assert self._display_list is not None
        assert drawn is not None
        words = self._words(pymupdf.TextPage(self._display_list.get_textpage(TEXT_FLAGS)), drawn)
        pixels = np.frombuffer(drawn.samples_mv, np.uint8).reshape(drawn.height, drawn.width, 3)
        return seen_words(words, pixels)

    def _words(self, page: pymupdf.TextPage, drawn: pymupdf.Pixmap) -> Iterator[Word]:
        across, down = drawn.width / self._page.rect.width, drawn.height / self._page.rect.height
        for x0, y0, x1, y1, word, *_ in page.extractWORDS():
            yield x0 * across, y0 * down, x1 * across, y1 * down, word

    def attached_files(self) -> tuple[list[tuple[str, Callable[[], bytes]]], int]:
        """Return the files embedded in the PDF and those attached to its pages, as `OpenPdf.attached_files`."""
        document: Any = self._document
        if not document.is_pdf:
            return [], 0
        found: list[tuple[str, Callable[[], bytes]]] = []
        keys = document.embfile_names()
        for key in keys[:ATTACHED_MAX]:
            info = document.embfile_info(key)
            name = info.get("ufilename") or info.get("filename") or key
            found.append((str(name), partial(document.embfile_get, key)))
        for number in range(min(self.page_count, PAGES_WITH_ATTACHED_MAX)):
            try:
                page = document.load_page(number)
                for annotation in page.annots(types=[pymupdf.mupdf.PDF_ANNOT_FILE_ATTACHMENT]):
                    name = str(annotation.file_info.get("filename", ""))
                    found.append((name, partial(_file_of_annotation, document, number, annotation.xref)))
            except Exception as err:  # noqa: BLE001 - a page that is broken costs what is attached to it
                log.debug("page %d has no readable annotations: %s", number + 1, err)
        more = max(0, len(keys) - ATTACHED_MAX) + max(0, len(found) - ATTACHED_MAX)
        return found[:ATTACHED_MAX], more

    def unread(self) -> list[Unread]:
        """Return attached files, and a form that a viewer would have to lay out first (dynamic XFA)."""
        document: Any = self._document
        found = self._unread + attachments(list(document.embfile_names()))
        catalog = document.pdf_catalog()
        has_xfa = document.xref_get_key(catalog, "AcroForm/XFA")[0] != "null"
        is_drawn_by_viewer = document.xref_get_key(catalog, "NeedsRendering") == ("bool", "true")
        has_no_fields = document.xref_get_key(catalog, "AcroForm/Fields")[1] in ("null", "[]")
        if has_xfa and (is_drawn_by_viewer or has_no_fields):
            found.append(Unread(DYNAMIC_FORM, 1))
        return found

    def undrawn(self) -> Undrawn:
        """Return the comments on the page rendered last, and, of an Office document, descriptions of its pictures."""
        assert self._page is not None
        if not self._document.is_pdf:
            return Undrawn()
        comments = [
            comment(annotation.info.get("title", ""), annotation.info.get("content", ""))
            for annotation in islice(self._page.annots(), ANNOTATIONS_MAX)
            if annotation.type[1] in COMMENT_SUBTYPES
        ]
        if self._described is None:
            self._described = _descriptions(self._document) if self.of_office else {}
        return Undrawn("", lines(comments), lines(dict.fromkeys(self._described.get(self._page.xref, []))))

    def unread_on_page(self) -> list[Unread]:
        """Return files attached to the page."""
        assert self._page is not None
        attached = (each for each in islice(self._page.annots(), ANNOTATIONS_MAX) if each.type[1] == "FileAttachment")
        return attachments([str(each.file_info.get("filename", "")) for each in attached])

    def font_sizes(self) -> list[tuple[float, int]]:
        """Return the font sizes of the page rendered last, in points, each with its number of characters."""
        return [(float(span["size"]), len("".join(span["text"].split()))) for spans in self._lines() for span in spans]

    def headings(self) -> str:
        """Return the headings of the page rendered last, a line each; words that cannot be seen are among them."""
        lines = []
        for spans in self._lines():
            lengths = [len(span["text"].strip()) for span in spans]
            if total := sum(lengths):
                size = sum(length * span["size"] for length, span in zip(lengths, spans, strict=True)) / total
                bold = sum(length * _is_bold(span) for length, span in zip(lengths, spans, strict=True)) / total
                text = "".join(span["text"] for span in spans).strip()
                lines.append(PrintedLine(text, size, bold))
        return headings(lines)

    def _lines(self) -> Iterator[list[dict[str, Any]]]:
        """The lines of the page rendered last, each as spans in one font, as MuPDF describes them."""
        assert self._display_list is not None
        for block in pymupdf.TextPage(self._display_list.get_textpage(TEXT_FLAGS)).extractDICT()["blocks"]:
            for line in block.get("lines", ()):
                yield line["spans"]

    def lines(self) -> Lines | None:
        """Return None: a PDF has no lines of text."""
        return None

    def own_dpi(self) -> float | None:
        """Return the resolution of the largest image on the page rendered last, if it covers at least half of it."""
        assert self._page is not None
        best = (COVERED_SHARE * abs(self._page.rect), None)
        for image in self._page.get_image_info():
            box = pymupdf.Rect(image["bbox"])
            if abs(box) > best[0]:
                dpi = max(image["width"], image["height"]) / max(box.width, box.height) * POINTS_PER_INCH
                best = (abs(box), dpi)
        return best[1]

    def detail(self, *, dpi: float, max_pixels: int) -> GreyBitmap:
        """Render the page rendered last again, in grey, in strips.

        Raises OutOfMemory at the memory limit, or whatever MuPDF raises.
        """
        assert self._display_list is not None
        assert self._page is not None
        width_pt, height_pt = self._page.rect.width, self._page.rect.height
        width, height, dpi = detail_size(width_pt, height_pt, dpi=dpi, max_pixels=max_pixels)
        rows_per_pt = height / height_pt
        zoom = pymupdf.Matrix(width / width_pt, rows_per_pt)
        self._pixmap = None
        pymupdf.TOOLS.reset_mupdf_warnings()
        pixels = np.full((height, width), 255, np.uint8)
        for top, bottom in strips(width, height):
            clip = pymupdf.Rect(0, top / rows_per_pt, width_pt, bottom / rows_per_pt)
            drawn = self._display_list.get_pixmap(matrix=zoom, colorspace=pymupdf.csGRAY, alpha=0, clip=clip)
            rows = np.frombuffer(drawn.samples_mv, np.uint8).reshape(drawn.height, drawn.width)
            first = max(drawn.y, 0)
            part = rows[first - drawn.y :][: height - first, :width]
            pixels[first : first + len(part), : part.shape[1]] = part
        if OUT_OF_MEMORY.search(pymupdf.TOOLS.mupdf_warnings()):
            raise OutOfMemory
        return GreyBitmap(pixels, dpi)

    def close(self) -> None:
        """Close the file."""
        self._display_list = self._pixmap = self._page = None
        self._document.close()


def _file_of_annotation(document: Any, number: int, xref: int) -> bytes:
    """The file that the annotation `xref` of a page, counted from 0, attaches to it."""
    page = document.load_page(number)
    return bytes(page.load_annot(xref).get_file())


def _descriptions(document: Any) -> dict[int, list[str]]:
    """The descriptions of pictures in a tagged PDF, by the objects of the pages that they are on."""
    found: dict[int, list[str]] = {}
    if document.xref_get_key(document.pdf_catalog(), "StructTreeRoot")[0] == "null":
        return found
    for number in range(1, min(document.xref_length(), OBJECTS_SEARCHED_MAX)):
        kind, text = document.xref_get_key(number, "Alt")
        if kind == "string" and text:
            _, page = document.xref_get_key(number, "Pg")
            if (reference := PAGE_REFERENCE.match(page)) is not None:
                found.setdefault(int(reference[1]), []).append(description("", text))
    return found


def _page_count(document: pymupdf.Document) -> int:
    try:
        return int(document.page_count)
    except (RuntimeError, ValueError):  # MuPDF cannot traverse the page tree
        return 0


def _rebuild_page_tree(document: Any) -> None:
    """Replace an empty or broken page tree by one of all page objects in the file, in the order of their numbers.

    The pages keep their old parents, from which they may inherit their size and fonts.
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
    except Exception:  # noqa: BLE001 - an object that cannot be read is not a page
        return False


def cause(err: Exception) -> Exception:
    """MuPDF's own exception, if PyMuPDF wrapped it."""
    return err.__cause__ if isinstance(err.__cause__, Exception) else err


def _is_bold(span: dict[str, Any]) -> bool:
    return bool(span["flags"] & pymupdf.TEXT_FONT_BOLD) or BOLD_NAME.search(span["font"]) is not None


def _normal_forms(passwords: tuple[str, ...]) -> Iterator[str]:
    """Yield each password as typed and as normalised by SASLprep (RFC 4013), which PDF 2.0 requires."""
    for password in passwords:
        yield password
        mapped = "".join(" " if stringprep.in_table_c12(c) else c for c in password if not stringprep.in_table_b1(c))
        if (normal := unicodedata.normalize("NFKC", mapped)) != password:
            yield normal
