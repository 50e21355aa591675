"""Opens what MuPDF reads besides PDF: e-books, XPS, comics, drawings, and text, web pages and e-mail as laid-out pages.

Runs only inside the child process (`worker`), as `mupdf` does. Text and HTML are laid out on A4; MuPDF runs no scripts
and makes no requests, and what it is given as a stream has no folder to read other files from.
"""

# pymupdf declares itself typed but leaves most of its functions untyped.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pymupdf

from ...engine.errors import DocumentError
from ...engine.records import Lines
from ...engine.store.columns import AUTHOR, KIND, TITLE
from ...engine.store.unread import PARTIAL
from ..kinds import (
    ARCHIVE_SUFFIXES,
    EMPTY_ARCHIVE,
    MAIL_SUFFIXES,
    MAILBOX_SUFFIXES,
    MARKDOWN_SUFFIXES,
    OUTLOOK_SUFFIXES,
    WEB_SUFFIXES,
    suffix_of,
)
from . import mail, markup
from .archive import NAME_MAX_CHARS, open_archive
from .backend import GreyBitmap, PageBitmap, as_render_error
from .line_numbers import LineNumbers
from .mupdf import MupdfDocument, cause, prepare
from .properties import VALUE_MAX_CHARS
from .unread import Unread, attachments
from .visible_text import Word

FILE_TYPES = {
    ".epub": "epub",
    ".fb2": "fb2",
    ".mobi": "mobi",
    ".xps": "xps",
    ".oxps": "xps",
    ".cbz": "cbz",
    ".svg": "svg",
}
"""Extension -> MuPDF's name of the type."""
BINARY_WITHIN = 4096
"""A file with a zero byte among this many first bytes is not text."""
NAMES_SHOWN = 1000
"""Files of an archive that are on its pages: these say what lies in it."""
PAGE_SIZE_PT, FONT_SIZE_PT = (595, 842), 11
"""A4, and the size of ordinary print on it."""
WIDEST_PT, MARGIN_PT = 2400, 36
"""A page is made wider for a table that does not fit, up to this; and what is left free at its right."""
SHIFTED = re.compile(r"(margin|padding|text-indent|width|left|position|transform)[-\w]*\s*:", re.IGNORECASE)
"""What may begin beyond the edge of a page, or reach beyond it, besides tables."""
MEASURED_PAGES, MEASURED_PAGES_SHIFTED = 200, 20
"""Pages that are looked at for what does not fit: of documents with tables, and of others. A page takes 8 ms."""


def open_laid_out(file: Path) -> LaidOutDocument | Mailbox:
    """Open a file of a kind in `kinds.MUPDF_SUFFIXES`, by its extension. Raises DocumentError."""
    prepare()
    suffix = suffix_of(file.name)
    if suffix in FILE_TYPES:
        return _open(FILE_TYPES[suffix], file=file)
    if suffix in MAILBOX_SUFFIXES:
        return _open_mailbox(file)
    if suffix in ARCHIVE_SUFFIXES:
        return _open_archive(file)
    if suffix in (*MAIL_SUFFIXES, *OUTLOOK_SUFFIXES):
        return _open_message(mail.read_message(file))
    content, is_cut = _read(file, markup.MARKUP_MAX_BYTES)
    if suffix in WEB_SUFFIXES:
        return _open_html(markup.from_html(content), unread=_cut(is_cut))
    text = _decoded_text(content)
    if suffix in MARKDOWN_SUFFIXES:
        document = _open_html(markup.from_markdown(text), unread=_cut(is_cut))
    else:
        document = open_text(text, unread=_cut(is_cut))
    document.line_numbers = LineNumbers(text, document.printed_lines, only_letters=suffix in MARKDOWN_SUFFIXES)
    return document


def read_text(file: Path) -> tuple[str, list[Unread]]:
    """The text of a file, in the encoding that is most likely, and what of it was not read. Raises DocumentError."""
    content, is_cut = _read(file, markup.MARKUP_MAX_BYTES)
    return _decoded_text(content), _cut(is_cut)


def open_text(text: str, unread: Sequence[Unread] = (), *, height_pt: float = PAGE_SIZE_PT[1]) -> LaidOutDocument:
    """A text laid out on pages as wide as A4, and as tall unless another height is given."""
    return _open("txt", stream=text.encode("utf-8-sig", "replace"), unread=unread, height_pt=height_pt)


