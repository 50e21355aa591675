"""Layouts of handwritten and typewritten pages, and of certificates."""

from __future__ import annotations

import math

import pymupdf

from .. import marks
from ..pen import WHITE, arc, inset, mix, random_colour
from .canvas import Canvas


def certificate(canvas: Canvas) -> tuple[str, ...]:
    """A certificate: a frame, large centred text, a name, a seal and signatures."""
    rng, pen, whole = canvas.rng, canvas.pen, canvas.whole
    unit = math.sqrt(whole.width * whole.height) / 60
    edge = unit * rng.uniform(1.2, 2.5)
    frame = rng.choice(((0.7, 0.55, 0.15), canvas.accent, (0.1, 0.2, 0.4), (0.5, 0.1, 0.1), (0.15, 0.4, 0.3)))
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
        pen.text((inner.x0 + inner.x1) / 2, y + unit, canvas.company(), anchor=0.5, size=unit * 1.3)
        y += unit * 3
    room = pymupdf.Rect(inner.x0, y, inner.x1, inner.y1)
    words = canvas.term("certificate")
    y = canvas.heading(
        room,
        words.upper() if rng.random() < 0.4 else words,
        unit * rng.uniform(3.5, 5.5),
        anchor=0.5,
        colour=rng.choice((frame, canvas.ink)),
    )
    name = canvas.faces.hand if rng.random() < 0.5 else canvas.faces.italic
    for text, font, scale in (
        (canvas.term("certify"), canvas.faces.italic, 1.2),
        (canvas.person(), name, rng.uniform(2.2, 3.4)),
        (canvas.sentence(), canvas.faces.body, 1.2),
        (canvas.title(), canvas.faces.bold, 1.6),
        (canvas.date(), canvas.faces.body, 1.1),
    ):
        area = pymupdf.Rect(inner.x0 + unit * 3, y + inner.height * 0.035, inner.x1 - unit * 3, inner.y1 - unit * 6)
        y = canvas.set_text(
            area, text, font=font, size=canvas.fitting_size(text, area.width, font, unit * scale), anchor=0.5
        )
    for i in range(rng.choice((1, 2, 2))):
        x = inner.x0 + (inner.width * 0.66 if i else 0)
        canvas.figure(pymupdf.Rect(x, inner.y1 - unit * 6, x + inner.width * 0.33, inner.y1), "signature")
    if rng.random() < 0.75:
        seal(canvas, (inner.x0 + inner.width * rng.choice((0.5, 0.5, 0.85)), inner.y1 - unit * 3.2), unit * 3)
    return ("certificate",)


def seal(canvas: Canvas, centre: tuple[float, float], radius: float) -> None:
    """A round seal with a toothed rim, sometimes with ribbons."""
    rng, pen, (x, y) = canvas.rng, canvas.pen, centre
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


def handwritten(canvas: Canvas) -> tuple[str, ...]:
    """A page of handwriting on plain, ruled or squared paper, sometimes signed."""
    rng, pen, area = canvas.rng, canvas.pen, canvas.text_area()
    size = rng.uniform(11, 20)
    leading, ink = size * rng.uniform(1.35, 1.9), rng.choice(marks.INKS)
    ruling, pale = (
        rng.choice(("none", "lines", "lines", "squares")),
        mix(rng.choice((random_colour(rng), (0.5, 0.6, 0.85))), WHITE, 0.55),
    )
    if ruling != "none":
        steps = int(canvas.whole.height / leading)
        pen.lines(
            (
                ((0, area.y0 + (i - 2) * leading), (canvas.whole.x1, area.y0 + (i - 2) * leading))
                for i in range(steps + 3)
            ),
            pale,
        )
    if ruling == "squares":
        pen.lines(
            (((i * leading, 0), (i * leading, canvas.whole.y1)) for i in range(int(canvas.whole.width / leading) + 1)),
            pale,
        )
    if ruling == "lines" and rng.random() < 0.5:
        pen.lines([((area.x0 - 6, 0), (area.x0 - 6, canvas.whole.y1))], (0.9, 0.5, 0.5), 0.8)
    font = canvas.faces.hand if canvas.faces.hand is not canvas.faces.italic and rng.random() < 0.45 else None
    width, lean = rng.choice((0.6, 0.8, 1.1, 1.5)), rng.uniform(-0.012, 0.012)
    y, bottom = area.y0 + leading * rng.choice((0, 0, 2)), area.y1 - area.height * rng.choice((0, 0, 0.1, 0.5))
    while y < bottom:
        end = area.x1 - area.width * (rng.uniform(0.2, 0.8) if rng.random() < 0.2 else rng.uniform(0, 0.12))
        x = area.x0 + rng.uniform(0, size) + (size * 2 if rng.random() < 0.12 else 0)
        while x < end - size:
            word = canvas.word()
            long = pen.length(word, size=size, font=font) if font else min(len(word) * size * 0.42, end - x)
            if font:
                pen.text(x, y + (x - area.x0) * lean, word, size=size, font=font, colour=ink)
            else:
                stroke = marks.scribble(rng, x, y, long, size * 0.72, max(1, round(len(word) * 0.8)))
                pen.path([(px, py + (px - area.x0) * lean) for px, py in stroke], ink, width=width)
            x += long + size * rng.uniform(0.3, 0.6)
        y += leading * (2 if rng.random() < 0.08 else 1)
    if rng.random() < 0.3:
        canvas.figure(pymupdf.Rect(area.x1 - 160, max(y, area.y0 + 10) - 70, area.x1, canvas.whole.y1 - 4), "signature")
    return ("handwritten",)


def typewritten(canvas: Canvas) -> tuple[str, ...]:
    """A typewritten page or letter: uneven baselines, single to double spacing, a heading in capitals."""
    rng, pen, area = canvas.rng, canvas.pen, canvas.text_area()
    font, size = canvas.faces.mono, rng.choice((10.0, 12.0, 12.0))
    leading, ink = (
        size * rng.choice((1.0, 1.5, 2.0, 2.0)),
        rng.choice(((0, 0, 0), (0.2, 0.2, 0.22), (0.15, 0.15, 0.35))),
    )
    y = area.y0 + size
    letter_like = rng.random() < 0.35
    if letter_like:
        for line in (canvas.date(), "", *canvas.address(), "", canvas.term("dear").format(canvas.person())):
            pen.text(area.x0, y, line, font=font, size=size, colour=ink)
            y += size * 1.2
    else:
        text = canvas.title(2, 5).upper()
        pen.text((area.x0 + area.x1) / 2, y, text, anchor=0.5, font=font, size=size, colour=ink)
        if rng.random() < 0.5:
            half = pen.length(text, font=font, size=size) / 2
            canvas.rule((area.x0 + area.x1) / 2 - half, (area.x0 + area.x1) / 2 + half, y + 2, colour=ink)
        if rng.random() < 0.5:
            pen.text(area.x1, area.y0 - size, f"- {rng.randrange(2, 40)} -", anchor=1, font=font, size=size, colour=ink)
    y += size * 2
    indent, bottom = pen.length("     ", font=font, size=size), area.y1 - area.height * rng.choice((0, 0, 0.3))
    while y < bottom:
        for i, line in enumerate(canvas.wrap(canvas.paragraph(), area.width - indent, font, size)):
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
        canvas.figure(pymupdf.Rect(area.x0, area.y1, area.x0 + 140, canvas.whole.y1), "signature")
    return ("typewritten", "letter") if letter_like else ("typewritten",)
