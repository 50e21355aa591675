"""The files that lie in a document, by its kind: attached to e-mails, embedded in PDFs and Office documents, packed in
archives.

Runs only inside the child process (`worker`).
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ..kinds import (
    ARCHIVE_SUFFIXES,
    MAIL_SUFFIXES,
    MAILBOX_SUFFIXES,
    OOXML_FORMATS,
    OUTLOOK_SUFFIXES,
    PDF_MAGIC,
    PDF_MAGIC_WITHIN,
    suffix_of,
)
from .archive import Members, open_archive
from .backend import OpenPdf
from .embedded import EmbeddedObjects


def open_members(file: Path, passwords: Sequence[str], open_pdf: Callable[[Path], OpenPdf]) -> Members:
    """Open a document for the files in it; none in a document of a kind that has none. Raises DocumentError."""
    suffix = suffix_of(file.name)
    if suffix in ARCHIVE_SUFFIXES:
        return open_archive(file, passwords)
    if suffix in (*MAIL_SUFFIXES, *OUTLOOK_SUFFIXES, *MAILBOX_SUFFIXES):
        from .mail import AttachedToMessages

        return AttachedToMessages(file)
    if suffix in OOXML_FORMATS and zipfile.is_zipfile(file):
        return EmbeddedObjects(file)
    with file.open("rb") as stream:
        is_pdf = PDF_MAGIC in stream.read(PDF_MAGIC_WITHIN)
    return EmbeddedFiles(open_pdf(file) if is_pdf else None)


class EmbeddedFiles:
    """The files in a PDF, as `archive.Members`; none of None."""

    def __init__(self, document: OpenPdf | None) -> None:
        self._document = document
        self._files, self.left_out = ([], 0) if document is None else document.attached_files()
        self.names = [name for name, _ in self._files]

    def read(self, number: int) -> bytes:
        """As `Members.read`."""
        return self._files[number][1]()

    def close(self) -> None:
        """Close the document."""
        if self._document is not None:
            self._document.close()
