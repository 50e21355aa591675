"""Lays out sheets that are kept: certificates with seals, handwritten and typewritten pages."""

from __future__ import annotations

import math

import pymupdf

from .. import marks
from ..pen import WHITE, arc, hue, inset, mix
from .leaf import Leaf


def certificate(leaf: Leaf) -> tuple[str, ...]:
    """A frame, large centred words, a name, a seal and signatures."""
    rng, pen, whole = leaf.rng, leaf.pen, leaf.whole
    unit = math.sqrt(whole.width * whole.height) / 60
    edge = unit * rng.uniform(1.2, 2.5)
    frame = rng.choice(((0.7, 0.55, 0.15), leaf.accent, (0.1, 0.2, 0.4), (0.5, 0.1, 0.1), (0.15, 0.4, 0.3)))
    if rng.random() < 0.4:
        pen.rect(inset(whole, edge, edge), None, fill=mix(frame, WHITE, 0.9))
    for i in range(rng.randrange(1, 4)):
        away = edge + i * unit * rng.uniform(0.4, 0.8)
        pen.rect(inset(whole, away, away), frame, width=unit * rng.choice((0.06, 0.15, 0.5)))
    inner = inset(whole, edge + unit * 3, edge + unit * 3)
    if rng.random() < 0.5:
        away = edge + unit * 0.9
        for x, y in (
            (away, away),
            (whole.x1 - away, away),
            (away, whole.y1 - away),
            (whole.x1 - away, whole.y1 - away),
        ):
            for k in range(4):
                pen.path(arc((x, y), unit * (1.6 - k * 0.35), unit * (1.6 - k * 0.35), 0, 6.3), frame, width=0.6)
    y = inner.y0 + unit * rng.uniform(0, 3)
    if rng.random() < 0.4:
        pen.text((inner.x0 + inner.x1) / 2, y + unit, leaf.company(), anchor=0.5, size=unit * 1.3)
        y += unit * 3
    room = pymupdf.Rect(inner.x0, y, inner.x1, inner.y1)
    words = leaf.term("certificate")
    y = leaf.heading(
        room,
        words.upper() if rng.random() < 0.4 else words,
        unit * rng.uniform(3.5, 5.5),
        anchor=0.5,
        colour=rng.choice((frame, leaf.ink)),
    )
    name = leaf.faces.hand if rng.random() < 0.5 else leaf.faces.italic
    for text, font, scale in (
        (leaf.term("certify"), leaf.faces.italic, 1.2),
        (leaf.person(), name, rng.uniform(2.2, 3.4)),
        (leaf.sentence(), leaf.faces.body, 1.2),
        (leaf.title(), leaf.faces.bold, 1.6),
        (leaf.date(), leaf.faces.body, 1.1),
    ):
        area = pymupdf.Rect(inner.x0 + unit * 3, y + inner.height * 0.035, inner.x1 - unit * 3, inner.y1 - unit * 6)
        y = leaf.set(area, text, font=font, size=leaf.fitted(text, area.width, font, unit * scale), anchor=0.5)
    for i in range(rng.choice((1, 2, 2))):
        x = inner.x0 + (inner.width * 0.66 if i else 0)
        leaf.figure(pymupdf.Rect(x, inner.y1 - unit * 6, x + inner.width * 0.33, inner.y1), "signature")
    if rng.random() < 0.75:
        seal(leaf, (inner.x0 + inner.width * rng.choice((0.5, 0.5, 0.85)), inner.y1 - unit * 3.2), unit * 3)
    return ("certificate",)


def seal(leaf: Leaf, centre: tuple[float, float], radius: float) -> None:
    """A round seal with a toothed rim, perhaps with ribbons."""
    rng, pen, (x, y) = leaf.rng, leaf.pen, centre
    fill = rng.choice(((0.75, 0.6, 0.2), (0.7, 0.1, 0.1), (0.1, 0.25, 0.55), (0.75, 0.75, 0.78)))
    if rng.random() < 0.5:
        for side in (-1, 1):
            ends = [
                (x + side * radius * a, y + radius * b) for a, b in ((0.1, 0.5), (0.6, 0.5), (0.8, 1.6), (0.5, 1.4))
            ]
            pen.path(ends, None, fill=mix(fill, (0, 0, 0), 0.2))
    teeth = rng.randrange(16, 40)
    turns = [math.pi * i / teeth for i in range(2 * teeth)]
    pen.path(
        [
            (x + radius * (1 - 0.1 * (i % 2)) * math.cos(a), y + radius * (1 - 0.1 * (i % 2)) * math.sin(a))
            for i, a in enumerate(turns)
        ],
        None,
        fill=fill,
    )
    for share in (0.8, 0.55):
        pen.path(arc(centre, radius * share, radius * share, 0, 6.3), mix(fill, WHITE, 0.6), width=1)
    marks.mark(pen, centre, radius * 0.35, mix(fill, WHITE, 0.7), mix(fill, (0, 0, 0), 0.5))


