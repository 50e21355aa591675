"""Layouts of tables of contents, indexes, bibliographies, menus and lists."""

from __future__ import annotations

import pymupdf

from ..pen import inset, length
from .canvas import Canvas, below, columns_of
from .text_pages import header_and_page_number


def contents(canvas: Canvas) -> tuple[str, ...]:
    """A table of contents with leader dots and page numbers; or an index."""
    rng, size, area = canvas.rng, canvas.size, canvas.text_area()
    if rng.random() < 0.2:
        return index(canvas, area)
    y = canvas.heading(area, canvas.term("contents"), size * rng.uniform(1.5, 3), colour=canvas.accent) + size * 2
    dots, step = rng.choice((" .", ".", "", " . ")), size * rng.uniform(1.3, 2.2)
    numbered, number, chapter, part = rng.random() < 0.6, rng.randrange(1, 9), 0, 0
    while y < area.y1 - step and (chapter < 3 or rng.random() < 0.985):
        top = chapter == 0 or rng.random() < 0.3
        chapter, part = (chapter + 1, 0) if top else (chapter, part + 1)
        font = canvas.faces.bold if top else canvas.faces.body
        x = area.x0 + (0 if top else size * 2)
        head = (f"{chapter} " if top else f"{chapter}.{part} ") if numbered else ""
        entry = head + canvas.title(1, 8)
        while canvas.pen.length(entry, font=font) > area.width * 0.8:
            entry = entry.rsplit(" ", 1)[0] if " " in entry else entry[:20]
        y += step * (1.35 if top else 1)
        canvas.pen.text(x, y, entry, font=font)
        page = str(number)
        end = area.x1 - canvas.pen.length("000 ")
        if dots and (start := x + canvas.pen.length(entry + "  ", font=font)) < end:
            canvas.pen.text(end, y, dots * int((end - start) / canvas.pen.length(dots)), anchor=1)
        canvas.pen.text(area.x1, y, page, anchor=1, font=font)
        number += rng.randrange(1, 9)
    header_and_page_number(canvas, area)
    return ("contents",)


def index(canvas: Canvas, area: pymupdf.Rect) -> tuple[str, ...]:
    """An alphabetical index in columns."""
    rng, size = canvas.rng, canvas.size * 0.85
    y = canvas.heading(area, "Index", canvas.size * 2) + size
    words = sorted(canvas.title(1, 3).capitalize() for _ in range(260))
    columns = columns_of(below(area, y), rng.choice((2, 3)), size * 2)
    letter, at = "", 0
    for column in columns:
        y = column.y0
        while y < column.y1 - size * 2 and at < len(words):
            word = words[at]
            if word[0] != letter:
                letter = word[0]
                y = canvas.set_text(below(column, y + size), letter, font=canvas.faces.bold, size=size * 1.3)
            pages = ", ".join(str(rng.randrange(1, 400)) for _ in range(rng.randrange(1, 4)))
            y = canvas.set_text(below(column, y), f"{word}, {pages}", size=size, leading=1.2)
            at += 1
    return ("contents",)


def references(canvas: Canvas) -> tuple[str, ...]:
    """A bibliography of hanging entries, numbered or not, in one or two columns."""
    rng, area = canvas.rng, canvas.text_area()
    size = canvas.resize(rng.uniform(7.5, 10.5))
    y = area.y0
    if rng.random() < 0.85:
        y = canvas.heading(area, canvas.term("bibliography"), size * rng.uniform(1.2, 1.8)) + size
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
                f"{canvas.word().capitalize()} {rng.choice('ABCDEFGHJKLMPRST')}." for _ in range(rng.randrange(1, 4))
            )
            year = rng.randrange(1955, 2026)
            pages = f"{rng.randrange(1, 400)}–{rng.randrange(400, 800)}"
            source = rng.choice(
                (
                    f"{canvas.title(2, 4)} {rng.randrange(1, 99)}({rng.randrange(1, 12)}), {pages}.",
                    f"{canvas.company()}, {canvas.word().capitalize()}.",
                    f"https://doi.org/10.{rng.randrange(1000, 9999)}/{rng.randrange(10**6)}",
                )
            )
            entry = f"{people} ({year}). {canvas.title(4, 12)}. {source}"
            if style:
                canvas.pen.text(column.x0, y + size, style.format(number))
            lines = canvas.wrap(entry, column.width - hang, canvas.faces.body, size)
            for i, line in enumerate(lines):
                if y < column.y1:
                    canvas.pen.text(column.x0 + (hang if style or i else 0), y + size, line)
                y += size * 1.2
            y += size * rng.choice((0.2, 0.5))
            number += 1
    header_and_page_number(canvas, area)
    return ("references",)


