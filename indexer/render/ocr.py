"""OCR for pages that have no text layer: which engine reads them, in which languages, and what it found on a page.

It is off unless somebody asks for it. Pages with a text layer are never read: what a file says is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...engine.errors import UsageError
from ...engine.install import needs
from ...engine.records import U8
from . import rapid_ocr, skew, tesseract
from .visible_text import MIN_CONTRAST, Word

if TYPE_CHECKING:
    from .backend import OpenDocument

AUTO, TESSERACT, RAPIDOCR, OFF = "auto", "tesseract", "rapidocr", "off"
ENGINES = (AUTO, TESSERACT, RAPIDOCR)
NAMES = {TESSERACT: "Tesseract", RAPIDOCR: "RapidOCR"}
TIMEOUT_S = 120.0
"""A page that takes longer is kept without a text."""
DPI = 200.0
"""The resolution that pages are read at, unless the picture that a page consists of has less."""
LEAST_DPI = 110.0
MAX_PIXELS = 8_000_000
STAMP_MAX_CHARS = 60
"""A page of one picture, with a text layer of fewer letters, is a scan on which a program printed a number or date."""
FAILURES_MAX = 3
"""Of a document of which so many pages could not be read, no more are tried."""


@dataclass(frozen=True, slots=True)
class Ocr:
    """An `engine`, TESSERACT or RAPIDOCR, and the `languages` that it reads, joined by "+"; none for RapidOCR."""

    engine: str
    languages: str = ""

    @property
    def setting(self) -> str:
        """As an index records it: "tesseract deu+eng"."""
        return f"{self.engine} {self.languages}".strip()

    @property
    def reader(self) -> str:
        """The engine and its languages, as `page_ocr.without_version` has them."""
        return NAMES[self.engine] + (f", {self.languages}" if self.languages else "")

    @property
    def name(self) -> str:
        """The engine with its version on this machine, and its languages: "Tesseract 5.3.0, deu+eng"."""
        version = tesseract.version() if self.engine == TESSERACT else rapid_ocr.version()
        return f"{NAMES[self.engine]} {version}".strip() + (f", {self.languages}" if self.languages else "")

    def require(self) -> None:
        """Raise UsageError where the engine, or one of the languages, is not installed on this machine."""
        if self.engine == RAPIDOCR:
            if not rapid_ocr.is_installed():
                raise UsageError(needs("OCR by RapidOCR needs the package rapidocr", rapid_ocr.EXTRA))
        elif tesseract.program() is None:
            raise UsageError("OCR by Tesseract needs the program tesseract; with Debian: apt-get install tesseract-ocr")
        else:
            tesseract.check_languages(self.languages)


def chosen(engine: str, languages: str | None = None) -> Ocr:
    """The OCR that a user asked for: AUTO is Tesseract where that is installed, else RapidOCR.

    Without `languages`, Tesseract reads all that are installed. Raises UsageError where it cannot be done here.
    """
    if engine not in ENGINES:
        raise UsageError(f"unknown OCR engine {engine!r}; choose one of {', '.join(ENGINES)}")
    if engine == AUTO:
        engine = TESSERACT if tesseract.program() is not None or not rapid_ocr.is_installed() else RAPIDOCR
        if tesseract.program() is None and engine == TESSERACT:
            raise UsageError(
                needs(
                    "OCR needs the program tesseract (with Debian: apt-get install tesseract-ocr), or the package "
                    "rapidocr",
                    rapid_ocr.EXTRA,
                )
            )
    if engine == RAPIDOCR:
        if languages:
            raise UsageError("--ocr-languages is for Tesseract; the networks of RapidOCR tell languages themselves")
        found = Ocr(RAPIDOCR)
    else:
        named = tesseract.each_once(languages or "")
        found = Ocr(TESSERACT, named or (tesseract.default_languages() if tesseract.program() else ""))
    found.require()
    return found


def recorded(setting: str | None) -> Ocr | None:
    """The OCR of an index, as `Ocr.setting` has it; None where it is off."""
    engine, _, languages = (setting or "").partition(" ")
    return Ocr(engine, tesseract.each_once(languages)) if engine in NAMES else None


def read(document: OpenDocument, text: str, ocr: Ocr, *, page_dpi: float, timeout_s: float) -> tuple[str, list[Word]]:
    """The text of the page rendered last at `page_dpi`, and its words with boxes in fractions of the page.

    `text` is its text layer. Both are empty where that is to be kept, and where there is nothing to read.
    Raises DocumentError, OutOfMemory, or whatever the engine raises.
    """
    own_dpi = document.own_dpi()
    if has_words(text) and own_dpi is None:
        return "", []
    dpi = DPI if own_dpi is None else min(DPI, max(own_dpi, LEAST_DPI))
    drawn = document.detail(dpi=max(dpi, page_dpi), max_pixels=MAX_PIXELS)
    if int(drawn.pixels.max()) - int(drawn.pixels.min()) < MIN_CONTRAST:
        return "", []
    lines = _lines(drawn.pixels, drawn.dpi, ocr, timeout_s)
    height, width = drawn.pixels.shape
    scale = np.array([width, height, width, height])
    words = [(*(np.array(box) / scale).tolist(), word) for line in lines for *box, word in line]
    found = text_of(lines)
    return (found, words) if letters(found) > letters(text) else ("", [])


def _lines(pixels: U8, dpi: float, ocr: Ocr, timeout_s: float) -> list[list[Word]]:
    """The lines of a page as words with their boxes in px.

    Tesseract reads level lines only, so a page that lies aslant is turned before; RapidOCR finds lines at any angle.
    """
    if ocr.engine == RAPIDOCR:
        return rapid_ocr.read(pixels)
    aslant = skew.angle(pixels)
    turned = skew.level(pixels, aslant) if aslant else pixels
    found = tesseract.read(turned, dpi, languages=ocr.languages, timeout_s=timeout_s)
    return skew.places_before(found, aslant, pixels.shape, turned.shape) if aslant else found


def is_scan(text: str) -> bool:
    """Whether a page with this text layer may be a scan: it has next to no text."""
    return letters(text) < STAMP_MAX_CHARS


def has_words(text: str) -> bool:
    """Whether a text has any letter or digit."""
    return any(map(str.isalnum, text))


def letters(text: str) -> int:
    """How many letters and digits a text has."""
    return sum(map(str.isalnum, text))


def text_of(lines: Sequence[Sequence[Word]]) -> str:
    """The text of some lines of words; a word that a line's end cuts in two is whole.

    >>> text_of([[(0, 0, 9, 9, "net"), (9, 0, 19, 9, "in-")], [(0, 9, 9, 19, "come"), (9, 9, 19, 19, "2023-")]])
    'net income 2023-'
    """
    text = ""
    for line in lines:
        following = " ".join(word for *_, word in line)
        if len(text) > 1 and text.endswith("-") and text[-2].isalpha() and following[:1].islower():
            text = text[:-1] + following
        else:
            text += ("\n" if text else "") + following
    return text
