"""Lays out what is printed to be read: articles, newsletters, lists of every sort, tables, manuals, running text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pymupdf

from . import vocabulary
from .leaf import CHARTS, Leaf
from .pen import WHITE, inset, mix


def columns_of(area: pymupdf.Rect, count: int, gap: float) -> list[pymupdf.Rect]:
    step = (area.width + gap) / count
    return [pymupdf.Rect(area.x0 + i * step, area.y0, area.x0 + (i + 1) * step - gap, area.y1) for i in range(count)]


def below(area: pymupdf.Rect, y: float) -> pymupdf.Rect:
    return pymupdf.Rect(area.x0, min(y, area.y1 - 1), area.x1, area.y1)


def folio(leaf: Leaf, area: pymupdf.Rect) -> None:
    """A running head and a page number, now and then."""
    rng, size = leaf.rng, leaf.size * 0.8
    if rng.random() < 0.7:
        x = rng.choice((area.x0, area.x1, (area.x0 + area.x1) / 2))
        anchor = (x - area.x0) / area.width
        leaf.pen.text(
            x, min(area.y1 + size * 2.5, leaf.whole.y1 - size), str(rng.randrange(2, 500)), anchor=anchor, size=size
        )
    if rng.random() < 0.4:
        leaf.pen.text(area.x0, max(area.y0 - size * 1.5, size), leaf.title(), size=size, font=leaf.faces.italic)
        if rng.random() < 0.5:
            leaf.rule(area.x0, area.x1, area.y0 - size, width=0.4)


def text(leaf: Leaf) -> tuple[str, ...]:
    """One column of running text, as in books and reports."""
    rng, area = leaf.rng, leaf.area()
    y = area.y0
    if rng.random() < 0.25:
        area.y0 += area.height * rng.uniform(0, 0.15)
        y = (
            leaf.heading(area, f"{leaf.term('chapter')} {rng.randrange(1, 20)}. {leaf.title()}", leaf.size * 1.7)
            + leaf.size * 2
        )
    leaf.prose(below(area, y), leading=rng.uniform(1.15, 1.7), justified=rng.random() < 0.6, gap=rng.choice((0, 0, 0.6, 1)),
               headed=rng.choice((0, 0, 0.15)))  # fmt: skip
    folio(leaf, area)
    return ("text",)


def small_print(leaf: Leaf) -> tuple[str, ...]:
    """Conditions or a package insert: narrow columns of dense text far smaller than usual."""
    rng, area = leaf.rng, inset(leaf.whole, rng_edge := leaf.rng.uniform(14, 32), rng_edge)
    leaf.size = rng.uniform(4.2, 6.2)
    y = leaf.heading(area, leaf.term("terms"), leaf.size * rng.uniform(1.4, 3)) + leaf.size
    number, numbered = 0, rng.random() < 0.6
    for column in columns_of(below(area, y), rng.choice((1, 2, 3, 3, 4)), leaf.size * 1.6):
        y = column.y0
        while y < column.y1 - leaf.size * 2:
            number += 1
            head = f"{number}. {leaf.title()}" if numbered else leaf.title()
            y = leaf.set(below(column, y), head, font=leaf.faces.bold, leading=1.15)
            y = (
                leaf.set(below(column, y), leaf.paragraph(3, 9), leading=1.12, justified=rng.random() < 0.5)
                + leaf.size * 0.4
            )
    return ("small print",)


def article(leaf: Leaf) -> tuple[str, ...]:
    """A paper's first or later page: title, authors, abstract, columns, equations, figures."""
    rng, area = leaf.rng, leaf.area()
    leaf.size = size = rng.uniform(8, 10.5)
    y, middle = area.y0, (area.x0 + area.x1) / 2
    if first := rng.random() < 0.65:
        anchor = rng.choice((0.5, 0.5, 0.0))
        x = middle if anchor else area.x0
        if rng.random() < 0.5:
            head = f"{leaf.title(1, 3)} {rng.randrange(1, 90)} ({rng.randrange(1980, 2026)}) {rng.randrange(1, 900)}–{rng.randrange(900, 999)}"
            leaf.pen.text(x, y, head, anchor=anchor, size=size * 0.8, font=leaf.faces.italic)
            y += size * 2
        y = (
            leaf.heading(inset(below(area, y), 20, 0), leaf.title(5, 13), size * rng.uniform(1.6, 2.1), anchor=anchor)
            + size * 0.6
        )
        people = ", ".join(leaf.person() for _ in range(rng.randrange(1, 6)))
        y = leaf.set(below(area, y), people, size=size * 1.1, anchor=anchor)
        y = (
            leaf.set(
                below(area, y), f"{leaf.title()}, {leaf.word().capitalize()}", font=leaf.faces.italic, anchor=anchor
            )
            + size
        )
        if rng.random() < 0.85:
            box = inset(below(area, y), rng.choice((0, 30, 45)), 0)
            y = leaf.set(box, leaf.term("abstract"), font=leaf.faces.bold, anchor=anchor)
            y = (
                leaf.set(box_below := below(box, y), leaf.paragraph(3, 6), size=size * 0.92, justified=True)
                + size * 1.5
            )
            if rng.random() < 0.3:
                leaf.rule(box_below.x0, box_below.x1, y - size * 0.8, width=0.4)
    count = rng.choice((2, 2, 2, 1))
    section = rng.randrange(2, 6)
    for i, column in enumerate(columns_of(below(area, y), count, size * 2)):
        y = column.y0
        if first and i == 0:
            y = leaf.set(column, f"1 {leaf.term('introduction')}", font=leaf.faces.bold, size=size * 1.15) + size * 0.3
        while y < column.y1 - size * 2:
            kind, rest = rng.random(), below(column, y)
            if kind < 0.14 and rest.height > size * 10:
                tall = min(rest.height, size * rng.uniform(5, 8))
                leaf.figure(pymupdf.Rect(rest.x0, y, rest.x1, y + tall), "equation")
                y += tall
            elif kind < 0.26 and rest.height > size * 16:
                tall = min(rest.height * 0.9, column.width * rng.uniform(0.5, 0.8))
                leaf.figure(pymupdf.Rect(rest.x0, y, rest.x1, y + tall - size), *CHARTS, "diagram")
                y = (
                    leaf.set(
                        below(column, y + tall), f"Fig. {rng.randrange(1, 9)}. {leaf.sentence()}", size=size * 0.85
                    )
                    + size
                )
            elif kind < 0.36:
                y = (
                    leaf.set(
                        below(column, y + size * 0.6),
                        f"{section} {leaf.title()}",
                        font=leaf.faces.bold,
                        size=size * 1.1,
                    )
                    + size * 0.3
                )
                section += 1
            else:
                y = leaf.set(rest, leaf.paragraph(), leading=1.18, justified=True, indent=size)
    folio(leaf, area)
    return ("article",)


