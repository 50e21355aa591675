"""Random maps, flow charts, organisation charts, Venn diagrams, cycles, networks and process chevrons."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pymupdf

from .pen import WHITE, Colour, Pen, Point, arc, clamped, mix, palette


def clip_to_half_plane(polygon: list[Point], nearer: Point, other: Point) -> list[Point]:
    """The part of a convex polygon that is nearer to `nearer` than to `other`: a step of building Voronoi cells."""
    mx, my = (nearer[0] + other[0]) / 2, (nearer[1] + other[1]) / 2
    nx, ny = other[0] - nearer[0], other[1] - nearer[1]
    out: list[Point] = []
    for (ax, ay), (bx, by) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        da, db = (ax - mx) * nx + (ay - my) * ny, (bx - mx) * nx + (by - my) * ny
        if da <= 0:
            out.append((ax, ay))
        if da * db < 0:
            t = da / (da - db)
            out.append((ax + t * (bx - ax), ay + t * (by - ay)))
    return out


def winding_line(a: Point, b: Point, seed: int, roughness: float, depth: int) -> list[Point]:
    """A winding line from a to b, without b, by midpoint displacement; the same line from either end."""
    swapped = a > b
    first, last = (b, a) if swapped else (a, b)
    rng = random.Random(f"{seed} {first[0]:.1f} {first[1]:.1f} {last[0]:.1f} {last[1]:.1f}")
    points = [first, last]
    for _ in range(depth):
        finer = []
        for (x0, y0), (x1, y1) in pairwise(points):
            away = rng.uniform(-roughness, roughness)
            finer += [(x0, y0), ((x0 + x1) / 2 + (y1 - y0) * away, (y0 + y1) / 2 - (x1 - x0) * away)]
        points = [*finer, points[-1]]
    return (points[::-1] if swapped else points)[:-1]


def draw_map(pen: Pen, box: pymupdf.Rect) -> None:
    """A map: regions with shared winding borders, sea, roads, rivers, places, a legend and a scale."""
    rng, size = pen.rng, pen.size
    count, seed, roughness = rng.randrange(8, 26), rng.getrandbits(32), rng.uniform(0.1, 0.35)
    seeds = [(rng.uniform(box.x0, box.x1), rng.uniform(box.y0, box.y1)) for _ in range(count)]
    colours = palette(rng, rng.randrange(3, 7)) if rng.random() < 0.75 else [(0.85, 0.87, 0.85), (0.92, 0.92, 0.9)]
    land = [mix(c, WHITE, rng.uniform(0, 0.5)) for c in colours]
    sea: Colour | None = rng.choice(((0.75, 0.87, 0.95), (0.85, 0.92, 0.97), None, (0.9, 0.9, 0.92)))
    streets = rng.random() < 0.25
    if sea or streets:
        pen.rect(box, None, fill=sea or (0.95, 0.94, 0.9))
    border = rng.choice((WHITE, WHITE, (0.3, 0.3, 0.3), (0.6, 0.6, 0.6)))
    frame = [(box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1)]
    inland: list[Point] = []
    whole = rng.random() < 0.25
    cx, cy, reach = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2, rng.uniform(0.65, 1.0)
    for i, own in enumerate(seeds):
        if not whole and ((own[0] - cx) / box.width * 2) ** 2 + ((own[1] - cy) / box.height * 2) ** 2 > reach:
            continue
        cell = frame
        for j, other in enumerate(seeds):
            if i != j and cell:
                cell = clip_to_half_plane(cell, own, other)
        if len(cell) < 3:
            continue
        outline = [
            p for a, b in zip(cell, cell[1:] + cell[:1], strict=True) for p in winding_line(a, b, seed, roughness, 4)
        ]
        outline = clamped(outline, box)
        fill = (0.96, 0.95, 0.91) if streets else rng.choice(land)
        pen.path(outline, border if not streets else None, fill=fill, width=rng.choice((0.4, 0.7)))
        inland.append(own)
    if streets:
        street_grid(pen, box)
    for _ in range(rng.choice((0, 0, 1, 3, 5)) if len(inland) > 1 else 0):
        a, b = rng.sample(inland, 2)
        road = clamped([*winding_line(a, b, seed, 0.2, 4), b], box)
        pen.path(road, rng.choice(((0.35, 0.6, 0.85), (0.85, 0.3, 0.2), (0.95, 0.75, 0.3))), width=rng.uniform(0.6, 2))
    named = rng.choice((0.0, 0.4, 0.9))
    mark = rng.choice(((0.1, 0.1, 0.1), (0.85, 0.1, 0.1), (0.1, 0.3, 0.6)))
    for x, y in inland:
        if rng.random() < named:
            if rng.random() < 0.6:
                pen.dots([(x, y)], rng.uniform(2, 4), mark)
            pen.text(x + 3, y + size * 0.3, pen.word().strip(",.;:"), size=size * 0.8, colour=(0.1, 0.1, 0.1))
    if rng.random() < 0.4 and box.height > size * 9:
        room = len(land) * size * 1.4
        for i, colour in enumerate(land):
            y = box.y1 - room + i * size * 1.4 - size * 0.4
            pen.rect(pymupdf.Rect(box.x0 + 4, y, box.x0 + 4 + size, y + size), (0.4, 0.4, 0.4), fill=colour, width=0.3)
            text = rng.choice((f"{i * 10}–{i * 10 + 10}", pen.word()))
            pen.text(box.x0 + size * 1.5 + 4, y + size * 0.85, text, size=size * 0.85, colour=(0.1, 0.1, 0.1))
    if rng.random() < 0.2:
        x, y = box.x1 - size * 6, box.y1 - size
        pen.lines([((x, y), (x + size * 5, y)), ((x, y), (x, y - 3)), ((x + size * 5, y), (x + size * 5, y - 3))])
        pen.text(x, y - size * 0.4, f"{rng.choice((1, 5, 10, 50, 100))} km", size=size * 0.8, colour=(0.1, 0.1, 0.1))


def street_grid(pen: Pen, box: pymupdf.Rect) -> None:
    """Streets of a town plan: a slanted grid, and up to two parks."""
    rng = pen.rng
    lean, gap = rng.uniform(-0.4, 0.4), min(box.width, box.height) * rng.uniform(0.06, 0.16)
    for _ in range(rng.randrange(3)):
        x, y = rng.uniform(box.x0, box.x1 - gap), rng.uniform(box.y0, box.y1 - gap)
        park = pymupdf.Rect(x, y, x + gap * rng.uniform(1, 3), y + gap * rng.uniform(1, 3)) & box
        pen.rect(park, None, fill=rng.choice(((0.78, 0.9, 0.72), (0.7, 0.83, 0.95))))
    pairs = []
    for i in range(int((box.width + box.height) / gap)):
        x, y = box.x0 + i * gap * rng.uniform(0.95, 1.05), box.y0 + i * gap
        end = min(max(x + lean * box.height, box.x0), box.x1)
        if x < box.x1:
            pairs.append(((x, box.y0), (end, box.y1)))
        if y < box.y1:
            pairs.append(((box.x0, y), (box.x1, min(max(y - lean * gap, box.y0), box.y1))))
    pen.lines(pairs, rng.choice((WHITE, (0.8, 0.78, 0.75))), width=rng.uniform(0.8, 2.5))


def draw_node(pen: Pen, r: pymupdf.Rect, form: str, fill: Colour | None, words: Colour, *, width: float = 0.8) -> None:
    """One node of a diagram, with up to three lines of text."""
    stroke = None if fill and pen.rng.random() < 0.5 else pen.ink
    if form == "oval":
        pen.oval(r, stroke, fill=fill, width=width)
    elif form == "diamond":
        x, y = (r.x0 + r.x1) / 2, (r.y0 + r.y1) / 2
        pen.path([(x, r.y0), (r.x1, y), (x, r.y1), (r.x0, y)], stroke, fill=fill, width=width, closed=True)
    else:
        pen.rect(r, stroke, fill=fill, width=width, radius=min(r.height, r.width) * (0.25 if form == "round" else 0))
    size = min(pen.size, r.height * 0.5)
    room = r.width * (0.62 if form in ("oval", "diamond") else 0.9)
    lines = pen.rng.randint(1, max(1, min(3, int(r.height * (0.5 if form == "diamond" else 0.9) / (size * 1.2)))))
    y = (r.y0 + r.y1) / 2 - (lines - 1) * size * 0.6 + size * 0.3
    for i in range(lines):
        text = pen.phrase(room, size=size)
        pen.text((r.x0 + r.x1) / 2, y + i * size * 1.2, text, anchor=0.5, size=size, colour=words)


def diagram(pen: Pen, box: pymupdf.Rect) -> None:
    """A cycle, a network or a row of chevrons."""
    pen.rng.choice((cycle, network, chevrons))(pen, box, random_style(pen.rng, pen))


def flow_chart(pen: Pen, box: pymupdf.Rect) -> None:
    flow(pen, box, random_style(pen.rng, pen))


def organisation_chart(pen: Pen, box: pymupdf.Rect) -> None:
    tree(pen, box, random_style(pen.rng, pen))


def venn_diagram(pen: Pen, box: pymupdf.Rect) -> None:
    venn(pen, box, random_style(pen.rng, pen))


NodeStyle = tuple[list[Colour | None], Colour, str, float]


def random_style(rng: random.Random, pen: Pen) -> NodeStyle:
    """Random fills, text colour, shape of nodes and line width of a diagram."""
    kind, width = rng.random(), rng.choice((0.5, 0.8, 1.0, 1.5))
    form = rng.choice(("box", "box", "round", "round", "oval"))
    if kind < 0.3:
        return [None], pen.ink, form, width
    colours = palette(rng, rng.choice((1, 1, 3, 5)))
    if kind < 0.6:
        return [mix(c, WHITE, 0.75) for c in colours], (0.1, 0.1, 0.1), form, width
    return [mix(c, (0, 0, 0), 0.25) for c in colours], WHITE, form, width


def flow(pen: Pen, box: pymupdf.Rect, style: NodeStyle) -> None:
    """A flow chart: steps in a grid with arrows, decisions and swim lanes."""
    rng, (fills, words, form, width) = pen.rng, style
    columns = max(1, min(rng.randrange(1, 6), int(box.width / (pen.size * 6))))
    rows = max(1, min(rng.randrange(1, 6), int(box.height / (pen.size * 3.2)), math.ceil(12 / columns)))
    if rows * columns < 3:
        rows, columns = (1, 3) if box.width > box.height else (3, 1)
    cw, ch = box.width / columns, box.height / rows
    w, h = cw * rng.uniform(0.55, 0.8), min(ch * rng.uniform(0.45, 0.75), pen.size * 7)
    lanes = rng.random() < 0.2 and rows > 1
    if lanes:
        for r in range(rows):
            lane = pymupdf.Rect(box.x0, box.y0 + r * ch, box.x1, box.y0 + (r + 1) * ch)
            pen.rect(lane, mix(pen.ink, pen.paper, 0.4), fill=mix(pen.paper, pen.ink, 0.05 if r % 2 else 0), width=0.5)
    spots = {}
    for r in range(rows):
        for c in range(columns):
            if rng.random() < 0.85 or rows * columns < 5:
                x, y = box.x0 + (c + 0.5) * cw, box.y0 + (r + 0.5) * ch
                spots[r, c] = pymupdf.Rect(x - w / 2, y - h / 2, x + w / 2, y + h / 2)
    dashes = "[3 2] 0" if rng.random() < 0.1 else None
    for (r, c), spot in spots.items():
        y, x = (spot.y0 + spot.y1) / 2, (spot.x0 + spot.x1) / 2
        if (right := spots.get((r, c + 1))) and rng.random() < (0.9 if columns >= rows else 0.4):
            pen.arrow([(spot.x1, y), (right.x0, y)], pen.ink, width=width, dashes=dashes)
        if (under := spots.get((r + 1, c))) and rng.random() < (0.9 if columns < rows else 0.4):
            pen.arrow([(x, spot.y1), (x, under.y0)], pen.ink, width=width, dashes=dashes)
        elif (slant := spots.get((r + 1, c + 1))) and rng.random() < 0.3:
            xs, middle = (slant.x0 + slant.x1) / 2, (spot.y1 + slant.y0) / 2
            pen.arrow([(x, spot.y1), (x, middle), (xs, middle), (xs, slant.y0)], pen.ink, width=width)
    decisions = rng.choice((0, 0, 0.25))
    for i, spot in enumerate(spots.values()):
        kind = "diamond" if rng.random() < decisions else "round" if i == 0 else form
        draw_node(pen, spot, kind, fills[i % len(fills)], words, width=width)


def tree(pen: Pen, box: pymupdf.Rect, style: NodeStyle) -> None:
    """An organisation chart: each level is joined to the one above by right-angled lines."""
    rng, (fills, words, form, width) = pen.rng, style
    levels = max(2, min(rng.choice((2, 3, 3, 4)), int(box.height / (pen.size * 3.5))))
    most = max(2, min(7, int(box.width / (pen.size * 5))))
    counts = [1, *sorted(rng.randint(2, most) for _ in range(levels - 1))]
    ch = box.height / levels
    h = min(ch * rng.uniform(0.45, 0.65), pen.size * 5)
    above: list[Point] = []
    for level, count in enumerate(counts):
        cw = box.width / count
        w, y = min(cw * 0.85, pen.size * 14), box.y0 + level * ch
        joints: list[Point] = []
        for i in range(count):
            x = box.x0 + (i + 0.5) * cw
            if above:
                px, py = above[min(i * len(above) // count, len(above) - 1)]
                middle = (py + y) / 2
                pen.path([(px, py), (px, middle), (x, middle), (x, y)], width=width)
            spot = pymupdf.Rect(x - w / 2, y, x + w / 2, y + h)
            draw_node(pen, spot, form, fills[min(level, len(fills) - 1)], words, width=width)
            joints.append((x, y + h))
        above = joints


def ellipse_places(box: pymupdf.Rect, count: int, turn: float, w: float, h: float) -> list[pymupdf.Rect]:
    """`count` rectangles w by h, evenly spaced on an ellipse that fills `box`."""
    out = []
    for i in range(count):
        a = turn + 2 * math.pi * i / count
        x = (box.x0 + box.x1) / 2 + (box.width - w) / 2 * math.cos(a)
        y = (box.y0 + box.y1) / 2 + (box.height - h) / 2 * math.sin(a)
        out.append(pymupdf.Rect(x - w / 2, y - h / 2, x + w / 2, y + h / 2))
    return out


def cycle(pen: Pen, box: pymupdf.Rect, style: NodeStyle) -> None:
    """Nodes on an ellipse, joined by curved arrows."""
    rng, (fills, words, form, width) = pen.rng, style
    wide = min(box.width, box.height * 1.6)
    box = pymupdf.Rect(box.x0 + (box.width - wide) / 2, box.y0, box.x1 - (box.width - wide) / 2, box.y1)
    count = rng.randrange(3, 8)
    w, h = box.width * rng.uniform(0.18, 0.28), box.height * rng.uniform(0.14, 0.24)
    spots = ellipse_places(box, count, -math.pi / 2, w, h)
    centre, rx, ry = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2), (box.width - w) / 2, (box.height - h) / 2
    gap = math.pi / count
    for i in range(count):
        a = -math.pi / 2 + 2 * gap * i
        pen.arrow(arc(centre, rx, ry, a + gap * 0.6, a + gap * 1.35), pen.ink, width=width * 1.5)
    for i, spot in enumerate(spots):
        draw_node(pen, spot, form, fills[i % len(fills)], words, width=width)
    if rng.random() < 0.4:
        pen.text(*centre, pen.phrase(rx), anchor=0.5)


def venn(pen: Pen, box: pymupdf.Rect, style: NodeStyle) -> None:
    """Two or three overlapping circles with labels."""
    rng, width = pen.rng, style[3]
    count = rng.choice((2, 3, 3))
    colours = palette(rng, count)
    r = min(box.width / (3.2 if count == 2 else 3.4), box.height / (2 if count == 2 else 3.3))
    centre = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2 + (r * 0.15 if count == 3 else 0))
    filled = rng.random() < 0.75
    for i in range(count):
        a = -math.pi / 2 + 2 * math.pi * i / 3 if count == 3 else math.pi * i
        x, y = centre[0] + r * 0.62 * math.cos(a), centre[1] + r * 0.62 * math.sin(a)
        pen.oval(pymupdf.Rect(x - r, y - r, x + r, y + r), pen.ink, fill=colours[i] if filled else None,
                 width=width, opacity=0.55)  # fmt: skip
        tx, ty = centre[0] + r * 1.0 * math.cos(a), centre[1] + r * 1.0 * math.sin(a)
        pen.text(tx, ty, pen.phrase(r), anchor=0.5)


def network(pen: Pen, box: pymupdf.Rect, style: NodeStyle) -> None:
    """Nodes joined by straight lines, scattered or in layers like a neural network's."""
    rng, (fills, words, _, width) = pen.rng, style
    r = min(box.width, box.height) * rng.uniform(0.04, 0.07)
    layers = [rng.randrange(2, 6) for _ in range(rng.randrange(2, 6))]
    spots = [
        [
            (box.x0 + r + (box.width - 2 * r) * i / (len(layers) - 1), box.y0 + box.height * (k + 0.5) / count)
            for k in range(count)
        ]
        for i, count in enumerate(layers)
    ]
    loose = rng.random() < 0.4
    if loose:
        away = min(box.width / len(layers), box.height / 5) * 0.3
        spots = [[(min(max(x + rng.uniform(-away, away), box.x0 + r), box.x1 - r), y) for x, y in s] for s in spots]
    pairs = [(a, b) for s, t in pairwise(spots) for a in s for b in t]
    pen.lines((p for p in pairs if not loose or rng.random() < 0.5), mix(pen.ink, pen.paper, 0.3), width * 0.6)
    for i, s in enumerate(spots):
        for x, y in s:
            fill = fills[i % len(fills)] or pen.paper
            pen.oval(pymupdf.Rect(x - r, y - r, x + r, y + r), pen.ink, fill=fill, width=width)
            if rng.random() < 0.4:
                pen.text(x, y + pen.size * 0.3, rng.choice("xyzhabABC") + str(rng.randrange(1, 9)), anchor=0.5,
                         size=min(pen.size, r), colour=words)  # fmt: skip