def handwritten(leaf: Leaf) -> tuple[str, ...]:
    """Lines by hand over the page, on plain, ruled or squared paper, sometimes with a sketch or a number."""
    rng, pen, area = leaf.rng, leaf.pen, leaf.area()
    size = rng.uniform(11, 20)
    leading, ink = size * rng.uniform(1.35, 1.9), rng.choice(marks.INKS)
    ruling, pale = (
        rng.choice(("none", "lines", "lines", "squares")),
        mix(rng.choice((hue(rng), (0.5, 0.6, 0.85))), WHITE, 0.55),
    )
    if ruling != "none":
        steps = int(leaf.whole.height / leading)
        pen.lines(
            (
                ((0, area.y0 + (i - 2) * leading), (leaf.whole.x1, area.y0 + (i - 2) * leading))
                for i in range(steps + 3)
            ),
            pale,
        )
    if ruling == "squares":
        pen.lines(
            (((i * leading, 0), (i * leading, leaf.whole.y1)) for i in range(int(leaf.whole.width / leading) + 1)), pale
        )
    if ruling == "lines" and rng.random() < 0.5:
        pen.lines([((area.x0 - 6, 0), (area.x0 - 6, leaf.whole.y1))], (0.9, 0.5, 0.5), 0.8)
    font = leaf.faces.hand if leaf.faces.hand is not leaf.faces.italic and rng.random() < 0.45 else None
    width, lean = rng.choice((0.6, 0.8, 1.1, 1.5)), rng.uniform(-0.012, 0.012)
    y, bottom = area.y0 + leading * rng.choice((0, 0, 2)), area.y1 - area.height * rng.choice((0, 0, 0.1, 0.5))
    while y < bottom:
        end = area.x1 - area.width * (rng.uniform(0.2, 0.8) if rng.random() < 0.2 else rng.uniform(0, 0.12))
        x = area.x0 + rng.uniform(0, size) + (size * 2 if rng.random() < 0.12 else 0)
        while x < end - size:
            word = leaf.word()
            long = pen.length(word, size=size, font=font) if font else min(len(word) * size * 0.42, end - x)
            if font:
                pen.text(x, y + (x - area.x0) * lean, word, size=size, font=font, colour=ink)
            else:
                stroke = marks.scribble(rng, x, y, long, size * 0.72, max(1, round(len(word) * 0.8)))
                pen.path([(px, py + (px - area.x0) * lean) for px, py in stroke], ink, width=width)
            x += long + size * rng.uniform(0.3, 0.6)
        y += leading * (2 if rng.random() < 0.08 else 1)
    if rng.random() < 0.3:
        leaf.figure(pymupdf.Rect(area.x1 - 160, max(y, area.y0 + 10) - 70, area.x1, leaf.whole.y1 - 4), "signature")
    return ("handwritten",)


def typewritten(leaf: Leaf) -> tuple[str, ...]:
    """Double or single spaced lines of a typewriter, its letters uneven, with a heading in capitals."""
    rng, pen, area = leaf.rng, leaf.pen, leaf.area()
    font, size = leaf.faces.mono, rng.choice((10.0, 12.0, 12.0))
    leading, ink = (
        size * rng.choice((1.0, 1.5, 2.0, 2.0)),
        rng.choice(((0, 0, 0), (0.2, 0.2, 0.22), (0.15, 0.15, 0.35))),
    )
    y = area.y0 + size
    letter_like = rng.random() < 0.35
    if letter_like:
        for line in (leaf.date(), "", *leaf.address(), "", leaf.term("dear").format(leaf.person())):
            pen.text(area.x0, y, line, font=font, size=size, colour=ink)
            y += size * 1.2
    else:
        text = leaf.title(2, 5).upper()
        pen.text((area.x0 + area.x1) / 2, y, text, anchor=0.5, font=font, size=size, colour=ink)
        if rng.random() < 0.5:
            half = pen.length(text, font=font, size=size) / 2
            leaf.rule((area.x0 + area.x1) / 2 - half, (area.x0 + area.x1) / 2 + half, y + 2, colour=ink)
        if rng.random() < 0.5:
            pen.text(area.x1, area.y0 - size, f"- {rng.randrange(2, 40)} -", anchor=1, font=font, size=size, colour=ink)
    y += size * 2
    indent, bottom = pen.length("     ", font=font, size=size), area.y1 - area.height * rng.choice((0, 0, 0.3))
    while y < bottom:
        for i, line in enumerate(leaf.wrap(leaf.paragraph(), area.width - indent, font, size)):
            if y < bottom:
                pen.text(
                    area.x0 + (indent if i == 0 else 0),
                    y + rng.uniform(-0.5, 0.5),
                    line,
                    font=font,
                    size=size,
                    colour=ink,
                )
            if rng.random() < 0.05:
                pen.text(area.x0 + size * 4, y, "xxxxxxx", font=font, size=size, colour=ink)
            y += leading
        y += rng.choice((0, leading))
    if letter_like:
        leaf.figure(pymupdf.Rect(area.x0, area.y1, area.x0 + 140, leaf.whole.y1), "signature")
    return ("typewritten", "letter") if letter_like else ("typewritten",)
