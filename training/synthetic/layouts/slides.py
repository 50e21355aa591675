"""Layouts of covers, title slides and slides."""

from __future__ import annotations

import pymupdf

from .. import marks, vocabulary
from ..pen import BLACK, WHITE, Colour, inset, length, mix, random_colour, readable_on, smooth
from .canvas import CHARTS, Canvas, below, columns_of
from .tables import grid, random_cells


def background_shapes(canvas: Canvas) -> None:
    """Large plain shapes over the page: bands, discs, slanted planes, waves, dot grids."""
    rng, pen, whole = canvas.rng, canvas.pen, canvas.whole
    colours = canvas.pen.palette(4)
    for i in range(rng.randrange(1, 5)):
        colour, kind = colours[i % 4], rng.choice(("band", "disc", "slant", "wave", "dots"))
        opacity = rng.choice((1, 0.6, 0.3))
        x, y = rng.uniform(0, whole.x1), rng.uniform(0, whole.y1)
        if kind == "band":
            band = pymupdf.Rect(0, y, whole.x1, y + whole.height * rng.uniform(0.02, 0.3))
            pen.rect(
                band if rng.random() < 0.6 else pymupdf.Rect(0, 0, x * 0.4, whole.y1),
                None,
                fill=colour,
                opacity=opacity,
            )
        elif kind == "disc":
            r = whole.width * rng.uniform(0.08, 0.5)
            pen.oval(pymupdf.Rect(x - r, y - r, x + r, y + r), None, fill=colour, opacity=opacity)
        elif kind == "slant":
            edge = whole.x1 if rng.random() < 0.5 else 0
            pen.path(
                [(x, 0), (edge, 0), (edge, whole.y1), (x * 0.4 + 40, whole.y1)], None, fill=colour, opacity=opacity
            )
        elif kind == "wave":
            line = smooth([(whole.x1 * k / 5, y + whole.height * rng.uniform(-0.08, 0.08)) for k in range(6)])
            pen.path([*line, (whole.x1, whole.y1), (0, whole.y1)], None, fill=colour, opacity=opacity)
        else:
            step = whole.width / rng.randrange(12, 40)
            pen.dots(((x + a * step, y + b * step) for a in range(8) for b in range(8)), step * 0.4, colour, opacity)


def panel(canvas: Canvas, box: pymupdf.Rect, fill: Colour) -> pymupdf.Rect:
    """A plain panel for text over a picture; returns the area inside its padding."""
    canvas.pen.rect(box, None, fill=fill, opacity=canvas.rng.choice((1, 1, 0.8)))
    edge = min(box.width, box.height) * 0.08
    return inset(box, edge, edge)