def chevrons(pen: Pen, box: pymupdf.Rect, style: NodeStyle) -> None:
    """A row of arrow-shaped process steps, as on slides."""
    rng, (fills, words, _, width) = pen.rng, style
    count = rng.randrange(3, 7)
    step, h = box.width / count, min(box.height, pen.size * rng.uniform(3, 7), box.width / count)
    point, y0 = h * 0.3, box.y0 + (box.height - h) * rng.choice((0, 0.5))
    for i in range(count):
        x0, x1, y1 = box.x0 + i * step, box.x0 + (i + 1) * step - point - 1, y0 + h
        fill = fills[i % len(fills)]
        pen.path(
            [(x0, y0), (x1, y0), (x1 + point, (y0 + y1) / 2), (x1, y1), (x0, y1), (x0 + point, (y0 + y1) / 2)],
            pen.ink if fill is None else None, fill=fill, width=width, closed=True,
        )  # fmt: skip
        pen.text((x0 + x1 + point) / 2, (y0 + y1) / 2 + pen.size * 0.3, pen.phrase(x1 - x0 - point, most=2),
                 anchor=0.5, colour=words)  # fmt: skip
        for k in range(rng.randrange(4)):
            pen.text(x0, y1 + pen.size * (1.3 + k * 1.25), pen.phrase(step * 0.9), size=pen.size * 0.9)
