"""Layouts of running text, small print, articles, newsletters and blank pages."""

from __future__ import annotations

import pymupdf

from ..pen import WHITE, inset, length, mix
from .canvas import CHARTS, Canvas, below, columns_of


def header_and_page_number(canvas: Canvas, area: pymupdf.Rect) -> None:
    """Add a running head and a page number, each at random."""
    rng, size = canvas.rng, canvas.size * 0.8
    if rng.random() < 0.7:
        x = rng.choice((area.x0, area.x1, (area.x0 + area.x1) / 2))
        anchor = (x - area.x0) / area.width
        canvas.pen.text(
            x, min(area.y1 + size * 2.5, canvas.whole.y1 - size), str(rng.randrange(2, 500)), anchor=anchor, size=size
        )
    if rng.random() < 0.4:
        canvas.pen.text(area.x0, max(area.y0 - size * 1.5, size), canvas.title(), size=size, font=canvas.faces.italic)
        if rng.random() < 0.5:
            canvas.rule(area.x0, area.x1, area.y0 - size, width=0.4)


def text(canvas: Canvas) -> tuple[str, ...]:
    """One column of running text, as in a book or report."""
    rng, area = canvas.rng, canvas.text_area()
    y = area.y0
    if rng.random() < 0.25:
        area.y0 += area.height * rng.uniform(0, 0.15)
        y = (
            canvas.heading(
                area, f"{canvas.term('chapter')} {rng.randrange(1, 20)}. {canvas.title()}", canvas.size * 1.7
            )
            + canvas.size * 2
        )
    canvas.prose(
        below(area, y),
        leading=rng.uniform(1.15, 1.7),
        justified=rng.random() < 0.6,
        gap=rng.choice((0, 0, 0.6, 1)),
        headed=rng.choice((0, 0, 0.15)),
    )
    header_and_page_number(canvas, area)
    return ("text",)


def small_print(canvas: Canvas) -> tuple[str, ...]:
    """Terms and conditions or a package insert: narrow columns of dense, very small text."""
    rng, area = canvas.rng, inset(canvas.whole, rng_edge := canvas.rng.uniform(14, 32), rng_edge)
    canvas.resize(rng.uniform(4.2, 6.2))
    y = canvas.heading(area, canvas.term("terms"), canvas.size * rng.uniform(1.4, 3)) + canvas.size
    number, numbered = 0, rng.random() < 0.6
    for column in columns_of(below(area, y), rng.choice((1, 2, 3, 3, 4)), canvas.size * 1.6):
        y = column.y0
        while y < column.y1 - canvas.size * 2:
            number += 1
            head = f"{number}. {canvas.title()}" if numbered else canvas.title()
            y = canvas.set_text(below(column, y), head, font=canvas.faces.bold, leading=1.15)
            y = (
                canvas.set_text(below(column, y), canvas.paragraph(3, 9), leading=1.12, justified=rng.random() < 0.5)
                + canvas.size * 0.4
            )
    return ("small print",)


def article(canvas: Canvas) -> tuple[str, ...]:
    """A page of a scientific paper: title, authors, abstract, columns, equations, figures."""
    rng, area = canvas.rng, canvas.text_area()
    size = canvas.resize(rng.uniform(8, 10.5))
    y, middle = area.y0, (area.x0 + area.x1) / 2
    if first := rng.random() < 0.65:
        anchor = rng.choice((0.5, 0.5, 0.0))
        x = middle if anchor else area.x0
        if rng.random() < 0.5:
            pages = f"{rng.randrange(1, 900)}–{rng.randrange(900, 999)}"
            head = f"{canvas.title(1, 3)} {rng.randrange(1, 90)} ({rng.randrange(1980, 2026)}) {pages}"
            canvas.pen.text(x, y, head, anchor=anchor, size=size * 0.8, font=canvas.faces.italic)
            y += size * 2
        y = (
            canvas.heading(
                inset(below(area, y), 20, 0), canvas.title(5, 13), size * rng.uniform(1.6, 2.1), anchor=anchor
            )
            + size * 0.6
        )
        people = ", ".join(canvas.person() for _ in range(rng.randrange(1, 6)))
        y = canvas.set_text(below(area, y), people, size=size * 1.1, anchor=anchor)
        y = (
            canvas.set_text(
                below(area, y),
                f"{canvas.title()}, {canvas.word().capitalize()}",
                font=canvas.faces.italic,
                anchor=anchor,
            )
            + size
        )
        if rng.random() < 0.85:
            box = inset(below(area, y), rng.choice((0, 30, 45)), 0)
            y = canvas.set_text(box, canvas.term("abstract"), font=canvas.faces.bold, anchor=anchor)
            y = (
                canvas.set_text(box_below := below(box, y), canvas.paragraph(3, 6), size=size * 0.92, justified=True)
                + size * 1.5
            )
            if rng.random() < 0.3:
                canvas.rule(box_below.x0, box_below.x1, y - size * 0.8, width=0.4)
    count = rng.choice((2, 2, 2, 1))
    section = rng.randrange(2, 6)
    for i, column in enumerate(columns_of(below(area, y), count, size * 2)):
        y = column.y0
        if first and i == 0:
            y = (
                canvas.set_text(column, f"1 {canvas.term('introduction')}", font=canvas.faces.bold, size=size * 1.15)
                + size * 0.3
            )
        while y < column.y1 - size * 2:
            kind, rest = rng.random(), below(column, y)
            if kind < 0.14 and rest.height > size * 10:
                tall = min(rest.height, size * rng.uniform(5, 8))
                canvas.figure(pymupdf.Rect(rest.x0, y, rest.x1, y + tall), "equation")
                y += tall
            elif kind < 0.26 and rest.height > size * 16:
                tall = min(rest.height * 0.9, column.width * rng.uniform(0.5, 0.8))
                canvas.figure(pymupdf.Rect(rest.x0, y, rest.x1, y + tall - size), *CHARTS, "diagram")
                y = (
                    canvas.set_text(
                        below(column, y + tall), f"Fig. {rng.randrange(1, 9)}. {canvas.sentence()}", size=size * 0.85
                    )
                    + size
                )
            elif kind < 0.36:
                y = (
                    canvas.set_text(
                        below(column, y + size * 0.6),
                        f"{section} {canvas.title()}",
                        font=canvas.faces.bold,
                        size=size * 1.1,
                    )
                    + size * 0.3
                )
                section += 1
            else:
                y = canvas.set_text(rest, canvas.paragraph(), leading=1.18, justified=True, indent=size)
    header_and_page_number(canvas, area)
    return ("article",)


