"""Random radar charts, heat maps and quadrant charts (such as effort against benefit)."""

from __future__ import annotations

import math

import pymupdf

from .axes import category_names, legend
from .pen import WHITE, Pen, mix, random_colour, readable_on


def radar_chart(pen: Pen, box: pymupdf.Rect) -> None:
    """A radar chart: values along spokes, joined to polygons, over rings."""
    rng, size = pen.rng, pen.size
    series = rng.choice((1, 1, 2, 3, 4))
    colours = pen.palette(series)
    if series > 1 and rng.random() < 0.8:
        box = legend(pen, box, colours, kind="line")
    spokes = rng.randrange(4, 11)
    named = rng.random() < 0.9
    r = max(4.0, min(box.width / 2 - (size * 4 if named else 2), box.height / 2 - size * (1.5 if named else 0.2)))
    x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    angles = [2 * math.pi * i / spokes - math.pi / 2 for i in range(spokes)]
    pale = mix(pen.paper, pen.ink, rng.uniform(0.2, 0.5))
    round_rings = rng.random() < 0.3
    rings = rng.randrange(3, 7)
    for k in range(1, rings + 1):
        reach = r * k / rings
        if round_rings:
            pen.oval(pymupdf.Rect(x - reach, y - reach, x + reach, y + reach), pale, width=0.4)
        else:
            pen.path([(x + reach * math.cos(a), y + reach * math.sin(a)) for a in angles], pale, width=0.4, closed=True)
    pen.lines((((x, y), (x + r * math.cos(a), y + r * math.sin(a))) for a in angles), pale, 0.4)
    if named:
        for a in angles:
            anchor = 0.5 if abs(math.cos(a)) < 0.2 else 0.0 if math.cos(a) > 0 else 1.0
            pen.text(x + (r + size * 0.4) * math.cos(a), y + (r + size * 0.6) * math.sin(a) + size * 0.3,
                     pen.phrase(size * 5, most=2, size=size * 0.85), anchor=anchor, size=size * 0.85)  # fmt: skip
    filled = rng.random() < 0.6
    for colour in colours:
        level = rng.uniform(0.35, 0.8)
        reach_of = [r * min(1.0, max(0.1, level + rng.gauss(0, 0.18))) for _ in angles]
        points = [(x + d * math.cos(a), y + d * math.sin(a)) for d, a in zip(reach_of, angles, strict=True)]
        if filled:
            pen.path(points, None, fill=colour, opacity=0.35)
        pen.path(points, colour, width=rng.choice((0.8, 1.2, 2)), closed=True)
        if rng.random() < 0.4:
            pen.dots(points, 3, colour)


def heat_map(pen: Pen, box: pymupdf.Rect) -> None:
    """A matrix of cells coloured by value, with labels along two sides and sometimes a colour scale."""
    rng, size = pen.rng, pen.size
    rows = max(3, min(rng.randrange(3, 14), int(box.height / (size * 1.1)) - 1))
    columns = max(3, min(rng.randrange(3, 16), int(box.width / (size * 1.6)) - 2))
    named = rng.random() < 0.85
    left = box.x0 + (box.width * rng.uniform(0.12, 0.25) if named else 0)
    foot = box.y1 - (size * 1.5 if named else 0)
    barred = rng.random() < 0.4
    right = box.x1 - (size * 3 if barred else 0)
    step, tall = (right - left) / columns, (foot - box.y0) / rows
    low, high = rng.choice(
        (
            (WHITE, random_colour(rng)),
            (random_colour(rng), WHITE),
            (random_colour(rng), random_colour(rng)),
            ((0.3, 0.7, 0.3), (0.9, 0.2, 0.2)),
        )
    )
    valued, gap = rng.random() < 0.45, rng.choice((0, 0, 0.6, 1.5))
    slope, noise = rng.uniform(-1, 1), rng.uniform(0.1, 0.6)
    for r in range(rows):
        for c in range(columns):
            value = min(1.0, max(0.0, 0.5 + slope * ((r / rows + c / columns) / 2 - 0.5) + rng.uniform(-noise, noise)))
            fill = mix(low, high, value)
            x, y = left + c * step, box.y0 + r * tall
            pen.rect(pymupdf.Rect(x, y, x + step - gap, y + tall - gap), None, fill=fill)
            if valued:
                pen.text(x + step / 2, y + tall / 2 + size * 0.28, f"{value:.{rng.choice((1, 2))}f}", anchor=0.5,
                         size=min(size * 0.8, tall * 0.7, step * 0.35), colour=readable_on(fill))  # fmt: skip
    if named:
        for r in range(rows):
            pen.text(left - 3, box.y0 + (r + 0.5) * tall + size * 0.3, pen.phrase(left - box.x0 - 4, most=2), anchor=1)
        for c, name in enumerate(category_names(pen, columns)):
            if pen.length(name, size=size * 0.85) < step:
                pen.text(left + (c + 0.5) * step, box.y1 - size * 0.3, name, anchor=0.5, size=size * 0.85)
    if barred:
        for k in range(16):
            y = box.y0 + (foot - box.y0) * k / 16
            pen.rect(pymupdf.Rect(right + size, y, right + size * 1.8, y + (foot - box.y0) / 16 + 0.2), None,
                     fill=mix(high, low, k / 15))  # fmt: skip


