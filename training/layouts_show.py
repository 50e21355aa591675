"""Lays out what is made to be looked at: covers, slides, posters, pages of photographs, plans."""

from __future__ import annotations

import math
from itertools import pairwise

import pymupdf

from . import lineart, marks, vocabulary
from .layouts_office import mark, placed
from .layouts_print import below, columns_of, grid
from .leaf import CHARTS, Leaf
from .pen import WHITE, Colour, arc, hue, inset, mix, smooth

BLACK: Colour = (0.0, 0.0, 0.0)


def contrast(colour: Colour) -> Colour:
    """White on a dark colour, nearly black on a light one."""
    return WHITE if 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2] < 0.55 else (0.08, 0.08, 0.1)


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
    unit, ink, accent = whole.width / 40, leaf.ink, leaf.accent
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
    if kind == "plain":
        for i, line in enumerate((leaf.person(), leaf.company(), leaf.date())[: rng.randrange(1, 4)]):
            leaf.pen.text(x, text.y1 - unit * (1 + 1.6 * i), line, anchor=anchor, size=unit * 1.1, colour=ink)
        if rng.random() < 0.4:
            mark(leaf, pymupdf.Rect(text.x0, text.y1 - unit * 12, text.x1, text.y1 - unit * 6), "logo")
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
    size = min(unit * rng.uniform(1.0, 1.6), area.width / max(leaf.faces.head.text_length(title, 1), 1))
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
        mark(
            leaf, pymupdf.Rect(area.x1 - unit * 5, whole.y1 - unit * 1.8, area.x1 - unit, whole.y1 - unit * 0.3), "logo"
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
    leaf.size = unit * rng.uniform(0.6, 0.8)
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
        leaf.size = unit * 0.65
        heads = [leaf.title(1, 2) for _ in range(rng.randrange(3, 7))]
        grid(leaf, area, heads, area.width * 0.3, lambda _, c: vocabulary.dressed_number(rng) if c else leaf.title(1, 3),
             most=rng.randrange(3, 9), tall=unit * rng.uniform(1, 1.6))  # fmt: skip
    elif kind == "number":
        count = rng.choice((1, 1, 3))
        for column in columns_of(area, count, unit):
            words = rng.choice((f"{rng.randrange(1, 100)}%", vocabulary.dressed_number(rng)))
            big = min(unit * 6, column.width / max(leaf.faces.head.text_length(words, 1), 0.5))
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
        mark(leaf, pymupdf.Rect(area.x0, unit * 0.8, area.x0 + unit * 7, unit * 3), "logo")
    return ("title slide", "slide")


def scene(leaf: Leaf, box: pymupdf.Rect) -> None:
    """A flat drawn picture: a sun over hills, a house, a bottle, a heart, rays, a figure, a tree."""
    rng, pen = leaf.rng, leaf.pen
    colours = leaf.pen.palette(5)
    x, y, r = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2, min(box.width, box.height) * 0.42
    kind = rng.choice(("hills", "rays", "heart", "bottle", "person", "tree", "star", "city"))
    if kind in ("hills", "city"):
        pen.oval(pymupdf.Rect(x - r * 0.6, box.y0 + r * 0.1, x + r * 0.4, box.y0 + r * 1.1), None, fill=colours[0])
    if kind == "hills":
        for i in range(3):
            line = smooth(
                [
                    (
                        box.x0 + box.width * k / 5,
                        box.y0 + box.height * (0.5 + i * 0.15) + rng.uniform(-0.12, 0.12) * box.height,
                    )
                    for k in range(6)
                ]
            )
            pen.path([*line, (box.x1, box.y1), (box.x0, box.y1)], None, fill=colours[i + 1])
    elif kind == "city":
        at = box.x0
        while at < box.x1 - r * 0.1:
            wide = min(r * rng.uniform(0.2, 0.5), box.x1 - at)
            top = box.y0 + box.height * rng.uniform(0.3, 0.75)
            pen.rect(pymupdf.Rect(at, top, at + wide, box.y1), None, fill=colours[rng.randrange(1, 5)])
            step = wide / 4
            lit = [
                (at + step * (a + 1), top + step * (b + 1))
                for a in range(3)
                for b in range(int((box.y1 - top) / step) - 1)
            ]
            pen.dots((p for p in lit if rng.random() < 0.6), step * 0.45, (1, 0.9, 0.5))
            at += wide
    elif kind == "rays":
        count = rng.randrange(12, 28)
        for i in range(count):
            a, b = 2 * math.pi * i / count, 2 * math.pi * (i + 0.5) / count
            pen.path([(x, y), (x + 2.3 * r * math.cos(a), y + 2.3 * r * math.sin(a)), (x + 2.3 * r * math.cos(b), y + 2.3 * r * math.sin(b))],
                     None, fill=colours[i % 2])  # fmt: skip
        pen.oval(pymupdf.Rect(x - r * 0.6, y - r * 0.6, x + r * 0.6, y + r * 0.6), None, fill=colours[2])
    elif kind == "heart":
        turns = [2 * math.pi * i / 60 for i in range(60)]
        pen.path([(x + r * math.sin(t) ** 3, y - r * (13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 16) for t in turns],
                 None, fill=(0.85, 0.1, 0.2))  # fmt: skip
    elif kind == "bottle":
        half = r * 0.38
        pen.rect(pymupdf.Rect(x - half, y - r * 0.3, x + half, y + r), None, fill=colours[0], radius=half * 0.4)
        pen.path(
            [(x - half, y), (x - half * 0.35, y - r * 0.6), (x + half * 0.35, y - r * 0.6), (x + half, y)],
            None,
            fill=colours[0],
        )
        pen.rect(pymupdf.Rect(x - half * 0.4, y - r, x + half * 0.4, y - r * 0.55), None, fill=colours[1])
        pen.rect(pymupdf.Rect(x - half, y + r * 0.2, x + half, y + r * 0.7), None, fill=WHITE)
    elif kind == "person":
        pen.oval(pymupdf.Rect(x - r * 0.3, y - r, x + r * 0.3, y - r * 0.35), None, fill=(0.9, 0.7, 0.55))
        body = [
            (x - r * 0.7, y + r),
            (x - r * 0.5, y - r * 0.1),
            (x, y - r * 0.3),
            (x + r * 0.5, y - r * 0.1),
            (x + r * 0.7, y + r),
        ]
        pen.path(smooth(body), None, fill=colours[0])
        pen.path(arc((x, y - r * 0.68), r * 0.34, r * 0.36, math.pi, 2 * math.pi), None, fill=colours[1])
    elif kind == "tree":
        pen.rect(pymupdf.Rect(x - r * 0.1, y, x + r * 0.1, y + r), None, fill=(0.45, 0.3, 0.15))
        for _ in range(9):
            cx, cy, s = x + rng.uniform(-0.5, 0.5) * r, y - rng.uniform(0, 0.8) * r, r * rng.uniform(0.2, 0.4)
            pen.oval(
                pymupdf.Rect(cx - s, cy - s, cx + s, cy + s),
                None,
                fill=mix((0.15, 0.5, 0.2), colours[0], rng.random() * 0.5),
            )
    else:
        points = rng.choice((5, 6, 8, 12))
        turns = [math.pi * i / points - math.pi / 2 for i in range(2 * points)]
        pen.path([(x + r * (0.5 if i % 2 else 1) * math.cos(t), y + r * (0.5 if i % 2 else 1) * math.sin(t)) for i, t in enumerate(turns)],
                 None, fill=colours[0])  # fmt: skip


def poster(leaf: Leaf) -> tuple[str, ...]:
    """One large visual message: huge words over a photograph, a drawn scene or plain colour; or a warning sign."""
    rng, whole, unit = leaf.rng, leaf.whole, leaf.whole.width / 30
    kind = rng.choice(("photo", "photo", "scene", "scene", "words", "warning", "event"))
    if kind == "warning":
        return warning(leaf)
    ink, anchor = leaf.ink, rng.choice((0.0, 0.5, 0.5))
    area = inset(whole, unit * 2, unit * 2)
    words = leaf.title(1, rng.choice((2, 3, 5)))
    words = words.upper() if rng.random() < 0.6 else words
    huge = unit * rng.uniform(3, 6)
    if kind == "photo":
        part = rng.choice((1.0, 1.0, 0.7))
        leaf.photograph(pymupdf.Rect(0, 0, whole.x1, whole.y1 * part))
        if part == 1.0:
            ink = rng.choice((WHITE, WHITE, (1, 0.85, 0.1), (0.95, 0.2, 0.2)))
            if rng.random() < 0.5:
                leaf.pen.rect(whole, None, fill=BLACK, opacity=0.35)
    elif kind == "event":
        shapes(leaf)
        leaf.layer()
    elif kind == "scene":
        scene(
            leaf,
            pymupdf.Rect(
                0 if rng.random() < 0.5 else area.x0, whole.y1 * 0.33, whole.x1, whole.y1 * rng.choice((0.85, 1))
            ),
        )
        leaf.layer()
    y = leaf.heading(area, words, huge if kind != "words" else huge * 1.6, anchor=anchor, colour=ink) + unit
    if kind == "photo" and y < whole.y1 * 0.5 and rng.random() < 0.5:
        return ("poster",)
    if rng.random() < 0.7:
        y = leaf.set(below(area, y), leaf.title(3, 9), size=unit * 1.5, font=leaf.faces.bold, anchor=anchor, colour=ink)
    if kind == "event":
        y = leaf.heading(
            below(area, y + unit * 2),
            f"{leaf.date()}  {rng.randrange(8, 23)}:00",
            unit * 2,
            anchor=anchor,
            colour=leaf.accent,
        )
        for _ in range(rng.randrange(2, 6)):
            y = leaf.set(below(area, y + unit), leaf.title(2, 6), size=unit * 1.3, anchor=anchor, colour=ink)
    if rng.random() < 0.6:
        foot = pymupdf.Rect(0, whole.y1 - unit * 3.5, whole.x1, whole.y1)
        fill = rng.choice((leaf.accent, WHITE, BLACK, hue(rng)))
        leaf.pen.rect(foot, None, fill=fill)
        text = rng.choice(
            (f"{leaf.company()} · www.example.com", f"{leaf.date()} · {leaf.title(1, 3)}", " · ".join(leaf.address()))
        )
        leaf.pen.text(whole.x1 / 2, foot.y0 + unit * 2.1, text, anchor=0.5, colour=contrast(fill), font=leaf.faces.bold,
                      size=min(unit * 1.2, area.width / leaf.faces.bold.text_length(text, 1)))  # fmt: skip
    if rng.random() < 0.25:
        x, y, r = whole.x1 - unit * 6, whole.y1 * 0.6, unit * 4
        leaf.pen.oval(
            pymupdf.Rect(x - r, y - r, x + r, y + r), None, fill=rng.choice(((0.95, 0.8, 0.1), (0.9, 0.15, 0.15)))
        )
        price = rng.choice(("-50%", "FREE", "NEW", f"€{rng.randrange(2, 99)}"))
        leaf.pen.text(x, y + unit, price, anchor=0.5, size=unit * 2.4, font=leaf.faces.head, colour=WHITE)
    return ("poster",)


def warning(leaf: Leaf) -> tuple[str, ...]:
    """A sign: a triangle, a ring with a bar, a disc or a square, and a word that everyone can read from afar."""
    rng, pen, whole = leaf.rng, leaf.pen, leaf.whole
    kind = rng.choice(("triangle", "ban", "duty", "notice", "safe"))
    yellow, red, blue, green = (0.98, 0.8, 0.05), (0.82, 0.08, 0.1), (0.05, 0.3, 0.65), (0.05, 0.5, 0.3)
    paper = {"triangle": rng.choice((yellow, WHITE)), "notice": rng.choice((red, yellow)), "safe": green}.get(
        kind, WHITE
    )
    pen.rect(whole, None, fill=paper)
    edge = min(whole.width, whole.height)
    if rng.random() < 0.4:
        pen.rect(inset(whole, edge * 0.03, edge * 0.03), contrast(paper), width=edge * 0.015)
    wide = whole.width > whole.height
    box = inset(
        pymupdf.Rect(0, 0, whole.x1 * (0.5 if wide else 1), whole.y1 * (1 if wide else 0.6)), edge * 0.1, edge * 0.1
    )
    words = pymupdf.Rect(
        box.x1 if wide else edge * 0.08, box.y0 if wide else box.y1 + edge * 0.04, whole.x1 - edge * 0.08, whole.y1
    )
    x, y, r = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2, min(box.width, box.height) / 2
    disc = pymupdf.Rect(x - r, y - r, x + r, y + r)
    font = pymupdf.Font("hebo")
    if kind == "triangle":
        corners = [(x - r, y + r * 0.8), (x, y - r), (x + r, y + r * 0.8)]
        pen.path(
            corners, rng.choice((BLACK, red)), fill=yellow if paper == WHITE else WHITE, width=r * 0.13, closed=True
        )
        if rng.random() < 0.5:
            pen.text(x, y + r * 0.62, "!", anchor=0.5, size=r * 1.5, font=font, colour=BLACK)
        else:
            bolt = ((0.1, -0.5), (-0.25, 0.25), (0, 0.2), (-0.1, 0.65), (0.28, 0), (0.03, 0.03))
            pen.path([(x + r * a, y + r * b) for a, b in bolt], None, fill=BLACK)
    elif kind == "ban":
        pen.rect(pymupdf.Rect(x - r * 0.45, y - r * 0.1, x + r * 0.45, y + r * 0.1), None, fill=BLACK)
        pen.path(
            smooth([(x + r * 0.3, y - r * 0.15), (x + r * 0.4, y - r * 0.4), (x + r * 0.2, y - r * 0.55)]),
            BLACK,
            width=r * 0.06,
        )
        pen.oval(inset(disc, r * 0.08, r * 0.08), red, width=r * 0.16)
        pen.path([(x - r * 0.65, y - r * 0.65), (x + r * 0.65, y + r * 0.65)], red, width=r * 0.16)
    elif kind in ("duty", "safe"):
        pen.oval(disc, None, fill=blue if kind == "duty" else WHITE)
        figure = WHITE if kind == "duty" else green
        pen.oval(pymupdf.Rect(x - r * 0.18, y - r * 0.7, x + r * 0.18, y - r * 0.34), None, fill=figure)
        pen.path(
            [
                (x - r * 0.3, y - r * 0.25),
                (x + r * 0.3, y - r * 0.25),
                (x + r * 0.15, y + r * 0.7),
                (x - r * 0.15, y + r * 0.7),
            ],
            None,
            fill=figure,
        )
    else:
        pen.rect(inset(box, 0, r * 0.2), None, fill=WHITE if paper == red else BLACK)
        pen.text(x, y + r * 0.35, "!", anchor=0.5, size=r, font=font, colour=paper)
    if kind != "safe" or rng.random() < 0.5:
        leaf.layer()
    text = leaf.term("warning") if leaf.code != "ru" else leaf.term("warning").upper()
    big = leaf.fitted(text, words.width, leaf.faces.head, edge * 0.2)
    y = leaf.set(
        words, text, font=leaf.faces.head, size=big, anchor=0.0 if wide else 0.5, colour=contrast(paper), leading=1.1
    )
    leaf.set(
        below(words, y + edge * 0.02),
        leaf.title(2, 8),
        size=edge * 0.055,
        font=leaf.faces.bold,
        anchor=0.0 if wide else 0.5,
        colour=contrast(paper),
    )
    return ("poster",)


def photo_page(leaf: Leaf) -> tuple[str, ...]:
    """One photograph or several over the page, with little or no text."""
    rng, whole = leaf.rng, leaf.whole
    edge = rng.choice((0, 0, 20, 40))
    area, gap, captioned = inset(whole, edge, edge), rng.choice((0, 4, 10)), rng.random() < 0.5
    if captioned:
        area.y1 -= leaf.size * 4
    boxes = [area]
    for _ in range(rng.choice((0, 0, 1, 2, 3, 5))):
        box = boxes.pop(rng.randrange(len(boxes)))
        share = rng.uniform(0.35, 0.65)
        if box.width > box.height:
            cut = box.x0 + box.width * share
            boxes += [
                pymupdf.Rect(box.x0, box.y0, cut - gap / 2, box.y1),
                pymupdf.Rect(cut + gap / 2, box.y0, box.x1, box.y1),
            ]
        else:
            cut = box.y0 + box.height * share
            boxes += [
                pymupdf.Rect(box.x0, box.y0, box.x1, cut - gap / 2),
                pymupdf.Rect(box.x0, cut + gap / 2, box.x1, box.y1),
            ]
    for box in boxes:
        leaf.photograph(box)
    if captioned:
        leaf.set(
            pymupdf.Rect(area.x0 + 12, area.y1 + leaf.size * 0.6, area.x1 - 12, whole.y1),
            leaf.sentence(),
            anchor=rng.choice((0, 0.5)),
        )
    return ("photo page",)


def plan(leaf: Leaf) -> tuple[str, ...]:
    """A floor plan, a site map, a schematic or a drawing over the page, with a frame and a title block."""
    rng, pen, whole = leaf.rng, leaf.pen, leaf.whole
    leaf.size = size = rng.uniform(5.5, 8)
    frame = inset(whole, edge := rng.uniform(10, 30), edge)
    pen.rect(frame, width=rng.choice((0.5, 1.2, 2)))
    if rng.random() < 0.4:
        for i in range(8):
            x = frame.x0 + frame.width * (i + 0.5) / 8
            pen.text(x, frame.y0 - 2, str(i + 1), anchor=0.5, size=6)
            pen.text(frame.x0 - 5, frame.y0 + frame.height * (i + 0.5) / 8, "ABCDEFGH"[i], anchor=0.5, size=6)
    wide, tall = frame.width * rng.uniform(0.28, 0.5), size * rng.uniform(7, 12)
    block = pymupdf.Rect(frame.x1 - wide, frame.y1 - tall, frame.x1, frame.y1)
    if rng.random() < 0.25:
        block = pymupdf.Rect(frame.x0, frame.y1 - tall, frame.x1, frame.y1)
    pen.rect(block, leaf.ink, fill=WHITE, width=0.8)
    rows = 4
    for i in range(rows):
        y, x = block.y0 + tall * i / rows, block.x0 + block.width * 0.55
        pen.lines([((block.x0, y), (block.x1, y)), ((x, y), (x, y + tall / rows))])
        left = leaf.title(1, 3) if i else leaf.company()
        right = rng.choice(
            (
                leaf.date(),
                f"1:{rng.choice((20, 50, 100, 500))}",
                f"{leaf.term('page')} {i}/{rng.randrange(4, 20)}",
                leaf.word(),
            )
        )
        pen.text(block.x0 + 3, y + tall / rows * 0.7, left, size=min(size, tall / rows * 0.6))
        pen.text(x + 3, y + tall / rows * 0.7, right, size=min(size, tall / rows * 0.6))
    room = inset(pymupdf.Rect(frame.x0, frame.y0, frame.x1, block.y0), size * 3, size * 2.5)
    kind = rng.choice(("floor", "floor", "map", "drawing", "schematic"))
    if kind == "map":
        leaf.figure(room, "map")
    elif kind == "drawing":
        leaf.figure(room, "drawing")
    elif kind == "floor":
        inner = placed(leaf, inset(room, room.width * rng.uniform(0, 0.15), room.height * rng.uniform(0, 0.15)))
        lineart.floor_plan(inner, inner.area)
        inner.finish()
        lineart.dimension(leaf.pen, (room.x0, room.y0 - size), (room.x1, room.y0 - size))
        lineart.dimension(leaf.pen, (room.x0 - size, room.y0), (room.x0 - size, room.y1))
    else:
        schematic(leaf, room)
    return ("plan",)


def schematic(leaf: Leaf, room: pymupdf.Rect) -> None:
    """Circuits: chips with pins, resistors, capacitors, grounds, joined at right angles."""
    rng, pen, size = leaf.rng, leaf.pen, leaf.size
    ends: list[tuple[float, float]] = []
    across, down = rng.randrange(2, 5), rng.randrange(2, 5)
    for i in range(across * down):
        w, h = room.width / across, room.height / down
        x, y = room.x0 + w * (i % across + 0.5), room.y0 + h * (i // across + 0.5)
        if rng.random() < 0.45:
            pins, half = rng.randrange(3, 8), w * rng.uniform(0.15, 0.25)
            high = min(h * 0.4, pins * size)
            pen.rect(pymupdf.Rect(x - half, y - high, x + half, y + high), width=1)
            pen.text(x, y, f"U{i} {leaf.word().upper()[:6]}", anchor=0.5, size=size)
            for k in range(pins):
                py = y - high + 2 * high * (k + 0.5) / pins
                pen.lines([((x - half, py), (x - half - 10, py)), ((x + half, py), (x + half + 10, py))], width=0.7)
                ends += [(x - half - 10, py), (x + half + 10, py)]
        elif rng.random() < 0.6:
            pen.path(
                [
                    (x - 14, y),
                    (x - 9, y),
                    *((x - 7 + 3.5 * k, y + (4 if k % 2 else -4)) for k in range(5)),
                    (x + 9, y),
                    (x + 14, y),
                ],
                width=0.8,
            )
            pen.text(x, y - 7, f"R{i} {rng.choice((10, 47, 100, 220))}k", anchor=0.5, size=size)
            ends += [(x - 14, y), (x + 14, y)]
        else:
            pen.lines(
                [
                    ((x - 8, y - 2), (x + 8, y - 2)),
                    ((x - 8, y + 2), (x + 8, y + 2)),
                    ((x, y - 14), (x, y - 2)),
                    ((x, y + 2), (x, y + 14)),
                ],
                width=0.9,
            )
            pen.text(x + 10, y, f"C{i} {rng.choice((1, 10, 100))}n", size=size)
            pen.lines(
                [((x - 8 + 2 * k, y + 14 + 2.5 * k), (x + 8 - 2 * k, y + 14 + 2.5 * k)) for k in range(3)], width=0.8
            )
            ends.append((x, y - 14))
    rng.shuffle(ends)
    for (ax, ay), (bx, by) in pairwise(ends[:40]):
        if abs(ax - bx) < room.width * 0.5:
            pen.path([(ax, ay), ((ax + bx) / 2, ay), ((ax + bx) / 2, by), (bx, by)], width=0.5)
            pen.dots([(bx, by)], 2.5, leaf.ink)


def blank(leaf: Leaf) -> tuple[str, ...]:
    """Nothing, or a page number, or one line in the middle."""
    rng, whole = leaf.rng, leaf.whole
    kind = rng.random()
    if kind < 0.3:
        leaf.pen.text(whole.x1 / 2, whole.y1 - 30, str(rng.randrange(2, 300)), anchor=0.5)
    elif kind < 0.5:
        leaf.pen.text(whole.x1 / 2, whole.y1 / 2, "This page is intentionally left blank", anchor=0.5)
    return ("blank",)
