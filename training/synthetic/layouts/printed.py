"""Lays out what is printed to be read: running text, small print, articles, newsletters, and blank pages."""

from __future__ import annotations

import pymupdf

from ..pen import WHITE, inset, length, mix
from .leaf import CHARTS, Leaf, below, columns_of


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
    leaf.prose(
        below(area, y),
        leading=rng.uniform(1.15, 1.7),
        justified=rng.random() < 0.6,
        gap=rng.choice((0, 0, 0.6, 1)),
        headed=rng.choice((0, 0, 0.15)),
    )
    folio(leaf, area)
    return ("text",)


def small_print(leaf: Leaf) -> tuple[str, ...]:
    """Conditions or a package insert: narrow columns of dense text far smaller than usual."""
    rng, area = leaf.rng, inset(leaf.whole, rng_edge := leaf.rng.uniform(14, 32), rng_edge)
    leaf.resize(rng.uniform(4.2, 6.2))
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
    size = leaf.resize(rng.uniform(8, 10.5))
    y, middle = area.y0, (area.x0 + area.x1) / 2
    if first := rng.random() < 0.65:
        anchor = rng.choice((0.5, 0.5, 0.0))
        x = middle if anchor else area.x0
        if rng.random() < 0.5:
            pages = f"{rng.randrange(1, 900)}–{rng.randrange(900, 999)}"
            head = f"{leaf.title(1, 3)} {rng.randrange(1, 90)} ({rng.randrange(1980, 2026)}) {pages}"
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
        big = min(60.0, area.width * rng.uniform(0.6, 0.98) / length(name, leaf.faces.head, 1))
        barred = rng.random() < 0.35
        if barred:
            leaf.pen.rect(pymupdf.Rect(0, 0, leaf.whole.x1, y + big * 1.35), None, fill=leaf.accent)
        leaf.pen.text(
            (area.x0 + area.x1) / 2,
            y + big,
            name,
            anchor=0.5,
            size=big,
            font=leaf.faces.head,
            colour=WHITE if barred else rng.choice((leaf.accent, leaf.ink)),
        )
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
                y = (
                    leaf.heading(
                        below(column, y + size * 0.5),
                        leaf.title(3, 7),
                        size * rng.uniform(1.2, 1.7),
                        colour=rng.choice((leaf.ink, leaf.accent)),
                    )
                    + size * 0.3
                )
            elif kind < 0.52 and rest.height > size * 14:
                box = pymupdf.Rect(rest.x0, y + 4, rest.x1, y + size * 12)
                leaf.pen.rect(box, None, fill=mix(leaf.accent, WHITE, 0.82))
                leaf.set(inset(box, 5, 5), leaf.paragraph(1, 3), font=leaf.faces.bold, leading=1.3)
                y = box.y1 + size
            else:
                y = leaf.set(rest, leaf.paragraph(2, 6), justified=True, leading=1.18, indent=size)
    return ("newsletter",)


def blank(leaf: Leaf) -> tuple[str, ...]:
    """Nothing, or a page number, or one line in the middle."""
    rng, whole = leaf.rng, leaf.whole
    kind = rng.random()
    if kind < 0.3:
        leaf.pen.text(whole.x1 / 2, whole.y1 - 30, str(rng.randrange(2, 300)), anchor=0.5)
    elif kind < 0.5:
        leaf.pen.text(whole.x1 / 2, whole.y1 / 2, "This page is intentionally left blank", anchor=0.5)
    return ("blank",)
