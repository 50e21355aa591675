"""Lays out pages of entries: contents, references, lists, menus."""

from __future__ import annotations

import pymupdf

from ..pen import inset, length
from .leaf import Leaf, below, columns_of
from .printed import folio


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
        while leaf.pen.length(entry, font=font) > area.width * 0.8:
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
    size = leaf.resize(rng.uniform(7.5, 10.5))
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
            pages = f"{rng.randrange(1, 400)}–{rng.randrange(400, 800)}"
            source = rng.choice(
                (
                    f"{leaf.title(2, 4)} {rng.randrange(1, 99)}({rng.randrange(1, 12)}), {pages}.",
                    f"{leaf.company()}, {leaf.word().capitalize()}.",
                    f"https://doi.org/10.{rng.randrange(1000, 9999)}/{rng.randrange(10**6)}",
                )
            )
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


def menu(leaf: Leaf) -> tuple[str, ...]:
    """Dishes or services with prices, under a few headings, centred or with dots."""
    rng, area = leaf.rng, leaf.area()
    size = leaf.resize(rng.uniform(9, 13) * leaf.whole.width / 600)
    if rng.random() < 0.4:
        leaf.pen.rect(inset(leaf.whole, size * 1.2, size * 1.2), leaf.accent, width=rng.choice((0.8, 2, 4)))
    if rng.random() < 0.3:
        leaf.photograph(pymupdf.Rect(0, 0, leaf.whole.x1, tall := leaf.whole.height * rng.uniform(0.15, 0.25)))
        area.y0 = tall + size
    middle = (area.x0 + area.x1) / 2
    name = rng.choice((leaf.term("dishes"), leaf.company(), leaf.word().capitalize()))
    font = leaf.faces.hand if rng.random() < 0.3 else leaf.faces.head
    leaf.pen.text(
        middle,
        area.y0 + size * 3,
        name,
        anchor=0.5,
        font=font,
        colour=leaf.accent,
        size=min(size * rng.uniform(2.5, 4), area.width / max(length(name, font, 1), 1)),
    )
    style, currency = rng.choice(("dots", "gap", "centred")), rng.choice(("", "€", "$", "£", " zł"))
    count = 1 if style == "centred" or rng.random() < 0.5 else 2
    described = rng.random() < 0.6
    for column in columns_of(below(area, area.y0 + size * 5), count, size * 3):
        y, x = column.y0, (column.x0 + column.x1) / 2
        while y < column.y1 - size * 5:
            head = leaf.title(1, 2)
            leaf.pen.text(
                x if style == "centred" else column.x0,
                y + size * 1.6,
                head.upper() if rng.random() < 0.5 else head,
                anchor=0.5 * (style == "centred"),
                size=size * 1.35,
                font=leaf.faces.bold,
                colour=leaf.accent,
            )
            y += size * 2.8
            for _ in range(rng.randrange(3, 8)):
                if y > column.y1 - size * 2:
                    break
                dish, price = leaf.title(1, 4), leaf.money(40) if rng.random() < 0.7 else str(rng.randrange(3, 60))
                price = price + currency if currency[:1] in (" ", "€") else currency + price
                face = leaf.faces.bold if described else leaf.faces.body
                if style == "centred":
                    leaf.pen.text(x, y + size, f"{dish}   {price}", anchor=0.5)
                else:
                    while " " in dish and leaf.pen.length(dish + price + "  ", font=face) > column.width:
                        dish = dish.rsplit(" ", 1)[0]
                    leaf.pen.text(column.x0, y + size, dish, font=face)
                    leaf.pen.text(column.x1, y + size, price, anchor=1)
                    room = column.width - leaf.pen.length(dish, font=face) - leaf.pen.length(price + "   ")
                    if style == "dots" and room > 0:
                        leaf.pen.text(
                            column.x1 - leaf.pen.length(price + " "),
                            y + size,
                            "." * int(room / leaf.pen.length(".")),
                            anchor=1,
                        )
                y += size * 1.3
                if described:
                    y = leaf.set(
                        pymupdf.Rect(column.x0, y, column.x1 - size * 3 * (style != "centred"), column.y1),
                        leaf.title(4, 10).lower(),
                        size=size * 0.8,
                        font=leaf.faces.italic,
                        anchor=0.5 * (style == "centred"),
                    )
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
