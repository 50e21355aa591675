"""Parts that charts share: scales of round numbers, axes, grid lines and legends."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import pymupdf

from . import vocabulary
from .pen import Colour, Pen, mix


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis of round numbers from `low` to `high` in steps of `step`, and the template of its labels."""

    low: float
    high: float
    step: float
    template: str

    def at(self, value: float) -> float:
        """The position of `value` along the axis, 0 to 1."""
        return (value - self.low) / (self.high - self.low)

    def text(self, value: float) -> str:
        places = max(0, -math.floor(math.log10(self.step) + 1e-9))
        return self.template.format(f"{value:,.{places}f}" if self.template != "{}" else f"{value:.{places}f}")

    def ticks(self) -> list[tuple[float, str]]:
        count = round((self.high - self.low) / self.step)
        values = [self.low + i * self.step for i in range(count + 1)]
        return [(self.at(v), self.text(v)) for v in values]


def scale(rng: random.Random, low: float, high: float, count: float) -> Scale:
    """A scale that covers low to high in about `count` steps."""
    rough = (high - low) / max(count, 1)
    ten = 10.0 ** math.floor(math.log10(rough))
    step = ten * next(s for s in (1, 2, 5, 10) if s * ten >= rough * 0.999)
    template = rng.choice(("{}", "{}", "{}", "{:}", "{}%", "${}", "€{}", "{}k", "{}m", "{} "))
    return Scale(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, step, template)


def category_names(pen: Pen, count: int) -> list[str]:
    """Labels of a category axis: years, months, quarters, age groups, numbers or words."""
    rng, kind = pen.rng, pen.rng.random()
    if kind < 0.35:
        year = rng.randrange(1985, 2031 - count)
        template = rng.choice(("{}", "{}", "{}", "FY{}", "{}A", "’{}"))
        return [template.format(str(year + i)[2 if template in ("FY{}", "’{}") else 0 :]) for i in range(count)]
    if kind < 0.45:
        first = rng.randrange(12)
        return [vocabulary.MONTHS[(first + i) % 12][:3] for i in range(count)]
    if kind < 0.55:
        dated, first = rng.random() < 0.4, rng.randrange(4)
        return [f"Q{i % 4 + 1} {10 + i // 4}" if dated else f"Q{i % 4 + 1}" for i in range(first, first + count)]
    if kind < 0.6:
        return [f"{10 * i}–{10 * i + 9}" for i in range(count)]
    if kind < 0.65:
        return [str(i + 1) for i in range(count)]
    return [pen.word().strip(",.;:?") for _ in range(count)]


def legend(pen: Pen, box: pymupdf.Rect, colours: Sequence[Colour], *, kind: str = "box") -> pymupdf.Rect:
    """Draw a legend at an edge of `box`, and return the rest of the box; all of it if there is no room for a legend."""
    rng, size = pen.rng, pen.size * 0.95
    names = [pen.phrase(box.width * 0.3, most=2, size=size) or "ABCDEFGH"[i % 8] for i in range(len(colours))]
    wide = [pen.length(n, size=size) + size * 2.6 for n in names]
    place = rng.choice(("top", "right", "bottom", "bottom"))

    def entry(x: float, y: float, name: str, colour: Colour) -> None:
        mark = pymupdf.Rect(x, y - size * 0.65, x + size * 0.65, y)
        if kind == "line":
            pen.path([(x - size * 0.3, y - size * 0.3), (x + size, y - size * 0.3)], colour, width=1.2)
        elif kind == "dot":
            pen.dots([(x + size * 0.3, y - size * 0.3)], size * 0.5, colour)
        else:
            pen.rect(mark, None, fill=colour)
        pen.text(x + size * 1.3, y, name, size=size)

    if place == "right" and max(wide) < box.width * 0.4 and len(names) * size * 1.5 < box.height:
        x, y = box.x1 - max(wide), box.y0 + size + rng.random() * (box.height - len(names) * size * 1.5)
        for i, (name, colour) in enumerate(zip(names, colours, strict=True)):
            entry(x + size * 0.6, y + i * size * 1.45, name, colour)
        return pymupdf.Rect(box.x0, box.y0, x, box.y1)
    rows: list[list[int]] = [[]]
    for i in range(len(names)):
        if sum(wide[k] for k in rows[-1]) + wide[i] > box.width:
            rows.append([])
        rows[-1].append(i)
    tall = len(rows) * size * 1.4
    if tall > box.height * 0.35:
        return box
    top = box.y0 if place == "top" else box.y1 - tall
    for r, row in enumerate(rows):
        x = box.x0 + (box.width - sum(wide[k] for k in row)) * 0.5
        for k in row:
            entry(x + size * 0.4, top + size + r * size * 1.4, names[k], colours[k])
            x += wide[k]
    if place == "top":
        return pymupdf.Rect(box.x0, box.y0 + tall + size * 0.4, box.x1, box.y1)
    return pymupdf.Rect(box.x0, box.y0, box.x1, top - size * 0.2)


