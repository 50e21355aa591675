"""Layouts of plans: floor plans, maps, technical drawings and circuit schematics in a frame with a title block."""

from __future__ import annotations

from itertools import pairwise

import pymupdf

from .. import technical_drawings
from ..pen import WHITE, Pen, inset
from .canvas import Canvas


def plan(canvas: Canvas) -> tuple[str, ...]:
    """A floor plan, map, technical drawing or schematic that fills the page, with a frame and a title block."""
    rng, pen, whole = canvas.rng, canvas.pen, canvas.whole
    size = canvas.resize(rng.uniform(5.5, 8))
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
    pen.rect(block, canvas.ink, fill=WHITE, width=0.8)
    rows = 4
    for i in range(rows):
        y, x = block.y0 + tall * i / rows, block.x0 + block.width * 0.55
        pen.lines([((block.x0, y), (block.x1, y)), ((x, y), (x, y + tall / rows))])
        left = canvas.title(1, 3) if i else canvas.company()
        right = rng.choice(
            (
                canvas.date(),
                f"1:{rng.choice((20, 50, 100, 500))}",
                f"{canvas.term('page')} {i}/{rng.randrange(4, 20)}",
                canvas.word(),
            )
        )
        pen.text(block.x0 + 3, y + tall / rows * 0.7, left, size=min(size, tall / rows * 0.6))
        pen.text(x + 3, y + tall / rows * 0.7, right, size=min(size, tall / rows * 0.6))
    room = inset(pymupdf.Rect(frame.x0, frame.y0, frame.x1, block.y0), size * 3, size * 2.5)
    kind = rng.choice(("floor", "floor", "map", "drawing", "schematic"))
    if kind == "map":
        canvas.figure(room, "map")
    elif kind == "drawing":
        canvas.figure(room, "drawing")
    elif kind == "floor":
        share = rng.uniform(0, 0.15)
        inner = Pen(canvas.sheet, inset(room, room.width * share, room.height * share), size * 2, canvas.ink)
        inner.size = max(size, inner.area.width / 36, inner.area.height / 36)
        technical_drawings.floor_plan(inner, inner.area)
        inner.finish()
        technical_drawings.dimension(canvas.pen, (room.x0, room.y0 - size), (room.x1, room.y0 - size))
        technical_drawings.dimension(canvas.pen, (room.x0 - size, room.y0), (room.x0 - size, room.y1))
    else:
        schematic(canvas, room)
    return ("plan",)


def schematic(canvas: Canvas, room: pymupdf.Rect) -> None:
    """A circuit of chips, resistors and capacitors, joined by right-angled lines."""
    rng, pen, size = canvas.rng, canvas.pen, canvas.size
    ends: list[tuple[float, float]] = []
    across, down = rng.randrange(2, 5), rng.randrange(2, 5)
    for i in range(across * down):
        w, h = room.width / across, room.height / down
        x, y = room.x0 + w * (i % across + 0.5), room.y0 + h * (i // across + 0.5)
        if rng.random() < 0.45:
            pins, half = rng.randrange(3, 8), w * rng.uniform(0.15, 0.25)
            high = min(h * 0.4, pins * size)
            pen.rect(pymupdf.Rect(x - half, y - high, x + half, y + high), width=1)
            pen.text(x, y, f"U{i} {canvas.word().upper()[:6]}", anchor=0.5, size=size)
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
            pen.dots([(bx, by)], 2.5, canvas.ink)
