"""Layouts of tables, timetables and manuals."""

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


def timetable(canvas: Canvas) -> tuple[str, ...]:
    """A timetable of departures or of a week, a calendar, or the programme of a day."""
    rng, area = canvas.rng, canvas.text_area()
    size = canvas.resize(rng.uniform(7, 10))
    barred = rng.random() < 0.3
    if barred:
        canvas.pen.rect(pymupdf.Rect(0, 0, canvas.whole.x1, area.y0 + size * 4), None, fill=canvas.accent)
    head = f"{canvas.term('timetable')} {canvas.title(1, 3)}"
    y = canvas.heading(area, head, size * rng.uniform(1.8, 3), colour=WHITE if barred else canvas.accent) + size * 2
    rest, days = below(area, y), canvas.term("weekdays").split(",")
    kind = rng.choice(("departures", "week", "month", "programme"))
    hour, step = rng.randrange(4, 8), rng.choice((5, 10, 15, 20, 30, 60))

    def clock(minutes: int) -> str:
        return f"{(hour + minutes // 60) % 24:02}{':' if size > 7.5 else '.'}{minutes % 60:02}"

    if kind == "departures":
        count = rng.randrange(5, 14)
        legs = [rng.randrange(2, 14) for _ in range(60)]
        grid(
            canvas,
            rest,
            [canvas.word().capitalize(), *(str(rng.randrange(1, 400)) for _ in range(count))],
            area.width * 0.22,
            lambda r, c: clock(sum(legs[:r]) + c * step) if c else canvas.title(1, 2),
        )
    elif kind == "week":
        rows, wide = rng.randrange(5, 12), rng.choice((5, 6, 7))
        busy = rng.uniform(0.4, 0.95)
        tall = rest.height * rng.uniform(0.6, 1) / (rows + 1)
        grid(
            canvas,
            rest,
            ["", *days[:wide]],
            area.width * 0.12,
            tall=tall,
            most=rows,
            cell=lambda r, c: (canvas.title(1, 2) if rng.random() < busy else "") if c else clock(r * 60),
        )
        if rng.random() < 0.6:
            for _ in range(rng.randrange(4, 14)):
                x = area.x0 + area.width * (0.12 + 0.88 * rng.randrange(wide) / wide)
                top = rest.y0 + tall * rng.randrange(1, rows + 1)
                canvas.pen.rect(
                    pymupdf.Rect(x, top, x + area.width * 0.88 / wide, top + tall),
                    None,
                    fill=mix(canvas.pen.palette(6)[rng.randrange(6)], WHITE, 0.5),
                    opacity=0.7,
                )
    elif kind == "month":
        months, across = rng.choice((1, 1, 12)), 1
        across = 3 if months > 1 else 1
        for m in range(months):
            w, h = rest.width / across, rest.height / (-(-months // across))
            box = pymupdf.Rect(rest.x0 + w * (m % across), rest.y0 + h * (m // across), 0, 0)
            box = pymupdf.Rect(box.x0, box.y0, box.x0 + w - size, box.y0 + h - size)
            start = rng.randrange(7)
            head = rng.choice(canvas.term("months").split(","))
            canvas.pen.text(box.x0, box.y0 + size, head.capitalize(), font=canvas.faces.bold, size=size * 1.2)
            for c in range(7):
                canvas.pen.text(
                    box.x0 + box.width * (c + 0.5) / 7,
                    box.y0 + size * 2.6,
                    days[c][: 2 + 7 * (months == 1)],
                    anchor=0.5,
                    size=size * 0.85,
                    colour=canvas.accent,
                )
            for d in range(31):
                c, r = (start + d) % 7, (start + d) // 7
                high = (box.height - size * 3) / 6
                cell = pymupdf.Rect(box.x0 + box.width * c / 7, box.y0 + size * 3 + r * high, 0, 0)
                cell = pymupdf.Rect(cell.x0, cell.y0, cell.x0 + box.width / 7, cell.y0 + high)
                if months == 1:
                    canvas.pen.rect(cell, width=0.5)
                    if rng.random() < 0.3:
                        canvas.set_text(inset(cell, 3, size * 1.6), canvas.title(1, 3), size=size * 0.8)
                canvas.pen.text(
                    cell.x0 + size * 0.4, cell.y0 + size * 1.2, str(d + 1), colour=canvas.accent if c == 6 else None
                )
    else:
        minutes = 0
        y = rest.y0
        while y < rest.y1 - size * 3:
            canvas.pen.text(
                area.x0,
                y + size * 1.1,
                f"{clock(minutes)} – {clock(minutes + step * 2)}",
                font=canvas.faces.bold,
                size=size * 1.1,
            )
            y = canvas.set_text(
                pymupdf.Rect(area.x0 + size * 12, y, area.x1, area.y1),
                canvas.title(2, 7),
                font=canvas.faces.bold,
                size=size * 1.1,
            )
            if rng.random() < 0.7:
                y = canvas.set_text(
                    pymupdf.Rect(area.x0 + size * 12, y, area.x1, area.y1), f"{canvas.person()}, {canvas.company()}"
                )
            minutes += step * 2
            y += size * 1.2
            if rng.random() < 0.5:
                canvas.rule(area.x0, area.x1, y - size * 0.6, width=0.3)
    return ("timetable",)


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