def cover(canvas: Canvas) -> tuple[str, ...]:
    """The cover of a report, book or brochure: a title with much space around it, a picture or shapes, the author."""
    rng, whole = canvas.rng, canvas.whole
    unit, ink, accent = min(whole.width, whole.height) / 40, canvas.ink, canvas.accent
    kind = rng.choice(("plain", "plain", "picture", "half", "shapes"))
    text = inset(whole, unit * rng.uniform(3, 6), unit * rng.uniform(3, 6))
    if kind == "picture":
        canvas.photograph(whole)
        fill = rng.choice((canvas.accent, WHITE, BLACK, random_colour(rng)))
        y, tall = whole.height * rng.uniform(0.05, 0.6), whole.height * rng.uniform(0.25, 0.38)
        text, ink = (
            panel(
                canvas, pymupdf.Rect(rng.choice((0, unit * 3)), y, whole.x1 - rng.choice((0, unit * 3)), y + tall), fill
            ),
            readable_on(fill),
        )
        accent = ink
    elif kind == "half":
        cut = whole.height * rng.uniform(0.35, 0.6)
        upper = rng.random() < 0.5
        canvas.photograph(pymupdf.Rect(0, 0 if upper else cut, whole.x1, cut if upper else whole.y1))
        text = inset(pymupdf.Rect(0, cut if upper else 0, whole.x1, whole.y1 if upper else cut), unit * 3, unit * 2)
    elif kind == "shapes":
        background_shapes(canvas)
        canvas.layer()
        if rng.random() < 0.5:
            fill = rng.choice((WHITE, canvas.paper, canvas.accent))
            text, ink = panel(canvas, inset(whole, unit * 4, whole.height * 0.3), fill), readable_on(fill)
            accent = ink
    else:
        text.y0 += text.height * rng.choice((0, 0.15, 0.3))
    anchor = rng.choice((0.0, 0.0, 0.5))
    y = text.y0
    if rng.random() < 0.5 and kind != "picture":
        small = rng.choice((canvas.company(), canvas.term("report"), canvas.title(1, 3).upper()))
        y = canvas.set_text(text, small, size=unit * 1.1, anchor=anchor, colour=accent) + unit * 2
    title = canvas.title(1, 6) if rng.random() < 0.6 else f"{canvas.term('report')} {rng.randrange(1990, 2030)}"
    y = (
        canvas.heading(
            below(text, y), title, unit * rng.uniform(2.2, 4.2), anchor=anchor, colour=rng.choice((ink, accent))
        )
        + unit
    )
    if rng.random() < 0.7:
        y = canvas.set_text(below(text, y), canvas.title(4, 10), size=unit * 1.4, anchor=anchor, colour=ink) + unit
    if rng.random() < 0.4:
        canvas.rule(
            text.x0 + text.width * anchor * 0.7,
            text.x0 + text.width * (0.3 + anchor * 0.7),
            y,
            width=unit * 0.15,
            colour=accent,
        )
    x = text.x0 + text.width * anchor
    if kind == "plain" and y < text.y1 - unit * 5:
        for i, line in enumerate((canvas.person(), canvas.company(), canvas.date())[: rng.randrange(1, 4)]):
            canvas.pen.text(x, text.y1 - unit * (1 + 1.6 * i), line, anchor=anchor, size=unit * 1.1, colour=ink)
        if y < text.y1 - unit * 13 and rng.random() < 0.4:
            canvas.figure(pymupdf.Rect(text.x0, text.y1 - unit * 12, text.x1, text.y1 - unit * 6), "logo")
    elif y < text.y1 - unit * 2:
        canvas.pen.text(
            x, text.y1, rng.choice((canvas.person(), canvas.date())), anchor=anchor, size=unit * 1.1, colour=ink
        )
    return ("cover",)


def slide_frame(canvas: Canvas, title: str) -> pymupdf.Rect:
    """A slide's title, footer and number; returns the area between them."""
    rng, whole, unit = canvas.rng, canvas.whole, canvas.whole.height / 18
    area, colour = inset(whole, unit * 1.1, unit * 0.8), canvas.accent
    kind = rng.random()
    if kind < 0.3:
        bar = pymupdf.Rect(0, 0, whole.x1, unit * 2.8)
        canvas.pen.rect(bar, None, fill=canvas.accent)
        colour = readable_on(canvas.accent)
    elif kind < 0.45:
        canvas.pen.rect(pymupdf.Rect(0, 0, unit * 0.5, whole.y1), None, fill=canvas.accent)
    elif kind < 0.6:
        canvas.rule(area.x0, area.x1, area.y0 + unit * 2.1, width=rng.choice((0.7, 2)), colour=canvas.accent)
    else:
        colour = rng.choice((canvas.ink, canvas.accent))
    size = min(unit * rng.uniform(1.0, 1.6), area.width / max(length(title, canvas.faces.heading, 1), 1))
    anchor = rng.choice((0.0, 0.0, 0.0, 0.5))
    canvas.pen.text(
        area.x0 + area.width * anchor,
        area.y0 + unit * 1.4,
        title,
        anchor=anchor,
        size=size,
        font=canvas.faces.heading,
        colour=colour,
    )
    if rng.random() < 0.6:
        canvas.pen.text(area.x1, whole.y1 - unit * 0.4, str(rng.randrange(2, 80)), anchor=1, size=unit * 0.5)
    if rng.random() < 0.4:
        canvas.pen.text(area.x0, whole.y1 - unit * 0.4, f"{canvas.company()} | {canvas.date()}", size=unit * 0.45)
    if rng.random() < 0.25:
        canvas.figure(
            pymupdf.Rect(area.x1 - unit * 5, whole.y1 - unit * 1.8, area.x1 - unit, whole.y1 - unit * 0.3), "logo"
        )
    return pymupdf.Rect(area.x0, area.y0 + unit * 2.8, area.x1, area.y1 - unit * 0.8)


