"""Converts Word, PowerPoint and Excel files (OOXML) to PDF with office2pdf, where LibreOffice is not installed.

Runs only inside the child process (`worker`). What the library leaves out is reported as unread.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...engine.errors import DocumentError
from ...engine.store.unread import PARTIAL
from ..kinds import OOXML_FORMATS
from .backend import ConvertedPdf, as_render_error, one_line
from .unread import Unread

LEFT_OUT = frozenset(("UnsupportedElementWarning", "PartialElementWarning", "ParseSkippedWarning"))
"""Warnings about what is missing in the PDF; the others are about fonts and layout."""
SHOWN = 3
MESSAGE_MAX_CHARS = 70


def convert(file: Path) -> ConvertedPdf:
    """Convert a file with an extension in OOXML_FORMATS. Raises DocumentError, or OutOfMemory at the memory limit."""
    import office2pdf

    try:
        result: Any = office2pdf.convert_bytes(file.read_bytes(), OOXML_FORMATS[file.suffix.lower()])
    except office2pdf.UnsupportedEncryptionError as err:
        raise DocumentError("the document is encrypted; save it without a password") from err
    except Exception as err:
        raise as_render_error("the document cannot be converted", err) from err
    messages = [
        one_line(Exception(warning.message))[:MESSAGE_MAX_CHARS]
        for warning in result.warnings
        if type(warning).__name__ in LEFT_OUT
    ]
    unread = (Unread(PARTIAL, len(messages), "; ".join(dict.fromkeys(messages[:SHOWN]))),) if messages else ()
    return ConvertedPdf(bytes(result.pdf), unread)
