"""Lays out covers and slides: titles over pictures and shapes, bullets, charts, large numbers."""

from __future__ import annotations

import pymupdf

from .. import marks, vocabulary
from ..pen import BLACK, WHITE, Colour, contrast, hue, inset, length, mix, smooth
from .leaf import CHARTS, Leaf, below, columns_of
from .tables import cells, grid


def shapes(leaf: Leaf) -> None:
    """Large plain shapes over the page: bands, discs, slanted planes, waves."""
    rng, pen, whole = leaf.rng, leaf.pen, leaf.whole
    colours = leaf.pen.palette(4)
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


def panel(leaf: Leaf, box: pymupdf.Rect, fill: Colour) -> pymupdf.Rect:
    """A plain area for words over a picture; returns the room inside it."""
    leaf.pen.rect(box, None, fill=fill, opacity=leaf.rng.choice((1, 1, 0.8)))
    edge = min(box.width, box.height) * 0.08
    return inset(box, edge, edge)


def cover(leaf: Leaf) -> tuple[str, ...]:
    """The front of a report, a book or a brochure: a title with room around it, a picture or shapes, who made it."""
    rng, whole = leaf.rng, leaf.whole
    unit, ink, accent = min(whole.width, whole.height) / 40, leaf.ink, leaf.accent
    kind = rng.choice(("plain", "plain", "picture", "half", "shapes"))
    text = inset(whole, unit * rng.uniform(3, 6), unit * rng.uniform(3, 6))
    if kind == "picture":
        leaf.photograph(whole)
        fill = rng.choice((leaf.accent, WHITE, BLACK, hue(rng)))
        y, tall = whole.height * rng.uniform(0.05, 0.6), whole.height * rng.uniform(0.25, 0.38)
        text, ink = (
            panel(
                leaf, pymupdf.Rect(rng.choice((0, unit * 3)), y, whole.x1 - rng.choice((0, unit * 3)), y + tall), fill
            ),
            contrast(fill),
        )
        accent = ink
    elif kind == "half":
        cut = whole.height * rng.uniform(0.35, 0.6)
        upper = rng.random() < 0.5
        leaf.photograph(pymupdf.Rect(0, 0 if upper else cut, whole.x1, cut if upper else whole.y1))
        text = inset(pymupdf.Rect(0, cut if upper else 0, whole.x1, whole.y1 if upper else cut), unit * 3, unit * 2)
    elif kind == "shapes":
        shapes(leaf)
        leaf.layer()
        if rng.random() < 0.5:
            fill = rng.choice((WHITE, leaf.paper, leaf.accent))
            text, ink = panel(leaf, inset(whole, unit * 4, whole.height * 0.3), fill), contrast(fill)
            accent = ink
    else:
        text.y0 += text.height * rng.choice((0, 0.15, 0.3))
    anchor = rng.choice((0.0, 0.0, 0.5))
    y = text.y0
    if rng.random() < 0.5 and kind != "picture":
        small = rng.choice((leaf.company(), leaf.term("report"), leaf.title(1, 3).upper()))
        y = leaf.set(text, small, size=unit * 1.1, anchor=anchor, colour=accent) + unit * 2
    title = leaf.title(1, 6) if rng.random() < 0.6 else f"{leaf.term('report')} {rng.randrange(1990, 2030)}"
    y = (
        leaf.heading(
            below(text, y), title, unit * rng.uniform(2.2, 4.2), anchor=anchor, colour=rng.choice((ink, accent))
        )
        + unit
    )
    if rng.random() < 0.7:
        y = leaf.set(below(text, y), leaf.title(4, 10), size=unit * 1.4, anchor=anchor, colour=ink) + unit
    if rng.random() < 0.4:
        leaf.rule(
            text.x0 + text.width * anchor * 0.7,
            text.x0 + text.width * (0.3 + anchor * 0.7),
            y,
            width=unit * 0.15,
            colour=accent,
        )
    x = text.x0 + text.width * anchor
    if kind == "plain" and y < text.y1 - unit * 5:
        for i, line in enumerate((leaf.person(), leaf.company(), leaf.date())[: rng.randrange(1, 4)]):
            leaf.pen.text(x, text.y1 - unit * (1 + 1.6 * i), line, anchor=anchor, size=unit * 1.1, colour=ink)
        if y < text.y1 - unit * 13 and rng.random() < 0.4:
            leaf.figure(pymupdf.Rect(text.x0, text.y1 - unit * 12, text.x1, text.y1 - unit * 6), "logo")
    elif y < text.y1 - unit * 2:
        leaf.pen.text(x, text.y1, rng.choice((leaf.person(), leaf.date())), anchor=anchor, size=unit * 1.1, colour=ink)
    return ("cover",)