def bullets(canvas: Canvas, area: pymupdf.Rect, size: float, *, numbered: bool = False) -> None:
    """Three to seven bulleted or numbered items."""
    rng, y = canvas.rng, area.y0
    sign, gap = rng.choice("••–▪"), size * rng.uniform(0.4, 1.3)
    if not canvas.faces.body.has_glyph(ord(sign)):
        sign = "-"
    for i in range(rng.randrange(3, 8)):
        deep = size * (2.4 if i and not numbered and rng.random() < 0.25 else 1.2)
        if y + size > area.y1:
            break
        small = size * (0.85 if deep > size * 2 else 1)
        canvas.pen.text(
            area.x0 + deep - size * 0.4,
            y + small,
            f"{i + 1}." if numbered else sign,
            anchor=1,
            size=small,
            colour=canvas.accent,
        )
        y = (
            canvas.set_text(
                pymupdf.Rect(area.x0 + deep, y, area.x1, area.y1), canvas.title(2, 10), size=small, leading=1.2
            )
            + gap
        )


def slide(canvas: Canvas) -> tuple[str, ...]:
    """A slide with bullets, a photograph, a chart, a table, a diagram, big numbers, an agenda or boxes of text."""
    rng, unit = canvas.rng, canvas.whole.height / 18
    canvas.resize(unit * rng.uniform(0.6, 0.8))
    kind = rng.choice(
        ("bullets", "bullets", "beside", "chart", "chart beside", "number", "agenda", "boxes", "table", "diagram")
    )
    area = slide_frame(canvas, canvas.term("agenda") if kind == "agenda" else canvas.title(2, 6))
    size = unit * rng.uniform(0.75, 1.2)
    left, right = columns_of(area, 2, unit)
    if rng.random() < 0.5:
        left, right = right, left
    if kind in ("bullets", "agenda"):
        bullets(canvas, area, size * 1.1, numbered=kind == "agenda")
    elif kind == "beside":
        if rng.random() < 0.4:
            edge = 0 if right.x0 < left.x0 else canvas.whole.x1
            right = pymupdf.Rect(min(edge, right.x0), area.y0, max(edge, right.x1), canvas.whole.y1)
        canvas.photograph(right)
        bullets(canvas, left, size)
    elif kind == "chart beside":
        canvas.figure(right, *CHARTS)
        bullets(canvas, left, size)
    elif kind == "chart":
        canvas.figure(area, *CHARTS)
    elif kind == "diagram":
        canvas.figure(area, "diagram", "map")
    elif kind == "table":
        canvas.resize(unit * 0.65)
        heads = [canvas.title(1, 2) for _ in range(rng.randrange(3, 7))]
        grid(
            canvas,
            area,
            heads,
            area.width * 0.3,
            random_cells(canvas, [c > 0 for c in range(len(heads))]),
            most=rng.randrange(3, 9),
            tall=unit * rng.uniform(1, 1.6),
        )
    elif kind == "number":
        count = rng.choice((1, 1, 3))
        for column in columns_of(area, count, unit):
            words = rng.choice((f"{rng.randrange(1, 100)}%", vocabulary.number_with_unit(rng)))
            big = min(unit * 6, column.width / max(length(words, canvas.faces.heading, 1), 0.5))
            y = column.y0 + column.height * 0.5
            canvas.pen.text(
                (column.x0 + column.x1) / 2,
                y,
                words,
                anchor=0.5,
                size=big,
                font=canvas.faces.heading,
                colour=canvas.accent,
            )
            canvas.set_text(below(column, y + unit), canvas.title(3, 9), size=size, anchor=0.5)
    else:
        for column in columns_of(area, rng.choice((2, 3, 3, 4)), unit * 0.7):
            box = inset(column, 0, unit * rng.uniform(0, 2))
            fill = mix(canvas.accent, canvas.paper, 0.75)
            canvas.pen.rect(box, None, fill=fill, radius=rng.choice((0, unit * 0.4)))
            if rng.random() < 0.5:
                marks.mark(
                    canvas.pen, ((box.x0 + box.x1) / 2, box.y0 + unit * 1.6), unit, canvas.accent, random_colour(rng)
                )
                box.y0 += unit * 2.5
            inner = inset(box, unit * 0.5, unit * 0.6)
            y = (
                canvas.set_text(inner, canvas.title(1, 3), font=canvas.faces.bold, size=size, colour=readable_on(fill))
                + unit * 0.4
            )
            canvas.set_text(below(inner, y), canvas.title(6, 18), size=size * 0.8, colour=readable_on(fill))
    return ("slide",)


