"""Random bar, line, pie, scatter and bubble charts, in the styles of reports, slides and papers."""

from __future__ import annotations

import math
import random
from itertools import accumulate, pairwise

import pymupdf

from .axes import Scale, axes, category_names, legend, scale
from .pen import WHITE, Colour, Pen, Point, arc, mix, smooth

DASHES = (None, None, None, "[3 2] 0", "[1 1.5] 0", "[5 2 1 2] 0")


def draw_bar(pen: Pen, bar: pymupdf.Rect, colour: Colour, *, hatch: float, deep: float) -> None:
    """Draw one bar: filled, or hatched with lines `hatch` points apart, or in 3-D, `deep` points deep."""
    if deep:
        top = [(bar.x0, bar.y0), (bar.x0 + deep, bar.y0 - deep), (bar.x1 + deep, bar.y0 - deep), (bar.x1, bar.y0)]
        side = [(bar.x1, bar.y0), (bar.x1 + deep, bar.y0 - deep), (bar.x1 + deep, bar.y1 - deep), (bar.x1, bar.y1)]
        pen.path(top, None, fill=mix(colour, WHITE, 0.35))
        pen.path(side, None, fill=mix(colour, (0, 0, 0), 0.35))
    if not hatch:
        pen.rect(bar, None, fill=colour)
        return
    pen.rect(bar, colour, fill=pen.paper, width=0.6)
    pairs, d = [], hatch
    while d < bar.width + bar.height:
        a = (bar.x0 + min(d, bar.width), bar.y1 - max(0.0, d - bar.width))
        b = (bar.x0 + max(0.0, d - bar.height), bar.y1 - min(d, bar.height))
        pairs.append((a, b))
        d += hatch
    pen.lines(pairs, colour, 0.5)


def bar_values(rng: random.Random, series: int, count: int, *, below: bool) -> list[list[float]]:
    """Random values of `series` rows of `count` bars, with a trend and noise; with `below`, some are negative."""
    top = 10 ** rng.uniform(0, 4)
    rows = []
    for _ in range(series):
        start, growth, noise = rng.uniform(0.3, 1), rng.uniform(-0.6, 0.8), rng.choice((0.05, 0.15, 0.4))
        row = [max(0.05, start + growth * i / count + rng.uniform(-noise, noise)) * top for i in range(count)]
        if rng.random() < 0.15:
            row.sort(reverse=rng.random() < 0.7)
        rows.append([-v * rng.uniform(0.2, 0.8) if below and rng.random() < 0.35 else v for v in row])
    return rows