def slide_frame(leaf: Leaf, title: str) -> pymupdf.Rect:
    """A slide's title, bar, foot and number; returns the room between them."""
    rng, whole, unit = leaf.rng, leaf.whole, leaf.whole.height / 18
    area, colour = inset(whole, unit * 1.1, unit * 0.8), leaf.accent
    kind = rng.random()
    if kind < 0.3:
        bar = pymupdf.Rect(0, 0, whole.x1, unit * 2.8)
        leaf.pen.rect(bar, None, fill=leaf.accent)
        colour = contrast(leaf.accent)
    elif kind < 0.45:
        leaf.pen.rect(pymupdf.Rect(0, 0, unit * 0.5, whole.y1), None, fill=leaf.accent)
    elif kind < 0.6:
        leaf.rule(area.x0, area.x1, area.y0 + unit * 2.1, width=rng.choice((0.7, 2)), colour=leaf.accent)
    else:
        colour = rng.choice((leaf.ink, leaf.accent))
    size = min(unit * rng.uniform(1.0, 1.6), area.width / max(length(title, leaf.faces.head, 1), 1))
    anchor = rng.choice((0.0, 0.0, 0.0, 0.5))
    leaf.pen.text(
        area.x0 + area.width * anchor,
        area.y0 + unit * 1.4,
        title,
        anchor=anchor,
        size=size,
        font=leaf.faces.head,
        colour=colour,
    )
    if rng.random() < 0.6:
        leaf.pen.text(area.x1, whole.y1 - unit * 0.4, str(rng.randrange(2, 80)), anchor=1, size=unit * 0.5)
    if rng.random() < 0.4:
        leaf.pen.text(area.x0, whole.y1 - unit * 0.4, f"{leaf.company()} | {leaf.date()}", size=unit * 0.45)
    if rng.random() < 0.25:
        leaf.figure(
            pymupdf.Rect(area.x1 - unit * 5, whole.y1 - unit * 1.8, area.x1 - unit, whole.y1 - unit * 0.3), "logo"
        )
    return pymupdf.Rect(area.x0, area.y0 + unit * 2.8, area.x1, area.y1 - unit * 0.8)


def bullets(leaf: Leaf, area: pymupdf.Rect, size: float, *, numbered: bool = False) -> None:
    rng, y = leaf.rng, area.y0
    sign, gap = rng.choice("••–▪"), size * rng.uniform(0.4, 1.3)
    if not leaf.faces.body.has_glyph(ord(sign)):
        sign = "-"
    for i in range(rng.randrange(3, 8)):
        deep = size * (2.4 if i and not numbered and rng.random() < 0.25 else 1.2)
        if y + size > area.y1:
            break
        small = size * (0.85 if deep > size * 2 else 1)
        leaf.pen.text(
            area.x0 + deep - size * 0.4,
            y + small,
            f"{i + 1}." if numbered else sign,
            anchor=1,
            size=small,
            colour=leaf.accent,
        )
        y = (
            leaf.set(pymupdf.Rect(area.x0 + deep, y, area.x1, area.y1), leaf.title(2, 10), size=small, leading=1.2)
            + gap
        )


