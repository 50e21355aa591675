"""A synthetic page being drawn: a PyMuPDF page with language, fonts and random generator; ink and paper colours."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pymupdf

from . import vocabulary

COLOURS = (
    (0, 0, 0),
    (0.1, 0.1, 0.1),
    (0.25, 0.25, 0.25),
    (0.4, 0.4, 0.45),
    (0.05, 0.15, 0.45),
    (0.5, 0.05, 0.05),
    (0, 0.35, 0.2),
)
PAPERS = ((1, 1, 1), (0.97, 0.97, 0.94), (0.9, 0.94, 1), (0.93, 0.93, 0.93))
DARK = ((0.1, 0.15, 0.3), (0, 0, 0), (0.3, 0.3, 0.3), (0.0, 0.35, 0.45), (0.5, 0.1, 0.15), (0.15, 0.35, 0.15))


@dataclass
class Sheet:
    """A page being drawn, the language its words are sampled from, its fonts, and the random generator."""

    page: pymupdf.Page
    language: vocabulary.Language
    fonts: list[pymupdf.Font]
    rng: random.Random

    def write(self, x: float, y: float, text: str, font: pymupdf.Font, size: float, colour: tuple[float, ...]) -> None:
        """Write a line of text with its baseline starting at (x, y)."""
        writer = pymupdf.TextWriter(self.page.rect)
        writer.append((x, y), text, font=font, fontsize=size)
        writer.write_text(self.page, color=colour)

    def tokens(self, width: float, font: pymupdf.Font, size: float) -> str:
        """Random tokens that fill a line of `width` points; empty if the first one does not fit."""
        words: list[str] = []
        used = 0.0
        while True:
            word = vocabulary.token(self.language, self.rng)
            used += font.text_length(word + " ", size)
            if used > width:
                return " ".join(words)
            words.append(word)