def bar_chart(pen: Pen, box: pymupdf.Rect) -> None:
    """Single, grouped, stacked or waterfall bars, upright or horizontal."""
    rng = pen.rng
    kind = rng.choices(("single", "grouped", "stacked", "waterfall"), (5, 3, 3, 1))[0]
    across = kind != "waterfall" and rng.random() < 0.32
    side = box.height if across else box.width
    count = rng.randrange(2, max(4, min(16, int(side / pen.size))))
    series = 1 if kind in ("single", "waterfall") else rng.randrange(2, 6)
    below = kind in ("single", "grouped") and rng.random() < 0.15
    rows = bar_values(rng, series, count, below=below)
    share = kind == "stacked" and rng.random() < 0.3
    if share:
        sums = [sum(column) for column in zip(*rows, strict=True)]
        rows = [[100 * v / s for v, s in zip(row, sums, strict=True)] for row in rows]
    names = category_names(pen, count)
    colours = pen.palette(series)
    steps = [0.0, *accumulate([rows[0][0], *(rng.uniform(-0.35, 0.4) * rows[0][0] for _ in range(count - 2))])]
    columns = [sum(c) for c in zip(*rows, strict=True)] if kind == "stacked" else [v for row in rows for v in row]
    if kind == "waterfall":
        columns = [*steps]
    low, high = min(0.0, *columns), max(columns) * (1.0 if share else rng.uniform(1.0, 1.15))
    values = scale(rng, low, max(high, low + 1e-6), tick_count(pen, box, across=across))
    if series > 1 and rng.random() < 0.85:
        box = legend(pen, box, colours)
    labelled = rng.random() < 0.45
    places = [((count - 1 - i if across else i) + 0.5) / count for i in range(count)]
    plot = axes(
        pen, box, values.ticks(), [*zip(places, names, strict=True)],
        across=across, zero=values.at(0), scale_shown=not labelled or rng.random() < 0.4,
    )  # fmt: skip
    gap = rng.uniform(0.08, 0.6)
    hatches = [rng.choice((0.0, 2.0, 3.0, 4.5)) for _ in rows] if rng.random() < 0.12 else [0.0] * series
    deep = rng.uniform(2, 6) if rng.random() < 0.08 and not below else 0.0
    odd = rng.randrange(count) if series == 1 and rng.random() < 0.2 else -1
    drawn: list[tuple[int, float, float, float, int]] = []
    for i in range(count):
        base = 0.0
        for s in range(series):
            if kind == "waterfall":
                low, high = (0.0, steps[-1]) if i == count - 1 else (steps[i], steps[i + 1])
                drawn.append((i, 0.0, low, high, s))
            elif kind == "stacked":
                drawn.append((i, 0.0, base, base + rows[s][i], s))
                base += rows[s][i]
            else:
                drawn.append((i, s / series, 0.0, rows[s][i], s))
    thick = (1 - gap) / (series if kind == "grouped" else 1)
    fallen = rng.choice(((0.8, 0.25, 0.2), (0.6, 0.6, 0.6), mix(colours[0], WHITE, 0.5)))
    for i, offset, low, high, s in drawn:
        start = places[i] + (-0.5 + gap / 2 + offset * (1 - gap)) / count
        a, b = values.at(low), values.at(high)
        if across:
            y = plot.y1 - (2 * places[i] - start - thick / count) * plot.height
            bar = pymupdf.Rect(
                plot.x0 + min(a, b) * plot.width, y - thick / count * plot.height, plot.x0 + max(a, b) * plot.width, y
            )
        else:
            x = plot.x0 + start * plot.width
            bar = pymupdf.Rect(
                x, plot.y1 - max(a, b) * plot.height, x + thick / count * plot.width, plot.y1 - min(a, b) * plot.height
            )
        colour = colours[s] if i != odd else mix((0.9, 0.4, 0.1), colours[s], 0.1)
        if kind == "waterfall" and high < low:
            colour = fallen
        draw_bar(pen, bar, colour, hatch=hatches[s], deep=deep)
        if labelled:
            bar_label(pen, bar, values.text(high - low if kind in ("stacked", "waterfall") else high), colour,
                      across=across, inside=kind == "stacked")  # fmt: skip
    if kind in ("single", "stacked") and not across and rng.random() < 0.12:
        tops = [(plot.x0 + p * plot.width, plot.y0 + rng.uniform(0.05, 0.5) * plot.height) for p in places]
        pen.path(tops, (0.9, 0.3, 0.1), width=1.2)
        pen.dots(tops, 4, (0.9, 0.3, 0.1))


def tick_count(pen: Pen, box: pymupdf.Rect, *, across: bool = False) -> float:
    """The number of tick labels that an axis of this length has room for."""
    room = box.width / (5 * pen.size) if across else box.height / (2.2 * pen.size)
    return float(min(max(room, 1.0), pen.rng.uniform(3, 9)))


def bar_label(pen: Pen, bar: pymupdf.Rect, text: str, colour: Colour, *, across: bool, inside: bool) -> None:
    """Write the value of a bar inside it or at its end, if there is room."""
    size, long = pen.size * 0.85, pen.length(text, size=pen.size * 0.85)
    x, y = (bar.x0 + bar.x1) / 2, (bar.y0 + bar.y1) / 2 + size * 0.3
    if inside:
        if long < bar.width and size < bar.height:
            pale = sum(colour) > 1.7
            pen.text(x, y, text, anchor=0.5, size=size, colour=(0, 0, 0) if pale else WHITE)
    elif across and size < bar.height * 1.4:
        pen.text(bar.x1 + size * 0.3, y, text, size=size)
    elif not across and long < bar.width * 1.6:
        pen.text(x, bar.y0 - size * 0.3, text, anchor=0.5, size=size)


def line_values(rng: random.Random, count: int, kind: str) -> list[float]:
    """Values of one line, about 0 to 1: a random walk, or a decaying curve with noise."""
    start, drift = rng.uniform(0.2, 0.8), rng.uniform(-0.5, 0.6)
    if kind == "curve":
        rate, end, noise = rng.uniform(2, 9), rng.uniform(0.05, 0.9), rng.choice((0.0, 0.0, 0.01, 0.03))
        wave, phase = rng.choice((0.0, 0.0, 0.15)), rng.uniform(0, 6)
        at = [i / (count - 1) for i in range(count)]
        return [
            end + (start - end) * math.exp(-rate * t) + wave * math.sin(rate * 2 * t + phase) + rng.gauss(0, noise)
            for t in at
        ]
    step = rng.uniform(0.3, 1.0) / math.sqrt(count)
    steps = accumulate(rng.gauss(0, step) * 0.5 for _ in range(count))
    return [start + drift * i / count + n for i, n in enumerate(steps)]


