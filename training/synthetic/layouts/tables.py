"""Layouts of tables and manuals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pymupdf

from .. import vocabulary
from ..pen import WHITE, inset, mix
from .canvas import Canvas, below
from .text_pages import header_and_page_number

Cell = Callable[[int, int], str]


def grid(
    canvas: Canvas,
    area: pymupdf.Rect,
    heads: Sequence[str],
    first: float,
    cell: Cell,
    *,
    most: int = 99,
    tall: float | None = None,
) -> float:
    """A table with the column headings `heads`; `cell(row, column)` gives its texts. Returns the y below it.

    `first` is the width of the first column, `most` the largest number of rows, `tall` the height of a row.
    """
    rng, pen = canvas.rng, canvas.pen
    tall = tall or canvas.size * rng.uniform(1.25, 2)
    size = min(canvas.size, tall * 0.75)
    stops = [area.x0, *(area.x0 + first + (area.width - first) * i / (len(heads) - 1) for i in range(len(heads)))]
    rules, barred, banded = rng.choice(("all", "all", "rows", "ends")), rng.random() < 0.5, rng.random() < 0.35
    rows = max(1, min(most, int(area.height / tall) - 1))
    bottom = area.y0 + (rows + 1) * tall
    if barred:
        pen.rect(pymupdf.Rect(area.x0, area.y0, area.x1, area.y0 + tall), None, fill=canvas.accent)
    for r in range(rows + 1):
        y = area.y0 + r * tall
        if banded and r and r % 2 == 0:
            pen.rect(pymupdf.Rect(area.x0, y, area.x1, y + tall), None, fill=mix(canvas.accent, WHITE, 0.86))
        for c in range(len(heads)):
            words = heads[c] if r == 0 else cell(r - 1, c)
            room = stops[c + 1] - stops[c] - size * 0.5
            font = canvas.faces.bold if r == 0 else canvas.faces.body
            while words and pen.length(words, size=size, font=font) > room:
                words = words[:-1]
            right = c > 0 and any(letter.isdigit() for letter in words)
            x = stops[c + 1] - size * 0.3 if right else stops[c] + size * 0.3
            pen.text(
                x,
                y + tall / 2 + size * 0.35,
                words,
                anchor=float(right),
                size=size,
                font=font,
                colour=WHITE if barred and r == 0 else None,
            )
    for r in range(rows + 2):
        if rules != "ends" or r in (0, 1, rows + 1):
            canvas.rule(area.x0, area.x1, area.y0 + r * tall, width=0.4 if rules == "all" else 0.5)
    if rules == "all":
        pen.lines((((x, area.y0), (x, bottom)) for x in stops), width=0.4)
    return bottom


def random_cells(canvas: Canvas, numeric: Sequence[bool]) -> Cell:
    """Random cells: numbers in the `numeric` columns, one to three words in the others."""
    return lambda _, c: vocabulary.number_with_unit(canvas.rng) if numeric[c] else canvas.title(1, 3)


def tabular(canvas: Canvas) -> tuple[str, ...]:
    """A page of one to three tables."""
    rng, area = canvas.rng, canvas.text_area()
    size = canvas.resize(rng.uniform(6, 10))
    y = canvas.heading(area, canvas.title(3, 8), size * 1.8) + size if rng.random() < 0.6 else area.y0
    left = rng.choice((1, 1, 2, 3))
    while left and y < area.y1 - size * 6:
        y = (
            canvas.set_text(below(area, y), f"{canvas.term('table')} {rng.randrange(1, 30)}: {canvas.title(3, 8)}")
            + size * 0.5
        )
        count = rng.randrange(3, 11)
        names, numbers = rng.random() < 0.4, rng.random() < 0.8
        heads = [canvas.title(1, 2), *((str(2000 + i) if names else canvas.word().capitalize()) for i in range(count))]
        bottom = y + (area.y1 - y) / left
        y = (
            grid(
                canvas,
                pymupdf.Rect(area.x0, y, area.x1, bottom - size * 2),
                heads,
                area.width * rng.uniform(0.2, 0.35),
                random_cells(canvas, [False, *(numbers or rng.random() < 0.4 for _ in range(count))]),
            )
            + size * 1.5
        )
        left -= 1
    header_and_page_number(canvas, area)
    return ("tabular",)


def manual(canvas: Canvas) -> tuple[str, ...]:
    """A manual: numbered steps with drawings; or a product's picture, features and data."""
    rng, size, area = canvas.rng, canvas.size, canvas.text_area()
    y = canvas.heading(area, canvas.term("steps"), size * rng.uniform(1.4, 2.4), colour=canvas.accent) + size
    if rng.random() < 0.3:
        tall = area.height * 0.3
        show = pymupdf.Rect(area.x0, y, area.x0 + area.width * 0.45, y + tall)
        if rng.random() < 0.5:
            canvas.photograph(show)
        else:
            canvas.figure(show, "drawing")
        rest = pymupdf.Rect(show.x1 + size, y, area.x1, y + tall)
        for _ in range(6):
            canvas.pen.dots([(rest.x0 + size * 0.4, rest.y0 + size * 0.7)], size * 0.35, canvas.accent)
            rest.y0 = (
                canvas.set_text(pymupdf.Rect(rest.x0 + size, rest.y0, rest.x1, rest.y1), canvas.title(3, 9))
                + size * 0.3
            )
        rest = below(area, y + tall + size * 2)
        grid(
            canvas,
            rest,
            [canvas.title(1, 2), canvas.word().capitalize(), rng.choice(vocabulary.UNITS)],
            area.width * 0.5,
            random_cells(canvas, (False, True, True)),
        )
        return ("manual",)
    across, down = rng.choice(((1, 3), (1, 4), (2, 2), (2, 3), (3, 3)))
    framed, round_number = rng.random() < 0.4, rng.random() < 0.5
    rest = below(area, y)
    for i in range(across * down):
        w, h = rest.width / across, rest.height / down
        x, top = rest.x0 + w * (i % across), rest.y0 + h * (i // across)
        cell = pymupdf.Rect(x, top, x + w - size, top + h - size)
        if framed:
            canvas.pen.rect(cell, width=0.6)
        if round_number:
            canvas.pen.dots([(cell.x0 + size, cell.y0 + size)], size * 2, canvas.accent)
        head = str(i + 1) if round_number or rng.random() < 0.5 else f"{canvas.term('stages')} {i + 1}"
        canvas.pen.text(
            cell.x0 + size,
            cell.y0 + size * 1.4,
            head,
            anchor=0.5 * round_number,
            font=canvas.faces.bold,
            size=size * 1.2,
            colour=WHITE if round_number else None,
        )
        inner = inset(pymupdf.Rect(cell.x0, cell.y0 + size * 2, cell.x1, cell.y1), size * 0.5, 0)
        if across == 1:
            canvas.set_text(
                pymupdf.Rect(inner.x0 + inner.width * 0.5, inner.y0, inner.x1, inner.y1), canvas.paragraph(1, 3)
            )
            inner.x1 = inner.x0 + inner.width * 0.45
        else:
            inner.y1 -= size * 3
            canvas.set_text(pymupdf.Rect(inner.x0, inner.y1, inner.x1, cell.y1), canvas.title(4, 10), size=size * 0.9)
        if inner.height > size * 3:
            if rng.random() < 0.12:
                canvas.photograph(inner)
            else:
                canvas.figure(inner, "drawing")
    return ("manual",)
