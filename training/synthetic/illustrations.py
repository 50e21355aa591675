"""Random flat coloured illustrations, as in guides and brochures: landscapes, soil layers, waves, devices, people."""

from __future__ import annotations

import math
import random

import pymupdf

from .pen import WHITE, Colour, Pen, Point, clamped, mix, random_colour, smooth


def illustration(pen: Pen, box: pymupdf.Rect) -> None:
    """Draw one illustration, sometimes with labels that point into it."""
    rng = pen.rng
    wide = min(box.width, box.height * rng.uniform(0.7, 2.6))
    x0 = box.x0 + (box.width - wide) * rng.choice((0, 0.5, 0.5, 1))
    field = pymupdf.Rect(x0, box.y0, x0 + wide, min(box.y1, box.y0 + wide * rng.uniform(0.5, 1.6)))
    colours = [mix(random_colour(rng), WHITE, rng.uniform(0, 0.6)) for _ in range(6)]
    rng.choice((landscape, landscape, soil_layers, waves, devices, devices, people))(pen, field, colours)
    if rng.random() < 0.35:
        for _ in range(rng.randrange(1, 5)):
            a = (rng.uniform(field.x0, field.x1), rng.uniform(field.y0, field.y1))
            right = rng.random() < 0.5
            b = ((field.x1 if right else field.x0) + (4 if right else -4), a[1])
            pen.path(clamped([a, b], box), width=0.5)
            pen.text(b[0], b[1] + pen.size * 0.3, pen.phrase(pen.size * 7, most=2), anchor=0 if right else 1)


def ridge(rng: random.Random, field: pymupdf.Rect, level: float, swing: float, count: int = 6) -> list[Point]:
    """A winding line across `field`, at about `level` (0 to 1) of its height."""
    points = [
        (field.x0 + field.width * k / (count - 1), field.y0 + field.height * (level + rng.uniform(-swing, swing)))
        for k in range(count)
    ]
    return clamped(smooth(points), field)


def fill_below(pen: Pen, field: pymupdf.Rect, line: list[Point], fill: Colour) -> None:
    """Fill `field` below a line."""
    pen.path([*line, (field.x1, field.y1), (field.x0, field.y1)], None, fill=fill)


def landscape(pen: Pen, field: pymupdf.Rect, colours: list[Colour]) -> None:
    """Sky, a sun, hills, trees and houses."""
    rng = pen.rng
    if rng.random() < 0.8:
        pen.rect(field, None, fill=mix(colours[0], WHITE, rng.uniform(0, 0.7)))
    if rng.random() < 0.7:
        r = min(field.width, field.height) * rng.uniform(0.06, 0.22)
        x, y = rng.uniform(field.x0 + r, field.x1 - r), field.y0 + r + field.height * rng.uniform(0.02, 0.3)
        pen.oval(
            pymupdf.Rect(x - r, y - r, x + r, y + r), None, fill=rng.choice(((1, 0.75, 0.2), (0.9, 0.45, 0.1), WHITE))
        )
    for i in range(rng.randrange(1, 4)):
        fill_below(pen, field, ridge(rng, field, 0.5 + i * 0.14, 0.1), colours[i + 1])
    for _ in range(rng.randrange(6)):
        s = min(field.width, field.height) * rng.uniform(0.06, 0.14)
        x, y = rng.uniform(field.x0 + s, field.x1 - s), field.y1 - field.height * rng.uniform(0.02, 0.3)
        if rng.random() < 0.5:
            pen.rect(pymupdf.Rect(x - s * 0.1, y - s, x + s * 0.1, y), None, fill=(0.4, 0.28, 0.15))
            pen.oval(pymupdf.Rect(x - s * 0.6, y - s * 2, x + s * 0.6, y - s * 0.7), None, fill=colours[4])
        else:
            pen.rect(pymupdf.Rect(x - s * 0.7, y - s, x + s * 0.7, y), None, fill=colours[5])
            pen.path([(x - s * 0.9, y - s), (x, y - s * 1.7), (x + s * 0.9, y - s)], None, fill=colours[4])