def menu(canvas: Canvas) -> tuple[str, ...]:
    """A menu or price list: dishes with prices under headings, centred or with leader dots."""
    rng, area = canvas.rng, canvas.text_area()
    size = canvas.resize(rng.uniform(9, 13) * canvas.whole.width / 600)
    if rng.random() < 0.4:
        canvas.pen.rect(inset(canvas.whole, size * 1.2, size * 1.2), canvas.accent, width=rng.choice((0.8, 2, 4)))
    if rng.random() < 0.3:
        canvas.photograph(pymupdf.Rect(0, 0, canvas.whole.x1, tall := canvas.whole.height * rng.uniform(0.15, 0.25)))
        area.y0 = tall + size
    middle = (area.x0 + area.x1) / 2
    name = rng.choice((canvas.term("dishes"), canvas.company(), canvas.word().capitalize()))
    font = canvas.faces.hand if rng.random() < 0.3 else canvas.faces.heading
    canvas.pen.text(
        middle,
        area.y0 + size * 3,
        name,
        anchor=0.5,
        font=font,
        colour=canvas.accent,
        size=min(size * rng.uniform(2.5, 4), area.width / max(length(name, font, 1), 1)),
    )
    style, currency = rng.choice(("dots", "gap", "centred")), rng.choice(("", "€", "$", "£", " zł"))
    count = 1 if style == "centred" or rng.random() < 0.5 else 2
    described = rng.random() < 0.6
    for column in columns_of(below(area, area.y0 + size * 5), count, size * 3):
        y, x = column.y0, (column.x0 + column.x1) / 2
        while y < column.y1 - size * 5:
            head = canvas.title(1, 2)
            canvas.pen.text(
                x if style == "centred" else column.x0,
                y + size * 1.6,
                head.upper() if rng.random() < 0.5 else head,
                anchor=0.5 * (style == "centred"),
                size=size * 1.35,
                font=canvas.faces.bold,
                colour=canvas.accent,
            )
            y += size * 2.8
            for _ in range(rng.randrange(3, 8)):
                if y > column.y1 - size * 2:
                    break
                dish, price = canvas.title(1, 4), canvas.money(40) if rng.random() < 0.7 else str(rng.randrange(3, 60))
                price = price + currency if currency[:1] in (" ", "€") else currency + price
                face = canvas.faces.bold if described else canvas.faces.body
                if style == "centred":
                    canvas.pen.text(x, y + size, f"{dish}   {price}", anchor=0.5)
                else:
                    while " " in dish and canvas.pen.length(dish + price + "  ", font=face) > column.width:
                        dish = dish.rsplit(" ", 1)[0]
                    canvas.pen.text(column.x0, y + size, dish, font=face)
                    canvas.pen.text(column.x1, y + size, price, anchor=1)
                    room = column.width - canvas.pen.length(dish, font=face) - canvas.pen.length(price + "   ")
                    if style == "dots" and room > 0:
                        canvas.pen.text(
                            column.x1 - canvas.pen.length(price + " "),
                            y + size,
                            "." * int(room / canvas.pen.length(".")),
                            anchor=1,
                        )
                y += size * 1.3
                if described:
                    y = canvas.set_text(
                        pymupdf.Rect(column.x0, y, column.x1 - size * 3 * (style != "centred"), column.y1),
                        canvas.title(4, 10).lower(),
                        size=size * 0.8,
                        font=canvas.faces.italic,
                        anchor=0.5 * (style == "centred"),
                    )
                y += size * 0.4
            y += size
    return ("menu",)


def listing(canvas: Canvas) -> tuple[str, ...]:
    """A bulleted, numbered or check list, with some items indented."""
    rng, size, area = canvas.rng, canvas.size, canvas.text_area()
    y = canvas.heading(area, canvas.title(), size * rng.uniform(1.3, 2.2)) + size if rng.random() < 0.8 else area.y0
    style, gap = rng.choice(("•", "–", "{}.", "{})", "box", "•")), size * rng.uniform(0.2, 1.2)
    long, number = rng.choice((4, 12, 22)), 1
    while y < area.y1 - size * 2:
        if rng.random() < 0.06:
            y = canvas.set_text(below(area, y + size), canvas.title(), font=canvas.faces.bold, size=size * 1.15) + gap
            number = 1
        deep = size * (3.4 if rng.random() < 0.2 else 1.6)
        if style == "box":
            canvas.pen.rect(
                pymupdf.Rect(area.x0 + deep - size * 1.5, y + size * 0.2, area.x0 + deep - size * 0.7, y + size),
                width=0.6,
            )
        else:
            canvas.pen.text(area.x0 + deep - size * 0.5, y + size, style.format(number), anchor=1)
        y = canvas.set_text(pymupdf.Rect(area.x0 + deep, y, area.x1, area.y1), canvas.title(2, long)) + gap
        number += 1
    header_and_page_number(canvas, area)
    return ("list",)
