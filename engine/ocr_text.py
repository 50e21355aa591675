"""What OCR read on a page that has no text layer of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .records import PageWords


@dataclass(frozen=True, slots=True)
class OcrText:
    """The `words` that OCR read on a page, with their places; none where it found none, or failed.

    `engine` is the program that read them, with its version and its languages, such as "Tesseract 5.3.0, deu+eng"; ""
    where it failed.
    """

    engine: str
    words: PageWords


def is_read(found: OcrText | None) -> bool:
    """Whether OCR has read a page, if only to find that it is empty."""
    return found is not None and found.engine != ""