def slide(leaf: Leaf) -> tuple[str, ...]:
    """Bullets, a picture beside them, a chart, a table, one big number, an agenda, or a few boxes."""
    rng, unit = leaf.rng, leaf.whole.height / 18
    leaf.resize(unit * rng.uniform(0.6, 0.8))
    kind = rng.choice(
        ("bullets", "bullets", "beside", "chart", "chart beside", "number", "agenda", "boxes", "table", "diagram")
    )
    area = slide_frame(leaf, leaf.term("agenda") if kind == "agenda" else leaf.title(2, 6))
    size = unit * rng.uniform(0.75, 1.2)
    left, right = columns_of(area, 2, unit)
    if rng.random() < 0.5:
        left, right = right, left
    if kind in ("bullets", "agenda"):
        bullets(leaf, area, size * 1.1, numbered=kind == "agenda")
    elif kind == "beside":
        if rng.random() < 0.4:
            edge = 0 if right.x0 < left.x0 else leaf.whole.x1
            right = pymupdf.Rect(min(edge, right.x0), area.y0, max(edge, right.x1), leaf.whole.y1)
        leaf.photograph(right)
        bullets(leaf, left, size)
    elif kind == "chart beside":
        leaf.figure(right, *CHARTS)
        bullets(leaf, left, size)
    elif kind == "chart":
        leaf.figure(area, *CHARTS)
    elif kind == "diagram":
        leaf.figure(area, "diagram", "map")
    elif kind == "table":
        leaf.resize(unit * 0.65)
        heads = [leaf.title(1, 2) for _ in range(rng.randrange(3, 7))]
        grid(
            leaf,
            area,
            heads,
            area.width * 0.3,
            cells(leaf, [c > 0 for c in range(len(heads))]),
            most=rng.randrange(3, 9),
            tall=unit * rng.uniform(1, 1.6),
        )
    elif kind == "number":
        count = rng.choice((1, 1, 3))
        for column in columns_of(area, count, unit):
            words = rng.choice((f"{rng.randrange(1, 100)}%", vocabulary.dressed_number(rng)))
            big = min(unit * 6, column.width / max(length(words, leaf.faces.head, 1), 0.5))
            y = column.y0 + column.height * 0.5
            leaf.pen.text(
                (column.x0 + column.x1) / 2, y, words, anchor=0.5, size=big, font=leaf.faces.head, colour=leaf.accent
            )
            leaf.set(below(column, y + unit), leaf.title(3, 9), size=size, anchor=0.5)
    else:
        for column in columns_of(area, rng.choice((2, 3, 3, 4)), unit * 0.7):
            box = inset(column, 0, unit * rng.uniform(0, 2))
            fill = mix(leaf.accent, leaf.paper, 0.75)
            leaf.pen.rect(box, None, fill=fill, radius=rng.choice((0, unit * 0.4)))
            if rng.random() < 0.5:
                marks.mark(leaf.pen, ((box.x0 + box.x1) / 2, box.y0 + unit * 1.6), unit, leaf.accent, hue(rng))
                box.y0 += unit * 2.5
            inner = inset(box, unit * 0.5, unit * 0.6)
            y = leaf.set(inner, leaf.title(1, 3), font=leaf.faces.bold, size=size, colour=contrast(fill)) + unit * 0.4
            leaf.set(below(inner, y), leaf.title(6, 18), size=size * 0.8, colour=contrast(fill))
    return ("slide",)


def title_slide(leaf: Leaf) -> tuple[str, ...]:
    """The first slide of a talk: its title, who gives it, where and when."""
    rng, whole, unit = leaf.rng, leaf.whole, leaf.whole.height / 18
    ink, area, kind = leaf.ink, inset(leaf.whole, leaf.whole.width * 0.08, unit * 3), rng.random()
    if kind < 0.3:
        leaf.photograph(whole)
        fill = rng.choice((BLACK, leaf.accent, WHITE))
        box = pymupdf.Rect(0, unit * rng.uniform(3, 8), whole.x1, unit * 15)
        leaf.pen.rect(box, None, fill=fill, opacity=rng.uniform(0.6, 0.9))
        ink, area = contrast(fill), pymupdf.Rect(area.x0, box.y0 + unit, area.x1, box.y1 - unit * 0.5)
    elif kind < 0.5:
        shapes(leaf)
        leaf.layer()
    elif kind < 0.65:
        leaf.photograph(pymupdf.Rect(whole.x1 * 0.6, 0, whole.x1, whole.y1))
        area.x1 = whole.x1 * 0.57
    elif kind < 0.8:
        leaf.pen.rect(pymupdf.Rect(0, unit * 4, whole.x1, unit * 10), None, fill=leaf.accent)
        area, ink = inset(pymupdf.Rect(0, unit * 4.5, whole.x1, unit * 16), area.x0, 0), contrast(leaf.accent)
    else:
        area.y0 += unit * rng.uniform(0, 3)
    anchor = rng.choice((0.0, 0.5))
    y = leaf.heading(area, leaf.title(2, 7), unit * rng.uniform(1.6, 2.6), anchor=anchor, colour=ink) + unit * 0.5
    if 0.65 <= kind < 0.8:
        ink, y = leaf.ink, max(y, unit * 10.5)
    for line in (
        leaf.title(3, 8),
        ", ".join(leaf.person() for _ in range(rng.randrange(1, 4))),
        leaf.company(),
        leaf.date(),
    ):
        if rng.random() < 0.8:
            y = leaf.set(below(area, y), line, size=unit * rng.uniform(0.7, 1), anchor=anchor, colour=ink) + unit * 0.3
    if rng.random() < 0.4:
        leaf.figure(pymupdf.Rect(area.x0, unit * 0.8, area.x0 + unit * 7, unit * 3), "logo")
    return ("title slide", "slide")
