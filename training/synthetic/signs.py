"""Random safety signs, bar codes and QR-like codes."""

from __future__ import annotations

import math

import pymupdf

from .pen import BLACK, WHITE, Pen, Point, arc, mix

YELLOW, RED, BLUE, GREEN = (0.98, 0.8, 0.05), (0.82, 0.08, 0.1), (0.05, 0.3, 0.65), (0.05, 0.5, 0.3)
BOLT = ((0.1, -0.5), (-0.25, 0.25), (0, 0.2), (-0.1, 0.65), (0.28, 0), (0.03, 0.03))
FLAME = ((0, -0.6), (0.3, -0.1), (0.35, 0.35), (0.1, 0.6), (-0.2, 0.6), (-0.4, 0.25), (-0.2, -0.1))


def sign(pen: Pen, box: pymupdf.Rect) -> None:
    """One to four safety signs in a row, sometimes with text beside them."""
    rng = pen.rng
    side = min(box.height, box.width, rng.uniform(16, 70))
    count = min(rng.choice((1, 1, 1, 2, 3, 4)), int(box.width / (side * 1.2)) or 1)
    x, y = box.x0 + side / 2 + (box.width - side * 1.2 * count) * rng.choice((0, 0, 0.5)), box.y0 + side / 2 + 1
    x = max(x, box.x0 + side / 2)
    for i in range(count):
        draw_sign(pen, (x + i * side * 1.2, y), side / 2 * 0.94)
    beside = pymupdf.Rect(x + side * (1.2 * count - 0.4), box.y0, box.x1, box.y1)
    if rng.random() < 0.4 and beside.width > pen.size * 8:
        for k in range(rng.randrange(1, 4)):
            pen.text(beside.x0, y - side * 0.2 + pen.size * 1.25 * k, pen.phrase(beside.width, most=8), caption=True)


def draw_sign(pen: Pen, c: Point, r: float) -> None:
    """One sign of radius `r` around `c`: a triangle, prohibition ring, disc, diamond or square with a symbol."""
    rng, (x, y) = pen.rng, c
    kind = rng.choice(("triangle", "triangle", "triangle", "ban", "duty", "safe", "diamond"))
    edge = r * rng.uniform(0.08, 0.2)
    lined = rng.random() < 0.25
    if kind == "triangle":
        fill = None if lined else rng.choice((YELLOW, YELLOW, WHITE, (0.95, 0.5, 0.1), RED, BLACK))
        stroke = pen.ink if lined else RED if fill == WHITE else BLACK
        corners = [(x - r, y + r * 0.8), (x, y - r * 0.95), (x + r, y + r * 0.8)]
        pen.path(corners, stroke, fill=fill, width=edge, closed=True)
        symbol(pen, (x, y + r * 0.2), r * 0.6, WHITE if fill in (RED, BLACK) else pen.ink if lined else BLACK)
    elif kind == "ban":
        symbol(pen, c, r * 0.75, pen.ink)
        pen.path(arc(c, r - edge, r - edge, 0, 2 * math.pi), RED, width=edge * 1.3, closed=True)
        d = r * 0.66
        pen.path([(x - d, y - d), (x + d, y + d)], RED, width=edge * 1.3)
    elif kind == "diamond":
        pen.path([(x, y - r), (x + r, y), (x, y + r), (x - r, y)], RED if rng.random() < 0.7 else BLACK,
                 fill=rng.choice((WHITE, WHITE, (0.95, 0.5, 0.1))), width=edge, closed=True)  # fmt: skip
        symbol(pen, c, r * 0.6, BLACK)
    else:
        fill = BLUE if kind == "duty" else rng.choice((GREEN, GREEN, RED))
        disc = pymupdf.Rect(x - r, y - r, x + r, y + r)
        if kind == "duty":
            pen.oval(disc, None, fill=fill)
        else:
            pen.rect(disc, None, fill=fill, radius=r * rng.choice((0, 0.2)))
        symbol(pen, c, r * 0.75, WHITE)


