"""Lays out pages of tables and steps: tables, timetables, manuals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pymupdf

from .. import vocabulary
from ..pen import WHITE, inset, mix
from .leaf import Leaf, below
from .printed import folio

Cell = Callable[[int, int], str]


def grid(
    leaf: Leaf,
    area: pymupdf.Rect,
    heads: Sequence[str],
    first: float,
    cell: Cell,
    *,
    most: int = 99,
    tall: float | None = None,
) -> float:
    """A table below `heads`: `cell` says what stands in a row and column; returns y below it."""
    rng, pen = leaf.rng, leaf.pen
    tall = tall or leaf.size * rng.uniform(1.25, 2)
    size = min(leaf.size, tall * 0.75)
    stops = [area.x0, *(area.x0 + first + (area.width - first) * i / (len(heads) - 1) for i in range(len(heads)))]
    rules, barred, banded = rng.choice(("all", "all", "rows", "ends")), rng.random() < 0.5, rng.random() < 0.35
    rows = max(1, min(most, int(area.height / tall) - 1))
    bottom = area.y0 + (rows + 1) * tall
    if barred:
        pen.rect(pymupdf.Rect(area.x0, area.y0, area.x1, area.y0 + tall), None, fill=leaf.accent)
    for r in range(rows + 1):
        y = area.y0 + r * tall
        if banded and r and r % 2 == 0:
            pen.rect(pymupdf.Rect(area.x0, y, area.x1, y + tall), None, fill=mix(leaf.accent, WHITE, 0.86))
        for c in range(len(heads)):
            words = heads[c] if r == 0 else cell(r - 1, c)
            room = stops[c + 1] - stops[c] - size * 0.5
            font = leaf.faces.bold if r == 0 else leaf.faces.body
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
            leaf.rule(area.x0, area.x1, area.y0 + r * tall, width=0.4 if rules == "all" else 0.5)
    if rules == "all":
        pen.lines((((x, area.y0), (x, bottom)) for x in stops), width=0.4)
    return bottom


def cells(leaf: Leaf, numeric: Sequence[bool]) -> Cell:
    """Cells that hold numbers in the `numeric` columns, a word or a few in the others."""
    return lambda _, c: vocabulary.dressed_number(leaf.rng) if numeric[c] else leaf.title(1, 3)


def tabular(leaf: Leaf) -> tuple[str, ...]:
    """A page that is mostly one table or a few."""
    rng, area = leaf.rng, leaf.area()
    size = leaf.resize(rng.uniform(6, 10))
    y = leaf.heading(area, leaf.title(3, 8), size * 1.8) + size if rng.random() < 0.6 else area.y0
    left = rng.choice((1, 1, 2, 3))
    while left and y < area.y1 - size * 6:
        y = leaf.set(below(area, y), f"{leaf.term('table')} {rng.randrange(1, 30)}: {leaf.title(3, 8)}") + size * 0.5
        count = rng.randrange(3, 11)
        names, numbers = rng.random() < 0.4, rng.random() < 0.8
        heads = [leaf.title(1, 2), *((str(2000 + i) if names else leaf.word().capitalize()) for i in range(count))]
        bottom = y + (area.y1 - y) / left
        y = (
            grid(
                leaf,
                pymupdf.Rect(area.x0, y, area.x1, bottom - size * 2),
                heads,
                area.width * rng.uniform(0.2, 0.35),
                cells(leaf, [False, *(numbers or rng.random() < 0.4 for _ in range(count))]),
            )
            + size * 1.5
        )
        left -= 1
    folio(leaf, area)
    return ("tabular",)


def timetable(leaf: Leaf) -> tuple[str, ...]:
    """Departures, a week of lessons, a month, or the programme of a day."""
    rng, area = leaf.rng, leaf.area()
    size = leaf.resize(rng.uniform(7, 10))
    barred = rng.random() < 0.3
    if barred:
        leaf.pen.rect(pymupdf.Rect(0, 0, leaf.whole.x1, area.y0 + size * 4), None, fill=leaf.accent)
    head = f"{leaf.term('timetable')} {leaf.title(1, 3)}"
    y = leaf.heading(area, head, size * rng.uniform(1.8, 3), colour=WHITE if barred else leaf.accent) + size * 2
    rest, days = below(area, y), leaf.term("weekdays").split(",")
    kind = rng.choice(("departures", "week", "month", "programme"))
    hour, step = rng.randrange(4, 8), rng.choice((5, 10, 15, 20, 30, 60))

    def clock(minutes: int) -> str:
        return f"{(hour + minutes // 60) % 24:02}{':' if size > 7.5 else '.'}{minutes % 60:02}"

    if kind == "departures":
        count = rng.randrange(5, 14)
        legs = [rng.randrange(2, 14) for _ in range(60)]
        grid(
            leaf,
            rest,
            [leaf.word().capitalize(), *(str(rng.randrange(1, 400)) for _ in range(count))],
            area.width * 0.22,
            lambda r, c: clock(sum(legs[:r]) + c * step) if c else leaf.title(1, 2),
        )
    elif kind == "week":
        rows, wide = rng.randrange(5, 12), rng.choice((5, 6, 7))
        busy = rng.uniform(0.4, 0.95)
        tall = rest.height * rng.uniform(0.6, 1) / (rows + 1)
        grid(
            leaf,
            rest,
            ["", *days[:wide]],
            area.width * 0.12,
            tall=tall,
            most=rows,
            cell=lambda r, c: (leaf.title(1, 2) if rng.random() < busy else "") if c else clock(r * 60),
        )
        if rng.random() < 0.6:
            for _ in range(rng.randrange(4, 14)):
                x = area.x0 + area.width * (0.12 + 0.88 * rng.randrange(wide) / wide)
                top = rest.y0 + tall * rng.randrange(1, rows + 1)
                leaf.pen.rect(
                    pymupdf.Rect(x, top, x + area.width * 0.88 / wide, top + tall),
                    None,
                    fill=mix(leaf.pen.palette(6)[rng.randrange(6)], WHITE, 0.5),
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
            head = rng.choice(leaf.term("months").split(","))
            leaf.pen.text(box.x0, box.y0 + size, head.capitalize(), font=leaf.faces.bold, size=size * 1.2)
            for c in range(7):
                leaf.pen.text(
                    box.x0 + box.width * (c + 0.5) / 7,
                    box.y0 + size * 2.6,
                    days[c][: 2 + 7 * (months == 1)],
                    anchor=0.5,
                    size=size * 0.85,
                    colour=leaf.accent,
                )
            for d in range(31):
                c, r = (start + d) % 7, (start + d) // 7
                high = (box.height - size * 3) / 6
                cell = pymupdf.Rect(box.x0 + box.width * c / 7, box.y0 + size * 3 + r * high, 0, 0)
                cell = pymupdf.Rect(cell.x0, cell.y0, cell.x0 + box.width / 7, cell.y0 + high)
                if months == 1:
                    leaf.pen.rect(cell, width=0.5)
                    if rng.random() < 0.3:
                        leaf.set(inset(cell, 3, size * 1.6), leaf.title(1, 3), size=size * 0.8)
                leaf.pen.text(
                    cell.x0 + size * 0.4, cell.y0 + size * 1.2, str(d + 1), colour=leaf.accent if c == 6 else None
                )
    else:
        minutes = 0
        y = rest.y0
        while y < rest.y1 - size * 3:
            leaf.pen.text(
                area.x0,
                y + size * 1.1,
                f"{clock(minutes)} – {clock(minutes + step * 2)}",
                font=leaf.faces.bold,
                size=size * 1.1,
            )
            y = leaf.set(
                pymupdf.Rect(area.x0 + size * 12, y, area.x1, area.y1),
                leaf.title(2, 7),
                font=leaf.faces.bold,
                size=size * 1.1,
            )
            if rng.random() < 0.7:
                y = leaf.set(
                    pymupdf.Rect(area.x0 + size * 12, y, area.x1, area.y1), f"{leaf.person()}, {leaf.company()}"
                )
            minutes += step * 2
            y += size * 1.2
            if rng.random() < 0.5:
                leaf.rule(area.x0, area.x1, y - size * 0.6, width=0.3)
    return ("timetable",)


def manual(leaf: Leaf) -> tuple[str, ...]:
    """Numbered steps with small drawings, or the data of a product beside its picture."""
    rng, size, area = leaf.rng, leaf.size, leaf.area()
    y = leaf.heading(area, leaf.term("steps"), size * rng.uniform(1.4, 2.4), colour=leaf.accent) + size
    if rng.random() < 0.3:
        tall = area.height * 0.3
        show = pymupdf.Rect(area.x0, y, area.x0 + area.width * 0.45, y + tall)
        if rng.random() < 0.5:
            leaf.photograph(show)
        else:
            leaf.figure(show, "drawing")
        rest = pymupdf.Rect(show.x1 + size, y, area.x1, y + tall)
        for _ in range(6):
            leaf.pen.dots([(rest.x0 + size * 0.4, rest.y0 + size * 0.7)], size * 0.35, leaf.accent)
            rest.y0 = leaf.set(pymupdf.Rect(rest.x0 + size, rest.y0, rest.x1, rest.y1), leaf.title(3, 9)) + size * 0.3
        rest = below(area, y + tall + size * 2)
        grid(
            leaf,
            rest,
            [leaf.title(1, 2), leaf.word().capitalize(), rng.choice(vocabulary.UNITS)],
            area.width * 0.5,
            cells(leaf, (False, True, True)),
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
            leaf.pen.rect(cell, width=0.6)
        if round_number:
            leaf.pen.dots([(cell.x0 + size, cell.y0 + size)], size * 2, leaf.accent)
        head = str(i + 1) if round_number or rng.random() < 0.5 else f"{leaf.term('stages')} {i + 1}"
        leaf.pen.text(
            cell.x0 + size,
            cell.y0 + size * 1.4,
            head,
            anchor=0.5 * round_number,
            font=leaf.faces.bold,
            size=size * 1.2,
            colour=WHITE if round_number else None,
        )
        inner = inset(pymupdf.Rect(cell.x0, cell.y0 + size * 2, cell.x1, cell.y1), size * 0.5, 0)
        if across == 1:
            leaf.set(pymupdf.Rect(inner.x0 + inner.width * 0.5, inner.y0, inner.x1, inner.y1), leaf.paragraph(1, 3))
            inner.x1 = inner.x0 + inner.width * 0.45
        else:
            inner.y1 -= size * 3
            leaf.set(pymupdf.Rect(inner.x0, inner.y1, inner.x1, cell.y1), leaf.title(4, 10), size=size * 0.9)
        if inner.height > size * 3:
            if rng.random() < 0.12:
                leaf.photograph(inner)
            else:
                leaf.figure(inner, "drawing")
    return ("manual",)