def quadrants(pen: Pen, box: pymupdf.Rect) -> None:
    """A chart of four quadrants that hold discs, dots or lists of words, with labelled axes."""
    rng, size = pen.rng, pen.size
    wide = min(box.width, box.height * rng.uniform(1, 2))
    box = pymupdf.Rect(box.x0 + (box.width - wide) / 2, box.y0, box.x1 - (box.width - wide) / 2, box.y1)
    named = rng.random() < 0.7
    field = pymupdf.Rect(box.x0 + (size * 1.5 if named else 0), box.y0, box.x1, box.y1 - (size * 1.5 if named else 0))
    x, y = (field.x0 + field.x1) / 2, (field.y0 + field.y1) / 2
    parts = [
        pymupdf.Rect(a, b, c, d) for b, d in ((field.y0, y), (y, field.y1)) for a, c in ((field.x0, x), (x, field.x1))
    ]
    kind, gap = rng.choice(("filled", "filled", "one", "lines", "lines")), rng.choice((0, 0, 1.5, 3))
    colours = pen.palette(4)
    strength = rng.choice((0.8, 0.8, 0.0))
    for i, part in enumerate(parts):
        if kind == "filled" or (kind == "one" and i == 1):
            inner = pymupdf.Rect(part.x0 + gap, part.y0 + gap, part.x1 - gap, part.y1 - gap)
            pen.rect(inner, None, fill=mix(colours[i], pen.paper, strength))
    if kind == "lines" or rng.random() < 0.5:
        pen.lines([((x, field.y0), (x, field.y1)), ((field.x0, y), (field.x1, y))], width=rng.choice((0.5, 1, 1.5)))
    if rng.random() < 0.6:
        pen.rect(field, width=rng.choice((0.5, 1)))
    ink = readable_on(mix(colours[0], pen.paper, strength)) if kind == "filled" else pen.ink
    held = rng.choice(("discs", "discs", "dots", "words", "words"))
    for part in parts:
        if rng.random() < 0.6:
            pen.text(part.x0 + size * 0.5, part.y0 + size * 1.3, pen.phrase(part.width - size, most=3), colour=ink)
        if held == "words":
            for k in range(min(rng.randrange(1, 5), int(part.height / (size * 1.3)) - 2)):
                text = pen.phrase(part.width - size, most=4, size=size * 0.85)
                y_k = part.y0 + size * (2.8 + 1.25 * k)
                pen.text(part.x0 + size * 0.5, y_k, text, size=size * 0.85, colour=ink)
    if held != "words":
        shades = pen.palette(4)
        for _ in range(rng.randrange(3, 9) if held == "discs" else rng.randrange(6, 25)):
            r = min(field.width, field.height) * (rng.uniform(0.02, 0.09) if held == "discs" else 0.015)
            px, py = rng.uniform(field.x0 + r, field.x1 - r), rng.uniform(field.y0 + r, field.y1 - r)
            pen.oval(pymupdf.Rect(px - r, py - r, px + r, py + r), None, fill=rng.choice(shades))
            if rng.random() < 0.6:
                pen.text(px, py + r + size * 0.9, pen.phrase(size * 8, most=2, size=size * 0.8), anchor=0.5,
                         size=size * 0.8)  # fmt: skip
    if named:
        pen.text(x, box.y1 - size * 0.2, pen.phrase(field.width, most=3), anchor=0.5)
        pen.text(box.x0 + size, y, pen.phrase(field.height, most=3), anchor=0.5, angle=90)