def newsletter(leaf: Leaf) -> tuple[str, ...]:
    """A masthead, headlines, columns and pictures, as newspapers and magazines have them."""
    rng, size, area = leaf.rng, leaf.size * 0.9, inset(leaf.whole, e := leaf.rng.uniform(22, 45), e)
    leaf.size, y = size, area.y0
    if front := rng.random() < 0.7:
        name = f"{leaf.word()} {leaf.term('news')}"
        name = name.upper() if rng.random() < 0.4 else name.title()
        big = min(60.0, area.width * rng.uniform(0.6, 0.98) / leaf.faces.head.text_length(name, 1))
        barred = rng.random() < 0.35
        if barred:
            leaf.pen.rect(pymupdf.Rect(0, 0, leaf.whole.x1, y + big * 1.35), None, fill=leaf.accent)
        leaf.pen.text((area.x0 + area.x1) / 2, y + big, name, anchor=0.5, size=big, font=leaf.faces.head,
                      colour=WHITE if barred else rng.choice((leaf.accent, leaf.ink)))  # fmt: skip
        y += big * 1.35 + 4
        leaf.rule(area.x0, area.x1, y)
        leaf.pen.text(area.x0 + 2, y + size * 1.1, leaf.date(), size=size * 0.85)
        leaf.pen.text(area.x1 - 2, y + size * 1.1, f"No. {rng.randrange(1, 400)}", anchor=1, size=size * 0.85)
        leaf.rule(area.x0, area.x1, y + size * 1.6)
        y += size * 3
    count = rng.choice((2, 3, 3, 4, 5))
    if front or rng.random() < 0.5:
        y = (
            leaf.heading(below(area, y), leaf.title(4, 9), size * rng.uniform(2.4, 4.5), anchor=rng.choice((0, 0.5)))
            + size
        )
        if rng.random() < 0.6:
            tall = area.height * rng.uniform(0.15, 0.32)
            leaf.photograph(pymupdf.Rect(area.x0, y, area.x1 - area.width * rng.choice((0, 0, 1 / count)), y + tall))
            y = leaf.set(below(area, y + tall + 2), leaf.sentence(), size=size * 0.8, font=leaf.faces.italic) + size
    gap = size * 1.5
    ruled = rng.random() < 0.3
    for i, column in enumerate(columns_of(below(area, y), count, gap)):
        if ruled and i:
            leaf.pen.lines([((column.x0 - gap / 2, column.y0), (column.x0 - gap / 2, column.y1))], width=0.4)
        y = column.y0
        while y < column.y1 - size * 3:
            kind, rest = rng.random(), below(column, y)
            if kind < 0.2 and rest.height > column.width:
                tall = column.width * rng.uniform(0.6, 1.1)
                leaf.photograph(pymupdf.Rect(rest.x0, y + 3, rest.x1, y + tall))
                y = leaf.set(below(column, y + tall + 2), leaf.title(), size=size * 0.8, font=leaf.faces.italic) + size
            elif kind < 0.45:
                y = leaf.heading(below(column, y + size * 0.5), leaf.title(3, 7), size * rng.uniform(1.3, 2.2),
                                 colour=rng.choice((leaf.ink, leaf.accent))) + size * 0.3  # fmt: skip
            elif kind < 0.52 and rest.height > size * 14:
                box = pymupdf.Rect(rest.x0, y + 4, rest.x1, y + size * 12)
                leaf.pen.rect(box, None, fill=mix(leaf.accent, WHITE, 0.82))
                leaf.set(inset(box, 5, 5), leaf.paragraph(1, 3), font=leaf.faces.bold, leading=1.3)
                y = box.y1 + size
            else:
                y = leaf.set(rest, leaf.paragraph(2, 6), justified=True, leading=1.18, indent=size)
    return ("newsletter",)


