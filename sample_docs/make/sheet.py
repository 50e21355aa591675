"""PDF pages to draw on: shapes, lines of text and paragraphs, in points from the top left corner.

Text lies above shapes, whatever the order of the calls. Fonts are those that come with PyMuPDF and Pillow, so that the
same calls give the same bytes on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import pymupdf
from PIL import ImageFont

from docsearch.training.synthetic import pen

Colour = tuple[float, float, float]
Box = tuple[float, float, float, float]  # x, y, width, height
Point = tuple[float, float]

A3 = (842.0, 1191.0)
A4 = (595.0, 842.0)
A5 = (420.0, 595.0)
SLIDE = (960.0, 540.0)

INK: Colour = (0.11, 0.12, 0.14)
GREY: Colour = (0.42, 0.44, 0.47)
PALE: Colour = (0.93, 0.94, 0.95)
WHITE: Colour = (1.0, 1.0, 1.0)

BUILT_IN = {
    "sans": "helv", "sans-bold": "hebo", "sans-italic": "heit",
    "serif": "tiro", "serif-bold": "tibo", "serif-italic": "tiit",
    "mono": "cour", "mono-bold": "cobo",
}  # fmt: skip


@cache
def face(name: str) -> Any:
    """The font of a name in BUILT_IN, or "display", the font that comes with Pillow."""
    if name == "display":
        loaded: Any = ImageFont.load_default(20)
        return pymupdf.Font(fontbuffer=loaded.font_bytes)
    return pymupdf.Font(BUILT_IN[name])


def tint(colour: Colour, share: float) -> Colour:
    """A mixture of the colour with white: white at share 0, the colour itself at 1."""
    red, green, blue = pen.mix(WHITE, colour, share)
    return red, green, blue


def smooth(points: Sequence[Point]) -> list[Point]:
    """The Catmull-Rom spline through the points, as a polyline of eight steps a segment, rounded to 0.01 points."""
    *curve, end = pen.smooth(points, 8)
    return [*((round(x, 2), round(y, 2)) for x, y in curve), end]


def _typeset(text: str, font: str) -> str:
    """Replace straight apostrophes by curly ones, except in fixed-width fonts."""
    return text if font.startswith("mono") else text.replace("'", "’")


def text_width(text: str, size: float, font: str = "sans") -> float:
    """The width of one line of text, points."""
    return float(face(font).text_length(_typeset(text, font), fontsize=size))


def break_lines(text: str, width: float, size: float, font: str = "sans") -> list[list[tuple[str, str]]]:
    """Break text into lines of (word, font) pairs, no wider than `width`; "**" switches bold on and off."""
    heavy = font.split("-")[0] + "-bold"
    space = text_width(" ", size, font)
    lines: list[list[tuple[str, str]]] = []
    bold = False
    for part in text.split("\n"):
        line: list[tuple[str, str]] = []
        used = 0.0
        for raw in part.split():
            bold ^= raw.startswith("**")
            word = (raw.replace("**", ""), heavy if bold else font)
            bold ^= raw.rstrip(".,:;").endswith("**") and len(raw) > 2
            wide = text_width(word[0], size, word[1])
            if line and used + wide > width:
                lines.append(line)
                line, used = [], 0.0
            line.append(word)
            used += wide + space
        lines.append(line)
    return lines


class Sheet:
    """One page of a Book."""

    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.height = height
        self._area = pymupdf.Rect(0, 0, width, height)
        self._marks: list[Callable[[Any], None]] = []  # each draws on a PyMuPDF Shape
        self._writers: dict[Colour, Any] = {}
        self._turned: list[tuple[Any, Colour, Any]] = []

    def _mark(
        self,
        shape: str,
        *extent: Any,
        fill: Colour | None = None,
        line: Colour | None = None,
        width: float,
        dashes: str | None = None,
        round_: float = 0.0,
    ) -> None:
        def draw(canvas: Any) -> None:
            getattr(canvas, shape)(*extent, **({"radius": round_} if round_ else {}))
            canvas.finish(fill=fill, color=line, width=width if line else 0, dashes=dashes, closePath=fill is not None)

        self._marks.append(draw)

    def rect(
        self,
        box: Box,
        *,
        fill: Colour | None = None,
        line: Colour | None = None,
        width: float = 0.6,
        round_: float = 0.0,
    ) -> None:
        x, y, w, h = box
        self._mark("draw_rect", pymupdf.Rect(x, y, x + w, y + h), round_=round_, fill=fill, line=line, width=width)

    def line(
        self, start: Point, end: Point, *, colour: Colour = INK, width: float = 0.6, dashes: str | None = None
    ) -> None:
        self._mark("draw_line", start, end, line=colour, width=width, dashes=dashes)

    def path(
        self,
        points: Sequence[Point],
        *,
        line: Colour | None = INK,
        fill: Colour | None = None,
        width: float = 0.8,
        dashes: str | None = None,
    ) -> None:
        self._mark("draw_polyline", list(points), fill=fill, line=line, width=width, dashes=dashes)

    def circle(
        self,
        x: float,
        y: float,
        radius: float,
        *,
        fill: Colour | None = None,
        line: Colour | None = None,
        width: float = 0.8,
    ) -> None:
        self._mark("draw_circle", (x, y), radius, fill=fill, line=line, width=width)

    def slice(self, x: float, y: float, radius: float, start: float, end: float, fill: Colour) -> None:
        """Draw a slice of a pie between `start` and `end`, 0 to 1, clockwise from the top."""
        steps = max(2, round(90 * (end - start)))
        rim = [start + (end - start) * step / steps for step in range(steps + 1)]
        turn = 2 * math.pi
        self.path(
            [(x, y), *((x + radius * math.sin(turn * at), y - radius * math.cos(turn * at)) for at in rim)],
            line=WHITE,
            fill=fill,
            width=1.2,
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 10.0,
        font: str = "sans",
        colour: Colour = INK,
        align: str = "left",
        turn: float = 0.0,
    ) -> float:
        """Write a line with its baseline at y, rotated anticlockwise by `turn` degrees; return its width."""
        wide = text_width(text, size, font)
        left = x - {"left": 0.0, "center": wide / 2, "right": wide}[align]
        if turn:
            writer = pymupdf.TextWriter(self._area)
            self._turned.append((writer, colour, (pymupdf.Point(x, y), pymupdf.Matrix(turn))))
        else:
            writer = self._writers.setdefault(colour, pymupdf.TextWriter(self._area))
        writer.append(pymupdf.Point(left, y), _typeset(text, font), font=face(font), fontsize=size)
        return wide

    def paragraph(
        self,
        x: float,
        y: float,
        width: float,
        text: str,
        *,
        size: float = 10.0,
        font: str = "sans",
        colour: Colour = INK,
        leading: float = 1.36,
        align: str = "left",
    ) -> float:
        """Write text below y in lines no wider than `width`; `align` may also be "justify". Return the y below it."""
        lines = break_lines(text, width, size, font)
        for number, line in enumerate(lines):
            y += size * leading
            last = number == len(lines) - 1
            self.words(x, y - size * (leading - 1), width, line, size=size, colour=colour, align=align, last=last)
        return y

    def words(
        self,
        x: float,
        y: float,
        width: float,
        line: Sequence[tuple[str, str]],
        *,
        size: float,
        colour: Colour = INK,
        align: str = "left",
        last: bool = False,
    ) -> None:
        """Write one line of words from `break_lines`; a justified line fills the width, unless it is the last."""
        if not line:
            return
        space = text_width(" ", size, line[0][1])
        natural = sum(text_width(word, size, font) for word, font in line) + space * (len(line) - 1)
        slack = width - natural
        gap = space
        if align == "justify" and not last and len(line) > 1 and slack < 0.25 * width:
            gap += slack / (len(line) - 1)
        x += {"right": slack, "center": slack / 2}.get(align, 0.0)
        start, run, run_font = x, "", line[0][1]
        for word, font in line:
            if run and (font != run_font or gap != space):
                self.text(start, y, run, size=size, font=run_font, colour=colour)
                start, run = x, ""
            run_font = font
            run += (" " if run else "") + word
            x += text_width(word, size, font) + gap
        self.text(start, y, run, size=size, font=run_font, colour=colour)

    def finish(self, page: Any) -> None:
        """Draw the shapes, then the text, on a PyMuPDF page."""
        canvas = page.new_shape()
        for draw in self._marks:
            draw(canvas)
        canvas.commit()
        for colour, writer in self._writers.items():
            writer.write_text(page, color=colour)
        for writer, colour, morph in self._turned:
            writer.write_text(page, color=colour, morph=morph)


class Book:
    """A PDF document being drawn."""

    def __init__(self, title: str, *, author: str, date: str, language: str = "en") -> None:
        """`date` is that of creation and modification, as YYYYMMDD."""
        self._pdf = pymupdf.open()
        self._pdf.set_language(language)
        stamp = f"D:{date}090000Z"
        self._pdf.set_metadata(
            {"title": title, "author": author, "producer": "sample_docs/make", "creationDate": stamp, "modDate": stamp}
        )
        self._sheets: list[Sheet] = []

    def sheet(self, size: tuple[float, float] = A4, *, landscape: bool = False) -> Sheet:
        """Append a page."""
        width, height = (max(size), min(size)) if landscape else size
        sheet = Sheet(width, height)
        self._sheets.append(sheet)
        return sheet

    def pdf(self) -> bytes:
        """The finished file, reproducible: without the current time and without a random ID."""
        self._finish()
        self._pdf.subset_fonts()
        return bytes(self._pdf.tobytes(garbage=4, deflate=True, no_new_id=True, use_objstms=1))

    def pixels(self, *, dpi: int) -> list[Any]:
        """The pages as PyMuPDF pixmaps, for documents that are image files."""
        self._finish()
        return [self._pdf[number].get_pixmap(dpi=dpi) for number in range(len(self._sheets))]

    def _finish(self) -> None:
        for sheet in self._sheets:
            sheet.finish(self._pdf.new_page(width=sheet.width, height=sheet.height))
