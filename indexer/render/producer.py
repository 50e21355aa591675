"""Names the program that lays out the pages of a document, for kinds of files that have no pages of their own.

Another program, or another version of it, breaks the pages at other places: a document is then laid out again, so that
the pages in the index are those that are shown.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

from ..kinds import (
    CODE_SUFFIXES,
    MAIL_SUFFIXES,
    MAILBOX_SUFFIXES,
    MARKDOWN_SUFFIXES,
    NOTED_SUFFIXES,
    OFFICE_SUFFIXES,
    OUTLOOK_SUFFIXES,
    PASSAGE_SUFFIXES,
    TEXT_SUFFIXES,
    WEB_SUFFIXES,
)
from . import libreoffice

REFLOWED_SUFFIXES = frozenset(
    (
        *(".epub", ".fb2", ".mobi", *TEXT_SUFFIXES, *WEB_SUFFIXES, *CODE_SUFFIXES),
        *(*MAIL_SUFFIXES, *OUTLOOK_SUFFIXES, *MAILBOX_SUFFIXES),
    )
)
"""What MuPDF lays out; pictures, drawings, PDF, XPS and comics have pages of their own."""

HTML_SUFFIXES = frozenset((*MARKDOWN_SUFFIXES, *WEB_SUFFIXES, *MAIL_SUFFIXES, *OUTLOOK_SUFFIXES, *MAILBOX_SUFFIXES))
"""What is turned into HTML before it is laid out."""
HTML_LAYOUT = 4
"""The version of that HTML, and of what is read of messages. Another one changes how the pages look."""
OFFICE_LAYOUT, NOTED_LAYOUT = 3, 4
"""The version of what LibreOffice is told: hidden slides are pages, columns without a width get one, comments and
descriptions of pictures are in the PDF; and that of presentations, whose speaker notes are read.
"""
PASSAGES, PASSAGES_VERSION = "docsearch passages", 1
"""What cuts text files for models of text. Its version changes where it would cut them at other places."""


def producer(path: str, *, passages: bool = False) -> str:
    """The program that lays out a document with this path, and its version; "" if its pages are its own.

    With `passages`, text files have a page for each passage.

    >>> producer("report.pdf"), producer("main.py", passages=True)
    ('', 'docsearch passages 1')
    """
    suffix = PurePosixPath(path).suffix.lower()
    if passages and suffix in PASSAGE_SUFFIXES:
        return f"{PASSAGES} {PASSAGES_VERSION}"
    if suffix in OFFICE_SUFFIXES:
        is_noted = suffix in NOTED_SUFFIXES
        if libreoffice.program() is None:
            package = _package("office2pdf", "office2pdf-python")
            return f"{package}, layout {NOTED_LAYOUT}" if package and is_noted else package
        layout = NOTED_LAYOUT if is_noted else OFFICE_LAYOUT
        return f"LibreOffice {libreoffice.version()}, layout {layout}".replace(" ,", ",")
    if suffix in HTML_SUFFIXES:
        return f"{_package('MuPDF', 'pymupdf')}, layout {HTML_LAYOUT}"
    return _package("MuPDF", "pymupdf") if suffix in REFLOWED_SUFFIXES else ""


@dataclass(frozen=True, slots=True)
class Layouts:
    """How documents are laid out now, with `passages` as for `producer`, and how they were in an index: `recorded` are
    the programs that did it there, by the documents' paths. Those in `for_ocr` have pages that OCR would read now.
    """

    recorded: Mapping[str, str]
    passages: bool = False
    for_ocr: Collection[str] = ()

    def producer(self, path: str) -> str:
        """The program that lays out a document now, and its version; "" if its pages are its own."""
        return producer(path, passages=self.passages)

    def is_outdated(self, path: str) -> bool:
        """Whether a document in the index was laid out by another program, or version, than would do it now, or has
        pages that OCR would read.
        """
        if path in self.for_ocr:
            return True
        now = self.producer(path) if path in self.recorded else ""
        return bool(now) and now != self.recorded[path]


def has_passages(producer: str) -> bool:
    """Whether the pages of a document that this program laid out are passages of it."""
    return producer.startswith(PASSAGES)


@cache
def _package(name: str, distribution: str) -> str:
    try:
        return f"{name} {importlib.metadata.version(distribution)}"
    except importlib.metadata.PackageNotFoundError:
        return ""