def contents(leaf: Leaf) -> tuple[str, ...]:
    """Entries with dots and page numbers, numbered or not; or an index of words in columns."""
    rng, size, area = leaf.rng, leaf.size, leaf.area()
    if rng.random() < 0.2:
        return index(leaf, area)
    y = leaf.heading(area, leaf.term("contents"), size * rng.uniform(1.5, 3), colour=leaf.accent) + size * 2
    dots, step = rng.choice((" .", ".", "", " . ")), size * rng.uniform(1.3, 2.2)
    numbered, number, chapter, part = rng.random() < 0.6, rng.randrange(1, 9), 0, 0
    while y < area.y1 - step and (chapter < 3 or rng.random() < 0.985):
        top = chapter == 0 or rng.random() < 0.3
        chapter, part = (chapter + 1, 0) if top else (chapter, part + 1)
        font = leaf.faces.bold if top else leaf.faces.body
        x = area.x0 + (0 if top else size * 2)
        head = (f"{chapter} " if top else f"{chapter}.{part} ") if numbered else ""
        entry = head + leaf.title(1, 8)
        while pymupdf.Font.text_length(font, entry, size) > area.width * 0.8:
            entry = entry.rsplit(" ", 1)[0] if " " in entry else entry[:20]
        y += step * (1.35 if top else 1)
        leaf.pen.text(x, y, entry, font=font)
        page = str(number)
        end = area.x1 - leaf.pen.length("000 ")
        if dots and (start := x + leaf.pen.length(entry + "  ", font=font)) < end:
            leaf.pen.text(end, y, dots * int((end - start) / leaf.pen.length(dots)), anchor=1)
        leaf.pen.text(area.x1, y, page, anchor=1, font=font)
        number += rng.randrange(1, 9)
    folio(leaf, area)
    return ("contents",)