def soil_layers(pen: Pen, field: pymupdf.Rect, colours: list[Colour]) -> None:
    """A section through the ground: soil layers, grass on top, and a device set into it."""
    rng = pen.rng
    if rng.random() < 0.6:
        pen.rect(field, None, fill=mix(colours[0], WHITE, 0.7))
    level = rng.uniform(0.25, 0.6)
    earth = mix((0.45, 0.33, 0.22), random_colour(rng), rng.uniform(0, 0.6))
    for i in range(count := rng.randrange(1, 5)):
        at = level + (1 - level) * i / count
        fill_below(pen, field, ridge(rng, field, at, rng.choice((0, 0.01, 0.04))), mix(earth, WHITE, 0.5 - 0.15 * i))
    ground = field.y0 + field.height * level
    blades = rng.randrange(30)
    for _ in range(blades):
        x, h = rng.uniform(field.x0, field.x1), field.height * rng.uniform(0.04, 0.14)
        lean = rng.uniform(-0.3, 0.3) * h
        pen.path(clamped([(x, ground), (x + lean, ground - h)], field), (0.2, 0.5, 0.25), width=rng.choice((0.8, 1.5)))
    if rng.random() < 0.7:
        w, h = field.width * rng.uniform(0.05, 0.2), field.height * rng.uniform(0.2, 0.45)
        x = rng.uniform(field.x0, field.x1 - w)
        device = pymupdf.Rect(x, ground - h * 0.5, x + w, min(ground + h * 0.5, field.y1))
        pen.rect(device, pen.ink if rng.random() < 0.5 else None, fill=colours[3], radius=w * 0.2)
    stones = [(rng.uniform(field.x0, field.x1), rng.uniform(ground, field.y1)) for _ in range(rng.randrange(12))]
    pen.dots([(x, y) for x, y in stones if y < field.y1 - 3], rng.uniform(1.5, 4), mix(earth, (0, 0, 0), 0.3))


def waves(pen: Pen, field: pymupdf.Rect, colours: list[Colour]) -> None:
    """Wavy lines or bands, one below the other."""
    rng = pen.rng
    filled = rng.random() < 0.4
    if rng.random() < 0.7:
        pen.rect(field, None, fill=colours[0])
    count = rng.randrange(4, 14)
    length, swing = field.width / rng.uniform(1, 9), field.height * rng.uniform(0.01, 0.05)
    shift = rng.uniform(0, 2)
    for i in range(count):
        y = field.y0 + field.height * (i + 0.7) / (count + 0.5)
        steps = [field.x0 + field.width * k / 80 for k in range(81)]
        line = clamped([(x, y + swing * math.sin(2 * math.pi * x / length + shift * i)) for x in steps], field)
        if filled:
            fill_below(pen, field, line, mix(colours[1], colours[2], i / count))
        else:
            pen.path(line, mix(colours[1], WHITE, 0.2), width=rng.choice((0.8, 1.5, 3)))


def devices(pen: Pen, field: pymupdf.Rect, colours: list[Colour]) -> None:
    """A device of rounded parts with knobs, a screen and a cable."""
    rng = pen.rng
    if rng.random() < 0.5:
        pen.rect(field, None, fill=mix(colours[0], WHITE, 0.6), radius=rng.choice((0, 6)))
    outlined = pen.ink if rng.random() < 0.5 else None
    for i in range(rng.randrange(1, 4)):
        w, h = field.width * rng.uniform(0.2, 0.6), field.height * rng.uniform(0.25, 0.7)
        x, y = rng.uniform(field.x0, field.x1 - w), rng.uniform(field.y0, field.y1 - h)
        body = pymupdf.Rect(x, y, x + w, y + h)
        pen.rect(body, outlined, fill=colours[i + 1], radius=min(w, h) * rng.choice((0, 0.1, 0.3)), width=1)
        for _ in range(rng.randrange(1, 6)):
            a = min(w, h) * rng.uniform(0.08, 0.3)
            px, py = rng.uniform(x, x + w - a), rng.uniform(y, y + h - a)
            part = pymupdf.Rect(px, py, px + a, py + a)
            draw = pen.oval if rng.random() < 0.5 else pen.rect
            draw(part, outlined, fill=rng.choice((WHITE, colours[4], mix(colours[i + 1], (0, 0, 0), 0.4))))
    if rng.random() < 0.5:
        cable = [(rng.uniform(field.x0, field.x1), rng.uniform(field.y0, field.y1)) for _ in range(4)]
        pen.path(clamped(smooth(cable), field), rng.choice((pen.ink, colours[5])), width=rng.choice((1.5, 3)))


def people(pen: Pen, field: pymupdf.Rect, colours: list[Colour]) -> None:
    """One to four people, as pictograms show them."""
    rng = pen.rng
    if rng.random() < 0.5:
        pen.rect(field, None, fill=mix(colours[0], WHITE, 0.5))
    count = rng.randrange(1, max(2, min(5, int(field.width / field.height * 2.5))))
    for i in range(count):
        s = min(field.width / count, field.height) * rng.uniform(0.35, 0.48)
        x, y = field.x0 + field.width * (i + 0.5) / count, field.y1 - s
        skin = rng.choice(((0.9, 0.72, 0.58), (0.55, 0.38, 0.26), (0.96, 0.82, 0.7)))
        body = [(x - s * 0.7, y + s), (x - s * 0.5, y), (x, y - s * 0.25), (x + s * 0.5, y), (x + s * 0.7, y + s)]
        pen.path(clamped(smooth(body), field), None, fill=colours[1 + i % 5])
        pen.oval(pymupdf.Rect(x - s * 0.28, y - s * 0.95, x + s * 0.28, y - s * 0.3), None, fill=skin)
