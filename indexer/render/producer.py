"""Names the program that lays out the pages of a document, for kinds of files that have no pages of their own.

Another program, or another version of it, breaks the pages at other places: a document is then laid out again, so that
the pages in the index are those that are shown.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from functools import cache
from pathlib import PurePosixPath

from ..kinds import CODE_SUFFIXES, MAIL_SUFFIXES, OFFICE_SUFFIXES, TEXT_SUFFIXES, WEB_SUFFIXES
from . import libreoffice

REFLOWED_SUFFIXES = frozenset(
    (".epub", ".fb2", ".mobi", ".mbox", *TEXT_SUFFIXES, *WEB_SUFFIXES, *MAIL_SUFFIXES, *CODE_SUFFIXES)
)
"""What MuPDF lays out; pictures, drawings, PDF, XPS and comics have pages of their own."""


def producer(path: str) -> str:
    """The program that lays out a document with this path, and its version; "" if its pages are its own.

    >>> producer("report.pdf")
    ''
    """
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in OFFICE_SUFFIXES:
        if libreoffice.program() is None:
            return _package("office2pdf", "office2pdf-python")
        return f"LibreOffice {libreoffice.version()}".strip()
    return _package("MuPDF", "pymupdf") if suffix in REFLOWED_SUFFIXES else ""


def layout_is_outdated(path: str, recorded: Mapping[str, str]) -> bool:
    """Whether a document was laid out by another program, or version, than would lay it out now.

    `recorded` are the programs that laid out the documents in the index, by path.
    """
    now = producer(path) if path in recorded else ""
    return bool(now) and now != recorded[path]


@cache
def _package(name: str, distribution: str) -> str:
    try:
        return f"{name} {importlib.metadata.version(distribution)}"
    except importlib.metadata.PackageNotFoundError:
        return ""