def symbol(pen: Pen, c: Point, r: float, colour: tuple[float, ...]) -> None:
    """A random symbol: an exclamation mark, bolt, flame, person, cross, arrow or letter."""
    rng, (x, y) = pen.rng, c
    kind = rng.choice(("!", "!", "!", "bolt", "flame", "person", "cross", "arrow", "letter"))
    if kind in ("!", "letter"):
        letter = "!" if kind == "!" else rng.choice("iPHSi?")
        size = r * 1.9
        pen.text(x, y + size * 0.36, letter, anchor=0.5, size=size, font=pymupdf.Font("hebo"), colour=colour)
    elif kind in ("bolt", "flame"):
        pen.path([(x + r * a, y + r * b) for a, b in (BOLT if kind == "bolt" else FLAME)], None, fill=colour)
    elif kind == "person":
        pen.oval(pymupdf.Rect(x - r * 0.22, y - r * 0.95, x + r * 0.22, y - r * 0.5), None, fill=colour)
        pen.path([(x - r * 0.4, y - r * 0.4), (x + r * 0.4, y - r * 0.4), (x + r * 0.2, y + r * 0.9),
                  (x - r * 0.2, y + r * 0.9)], None, fill=colour)  # fmt: skip
    elif kind == "cross":
        pen.path([(x - r * 0.7, y - r * 0.7), (x + r * 0.7, y + r * 0.7)], colour, width=r * 0.25)
        pen.path([(x - r * 0.7, y + r * 0.7), (x + r * 0.7, y - r * 0.7)], colour, width=r * 0.25)
    else:
        pen.path([(x - r * 0.7, y), (x + r * 0.3, y)], colour, width=r * 0.3)
        pen.path([(x + r * 0.8, y), (x + r * 0.1, y - r * 0.6), (x + r * 0.1, y + r * 0.6)], None, fill=colour)


def barcode(pen: Pen, box: pymupdf.Rect) -> None:
    """A bar code with its number below, or a QR-like square code."""
    rng = pen.rng
    x0 = box.x0 + 1
    if rng.random() < 0.5:
        tall = min(box.height * 0.8, rng.uniform(14, 60))
        wide = min(box.width - 2, tall * rng.uniform(1.2, 5))
        unit = max(0.4, wide / rng.randrange(60, 120))
        x, pairs = x0, []
        while x < x0 + wide - unit * 3:
            bar = unit * rng.choice((1, 1, 1, 2, 2, 3))
            pairs.append((x, bar))
            x += bar + unit * rng.choice((1, 1, 2, 3))
        for left, bar in pairs:
            pen.rect(pymupdf.Rect(left, box.y0, left + bar, box.y0 + tall), None, fill=pen.ink)
        if rng.random() < 0.7:
            size = min(pen.size, tall * 0.3, (box.y1 - box.y0 - tall) * 0.8)
            number = "".join(rng.choice("0123456789") for _ in range(rng.choice((8, 12, 13))))
            pen.text(x0, box.y0 + tall + size, number, size=size)
        return
    side = min(box.height, box.width, rng.uniform(24, 90)) - 2
    count = rng.choice((21, 25, 29, 33))
    unit = side / count
    eyes = ((0, 0), (count - 7, 0), (0, count - 7))
    near = {(ex + a, ey + b) for ex, ey in eyes for a in range(-1, 8) for b in range(-1, 8)}
    for row in range(count):
        y, run = box.y0 + row * unit, 0
        for column in range(count + 1):
            dark = column < count and (column, row) not in near and rng.random() < 0.5
            if dark:
                run += 1
            elif run:
                left = x0 + (column - run) * unit
                pen.rect(pymupdf.Rect(left, y, left + run * unit, y + unit), None, fill=pen.ink)
                run = 0
    for ex, ey in eyes:
        for grow, fill in ((0, pen.ink), (1, mix(pen.paper, pen.ink, 0.0)), (2, pen.ink)):
            a, b = x0 + (ex + grow) * unit, box.y0 + (ey + grow) * unit
            pen.rect(pymupdf.Rect(a, b, a + (7 - 2 * grow) * unit, b + (7 - 2 * grow) * unit), None, fill=fill)
