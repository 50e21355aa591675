"""Text that flows through columns, tables, and page footers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .sheet import GREY, INK, PALE, WHITE, Book, Box, Colour, Sheet, break_lines


@dataclass(frozen=True)
class Column:
    """A column of text on a sheet; positions in points."""

    sheet: Sheet
    x: float
    top: float
    width: float
    bottom: float


class Flow:
    """Fills columns one after the other; it is an error if text does not fit into the last one."""

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        font: str = "serif",
        size: float = 10.0,
        leading: float = 1.36,
        align: str = "justify",
    ) -> None:
        self._columns = list(columns)
        self._font, self._size, self._leading, self._align = font, size, leading, align
        self._number = 0
        self.y = columns[0].top

    @property
    def column(self) -> Column:
        return self._columns[self._number]

    def _room(self, height: float) -> None:
        if self.y + height > self.column.bottom:
            self._number += 1
            assert self._number < len(self._columns), "the text is longer than its columns"
            self.y = self.column.top

    def prose(self, text: str, *, after: float = 0.5, indent: float = 0.0, keep: bool = False) -> None:
        """Set a paragraph, followed by `after` lines of space; with `keep` it is not split between columns."""
        step = self._size * self._leading
        lines = break_lines(text, self.column.width - indent, self._size, self._font)
        if keep:
            self._room(step * len(lines))
        for number, line in enumerate(lines):
            self._room(step)
            column = self.column
            self.y += step
            column.sheet.words(
                column.x + indent, self.y - self._size * (self._leading - 1), column.width - indent, line,
                size=self._size, align=self._align, last=number == len(lines) - 1,
            )  # fmt: skip
        self.y += after * step

    def head(
        self, text: str, *, size: float = 12.0, font: str = "sans-bold", colour: Colour = INK, before: float = 8.0
    ) -> None:
        """Set a heading, which stays in one column with at least two lines of what follows."""
        lines = break_lines(text, self.column.width, size, font)
        self._room(before + size * 1.25 * len(lines) + 3 * self._size * self._leading)
        if self.y > self.column.top:
            self.y += before
        column = self.column
        self.y = column.sheet.paragraph(
            column.x, self.y, column.width, text, size=size, font=font, colour=colour, leading=1.25
        )
        self.y += 2

    def bullets(self, items: Sequence[str], *, mark: str = "•") -> None:
        """Set a list, with `mark` before each item; the mark "1" numbers the items."""
        for number, item in enumerate(items, 1):
            self._room(self._size * self._leading)
            sign = f"{number}." if mark == "1" else mark
            self.column.sheet.text(self.column.x + 2, self.y + self._size, sign, size=self._size, font=self._font)
            self.prose(item, after=0.2, indent=1.7 * self._size)
        self.y += 0.3 * self._size

    def space(self, height: float) -> None:
        self.y += height

    def block(self, height: float) -> tuple[Sheet, Box]:
        """Reserve a box of the column for a figure; return its sheet and position."""
        self._room(height)
        box = (self.column.x, self.y, self.column.width, height)
        self.y += height
        return self.column.sheet, box


def table(
    sheet: Sheet,
    x: float,
    y: float,
    widths: Sequence[float],
    rows: Sequence[Sequence[str]],
    *,
    align: str,
    size: float = 8.5,
    font: str = "sans",
    pad: float = 3.0,
    style: str = "rules",
    accent: Colour = INK,
    heads: int = 1,
    strong: Sequence[int] = (),
) -> float:
    """Draw a table with its top left corner at (x, y) and return the y below it.

    `align` has one letter a column (l, c, r); `style` is "rules", "grid" or "bands"; the first `heads` rows are
    headings; `strong` lists the bold rows, counted from 0.
    """
    total = sum(widths)
    names = {"l": "left", "c": "center", "r": "right"}
    if style != "grid":
        sheet.line((x, y), (x + total, y), colour=accent, width=1.0)
    for number, row in enumerate(rows):
        assert len(row) == len(widths) == len(align), row
        heavy = number < heads or number in strong
        family = font.split("-")[0] + "-bold" if heavy else font
        cells = [break_lines(cell, wide - 2 * pad, size, family) for cell, wide in zip(row, widths, strict=True)]
        height = max(len(cell) for cell in cells) * size * 1.22 + 2 * pad
        dark = style in ("bands", "grid") and number < heads
        if dark:
            sheet.rect((x, y, total, height), fill=accent)
        elif style == "bands" and number % 2 == 0:
            sheet.rect((x, y, total, height), fill=PALE)
        left = x
        for cell, wide, letter in zip(cells, widths, align, strict=True):
            for place, line in enumerate(cell):
                sheet.words(
                    left + pad, y + pad + size * (0.92 + 1.22 * place), wide - 2 * pad, line,
                    size=size, align=names[letter], colour=WHITE if dark else INK,
                )  # fmt: skip
            if style == "grid":
                sheet.rect((left, y, wide, height), line=GREY, width=0.4)
            left += wide
        y += height
        if style == "rules":
            thick = number == heads - 1 or number in strong
            sheet.line((x, y), (x + total, y), colour=accent if thick else GREY, width=0.9 if thick else 0.25)
    if style == "bands":
        sheet.line((x, y), (x + total, y), colour=accent, width=1.0)
    return y


def footer(sheet: Sheet, left: str, right: str, *, margin: float = 57.0, size: float = 8.0) -> None:
    """Draw a page footer: a text at the left, a page number at the right."""
    y = sheet.height - 34
    sheet.line((margin, y - 12), (sheet.width - margin, y - 12), colour=GREY, width=0.4)
    sheet.text(margin, y, left, size=size, colour=GREY)
    sheet.text(sheet.width - margin, y, right, size=size, colour=GREY, align="right")


def page_column(book: Book, *, top: float = 70.0, margin: float = 57.0) -> Column:
    """One column that fills a new A4 sheet, except for its margins."""
    sheet = book.sheet()
    return Column(sheet, margin, top, sheet.width - 2 * margin, sheet.height - 62)