def axes(
    pen: Pen,
    box: pymupdf.Rect,
    values: Sequence[tuple[float, str]],
    names: Sequence[tuple[float, str]],
    *,
    across: bool = False,
    zero: float = 0.0,
    right: Sequence[tuple[float, str]] = (),
    scale_shown: bool = True,
) -> pymupdf.Rect:
    """Draw two axes with labels and grid lines, and return the plot area between them.

    `values`, as (position 0 to 1, label), go up the left side, `names` along the bottom; `across` swaps the two. `zero`
    is the position of the base line, `right` an optional second axis.
    """
    rng, size, ink = pen.rng, pen.size * 0.9, pen.ink
    up, along = (names, values) if across else (values, names)
    up_shown, along_shown = (True, scale_shown) if across else (scale_shown, True)
    if box.height < 4 * size or box.width < 5 * size:
        up_shown = along_shown = False
    left = max((pen.length(t, size=size) for _, t in up), default=0) + size * 0.5
    if left > box.width * 0.42:
        up_shown = False
    left = left if up_shown else size * 0.3
    extra = max((pen.length(t, size=size) for _, t in right), default=-size * 0.1) + size * 0.5
    wide = max((pen.length(t, size=size) for _, t in along), default=0.0)
    room = (box.width - left - extra) / max(len(along), 1)
    angle = 0.0 if wide < room * 0.95 else rng.choice((90.0, 45.0))
    below = size * 1.5 if not angle else wide * math.sin(math.radians(angle)) + size
    if below > box.height * 0.4:
        angle, below = 0.0, size * 1.5
    below = below if along_shown else size * 0.3
    x_title = rng.random() < 0.3 and box.height > 9 * size
    y_title = rng.random() < 0.3 and box.width > 14 * size
    plot = pymupdf.Rect(
        box.x0 + left + y_title * size * 1.4, box.y0 + size * 0.6,
        box.x1 - extra, box.y1 - below - x_title * size * 1.3,
    )  # fmt: skip
    if x_title:
        pen.text((plot.x0 + plot.x1) / 2, box.y1 - size * 0.3, pen.phrase(plot.width), anchor=0.5, size=size)
    if y_title:
        pen.text(box.x0 + size * 0.9, (plot.y0 + plot.y1) / 2, pen.phrase(plot.height), anchor=0.5, size=size, angle=90)
    grid = rng.random()
    pale = mix(ink, pen.paper, rng.uniform(0.65, 0.9))
    if grid < 0.12:
        pen.rect(plot, None, fill=mix(pen.paper, ink, 0.08))
        pale = pen.paper
    if grid < 0.55:
        pen.lines(
            (((plot.x0 + p * plot.width, plot.y0), (plot.x0 + p * plot.width, plot.y1)) for p, _ in values)
            if across
            else (((plot.x0, plot.y1 - p * plot.height), (plot.x1, plot.y1 - p * plot.height)) for p, _ in values),
            pale, width=rng.choice((0.3, 0.5, 0.8)),
        )  # fmt: skip
    tick = rng.choice((0.0, 0.0, size * 0.3, -size * 0.3))
    if up_shown:
        for p, text in up:
            y = plot.y1 - p * plot.height
            pen.text(plot.x0 - size * 0.4, y + size * 0.3, text, anchor=1, size=size)
        if tick:
            pen.lines((((plot.x0, y := plot.y1 - p * plot.height), (plot.x0 - tick, y)) for p, _ in up), width=0.5)
    for p, text in right:
        pen.text(plot.x1 + size * 0.4, plot.y1 - p * plot.height + size * 0.3, text, size=size)
    if along_shown:
        skip = math.ceil(size * 1.05 / room) if angle else 1 if wide < room else math.ceil(wide / room + 0.2)
        for p, text in [*along][::skip]:
            x = plot.x0 + p * plot.width
            if angle:
                drop = (x + size * 0.3, plot.y1 + size * 0.5)
                pen.text(*drop, text, anchor=1, size=size, angle=angle)
            else:
                pen.text(x, plot.y1 + size * 1.1, text, anchor=0.5, size=size)
    frame = rng.random()
    width = rng.choice((0.5, 0.5, 0.8, 1.2))
    if frame < 0.2:
        pen.rect(plot, ink, width=width)
    elif frame < 0.9:
        base = (plot.x0 + zero * plot.width) if across else (plot.y1 - zero * plot.height)
        pen.lines([((base, plot.y0), (base, plot.y1)) if across else ((plot.x0, base), (plot.x1, base))], width=width)
        if frame < 0.5:
            pen.lines([((plot.x0, plot.y1), (plot.x1, plot.y1)), ((plot.x0, plot.y0), (plot.x0, plot.y1))], width=width)
    return plot