def newsletter(canvas: Canvas) -> tuple[str, ...]:
    """A page of a newspaper or newsletter: masthead, headlines, columns and photographs."""
    rng, size, area = canvas.rng, canvas.size * 0.9, inset(canvas.whole, e := canvas.rng.uniform(22, 45), e)
    canvas.size, y = size, area.y0
    if front := rng.random() < 0.7:
        name = f"{canvas.word()} {canvas.term('news')}"
        name = name.upper() if rng.random() < 0.4 else name.title()
        big = min(60.0, area.width * rng.uniform(0.6, 0.98) / length(name, canvas.faces.heading, 1))
        barred = rng.random() < 0.35
        if barred:
            canvas.pen.rect(pymupdf.Rect(0, 0, canvas.whole.x1, y + big * 1.35), None, fill=canvas.accent)
        canvas.pen.text(
            (area.x0 + area.x1) / 2,
            y + big,
            name,
            anchor=0.5,
            size=big,
            font=canvas.faces.heading,
            colour=WHITE if barred else rng.choice((canvas.accent, canvas.ink)),
        )
        y += big * 1.35 + 4
        canvas.rule(area.x0, area.x1, y)
        canvas.pen.text(area.x0 + 2, y + size * 1.1, canvas.date(), size=size * 0.85)
        canvas.pen.text(area.x1 - 2, y + size * 1.1, f"No. {rng.randrange(1, 400)}", anchor=1, size=size * 0.85)
        canvas.rule(area.x0, area.x1, y + size * 1.6)
        y += size * 3
    count = rng.choice((2, 3, 3, 4, 5))
    if front or rng.random() < 0.5:
        y = (
            canvas.heading(
                below(area, y), canvas.title(4, 9), size * rng.uniform(2.4, 4.5), anchor=rng.choice((0, 0.5))
            )
            + size
        )
        if rng.random() < 0.6:
            tall = area.height * rng.uniform(0.15, 0.32)
            canvas.photograph(pymupdf.Rect(area.x0, y, area.x1 - area.width * rng.choice((0, 0, 1 / count)), y + tall))
            y = (
                canvas.set_text(below(area, y + tall + 2), canvas.sentence(), size=size * 0.8, font=canvas.faces.italic)
                + size
            )
    gap = size * 1.5
    ruled = rng.random() < 0.3
    for i, column in enumerate(columns_of(below(area, y), count, gap)):
        if ruled and i:
            canvas.pen.lines([((column.x0 - gap / 2, column.y0), (column.x0 - gap / 2, column.y1))], width=0.4)
        y = column.y0
        while y < column.y1 - size * 3:
            kind, rest = rng.random(), below(column, y)
            if kind < 0.2 and rest.height > column.width:
                tall = column.width * rng.uniform(0.6, 1.1)
                canvas.photograph(pymupdf.Rect(rest.x0, y + 3, rest.x1, y + tall))
                y = (
                    canvas.set_text(
                        below(column, y + tall + 2), canvas.title(), size=size * 0.8, font=canvas.faces.italic
                    )
                    + size
                )
            elif kind < 0.45:
                y = (
                    canvas.heading(
                        below(column, y + size * 0.5),
                        canvas.title(3, 7),
                        size * rng.uniform(1.2, 1.7),
                        colour=rng.choice((canvas.ink, canvas.accent)),
                    )
                    + size * 0.3
                )
            elif kind < 0.52 and rest.height > size * 14:
                box = pymupdf.Rect(rest.x0, y + 4, rest.x1, y + size * 12)
                canvas.pen.rect(box, None, fill=mix(canvas.accent, WHITE, 0.82))
                canvas.set_text(inset(box, 5, 5), canvas.paragraph(1, 3), font=canvas.faces.bold, leading=1.3)
                y = box.y1 + size
            else:
                y = canvas.set_text(rest, canvas.paragraph(2, 6), justified=True, leading=1.18, indent=size)
    return ("newsletter",)


def blank(canvas: Canvas) -> tuple[str, ...]:
    """A blank page, or one with only a page number or the usual remark."""
    rng, whole = canvas.rng, canvas.whole
    kind = rng.random()
    if kind < 0.3:
        canvas.pen.text(whole.x1 / 2, whole.y1 - 30, str(rng.randrange(2, 300)), anchor=0.5)
    elif kind < 0.5:
        canvas.pen.text(whole.x1 / 2, whole.y1 / 2, "This page is intentionally left blank", anchor=0.5)
    return ("blank",)
