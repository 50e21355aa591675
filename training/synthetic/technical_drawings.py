"""Random technical drawings: machine parts with dimensions, exploded views, floor plans, devices, specimens."""

from __future__ import annotations

import math

import pymupdf

from .pen import Pen, Point, arc, clamped, inset, mix, smooth

CENTRE_LINE = "[6 2 1 2] 0"


def drawing(pen: Pen, box: pymupdf.Rect) -> None:
    """Draw one technical drawing of a random kind."""
    pen.rng.choice((part, part, exploded_view, floor_plan, device, specimen))(pen, box)


def hatch(pen: Pen, r: pymupdf.Rect, gap: float) -> None:
    """Hatch a rectangle with lines at 45 degrees, `gap` points apart."""
    pairs, d = [], gap
    while d < r.width + r.height:
        a = (r.x0 + min(d, r.width), r.y0 + max(0.0, d - r.width))
        b = (r.x0 + max(0.0, d - r.height), r.y0 + min(d, r.height))
        pairs.append((a, b))
        d += gap
    pen.lines(pairs, width=0.3)


def dimension(pen: Pen, a: Point, b: Point) -> None:
    """A dimension line between two points, with arrowheads and a number."""
    rng = pen.rng
    number = rng.choice((f"{rng.randrange(5, 900)}", f"{rng.uniform(1, 90):.1f}", f"Ø{rng.randrange(2, 90)}"))
    for start, end in ((a, b), (b, a)):
        pen.arrow([start, end], pen.ink, width=0.3)
    upright = abs(b[1] - a[1]) > abs(b[0] - a[0])
    x, y = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
    shift = (-1.5, 0.0) if upright else (0.0, -1.5)
    pen.text(x + shift[0], y + shift[1], number, anchor=0.5, size=pen.size * 0.85, angle=90.0 if upright else 0.0)


def callout(pen: Pen, tip: Point, end: Point, number: int) -> None:
    """A leader line from a part to its number."""
    pen.path([tip, end], width=0.4)
    size = pen.size * 0.9
    pen.text(end[0] + (1 if end[0] >= tip[0] else -1), end[1] + size * 0.3, str(number), size=size,
             anchor=0 if end[0] >= tip[0] else 1)  # fmt: skip


def part(pen: Pen, box: pymupdf.Rect) -> None:
    """A plate or flange with holes, centre lines and dimensions, and sometimes a cross-section beside it."""
    rng, edge = pen.rng, min(pen.size * 2.2, min(box.width, box.height) * 0.2)
    side = rng.random() < 0.5 and box.width > box.height * 1.4
    inner = pymupdf.Rect(box.x0 + edge, box.y0 + 2, box.x1 - 2, box.y1 - edge)
    front = pymupdf.Rect(inner.x0, inner.y0, inner.x0 + inner.width * (0.6 if side else 1), inner.y1)
    c = ((front.x0 + front.x1) / 2, (front.y0 + front.y1) / 2)
    wide = rng.choice((0.6, 0.9, 1.3))
    if rng.random() < 0.45:
        r = min(front.width, front.height) / 2
        outline = pymupdf.Rect(c[0] - r, c[1] - r, c[0] + r, c[1] + r)
        for share in sorted(rng.sample((1.0, 0.92, 0.8, 0.62, 0.5, 0.42, 0.3, 0.2, 0.1), rng.randrange(2, 6))):
            pen.path(arc(c, r * share, r * share, 0, 2 * math.pi), width=wide, closed=True)
        pen.path(arc(c, r, r, 0, 2 * math.pi), width=wide, closed=True)
        for i in range(count := rng.choice((0, 3, 4, 6, 8))):
            a = 2 * math.pi * i / count
            hole = (c[0] + r * 0.71 * math.cos(a), c[1] + r * 0.71 * math.sin(a))
            pen.path(arc(hole, r * 0.07, r * 0.07, 0, 2 * math.pi), width=wide * 0.7, closed=True)
    else:
        outline = pymupdf.Rect(front)
        outline.y1 = outline.y0 + min(outline.height, outline.width * rng.uniform(0.4, 1.2))
        c = (c[0], (outline.y0 + outline.y1) / 2)
        pen.rect(outline, width=wide, radius=rng.choice((0, 0, 6)))
        if rng.random() < 0.5:
            lip = min(outline.width, outline.height) * rng.uniform(0.1, 0.25)
            pen.rect(inset(outline, lip, lip), width=wide * 0.7, dashes=rng.choice((None, "[3 2] 0")))
        r = min(outline.width, outline.height) * 0.07
        for fx, fy in ((0.12, 0.14), (0.88, 0.14), (0.12, 0.86), (0.88, 0.86)):
            hole = (outline.x0 + fx * outline.width, outline.y0 + fy * outline.height)
            pen.path(arc(hole, r, r, 0, 2 * math.pi), width=wide * 0.7, closed=True)
        if rng.random() < 0.6:
            pen.path(arc(c, r * 3, r * 3, 0, 2 * math.pi), width=wide, closed=True)
        if rng.random() < 0.3:
            hatch(pen, outline, rng.uniform(3, 7))
    pen.path([(outline.x0 - 3, c[1]), (outline.x1 + 3, c[1])], width=0.3, dashes=CENTRE_LINE)
    pen.path([(c[0], outline.y0 - 1), (c[0], outline.y1 + 3)], width=0.3, dashes=CENTRE_LINE)
    y, x = min(outline.y1 + edge * 0.6, box.y1 - 1), outline.x0 - edge * 0.6
    pen.lines([((outline.x0, outline.y1), (outline.x0, y + 2)), ((outline.x1, outline.y1), (outline.x1, y + 2)),
               ((outline.x0, outline.y0), (x - 2, outline.y0)), ((outline.x0, outline.y1), (x - 2, outline.y1))],
              width=0.3)  # fmt: skip
    dimension(pen, (outline.x0, y), (outline.x1, y))
    dimension(pen, (x, outline.y0), (x, outline.y1))
    if side:
        thick = inner.width * rng.uniform(0.08, 0.2)
        section = pymupdf.Rect(inner.x1 - thick - edge, outline.y0, inner.x1 - edge, outline.y1)
        pen.rect(section, width=wide)
        hatch(pen, section, rng.uniform(2.5, 5))
        dimension(pen, (section.x0, y), (section.x1, y))