def index(leaf: Leaf, area: pymupdf.Rect) -> tuple[str, ...]:
    rng, size = leaf.rng, leaf.size * 0.85
    y = leaf.heading(area, "Index", leaf.size * 2) + size
    words = sorted(leaf.title(1, 3).capitalize() for _ in range(260))
    columns = columns_of(below(area, y), rng.choice((2, 3)), size * 2)
    letter, at = "", 0
    for column in columns:
        y = column.y0
        while y < column.y1 - size * 2 and at < len(words):
            word = words[at]
            if word[0] != letter:
                letter = word[0]
                y = leaf.set(below(column, y + size), letter, font=leaf.faces.bold, size=size * 1.3)
            pages = ", ".join(str(rng.randrange(1, 400)) for _ in range(rng.randrange(1, 4)))
            y = leaf.set(below(column, y), f"{word}, {pages}", size=size, leading=1.2)
            at += 1
    return ("contents",)


def references(leaf: Leaf) -> tuple[str, ...]:
    """Hanging entries of a bibliography, their numbers in brackets or none, in one or two columns."""
    rng, area = leaf.rng, leaf.area()
    leaf.size = size = rng.uniform(7.5, 10.5)
    y = area.y0
    if rng.random() < 0.85:
        y = leaf.heading(area, leaf.term("bibliography"), size * rng.uniform(1.2, 1.8)) + size
    style, number, count = (
        rng.choice(("[{}]", "[{}]", "{}.", "")),
        rng.choice((1, 1, rng.randrange(2, 90))),
        rng.choice((1, 1, 2)),
    )
    hang = size * (2.4 if style else 1.6)
    for column in columns_of(below(area, y), count, size * 2):
        y = column.y0
        while y < column.y1 - size * 2:
            people = ", ".join(
                f"{leaf.word().capitalize()} {rng.choice('ABCDEFGHJKLMPRST')}." for _ in range(rng.randrange(1, 4))
            )
            year = rng.randrange(1955, 2026)
            source = rng.choice((
                f"{leaf.title(2, 4)} {rng.randrange(1, 99)}({rng.randrange(1, 12)}), {rng.randrange(1, 400)}–{rng.randrange(400, 800)}.",
                f"{leaf.company()}, {leaf.word().capitalize()}.", f"https://doi.org/10.{rng.randrange(1000, 9999)}/{rng.randrange(10**6)}",
            ))  # fmt: skip
            entry = f"{people} ({year}). {leaf.title(4, 12)}. {source}"
            if style:
                leaf.pen.text(column.x0, y + size, style.format(number))
            lines = leaf.wrap(entry, column.width - hang, leaf.faces.body, size)
            for i, line in enumerate(lines):
                if y < column.y1:
                    leaf.pen.text(column.x0 + (hang if style or i else 0), y + size, line)
                y += size * 1.2
            y += size * rng.choice((0.2, 0.5))
            number += 1
    folio(leaf, area)
    return ("references",)


Cell = Callable[[int, int], str]


def grid(leaf: Leaf, area: pymupdf.Rect, heads: Sequence[str], first: float, cell: Cell, *, most: int = 99,
         tall: float | None = None) -> float:  # fmt: skip
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
            while words and pen.length(words, size=size) > room:
                words = words[:-1]
            right = c > 0 and words[-1:].isdigit()
            x = stops[c + 1] - size * 0.3 if right else stops[c] + size * 0.3
            pen.text(x, y + tall / 2 + size * 0.35, words, anchor=float(right), size=size,
                     font=leaf.faces.bold if r == 0 else None, colour=WHITE if barred and r == 0 else None)  # fmt: skip
    for r in range(rows + 2):
        if rules != "ends" or r in (0, 1, rows + 1):
            leaf.rule(area.x0, area.x1, area.y0 + r * tall, width=0.4 if rules == "all" else 0.5)
    if rules == "all":
        pen.lines((((x, area.y0), (x, bottom)) for x in stops), width=0.4)
    return bottom