def line_chart(pen: Pen, box: pymupdf.Rect) -> None:
    """One to six lines or stacked areas: few points, time series or curves."""
    rng = pen.rng
    kind = rng.choices(("points", "series", "curve"), (5, 3, 3))[0]
    count = rng.randrange(4, 16) if kind == "points" else rng.randrange(60, 180)
    series = rng.choices(range(1, 7), (5, 4, 3, 2, 1, 1))[0]
    rows = [line_values(rng, count, kind) for _ in range(series)]
    area = rng.random() < 0.14
    if area:
        rows = [[0.1 + abs(v) * 0.5 for v in row] for row in rows]
        for before, row in pairwise(rows):
            row[:] = [a + b for a, b in zip(before, row, strict=True)]
    colours = pen.palette(series)
    if rng.random() < 0.85 and series > 1:
        box = legend(pen, box, colours, kind="line")
    size = 10 ** rng.uniform(0, 4)
    low, high = min(map(min, rows)), max(map(max, rows))
    values = scale(rng, (0.0 if low >= 0 and (area or rng.random() < 0.5) else low) * size, high * size + 1e-6,
                   tick_count(pen, box))  # fmt: skip
    shown = count if kind == "points" else rng.randrange(3, 9)
    names: list[str] = category_names(pen, shown)
    if kind == "curve" or rng.random() < 0.1:
        unit = rng.choice((0.1, 0.2, 0.5, 1, 5, 10, 100, 1000))
        names = [f"{unit * i:g}" for i in range(shown)]
    steps = max(shown - 1, 1)
    second: list[tuple[float, str]] = scale(rng, 0, 10 ** rng.uniform(0, 3), 5).ticks() if rng.random() < 0.12 else []
    plot = axes(pen, box, values.ticks(), [(i / steps, n) for i, n in enumerate(names)], right=second)
    if rng.random() < 0.08:
        share = sorted((rng.random(), rng.random()))
        pen.rect(
            pymupdf.Rect(plot.x0 + share[0] * plot.width, plot.y0, plot.x0 + share[1] * plot.width, plot.y1),
            None, fill=mix(pen.paper, pen.ink, 0.1),
        )  # fmt: skip
    width = rng.choice((0.6, 1, 1.2, 1.6, 2.4))
    marked = rng.random() < (0.5 if kind == "points" else 0.04)
    shape, stepped = rng.choice(("dot", "dot", "square", "hollow")), rng.random() < 0.08
    band = not area and rng.random() < 0.14
    under = pymupdf.Rect(plot)
    for s in reversed(range(series)):
        line = points_in(plot, values, [v * size for v in rows[s]])
        if stepped:
            line = [p for (x0, y0), (x1, _) in pairwise(line) for p in ((x0, y0), (x1, y0))] + [line[-1]]
        elif kind == "points" and rng.random() < 0.2:
            line = [(x, min(max(y, plot.y0), plot.y1)) for x, y in smooth(line)]
        colour = colours[s]
        if area or (series == 1 and rng.random() < 0.2):
            pale = colour if area else mix(colour, pen.paper, 0.6)
            pen.path([*line, (line[-1][0], under.y1), (line[0][0], under.y1)], None, fill=pale)
        if band:
            spread = [plot.height * rng.uniform(0.02, 0.04) * (1 + 3 * i / len(line)) for i in range(len(line))]
            outer = [(x, max(y - d, plot.y0)) for (x, y), d in zip(line, spread, strict=True)]
            inner = [(x, min(y + d, plot.y1)) for (x, y), d in zip(line, spread, strict=True)]
            pen.path(outer + inner[::-1], None, fill=mix(colour, pen.paper, 0.7), opacity=0.6)
        pen.path(line, colour, width=width, dashes=rng.choice(DASHES) if series > 1 else None)
        if marked:
            markers(pen, points_in(plot, values, [v * size for v in rows[s]]), colour, shape, width * 2 + 1.5)
    if rng.random() < 0.15:
        y = plot.y0 + rng.random() * plot.height
        pen.path([(plot.x0, y), (plot.x1, y)], rng.choice(((0.8, 0.1, 0.1), pen.ink)), dashes="[3 2] 0")


