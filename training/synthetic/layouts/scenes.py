"""Flat illustrations for posters, a function for each: hills, a city, a heart, a bottle and others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pymupdf

from ..pen import WHITE, Colour, arc, mix, smooth
from .canvas import Canvas

SKIN, TRUNK, LEAVES = (0.9, 0.7, 0.55), (0.45, 0.3, 0.15), (0.15, 0.5, 0.2)
RED, LAMP = (0.85, 0.1, 0.2), (1, 0.9, 0.5)


class Frame(NamedTuple):
    """Where a scene is drawn: its `box`, the centre (`x`, `y`) and the radius `r` of what stands there alone."""

    box: pymupdf.Rect
    x: float
    y: float
    r: float


def scene(canvas: Canvas, box: pymupdf.Rect) -> None:
    """A flat illustration, chosen at random."""
    colours = canvas.pen.palette(5)
    radius = min(box.width, box.height) * 0.42
    frame = Frame(box, (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2, radius)
    draw: Callable[[Canvas, Frame, Sequence[Colour]], None] = canvas.rng.choice(
        (hills, rays, heart, bottle, person, tree, star, city)
    )
    draw(canvas, frame, colours)


def sun(canvas: Canvas, frame: Frame, colour: Colour) -> None:
    """A disc behind hills and houses."""
    x, y, r = frame.x, frame.box.y0, frame.r
    canvas.pen.oval(pymupdf.Rect(x - r * 0.6, y + r * 0.1, x + r * 0.4, y + r * 1.1), None, fill=colour)


def hills(canvas: Canvas, frame: Frame, colours: Sequence[Colour]) -> None:
    """Three ranges of hills under a sun."""
    rng, box = canvas.rng, frame.box
    sun(canvas, frame, colours[0])
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
        canvas.pen.path([*line, (box.x1, box.y1), (box.x0, box.y1)], None, fill=colours[i + 1])


def city(canvas: Canvas, frame: Frame, colours: Sequence[Colour]) -> None:
    """Houses with lit windows under a sun."""
    rng, pen, box = canvas.rng, canvas.pen, frame.box
    sun(canvas, frame, colours[0])
    at = box.x0
    while at < box.x1 - frame.r * 0.1:
        wide = min(frame.r * rng.uniform(0.2, 0.5), box.x1 - at)
        top = box.y0 + box.height * rng.uniform(0.3, 0.75)
        pen.rect(pymupdf.Rect(at, top, at + wide, box.y1), None, fill=colours[rng.randrange(1, 5)])
        step = wide / 4
        windows = [
            (at + step * (a + 1), top + step * (b + 1)) for a in range(3) for b in range(int((box.y1 - top) / step) - 1)
        ]
        pen.dots((each for each in windows if rng.random() < 0.6), step * 0.45, LAMP)
        at += wide


def rays(canvas: Canvas, frame: Frame, colours: Sequence[Colour]) -> None:
    """Rays around a disc."""
    _, x, y, r = frame
    count = canvas.rng.randrange(12, 28)
    for i in range(count):
        a, b = 2 * math.pi * i / count, 2 * math.pi * (i + 0.5) / count
        ends = [(x + 2.3 * r * math.cos(angle), y + 2.3 * r * math.sin(angle)) for angle in (a, b)]
        canvas.pen.path([(x, y), *ends], None, fill=colours[i % 2])
    canvas.pen.oval(pymupdf.Rect(x - r * 0.6, y - r * 0.6, x + r * 0.6, y + r * 0.6), None, fill=colours[2])


def heart(canvas: Canvas, frame: Frame, _: Sequence[Colour]) -> None:
    """A heart."""
    outline = [
        (
            frame.x + frame.r * math.sin(t) ** 3,
            frame.y - frame.r * (13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 16,
        )
        for t in (2 * math.pi * i / 60 for i in range(60))
    ]
    canvas.pen.path(outline, None, fill=RED)


def bottle(canvas: Canvas, frame: Frame, colours: Sequence[Colour]) -> None:
    """A bottle with a label."""
    pen, (_, x, y, r) = canvas.pen, frame
    half = r * 0.38
    pen.rect(pymupdf.Rect(x - half, y - r * 0.3, x + half, y + r), None, fill=colours[0], radius=half * 0.4)
    shoulders = [(x - half, y), (x - half * 0.35, y - r * 0.6), (x + half * 0.35, y - r * 0.6), (x + half, y)]
    pen.path(shoulders, None, fill=colours[0])
    pen.rect(pymupdf.Rect(x - half * 0.4, y - r, x + half * 0.4, y - r * 0.55), None, fill=colours[1])
    pen.rect(pymupdf.Rect(x - half, y + r * 0.2, x + half, y + r * 0.7), None, fill=WHITE)


def person(canvas: Canvas, frame: Frame, colours: Sequence[Colour]) -> None:
    """The head and shoulders of a person."""
    pen, (_, x, y, r) = canvas.pen, frame
    pen.oval(pymupdf.Rect(x - r * 0.3, y - r, x + r * 0.3, y - r * 0.35), None, fill=SKIN)
    body = [
        (x - r * 0.7, y + r),
        (x - r * 0.5, y - r * 0.1),
        (x, y - r * 0.3),
        (x + r * 0.5, y - r * 0.1),
        (x + r * 0.7, y + r),
    ]
    pen.path(smooth(body), None, fill=colours[0])
    pen.path(arc((x, y - r * 0.68), r * 0.34, r * 0.36, math.pi, 2 * math.pi), None, fill=colours[1])


def tree(canvas: Canvas, frame: Frame, colours: Sequence[Colour]) -> None:
    """A tree with a crown of discs."""
    rng, pen, (_, x, y, r) = canvas.rng, canvas.pen, frame
    pen.rect(pymupdf.Rect(x - r * 0.1, y, x + r * 0.1, y + r), None, fill=TRUNK)
    for _i in range(9):
        cx, cy, s = x + rng.uniform(-0.5, 0.5) * r, y - rng.uniform(0, 0.8) * r, r * rng.uniform(0.2, 0.4)
        leaves = mix(LEAVES, colours[0], rng.random() * 0.5)
        pen.oval(pymupdf.Rect(cx - s, cy - s, cx + s, cy + s), None, fill=leaves)


def star(canvas: Canvas, frame: Frame, colours: Sequence[Colour]) -> None:
    """A star of five to twelve points."""
    points = canvas.rng.choice((5, 6, 8, 12))
    radii = [frame.r * (0.5 if i % 2 else 1) for i in range(2 * points)]
    turns = [math.pi * i / points - math.pi / 2 for i in range(2 * points)]
    outline = [
        (frame.x + radius * math.cos(t), frame.y + radius * math.sin(t)) for radius, t in zip(radii, turns, strict=True)
    ]
    canvas.pen.path(outline, None, fill=colours[0])