def tabular(leaf: Leaf) -> tuple[str, ...]:
    """A page that is mostly one table or a few."""
    rng, area = leaf.rng, leaf.area()
    leaf.size = size = rng.uniform(6, 10)
    y = leaf.heading(area, leaf.title(3, 8), size * 1.8) + size if rng.random() < 0.6 else area.y0
    left = rng.choice((1, 1, 2, 3))
    while left and y < area.y1 - size * 6:
        y = leaf.set(below(area, y), f"{leaf.term('table')} {rng.randrange(1, 30)}: {leaf.title(3, 8)}") + size * 0.5
        count = rng.randrange(3, 11)
        names, numbers = rng.random() < 0.4, rng.random() < 0.8
        heads = [leaf.title(1, 2), *((str(2000 + i) if names else leaf.word().capitalize()) for i in range(count))]
        kinds = [numbers or rng.random() < 0.4 for _ in heads]
        bottom = y + (area.y1 - y) / left
        y = grid(leaf, pymupdf.Rect(area.x0, y, area.x1, bottom - size * 2), heads, area.width * rng.uniform(0.2, 0.35),
                 lambda _, c: vocabulary.dressed_number(rng) if c and kinds[c] else leaf.title(1, 3)) + size * 1.5  # fmt: skip
        left -= 1
    folio(leaf, area)
    return ("tabular",)


def timetable(leaf: Leaf) -> tuple[str, ...]:
    """Departures, a week of lessons, a month, or the programme of a day."""
    rng, area = leaf.rng, leaf.area()
    leaf.size = size = rng.uniform(7, 10)
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
        grid(leaf, rest, [leaf.word().capitalize(), *(str(rng.randrange(1, 400)) for _ in range(count))],
             area.width * 0.22, lambda r, c: clock(sum(legs[:r]) + c * step) if c else leaf.title(1, 2))  # fmt: skip
    elif kind == "week":
        rows, wide = rng.randrange(5, 12), rng.choice((5, 6, 7))
        busy = rng.uniform(0.4, 0.95)
        tall = rest.height * rng.uniform(0.6, 1) / (rows + 1)
        grid(leaf, rest, ["", *days[:wide]], area.width * 0.12, tall=tall, most=rows,
             cell=lambda r, c: (leaf.title(1, 2) if rng.random() < busy else "") if c else clock(r * 60))  # fmt: skip
        if rng.random() < 0.6:
            for _ in range(rng.randrange(4, 14)):
                x = area.x0 + area.width * (0.12 + 0.88 * rng.randrange(wide) / wide)
                top = rest.y0 + tall * rng.randrange(1, rows + 1)
                leaf.pen.rect(pymupdf.Rect(x, top, x + area.width * 0.88 / wide, top + tall), None,
                              fill=mix(leaf.pen.palette(6)[rng.randrange(6)], WHITE, 0.5), opacity=0.7)  # fmt: skip
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
                leaf.pen.text(box.x0 + box.width * (c + 0.5) / 7, box.y0 + size * 2.6, days[c][: 2 + 7 * (months == 1)],
                              anchor=0.5, size=size * 0.85, colour=leaf.accent)  # fmt: skip
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