def points_in(plot: pymupdf.Rect, values: Scale, row: list[float]) -> list[Point]:
    """The points of a row of values, evenly spaced over the width of the plot."""
    step = plot.width / max(len(row) - 1, 1)
    return [(plot.x0 + i * step, plot.y1 - values.at(v) * plot.height) for i, v in enumerate(row)]


def markers(pen: Pen, points: list[Point], colour: Colour, shape: str, size: float) -> None:
    """Draw a marker of `shape` at each point: dot, hollow, square, cross or triangle."""
    half = size / 2
    if shape in ("dot", "hollow"):
        pen.dots(points, size, colour)
        if shape == "hollow":
            pen.dots(points, size * 0.6, pen.paper)
    elif shape == "square":
        for x, y in points:
            pen.rect(pymupdf.Rect(x - half, y - half, x + half, y + half), None, fill=colour)
    elif shape == "cross":
        pen.lines((((x - half, y - half), (x + half, y + half)) for x, y in points), colour, 0.6)
        pen.lines((((x - half, y + half), (x + half, y - half)) for x, y in points), colour, 0.6)
    else:
        for x, y in points:
            pen.path([(x - half, y + half), (x, y - half), (x + half, y + half)], None, fill=colour)


def pie_chart(pen: Pen, box: pymupdf.Rect, *, donut: bool = False) -> None:
    """Slices of a disc, or, if `donut`, of a ring."""
    rng = pen.rng
    count = rng.randrange(2, 9)
    parts = [rng.uniform(0.15, 1) ** rng.choice((1, 2)) for _ in range(count)]
    if rng.random() < 0.6:
        parts.sort(reverse=True)
    parts = [p / sum(parts) for p in parts]
    colours = pen.palette(count)
    outside = rng.choice(("none", "number", "name", "both"))
    if rng.random() < (0.85 if outside in ("none", "number") else 0.1):
        box = legend(pen, box, colours)
    half = donut and rng.random() < 0.15
    flat = rng.uniform(0.45, 0.7) if rng.random() < 0.15 and not donut else 1.0
    edge = pen.size * (1.5 if outside == "number" else 3 if outside != "none" else 0.3)
    edge = min(edge, min(box.width, box.height) * 0.25)
    radius = max(2.0, min(box.width / 2 - edge * 1.3, (box.height - edge * 2) / (1 if half else 2)))
    centre = ((box.x0 + box.x1) / 2, box.y1 - edge if half else (box.y0 + box.y1) / 2)
    hole = radius * rng.uniform(0.4, 0.75) if donut else 0.0
    turn = math.pi if half else rng.choice((-math.pi / 2, -math.pi / 2, rng.uniform(0, 6)))
    pulled = rng.randrange(count) if rng.random() < 0.15 and not half else -1
    gap, deep = rng.choice((pen.paper, pen.paper, None)), radius * 0.18 if flat < 1 else 0.0
    inner = rng.random() < 0.4
    slices = []
    for i, part in enumerate(parts):
        end = turn + part * (math.pi if half else 2 * math.pi)
        middle, away = (turn + end) / 2, radius * 0.12 if i == pulled else 0.0
        slices.append((turn, end, middle, (centre[0] + away * math.cos(middle), centre[1] + away * math.sin(middle))))
        turn = end
    if deep:
        for (start, end, _, c), colour in zip(slices, colours, strict=True):
            rim = arc(c, radius, radius * flat, start, end)
            pen.path(rim + [(x, y + deep) for x, y in rim[::-1]], None, fill=mix(colour, (0, 0, 0), 0.35))
    for i, ((start, end, middle, c), colour) in enumerate(zip(slices, colours, strict=True)):
        rim = arc(c, radius, radius * flat, start, end)
        rim += arc(c, hole, hole, end, start) if hole else [c]
        pen.path(rim, gap, fill=colour, width=1)
        number = f"{parts[i] * 100:.{rng.choice((0, 0, 1))}f}%"
        text = {"none": "", "number": number, "name": pen.word(), "both": f"{pen.word()} {number}"}[outside]
        if inner and outside in ("none", "number") and parts[i] > 0.06:
            r = (radius + hole) / 2 if hole else radius * 0.62
            pale = sum(colour) > 1.7
            pen.text(c[0] + r * math.cos(middle), c[1] + r * flat * math.sin(middle) + pen.size * 0.3, number,
                     anchor=0.5, size=pen.size * 0.9, colour=(0, 0, 0) if pale else WHITE)  # fmt: skip
        elif text:
            r = radius + pen.size * 0.8
            x, y = c[0] + r * math.cos(middle), c[1] + (r * flat + deep) * math.sin(middle)
            right = math.cos(middle) > 0
            out, level = x + (5 if right else -5), y + pen.size * 0.3
            written = pen.text(out, level, text, anchor=0 if right else 1, size=pen.size * 0.9)
            if written and outside in ("name", "both"):
                near = (c[0] + radius * math.cos(middle), c[1] + radius * flat * math.sin(middle))
                pen.path([near, (x, y), (x + (4 if right else -4), y)], width=0.5)
    if hole > pen.size * 1.5 and rng.random() < 0.4:
        big = min(pen.size * 1.6, hole * 0.6)
        pen.text(centre[0], centre[1] + (0 if half else big * 0.35), f"{rng.randrange(10, 999)}", anchor=0.5, size=big)


