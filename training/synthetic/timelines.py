"""Random Gantt charts and timelines."""

from __future__ import annotations

import pymupdf

from . import vocabulary
from .pen import WHITE, Pen, mix, readable_on


def period_names(pen: Pen, count: int) -> list[str]:
    """Labels of `count` consecutive periods: months, quarters, half-years, years or weeks."""
    rng, kind = pen.rng, pen.rng.randrange(5)
    first = rng.randrange(52)
    if kind == 0:
        return [vocabulary.MONTHS[(first + i) % 12][: rng.choice((1, 3, 3))] for i in range(count)]
    if kind == 1:
        return [f"Q{(first + i) % 4 + 1}" for i in range(count)]
    if kind == 2:
        return [f"{rng.choice(('H', 'Q'))}{(first + i) % 2 + 1} {2010 + (first + i) // 2}" for i in range(count)]
    if kind == 3:
        return [str(1970 + first + i) for i in range(count)]
    return [f"{rng.choice('WSK')}{first + i}" for i in range(count)]


def gantt_chart(pen: Pen, box: pymupdf.Rect) -> None:
    """A Gantt chart: tasks as bars under a calendar, with milestones, dependencies and a line for today."""
    rng, size = pen.rng, pen.size
    rows = max(3, min(rng.randrange(4, 14), int(box.height / (size * 1.7)) - 1))
    columns = max(3, min(rng.randrange(4, 16), int(box.width * 0.7 / (size * 2.2))))
    named = rng.random() < 0.9
    left = box.x0 + (box.width * rng.uniform(0.15, 0.35) if named else 0)
    head = min(box.height / (rows + 1), size * rng.uniform(1.5, 2.6))
    step, tall = (box.x1 - left) / columns, (box.height - head) / rows
    tall = min(tall, size * rng.uniform(2, 5))
    end = box.y0 + head + rows * tall
    band, grid = rng.random(), rng.random()
    colours = pen.palette(rng.choice((1, 1, 2, 3, rows)))
    pale = mix(pen.paper, pen.ink, 0.15)
    fill = rng.choice((None, pen.ink, mix(pen.paper, pen.ink, 0.1), colours[0]))
    if fill:
        pen.rect(pymupdf.Rect(left, box.y0, box.x1, box.y0 + head), None, fill=fill)
    for i, name in enumerate(period_names(pen, columns)):
        if pen.length(name, size=size * 0.9) < step:
            pen.text(left + (i + 0.5) * step, box.y0 + head * 0.5 + size * 0.3, name, anchor=0.5, size=size * 0.9,
                     colour=readable_on(fill) if fill else pen.ink)  # fmt: skip
    if band < 0.3:
        for r in range(0, rows, 2):
            y = box.y0 + head + r * tall
            pen.rect(pymupdf.Rect(box.x0, y, box.x1, y + tall), None, fill=mix(pen.paper, pen.ink, 0.05))
    if grid < 0.7:
        pen.lines((((x := left + i * step, box.y0 + head), (x, end)) for i in range(columns + 1)), pale, 0.4)
    if 0.3 < grid < 0.5 or grid > 0.85:
        pen.lines((((box.x0, y := box.y0 + head + r * tall), (box.x1, y)) for r in range(rows + 1)), pale, 0.4)
    thick, radius = tall * rng.uniform(0.3, 0.75), rng.choice((0, 0, 2, 20))
    at, labelled, linked = 0.0, rng.random() < 0.25, rng.random() < 0.25
    before: tuple[float, float] | None = None
    for r in range(rows):
        middle = box.y0 + head + (r + 0.5) * tall
        if named:
            pen.text(box.x0, middle + size * 0.3, pen.phrase(left - box.x0 - size * 0.5, most=3))
        long = columns * rng.uniform(0.08, 0.4)
        at = min(max(0.0, at + rng.uniform(-0.1, 0.9) * long), columns - long)
        x0, x1 = left + at * step, left + (at + long) * step
        colour = colours[r % len(colours)]
        if rng.random() < 0.12:
            d = min(thick, tall) / 2
            pen.path([(x0 + d, middle - d), (x0 + 2 * d, middle), (x0 + d, middle + d), (x0, middle)], None,
                     fill=pen.ink)  # fmt: skip
            continue
        bar = pymupdf.Rect(x0, middle - thick / 2, x1, middle + thick / 2)
        pen.rect(bar, None, fill=colour, radius=radius)
        if rng.random() < 0.2:
            pen.rect(
                pymupdf.Rect(x0, bar.y0, x0 + bar.width * rng.random(), bar.y1), None, fill=mix(colour, WHITE, 0.4)
            )
        if labelled:
            pen.text(x0 + 2, middle + size * 0.28, pen.phrase(bar.width - 4, most=2, size=size * 0.8), size=size * 0.8,
                     colour=readable_on(colour))  # fmt: skip
        if linked and before and before[0] < x0:
            pen.arrow([before, (x0 + 3, before[1]), (x0 + 3, bar.y0)], pen.ink, width=0.5)
        before = (x1, middle)
    if rng.random() < 0.2:
        x = left + (box.x1 - left) * rng.uniform(0.2, 0.8)
        pen.path([(x, box.y0 + head), (x, end)], (0.85, 0.15, 0.1), width=1, dashes=rng.choice((None, "[3 2] 0")))