def menu(leaf: Leaf) -> tuple[str, ...]:
    """Dishes or services with prices, under a few headings, centred or with dots."""
    rng, area = leaf.rng, leaf.area()
    size = leaf.size = rng.uniform(9, 13) * leaf.whole.width / 600
    if rng.random() < 0.4:
        leaf.pen.rect(inset(leaf.whole, size * 1.2, size * 1.2), leaf.accent, width=rng.choice((0.8, 2, 4)))
    if rng.random() < 0.3:
        leaf.photograph(pymupdf.Rect(0, 0, leaf.whole.x1, tall := leaf.whole.height * rng.uniform(0.15, 0.25)))
        area.y0 = tall + size
    middle = (area.x0 + area.x1) / 2
    name = rng.choice((leaf.term("dishes"), leaf.company(), leaf.word().capitalize()))
    font = leaf.faces.hand if rng.random() < 0.3 else leaf.faces.head
    leaf.pen.text(middle, area.y0 + size * 3, name, anchor=0.5, font=font, colour=leaf.accent,
                  size=min(size * rng.uniform(2.5, 4), area.width / max(font.text_length(name, 1), 1)))  # fmt: skip
    style, currency = rng.choice(("dots", "gap", "centred")), rng.choice(("", "€", "$", "£", " zł"))
    count = 1 if style == "centred" or rng.random() < 0.5 else 2
    described = rng.random() < 0.6
    for column in columns_of(below(area, area.y0 + size * 5), count, size * 3):
        y, x = column.y0, (column.x0 + column.x1) / 2
        while y < column.y1 - size * 5:
            head = leaf.title(1, 2)
            leaf.pen.text(x if style == "centred" else column.x0, y + size * 1.6, head.upper() if rng.random() < 0.5 else head,
                          anchor=0.5 * (style == "centred"), size=size * 1.35, font=leaf.faces.bold, colour=leaf.accent)  # fmt: skip
            y += size * 2.8
            for _ in range(rng.randrange(3, 8)):
                if y > column.y1 - size * 2:
                    break
                dish, price = leaf.title(1, 4), leaf.money(40) if rng.random() < 0.7 else str(rng.randrange(3, 60))
                price = price + currency if currency[:1] in (" ", "€") else currency + price
                if style == "centred":
                    leaf.pen.text(x, y + size, f"{dish}   {price}", anchor=0.5)
                else:
                    leaf.pen.text(column.x0, y + size, dish, font=leaf.faces.bold if described else None)
                    leaf.pen.text(column.x1, y + size, price, anchor=1)
                    room = column.width - leaf.pen.length(dish + price + "      ")
                    if style == "dots" and room > 0:
                        leaf.pen.text(
                            column.x1 - leaf.pen.length(price + " "),
                            y + size,
                            "." * int(room / leaf.pen.length(".")),
                            anchor=1,
                        )
                y += size * 1.3
                if described:
                    y = leaf.set(pymupdf.Rect(column.x0, y, column.x1 - size * 3 * (style != "centred"), column.y1), leaf.title(4, 10).lower(),
                                 size=size * 0.8, font=leaf.faces.italic, anchor=0.5 * (style == "centred"))  # fmt: skip
                y += size * 0.4
            y += size
    return ("menu",)


def listing(leaf: Leaf) -> tuple[str, ...]:
    """Bulleted, numbered or ticked items, some with items below them."""
    rng, size, area = leaf.rng, leaf.size, leaf.area()
    y = leaf.heading(area, leaf.title(), size * rng.uniform(1.3, 2.2)) + size if rng.random() < 0.8 else area.y0
    style, gap = rng.choice(("•", "–", "{}.", "{})", "box", "•")), size * rng.uniform(0.2, 1.2)
    long, number = rng.choice((4, 12, 22)), 1
    while y < area.y1 - size * 2:
        if rng.random() < 0.06:
            y = leaf.set(below(area, y + size), leaf.title(), font=leaf.faces.bold, size=size * 1.15) + gap
            number = 1
        deep = size * (3.4 if rng.random() < 0.2 else 1.6)
        if style == "box":
            leaf.pen.rect(
                pymupdf.Rect(area.x0 + deep - size * 1.5, y + size * 0.2, area.x0 + deep - size * 0.7, y + size),
                width=0.6,
            )
        else:
            leaf.pen.text(area.x0 + deep - size * 0.5, y + size, style.format(number), anchor=1)
        y = leaf.set(pymupdf.Rect(area.x0 + deep, y, area.x1, area.y1), leaf.title(2, long)) + gap
        number += 1
    folio(leaf, area)
    return ("list",)


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
        grid(leaf, rest, [leaf.title(1, 2), leaf.word().capitalize(), rng.choice(vocabulary.UNITS)], area.width * 0.5,
             lambda _, c: vocabulary.dressed_number(rng) if c else leaf.title(1, 4))  # fmt: skip
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
        leaf.pen.text(cell.x0 + size, cell.y0 + size * 1.4, head, anchor=0.5 * round_number, font=leaf.faces.bold,
                      size=size * 1.2, colour=WHITE if round_number else None)  # fmt: skip
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