def title_slide(canvas: Canvas) -> tuple[str, ...]:
    """The title slide of a talk: title, subtitle, speakers, company and date."""
    rng, whole, unit = canvas.rng, canvas.whole, canvas.whole.height / 18
    ink, area, kind = canvas.ink, inset(canvas.whole, canvas.whole.width * 0.08, unit * 3), rng.random()
    if kind < 0.3:
        canvas.photograph(whole)
        fill = rng.choice((BLACK, canvas.accent, WHITE))
        box = pymupdf.Rect(0, unit * rng.uniform(3, 8), whole.x1, unit * 15)
        canvas.pen.rect(box, None, fill=fill, opacity=rng.uniform(0.6, 0.9))
        ink, area = readable_on(fill), pymupdf.Rect(area.x0, box.y0 + unit, area.x1, box.y1 - unit * 0.5)
    elif kind < 0.5:
        background_shapes(canvas)
        canvas.layer()
    elif kind < 0.65:
        canvas.photograph(pymupdf.Rect(whole.x1 * 0.6, 0, whole.x1, whole.y1))
        area.x1 = whole.x1 * 0.57
    elif kind < 0.8:
        canvas.pen.rect(pymupdf.Rect(0, unit * 4, whole.x1, unit * 10), None, fill=canvas.accent)
        area, ink = inset(pymupdf.Rect(0, unit * 4.5, whole.x1, unit * 16), area.x0, 0), readable_on(canvas.accent)
    else:
        area.y0 += unit * rng.uniform(0, 3)
    anchor = rng.choice((0.0, 0.5))
    y = canvas.heading(area, canvas.title(2, 7), unit * rng.uniform(1.6, 2.6), anchor=anchor, colour=ink) + unit * 0.5
    if 0.65 <= kind < 0.8:
        ink, y = canvas.ink, max(y, unit * 10.5)
    for line in (
        canvas.title(3, 8),
        ", ".join(canvas.person() for _ in range(rng.randrange(1, 4))),
        canvas.company(),
        canvas.date(),
    ):
        if rng.random() < 0.8:
            y = (
                canvas.set_text(below(area, y), line, size=unit * rng.uniform(0.7, 1), anchor=anchor, colour=ink)
                + unit * 0.3
            )
    if rng.random() < 0.4:
        canvas.figure(pymupdf.Rect(area.x0, unit * 0.8, area.x0 + unit * 7, unit * 3), "logo")
    return ("title slide", "slide")