def donut_chart(pen: Pen, box: pymupdf.Rect) -> None:
    pie_chart(pen, box, donut=True)


def bubble_chart(pen: Pen, box: pymupdf.Rect) -> None:
    scatter_plot(pen, box, bubbles=True)


def scatter_plot(pen: Pen, box: pymupdf.Rect, *, bubbles: bool = False) -> None:
    """Points of one or more groups; with `bubbles`, a few discs of different sizes, some of them labelled."""
    rng = pen.rng
    groups = rng.choices((1, 2, 3, 4), (5, 3, 2, 1))[0]
    colours = pen.palette(groups)
    if groups > 1 and rng.random() < 0.7:
        box = legend(pen, box, colours, kind="dot")
    if rng.random() < 0.2:
        powers = rng.randrange(2, 5)
        up = [(i / powers, f"{10 ** (i - 1):g}") for i in range(powers + 1)]
        along = [(i / powers, f"{10**i:,}") for i in range(powers + 1)]
    else:
        low = rng.choice((0.0, 0.0, -rng.uniform(1, 50)))
        up = scale(rng, low, rng.uniform(1, 200), tick_count(pen, box)).ticks()
        along = scale(rng, low, 10 ** rng.uniform(0, 3), tick_count(pen, box, across=True)).ticks()
    plot = axes(pen, box, up, along)
    size = rng.choice((2, 3, 3, 4, 5, 6)) * min(1.3, plot.height / 160 + 0.5)
    shape, opacity = rng.choice(("dot", "dot", "dot", "cross", "hollow", "triangle")), rng.choice((1, 1, 0.6))
    for colour in colours:
        count = rng.randrange(5, 16) if bubbles else int(10 ** rng.uniform(0.8, 2.1) / groups) + 4
        slope, noise = rng.uniform(-0.9, 0.9), rng.choice((0.04, 0.1, 0.2))
        mid, spread = (0.5, 0.25) if groups == 1 else (rng.uniform(0.25, 0.75), rng.uniform(0.07, 0.2))
        level = rng.uniform(0.35, 0.65)
        points = []
        for _ in range(count):
            x = rng.gauss(mid, spread)
            y = level + slope * (x - mid) + rng.gauss(0, noise)
            if 0.02 < x < 0.98 and 0.02 < y < 0.98:
                points.append((plot.x0 + x * plot.width, plot.y1 - y * plot.height))
        if bubbles:
            for x, y in points:
                r = min(rng.uniform(0.01, 0.09) * plot.height, x - plot.x0, plot.x1 - x, y - plot.y0, plot.y1 - y)
                pen.oval(pymupdf.Rect(x - r, y - r, x + r, y + r), colour, fill=colour, width=0.5, opacity=0.7)
                if r > pen.size and rng.random() < 0.5:
                    pen.text(x, y + pen.size * 0.3, pen.word(), anchor=0.5, size=pen.size * 0.8)
        elif opacity < 1 and shape == "dot":
            for p in points:
                pen.dots([p], size, colour, opacity)
        else:
            markers(pen, points, colour, shape, size)
        if rng.random() < 0.35:
            ends = [(x, level + slope * (x - mid)) for x in (max(0.02, mid - 2 * spread), min(0.98, mid + 2 * spread))]
            line = [(plot.x0 + x * plot.width, plot.y1 - min(max(y, 0), 1) * plot.height) for x, y in ends]
            pen.path(line, rng.choice((colour, pen.ink, (0.8, 0.1, 0.1))), width=1, dashes=rng.choice(DASHES))
        if not bubbles and count < 25 and rng.random() < 0.3:
            for x, y in points:
                pen.text(x + size, y - size * 0.4, pen.word(), size=pen.size * 0.75)