def exploded_view(pen: Pen, box: pymupdf.Rect) -> None:
    """Numbered parts of a device along one axis."""
    rng, count = pen.rng, pen.rng.randrange(3, 9)
    upright = box.height > box.width or rng.random() < 0.3
    long, across = (box.height, box.width) if upright else (box.width, box.height)
    step, most = long / count, min(across * 0.4, long / count * rng.uniform(0.9, 2.5))
    middle = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
    axis = [(middle[0], box.y0), (middle[0], box.y1)] if upright else [(box.x0, middle[1]), (box.x1, middle[1])]
    pen.path(axis, width=0.3, dashes=CENTRE_LINE)
    flat = rng.uniform(0.25, 0.45)
    for i in range(count):
        at, r, deep = (i + 0.5) * step, most * rng.uniform(0.3, 0.8), step * rng.uniform(0.05, 0.5)
        rx, ry = (r, r * flat) if upright else (r * flat, r)
        if upright:
            rx, ry = r, min(r * flat, step * 0.4)
            near, far = (middle[0], box.y0 + at - deep / 2), (middle[0], box.y0 + at + deep / 2)
            rim = arc(far, rx, ry, 0, math.pi) + arc(near, rx, ry, math.pi, 0)
        else:
            rx = min(rx, step * 0.4)
            near, far = (box.x0 + at - deep / 2, middle[1]), (box.x0 + at + deep / 2, middle[1])
            rim = arc(far, rx, ry, -math.pi / 2, math.pi / 2) + arc(near, rx, ry, math.pi / 2, 3 * math.pi / 2)
        rim = clamped(rim, box)
        fill = pen.paper if rng.random() < 0.8 else mix(pen.paper, pen.ink, 0.15)
        pen.path(rim, pen.ink, fill=fill, width=0.7)
        for share in (1.0, rng.uniform(0.3, 0.8)):
            face = arc(near, rx * share, ry * share, 0, 2 * math.pi)
            pen.path(clamped(face, box), pen.ink, fill=pen.paper, width=0.6)
        tip = (near[0] + rx * 0.7, near[1] - ry * 0.7)
        end = (min(tip[0] + most * 0.5, box.x1 - pen.size), max(tip[1] - most * 0.2, box.y0 + pen.size))
        callout(pen, tip, end, i + 1)


def floor_plan(pen: Pen, box: pymupdf.Rect) -> None:
    """Rooms with thick walls, door swings, names and areas."""
    rng, rooms = pen.rng, [inset(box, 2, 2)]
    leaves: list[pymupdf.Rect] = []
    while rooms:
        room = rooms.pop()
        if (len(rooms) + len(leaves) > 1 and rng.random() < 0.25) or max(room.width, room.height) < 6 * pen.size:
            leaves.append(room)
            continue
        cut = rng.uniform(0.35, 0.65)
        if room.width > room.height:
            x = room.x0 + room.width * cut
            rooms += [pymupdf.Rect(room.x0, room.y0, x, room.y1), pymupdf.Rect(x, room.y0, room.x1, room.y1)]
        else:
            y = room.y0 + room.height * cut
            rooms += [pymupdf.Rect(room.x0, room.y0, room.x1, y), pymupdf.Rect(room.x0, y, room.x1, room.y1)]
    wall = rng.choice((1.0, 1.8, 2.5))
    for room in leaves[:40]:
        pen.rect(room, width=wall)
        door = min(room.width, room.height) * 0.3
        x, y = room.x0 + room.width * 0.2, room.y1
        pen.path([(x, y), (x + door, y)], pen.paper, width=wall + 0.5)
        pen.path([(x, y), (x, y - door), *arc((x, y), door, door, -math.pi / 2, 0)], width=0.4)
        middle = (room.x0 + room.x1) / 2
        pen.text(middle, (room.y0 + room.y1) / 2, pen.phrase(room.width * 0.9, most=2), anchor=0.5)
        if rng.random() < 0.4:
            pen.text(middle, (room.y0 + room.y1) / 2 + pen.size * 1.1,
                     f"{rng.uniform(2, 40):.1f} m²", anchor=0.5, size=pen.size * 0.8)  # fmt: skip