def timeline(pen: Pen, box: pymupdf.Rect) -> None:
    """A timeline, horizontal or vertical: events with dates and texts on one side or both."""
    rng, size = pen.rng, pen.size
    down = box.height > box.width * 0.9
    long, wide = (box.height, box.width) if down else (box.width, box.height)
    count = max(3, min(rng.randrange(3, 9), int(long / (size * (3 if down else 6)))))
    colours = pen.palette(rng.choice((1, 1, 3, count)))
    both = rng.random() < 0.5
    at = 0.5 if both else rng.choice((0.15, 0.25, 0.8) if down else (0.2, 0.3, 0.75))
    line, dot = rng.choice((0.8, 1.5, 3, 6)), rng.uniform(0.6, 1.6) * size
    shown = rng.choice(("dot", "dot", "hollow", "box", "tick"))
    if down:
        pen.path([(x := box.x0 + wide * at, box.y0), (x, box.y1)], mix(pen.ink, pen.paper, 0.4), width=line)
    else:
        ends = [(box.x0, y := box.y0 + wide * at), (box.x1, y)]
        arrow = rng.random() < 0.4
        (pen.arrow if arrow else pen.path)(ends, mix(pen.ink, pen.paper, 0.4), width=line)
    dates = period_names(pen, count)
    step = long / count
    for i, date in enumerate(dates):
        t = (i + 0.5) * step + rng.uniform(-0.15, 0.15) * step
        x, y = (box.x0 + wide * at, box.y0 + t) if down else (box.x0 + t, box.y0 + wide * at)
        colour = colours[i % len(colours)]
        spot = pymupdf.Rect(x - dot / 2, y - dot / 2, x + dot / 2, y + dot / 2)
        if shown == "box":
            pen.rect(spot, None, fill=colour)
        elif shown == "tick":
            pen.lines([((x - dot / 2, y), (x + dot / 2, y)) if down else ((x, y - dot / 2), (x, y + dot / 2))], width=1)
        else:
            pen.oval(spot, colour, fill=pen.paper if shown == "hollow" else colour, width=1.5)
        after = (i % 2 == 0) if both else at < 0.5
        if down:
            tx, anchor = (x + dot, 0.0) if after else (x - dot, 1.0)
            room = (box.x1 - tx if after else tx - box.x0) * 0.95
            pen.text(tx, y, date, anchor=anchor, colour=colour)
            for k in range(max(0, min(rng.randrange(1, 4), int(step / (size * 1.25)) - 1))):
                pen.text(tx, y + size * 1.2 * (k + 1), pen.phrase(room, most=5, size=size * 0.9), anchor=anchor,
                         size=size * 0.9)  # fmt: skip
            continue
        way = 1 if after else -1
        stem = dot / 2 + (rng.uniform(0.5, 3) * size if both else 0)
        if both:
            pen.lines([((x, y + way * dot / 2), (x, y + way * stem))], mix(pen.ink, pen.paper, 0.5), 0.5)
        lines = rng.randrange(1, 4)
        first = y + stem + size if after else y - stem - size * (0.4 + 1.2 * lines)
        pen.text(x, first, date, anchor=0.5, colour=colour)
        for k in range(lines):
            pen.text(x, first + size * 1.2 * (k + 1), pen.phrase(step * 0.9, size=size * 0.85), anchor=0.5,
                     size=size * 0.85)  # fmt: skip