class LaidOutDocument(MupdfDocument):
    """An open document that is no PDF; `unread` is what of it is on none of its pages.

    `properties` are what it says of itself, in addition to what MuPDF finds in it.
    """

    def __init__(
        self, document: pymupdf.Document, unread: Sequence[Unread] = (), properties: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(document, unread)
        self._properties = dict(properties or {})
        self.line_numbers: LineNumbers | None = None
        self._shown = 0

    def render(self, page: int, *, dpi: float, max_pixels: int) -> PageBitmap:
        """Render `page`; raises what `MupdfDocument.render` raises."""
        bitmap = super().render(page, dpi=dpi, max_pixels=max_pixels)
        self._shown = page
        return bitmap

    def lines(self) -> Lines | None:
        """Return the lines of a text file that the page rendered last shows; None for other files."""
        return None if self.line_numbers is None else self.line_numbers.of_page(self._shown)

    def printed_lines(self, page: int) -> list[str]:
        """The lines that are printed on a page, from its top."""
        return str(self._document.load_page(page - 1).get_text("text")).splitlines()

    def needed_width_pt(self, pages: int = MEASURED_PAGES) -> float:
        """How wide the first `pages` are with what stands beyond their edge."""
        flags = pymupdf.TEXTFLAGS_BLOCKS & ~pymupdf.TEXT_MEDIABOX_CLIP & ~pymupdf.TEXT_PRESERVE_IMAGES
        everywhere = pymupdf.INFINITE_RECT()
        return max(
            (
                float(right)
                for page in self._document.pages(0, min(self.page_count, pages))
                for _, _, right, *_ in page.get_text("blocks", clip=everywhere, flags=flags)
            ),
            default=0.0,
        )

    def lay_out(self, width_pt: float) -> None:
        """Lay the document out again on pages of another width; they are as tall as A4, or have its shape if wider."""
        wide_pt = PAGE_SIZE_PT[1] * PAGE_SIZE_PT[1] / PAGE_SIZE_PT[0]
        height_pt = PAGE_SIZE_PT[1] * max(1.0, width_pt / wide_pt)
        self._document.layout(width=width_pt, height=height_pt, fontsize=FONT_SIZE_PT)
        self.page_count = self._document.page_count

    def properties(self) -> dict[str, str]:
        """Return its title and author, as far as it has them."""
        found = super().properties()
        del found[KIND]
        return found | self._properties

    def unread(self) -> list[Unread]:
        """Return what was cut off, and attached files."""
        return self._unread

    def unread_on_page(self) -> list[Unread]:
        """Return nothing: other documents than PDFs have no annotations."""
        return []


class Mailbox:
    """The messages of a mailbox as one document: each begins on a page of its own. `parts` are their HTML."""

    def __init__(self, parts: Sequence[str], unread: Sequence[Unread]) -> None:
        self._parts = parts
        self._unread = list(unread)
        self._places: list[tuple[int, int]] = []  # of each page: its message, and its number in it
        self._number = -1
        self._message: LaidOutDocument | None = None  # the one that is open
        for number in range(len(parts)):
            self._places.extend((number, page) for page in range(1, self._open(number).page_count + 1))
        self.page_count = len(self._places)

    def _open(self, number: int) -> LaidOutDocument:
        if self._message is None or number != self._number:
            self.close()
            self._number, self._message = number, _open_html(self._parts[number])
        return self._message

    def render(self, page: int, *, dpi: float, max_pixels: int) -> PageBitmap:
        """Render `page`; raises what `MupdfDocument.render` raises."""
        number, place = self._places[page - 1]
        return self._open(number).render(place, dpi=dpi, max_pixels=max_pixels)

    def text(self) -> str:
        """Return the text of the page rendered last."""
        return self._open(self._number).text()

    def words(self) -> Iterable[Word]:
        """Return the words of the page rendered last, as `MupdfDocument.words`."""
        return self._open(self._number).words()

    def properties(self) -> dict[str, str]:
        """Return nothing: a mailbox has no title."""
        return {}

    def unread(self) -> list[Unread]:
        """Return what was cut off, and attached files."""
        return self._unread

    def unread_on_page(self) -> list[Unread]:
        """Return nothing."""
        return []

    def font_sizes(self) -> list[tuple[float, int]]:
        """Return the font sizes of the page rendered last, as `MupdfDocument.font_sizes`."""
        return self._open(self._number).font_sizes()

    def headings(self) -> str:
        """Return the headings of the page rendered last, as `MupdfDocument.headings`."""
        return self._open(self._number).headings()

    def lines(self) -> Lines | None:
        """Return None: a message is no file of lines."""
        return None

    def own_dpi(self) -> float | None:
        """Return the resolution of the page rendered last, as `MupdfDocument.own_dpi`."""
        return self._open(self._number).own_dpi()

    def detail(self, *, dpi: float, max_pixels: int) -> GreyBitmap:
        """Render the page rendered last again; raises what `MupdfDocument.detail` raises."""
        return self._open(self._number).detail(dpi=dpi, max_pixels=max_pixels)

    def close(self) -> None:
        """Close the message that is open."""
        if self._message is not None:
            self._message.close()
            self._message = None


def _open(
    filetype: str,
    *,
    file: Path | None = None,
    stream: bytes | None = None,
    unread: Sequence[Unread] = (),
    properties: Mapping[str, str] | None = None,
    height_pt: float = PAGE_SIZE_PT[1],
) -> LaidOutDocument:
    document: Any
    try:
        if file is not None:
            try:
                str(file).encode()
                document = pymupdf.open(str(file), filetype=filetype)
            except UnicodeEncodeError:  # MuPDF accepts file names in UTF-8 only
                document = pymupdf.open(stream=file.read_bytes(), filetype=filetype)
        else:
            document = pymupdf.open(stream=stream, filetype=filetype)
        if document.needs_pass:
            raise DocumentError("the document is encrypted")
        if document.is_reflowable:
            document.layout(width=PAGE_SIZE_PT[0], height=height_pt, fontsize=FONT_SIZE_PT)
        return LaidOutDocument(document, unread, properties)
    except DocumentError:
        raise
    except Exception as err:
        raise as_render_error("the document cannot be opened", cause(err)) from err


def _open_html(
    page: str, unread: Sequence[Unread] = (), properties: Mapping[str, str] | None = None
) -> LaidOutDocument:
    """HTML laid out on A4; on wider pages, up to WIDEST_PT, where a table, or what stands far from the left, would be
    cut off.
    """
    content = page.encode("utf-8", "replace")
    opened = _open("html", stream=content, unread=unread, properties=properties)
    has_table = "<table" in page
    own = page.find("</head>") + 1  # after the style that all pages have
    if not has_table and SHIFTED.search(page, own) is None:
        return opened
    needed_pt = opened.needed_width_pt(MEASURED_PAGES if has_table else MEASURED_PAGES_SHIFTED)
    if needed_pt <= PAGE_SIZE_PT[0]:
        return opened
    if needed_pt + MARGIN_PT > WIDEST_PT:
        opened.close()
        what = "a table that is too wide for a page" if has_table else "what is too wide for a page"
        cut = Unread(PARTIAL, 0, f"{what} is cut off at its right")
        opened = _open("html", stream=content, unread=[*unread, cut], properties=properties)
    opened.lay_out(min(needed_pt + MARGIN_PT, WIDEST_PT))
    return opened


def _open_message(message: mail.MessagePage) -> LaidOutDocument:
    unread = attachments(message.attachments, message.left_out)
    unread += [Unread(PARTIAL, 0, what) for what in message.unread]
    said = {TITLE: message.subject[:VALUE_MAX_CHARS], AUTHOR: message.sender[:VALUE_MAX_CHARS]}
    return _open_html(message.markup, unread, {name: text for name, text in said.items() if text})


def _open_archive(file: Path) -> LaidOutDocument:
    """An archive as the list of the files in it."""
    archive = open_archive(file)
    names = [name[-NAME_MAX_CHARS:] for name in archive.names]
    archive.close()
    if not names:
        raise DocumentError(EMPTY_ARCHIVE)
    rows = "".join(f"<p>{markup.escaped(name)}</p>" for name in names[:NAMES_SHOWN])
    more = [Unread(PARTIAL, 0, f"the first {len(names):,} files")] if archive.left_out else []
    return _open_html(f"<body>{rows}</body>", [*attachments(names, archive.left_out), *more])


def _open_mailbox(file: Path) -> Mailbox:
    messages = list(mail.read_mailbox(file))
    if not messages:
        raise DocumentError("no messages found: not a mailbox, or an empty one")
    left_out = mail.count_messages(file) - len(messages)
    names = [name for message in messages for name in message.attachments]
    unread = attachments(names, sum(message.left_out for message in messages))
    if left_out > 0:
        unread.append(Unread(PARTIAL, left_out, f"messages after the first {len(messages):,}"))
    return Mailbox([message.markup for message in messages], unread)


def _read(file: Path, limit: int) -> tuple[bytes, bool]:
    """The first `limit` bytes of a file, and whether there are more."""
    with file.open("rb") as stream:
        content = stream.read(limit + 1)
    return content[:limit], len(content) > limit


def _decoded_text(content: bytes) -> str:
    has_mark = any(content.startswith(mark) for mark, _ in markup.BYTE_ORDER_MARKS)
    if b"\0" in content[:BINARY_WITHIN] and not has_mark:
        raise DocumentError("the content is not text")
    return markup.decoded(content)


def _cut(is_cut: bool) -> list[Unread]:
    return [Unread(PARTIAL, 0, f"the first {markup.MARKUP_MAX_BYTES >> 20} MB")] if is_cut else []