def device(pen: Pen, box: pymupdf.Rect) -> None:
    """A device as manuals show it: a block in parallel projection, with controls and numbered leader lines."""
    rng = pen.rng
    lean = rng.uniform(0.2, 0.45)
    w, h = box.width * rng.uniform(0.45, 0.6), box.height * rng.uniform(0.35, 0.6)
    d = min(box.width * 0.9 - w, (box.height - h) / lean * 0.9, w * 0.7)
    x, y = box.x0 + (box.width - w - d) * 0.4, box.y1 - h - 1
    wide = rng.choice((0.5, 0.8, 1.2))
    pen.path([(x, y), (x + d, y - d * lean), (x + w + d, y - d * lean), (x + w, y)], width=wide, closed=True)
    pen.path([(x + w, y), (x + w + d, y - d * lean), (x + w + d, y + h - d * lean), (x + w, y + h)],
             pen.ink, fill=mix(pen.paper, pen.ink, rng.choice((0, 0.1))), width=wide, closed=True)  # fmt: skip
    pen.rect(pymupdf.Rect(x, y, x + w, y + h), width=wide)
    number = 1
    for i in range(rng.randrange(4, 14)):
        fx, fy, s = rng.uniform(0.05, 0.7), rng.uniform(0.1, 0.6), rng.uniform(0.06, 0.25)
        spot = pymupdf.Rect(x + fx * w, y + fy * h, x + (fx + s) * w, y + min(fy + s, 0.95) * h)
        if rng.random() < 0.5:
            pen.rect(spot, width=wide * 0.7, radius=rng.choice((0, 2)))
        else:
            r = min(spot.width, spot.height) / 2
            pen.path(arc(((spot.x0 + spot.x1) / 2, (spot.y0 + spot.y1) / 2), r, r, 0, 6.2832), width=wide * 0.7)
        if number < 8 and rng.random() < 0.6:
            end = (box.x0 + pen.size if i % 2 else box.x1 - pen.size, box.y0 + number * box.height / 9)
            callout(pen, (spot.x0 + spot.width / 2, spot.y0 + spot.height / 2), end, number)
            number += rng.choice((1, 1, 2, 10))
    if rng.random() < 0.4:
        slots = [x + w * (0.1 + 0.04 * k) for k in range(8)]
        pen.lines((((s, y + h * 0.75), (s, y + h * 0.92)) for s in slots), width=wide)


def specimen(pen: Pen, box: pymupdf.Rect) -> None:
    """A plant, shell or organ: nested closed curves with shading strokes and numbered leader lines."""
    rng = pen.rng
    c = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
    rx, ry = min(box.width, box.height * 1.5) * 0.42, box.height * 0.42
    lobes = [rng.uniform(0.55, 1.0) for _ in range(rng.randrange(6, 14))]
    count = len(lobes)
    shrink = rng.uniform(0.6, 0.85)
    for k in range(rng.randrange(1, 5)):
        share = shrink**k
        ring = [
            (
                c[0] + rx * share * v * math.cos(2 * math.pi * i / count),
                c[1] + ry * share * v * math.sin(2 * math.pi * i / count),
            )
            for i, v in enumerate([*lobes, lobes[0]])
        ]
        pen.path(smooth(ring), width=0.9 if k == 0 else 0.5, closed=True)
    for _ in range(rng.randrange(2, 8)):
        a, bend = rng.uniform(0, 6.28), rng.uniform(-0.4, 0.4)
        spine = [
            (c[0] + rx * t * math.cos(a + bend * t), c[1] + ry * t * math.sin(a + bend * t)) for t in (0, 0.25, 0.55)
        ]
        pen.path(smooth(spine), width=0.5)
    strokes = []
    for _ in range(rng.choice((0, 40, 90))):
        a, t = rng.gauss(0.9, 0.6), rng.uniform(0.2, 0.55)
        x, y = c[0] + rx * t * math.cos(a), c[1] + ry * t * math.sin(a)
        strokes.append(((x, y), (x + rx * 0.04, y + ry * 0.05)))
    pen.lines(strokes, width=0.4)
    for i in range(rng.randrange(7)):
        a = 2 * math.pi * i / 6 + 0.3
        tip = (c[0] + rx * 0.5 * math.cos(a), c[1] + ry * 0.5 * math.sin(a))
        end = (c[0] + rx * 1.05 * math.cos(a), c[1] + ry * 1.05 * math.sin(a))
        callout(pen, tip, end, rng.randrange(1, 60))
