"""What the child process answers: opens documents, renders pages, and reads what is on them and beside them.

Only `worker` uses it, in a process of its own: nothing else parses untrusted files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from ...engine.errors import DocumentError
from ...engine.store.labels import LABEL_MAX_CHARS
from ..kinds import (
    EMPTY_FILE,
    IMAGE_MAGIC,
    IMAGE_SUFFIXES,
    MUPDF_SUFFIXES,
    OFFICE_SUFFIXES,
    OOXML_FORMATS,
    PASSAGE_SUFFIXES,
    PDF_MAGIC,
    PDF_MAGIC_WITHIN,
    ZIP_MAGIC,
    missing,
    suffix_of,
)
from .archive import NAME_MAX_CHARS, Members, check_size
from .backend import TEXT_MAX_CHARS, WORDS_MAX, ConvertedPdf, OpenDocument, OpenPdf
from .detail import MIN_GAIN, needed
from .headings import HEADINGS_MAX_CHARS
from .members import open_members
from .ocr import Ocr
from .ocr import read as read_by_ocr
from .office_content import BesidePages, beside_pages
from .undrawn import Undrawn, as_json
from .unread import small_print

PdfOpener = Callable[[Path, tuple[str, ...], ConvertedPdf | None], OpenPdf]
Answer = tuple[dict[str, Any], bytes | memoryview]
"""The header of a response, and what follows it."""


class Answers:
    """Answers requests, each with a header and a body: about the open document, the page of it that was rendered last,
    and the files in a document that were listed last.
    """

    def __init__(self, settings: dict[str, Any], open_pdf: PdfOpener) -> None:
        self._settings = settings
        self._passwords = tuple(settings["passwords"])
        self._open_pdf = open_pdf
        self._document: OpenDocument | None = None
        self._beside = BesidePages()
        self._members: Members | None = None
        # Of the page rendered last:
        self._page = 0
        self._size = (1, 1)
        self._dpi = float(settings["dpi"])  # of its latest picture
        self._font_sizes: list[tuple[float, int]] | None = None  # None: not asked for yet
        self._text = ""

    def answer(self, request: dict[str, Any]) -> Answer:
        """The response to a request. Raises whatever a library raises."""
        if "open" in request:
            return self._open(Path(request["open"]), request["original"], passages=bool(request["passages"]))
        if "members" in request:
            return self._list_members(Path(request["members"]))
        if "member" in request:
            return self._member(request["member"])
        document = self._document
        assert document is not None
        if "render" in request:
            return self._render(document, int(request["render"]))
        if "detail" in request:
            return self._detail(document)
        if "words" in request:
            return _with_size("words", _words(document, self._size))
        if "undrawn" in request:
            return _with_size("undrawn", as_json(self._undrawn(document)))
        if "ocr" in request:
            return _with_size("ocr", self._ocr(document))
        return self._unread(document, request["unread"])

    def texts(self) -> Iterator[Answer]:
        """The text of the page rendered last, and then its headings."""
        document = self._document
        assert document is not None
        self._text = _text(document)
        yield _with_size("text", self._text.encode("utf-8", "replace"))
        yield _with_size("headings", _headings(document) if self._text.strip() else b"")

    def _open(self, file: Path, original: str, *, passages: bool) -> Answer:
        if self._document is not None:
            self._document.close()
            self._document = None
        document = open_document(file, self._passwords, self._settings["renderer"], self._open_pdf, passages=passages)
        self._document = document
        count = document.page_count
        self._beside = BesidePages()
        if original:
            self._beside = beside_pages(Path(original), by_library=original == str(file)).of_pages(count)
            if isinstance(document, OpenPdf):
                document.of_office = True
        return {"kind": "opened", "page_count": count, "properties": _properties(document)}, b""

    def _render(self, document: OpenDocument, page: int) -> Answer:
        self._page = page
        bitmap = document.render(page, dpi=self._settings["dpi"], max_pixels=self._settings["max_pixels"])
        label = bitmap.label.strip()
        header = {
            "kind": "page",
            "width": bitmap.width,
            "height": bitmap.height,
            "dpi": bitmap.dpi,
            "size_pt": bitmap.size_pt,
            "label": "" if label == str(page) else label[:LABEL_MAX_CHARS],
            "lines": document.lines() if self._settings["lines"] else None,
        }
        self._size, self._dpi, self._font_sizes = (bitmap.width, bitmap.height), bitmap.dpi, None
        return header, bitmap.rgb

    def _detail(self, document: OpenDocument) -> Answer:
        """The page rendered last, once more at the resolution that its print needs; 0 x 0 if that is no higher."""
        none: Answer = {"kind": "detail", "width": 0, "height": 0, "dpi": self._dpi}, b""
        sizes = self._font_sizes = list(document.font_sizes())
        own_dpi = document.own_dpi() if not sizes else None
        need = needed(sizes, dpi=self._dpi, wanted_dpi=self._settings["dpi"], own_dpi=own_dpi)
        if not need.detail:
            return none
        detail = document.detail(dpi=need.dpi, max_pixels=self._settings["detail_pixels"])
        if detail.dpi <= MIN_GAIN * self._dpi:
            return none
        self._dpi = detail.dpi
        height, width = detail.pixels.shape
        return {"kind": "detail", "width": width, "height": height, "dpi": detail.dpi}, detail.pixels.reshape(-1).data

    def _ocr(self, document: OpenDocument) -> bytes:
        """What OCR reads on the page rendered last, and the words with their boxes, as JSON."""
        ocr, timeout_s = Ocr(**self._settings["ocr"]), float(self._settings["ocr_timeout_s"])
        found, words = read_by_ocr(document, self._text, ocr, page_dpi=self._dpi, timeout_s=timeout_s)
        rounded = [[*(round(float(edge), 5) for edge in box), word] for *box, word in words[:WORDS_MAX]]
        return json.dumps([found[:TEXT_MAX_CHARS].replace("\0", ""), rounded]).encode()

    def _undrawn(self, document: OpenDocument) -> Undrawn:
        """What is not drawn on the page rendered last: as its PDF has it, and as what is beside the pages says."""
        own = self._beside.of_page(self._page)
        if not isinstance(document, OpenPdf):
            return own
        found = document.undrawn()
        comments = own.comments if self._beside.has_comments else found.comments
        return Undrawn(own.notes, comments, own.descriptions or found.descriptions)

    def _unread(self, document: OpenDocument, what: str) -> Answer:
        """What is not drawn of the "document", or of the "page" rendered last."""
        if what == "document":
            return {"kind": "unread", "unread": [*document.unread(), *self._beside.unread]}, b""
        if self._font_sizes is None:
            self._font_sizes = list(document.font_sizes())
        own_dpi = document.own_dpi() if not self._font_sizes else None
        wanted = min(self._settings["dpi"], own_dpi or self._settings["dpi"])
        print_too_small = small_print(self._font_sizes, dpi=self._dpi, wanted_dpi=wanted)
        return {"kind": "unread", "unread": [*document.unread_on_page(), *print_too_small]}, b""

    def _list_members(self, file: Path) -> Answer:
        if self._members is not None:
            self._members.close()
            self._members = None
        members = open_members(file, self._passwords, lambda pdf: self._open_pdf(pdf, self._passwords, None))
        self._members = members
        names = [name[-NAME_MAX_CHARS:] for name in members.names]
        return _with_size("members", json.dumps([names, members.left_out]).encode())

    def _member(self, number: int) -> Answer:
        assert self._members is not None
        content = self._members.read(number)
        check_size(len(content))
        return _with_size("member", content)


def _with_size(kind: str, body: bytes) -> Answer:
    return {"kind": kind, "bytes": len(body)}, body


def open_document(
    file: Path, passwords: tuple[str, ...], renderer: str, open_pdf: PdfOpener, *, passages: bool = False
) -> OpenDocument:
    """Open `file` as a PDF or an image, as its first bytes say, or else as its extension says.

    A text file has pages, or with `passages` a page for each of its passages.
    Raises DocumentError if it has no page to render.
    """
    try:
        with file.open("rb") as stream:
            head = stream.read(PDF_MAGIC_WITHIN)
    except OSError as err:
        raise DocumentError(f"the file cannot be read: {err.strerror or err}") from err
    if not head:
        raise DocumentError(EMPTY_FILE)
    document: OpenDocument
    looks_like_pdf, looks_like_image = PDF_MAGIC in head, IMAGE_MAGIC.match(head) is not None
    suffix = suffix_of(file.name)
    named_image = suffix in IMAGE_SUFFIXES
    if suffix in MUPDF_SUFFIXES and not (head.startswith(PDF_MAGIC) or looks_like_image):
        if what := missing(suffix, renderer):
            raise DocumentError(f"files of the type {suffix}: {what}")
        from .laid_out import open_laid_out
        from .passage_pages import open_passages

        document = open_passages(file) if passages and suffix in PASSAGE_SUFFIXES else open_laid_out(file)
    elif suffix in OOXML_FORMATS and head.startswith(ZIP_MAGIC):
        if what := missing(suffix, renderer):
            raise DocumentError(f"files of the type {suffix}: {what}")
        from .ooxml import convert

        document = open_pdf(file, passwords, convert(file))
    elif (named_image and looks_like_image) or ((named_image or looks_like_image) and not looks_like_pdf):
        from .image import open_image

        document = open_image(file)
    else:
        try:
            document = open_pdf(file, passwords, None)
        except DocumentError:
            if looks_like_pdf:
                raise
            if suffix in OFFICE_SUFFIXES:
                raise DocumentError(missing(suffix, renderer) or "the content is not what the extension says") from None
            raise DocumentError("not a PDF: no %PDF header, and nothing in it could be repaired") from None
    if document.page_count < 1:
        raise DocumentError("no pages found; the document may be truncated or damaged")
    return document


def _properties(document: OpenDocument) -> dict[str, str]:
    try:
        return document.properties()
    except Exception:  # noqa: BLE001 - broken metadata must never cost the document
        return {}


def _text(document: OpenDocument) -> str:
    try:
        text = document.text()
    except Exception:  # noqa: BLE001 - a broken text layer must never cost the page
        return ""
    return text[:TEXT_MAX_CHARS].replace("\0", "")


def _headings(document: OpenDocument) -> bytes:
    try:
        found = document.headings()
    except Exception:  # noqa: BLE001 - as for the text layer
        return b""
    return found[:HEADINGS_MAX_CHARS].replace("\0", "").encode("utf-8", "replace")


def _words(document: OpenDocument, size: tuple[int, int]) -> bytes:
    """The visible words of the page rendered last, with boxes in fractions of its picture of `size` px, as JSON."""
    width, height = size
    found = [
        [round(x0 / width, 5), round(y0 / height, 5), round(x1 / width, 5), round(y1 / height, 5), word]
        for x0, y0, x1, y1, word in islice(document.words(), WORDS_MAX)
    ]
    return json.dumps(found).encode()


def pdf_opener(renderer: str) -> PdfOpener:
    """Opens PDFs with a renderer, "pdfium" or "mupdf"; its library is imported now."""
    if renderer == "pdfium":
        from .pdfium import open_pdf as open_with_pdfium

        return open_with_pdfium
    from .mupdf import open_pdf as open_with_mupdf

    return open_with_mupdf
