"""A pen that draws lines, shapes and text on a page and tracks their bounding box; and geometry and colours for it."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from functools import lru_cache

import pymupdf

from . import vocabulary
from .sheet import Sheet

Colour = tuple[float, ...]
Point = tuple[float, float]
WHITE: Colour = (1.0, 1.0, 1.0)
BLACK: Colour = (0.0, 0.0, 0.0)
MONO = ("mono", "cour", "code", "hack", "consol", "cousine")
SCRIPT = ("kristi", "breip", "ecolier", "hand", "script", "dancing", "cursive", "caveat", "lobster")
"""Parts of the names of fixed-width and of script fonts."""
TEXTS_PER_WRITER = 64
"""A TextWriter measures all its texts whenever one is added, so that many small writers are faster than a large one."""
PALETTES = (
    "1f77b4 ff7f0e 2ca02c d62728 9467bd 8c564b e377c2 7f7f7f",
    "4472c4 ed7d31 a5a5a5 ffc000 5b9bd5 70ad47 264478 9e480e",
    "4e79a7 f28e2b e15759 76b7b2 59a14f edc948 b07aa1 ff9da7",
    "003f5c 58508d bc5090 ff6361 ffa600 7a9cc6 2f4b7c a05195",
    "0b3c5d 328cc1 d9b310 1d2731 6cb4ee a9a9a9 b5651d 5f9ea0",
    "f8766d cd9600 7cae00 00be67 00bfc4 00a9ff c77cff ff61cc",
    "8dd3c7 fdb462 bebada fb8072 80b1d3 b3de69 fccde5 d9d9d9",
    "4f81bd c0504d 9bbb59 8064a2 4bacc6 f79646 2c4d75 772c2a",
)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """The linear mixture of two colours: `a` at share 0, `b` at share 1."""
    return tuple(x + (y - x) * share for x, y in zip(a, b, strict=True))


def readable_on(colour: Colour) -> Colour:
    """A text colour for a background: white on a dark `colour`, nearly black on a light one."""
    return WHITE if 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2] < 0.55 else (0.08, 0.08, 0.1)


def random_colour(rng: random.Random) -> Colour:
    """A random colour of medium lightness, saturated or dull."""
    low, high = rng.uniform(0, 0.35), rng.uniform(0.4, 0.9)
    parts = [low, rng.uniform(low, high), high]
    rng.shuffle(parts)
    return tuple(parts)


def palette(rng: random.Random, count: int) -> list[Colour]:
    """`count` matching colours: from one of PALETTES, shades of one colour, or greys."""
    kind = rng.random()
    if kind < 0.55:
        chosen = [tuple(int(h[i : i + 2], 16) / 255 for i in (0, 2, 4)) for h in rng.choice(PALETTES).split()]
        start = rng.randrange(len(chosen))
        colours = [chosen[(start + i) % len(chosen)] for i in range(count)]
        return [mix(c, WHITE, 0.35 * (i // len(chosen))) for i, c in enumerate(colours)]
    base = random_colour(rng) if kind < 0.88 else (g := rng.uniform(0, 0.3), g, g)
    if kind < 0.65:
        base = (0.0, rng.uniform(0.15, 0.35), rng.uniform(0.4, 0.65))
    shades = [mix(base, WHITE, 0.8 * i / max(count, 3)) for i in range(count)]
    return shades if rng.random() < 0.7 else shades[::-1]


def smooth(points: Sequence[Point], steps: int = 6) -> list[Point]:
    """Points of the Catmull-Rom spline through `points`, `steps` for each segment, and the last point."""
    weights = []
    for i in range(steps):
        t = i / steps
        weights.append((
            0.5 * (2 * t * t - t - t**3), 0.5 * (2 - 5 * t * t + 3 * t**3),
            0.5 * (t + 4 * t * t - 3 * t**3), 0.5 * (t**3 - t * t),
        ))  # fmt: skip
    padded = [points[0], *points, points[-1]]
    out: list[Point] = []
    for (ax, ay), (bx, by), (cx, cy), (dx, dy) in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        out += [(p * ax + q * bx + r * cx + s * dx, p * ay + q * by + r * cy + s * dy) for p, q, r, s in weights]
    return [*out, points[-1]]


def arc(centre: Point, rx: float, ry: float, start: float, end: float) -> list[Point]:
    """Points of an elliptical arc; angles in radians, clockwise from three o'clock."""
    count = max(2, math.ceil(abs(end - start) / 0.12))
    turns = (start + (end - start) * i / count for i in range(count + 1))
    return [(centre[0] + rx * math.cos(a), centre[1] + ry * math.sin(a)) for a in turns]


def inset(r: pymupdf.Rect, x: float, y: float) -> pymupdf.Rect:
    """`r` reduced by `x` at the left and right, and by `y` at the top and bottom."""
    return pymupdf.Rect(r.x0 + x, r.y0 + y, r.x1 - x, r.y1 - y)


def clamped(points: Iterable[Point], box: pymupdf.Rect) -> list[Point]:
    """`points`, with those outside `box` moved to its edge."""
    return [(min(max(x, box.x0), box.x1), min(max(y, box.y0), box.y1)) for x, y in points]


@lru_cache(maxsize=1 << 17)
def advance(font: pymupdf.Font, letter: str) -> float:
    """The advance width of a letter at size 1."""
    return float(font.glyph_advance(ord(letter)))


def length(text: str, font: pymupdf.Font, size: float) -> float:
    """The width of `text` in points. `Font.text_length` is many times slower."""
    return size * sum(advance(font, letter) for letter in text)


class Pen:
    """Draws one figure inside `area`; `finish` puts its shapes on the page, and its text above them.

    `size` is the default font size, `ink` the default colour.
    """

    def __init__(self, sheet: Sheet, area: pymupdf.Rect, size: float, ink: Colour) -> None:
        self.sheet, self.rng, self.area, self.size, self.ink = sheet, sheet.rng, area, size, ink
        self.font = sheet.rng.choice(sheet.fonts)
        self.dark = sum(ink) / len(ink) > 0.6
        """Whether the figure is light ink on dark paper."""
        self.paper: Colour = (0.12, 0.14, 0.2) if self.dark else WHITE
        self.thin = sheet.rng.choice((0.3, 0.5, 0.5, 0.75, 1.0))
        self._shape = sheet.page.new_shape()
        self._to_pdf = tuple(self._shape.ipctm)
        self._writers: dict[tuple[Colour, float, int], pymupdf.TextWriter] = {}
        self._written = 0
        self._ink: list[Point] = []

    def box(self) -> pymupdf.Rect:
        """The bounding box of what was drawn so far, without captions."""
        if not self._ink:
            return pymupdf.Rect(self.area)
        xs, ys, area = [p[0] for p in self._ink], [p[1] for p in self._ink], self.area
        # Not `Rect & Rect`, which rounds to float32 and may exceed the area.
        return pymupdf.Rect(max(min(xs), area.x0), max(min(ys), area.y0), min(max(xs), area.x1), min(max(ys), area.y1))

    def finish(self) -> None:
        """Put everything drawn so far on the page."""
        self._shape.commit()
        for (colour, angle, _), writer in self._writers.items():
            morph = (pymupdf.Point(self.area.tl), pymupdf.Matrix(angle)) if angle else None
            writer.write_text(self.sheet.page, color=colour, morph=morph)

    def _move(self, points: Sequence[Point]) -> None:
        """Add an open path to the shape. `Shape.draw_polyline` is several times slower."""
        a, b, c, d, e, f = self._to_pdf
        steps = [f"{x * a + y * c + e:.2f} {x * b + y * d + f:.2f} l" for x, y in points]
        steps[0] = steps[0][:-1] + "m"
        self._shape.draw_cont += "\n".join(steps) + "\n"

    def palette(self, count: int) -> list[Colour]:
        """`count` matching colours, lighter on dark paper."""
        colours = palette(self.rng, count)
        return [mix(c, WHITE, 0.35) for c in colours] if self.dark else colours

    def path(
        self,
        points: Iterable[Point],
        stroke: Colour | None = None,
        *,
        fill: Colour | None = None,
        width: float | None = None,
        dashes: str | None = None,
        closed: bool = False,
        opacity: float = 1.0,
    ) -> None:
        """Draw a line through `points`, or a filled polygon; with neither stroke nor fill, a line in ink."""
        line = [*points]
        self._ink += line
        self._move(line)
        stroke = self.ink if stroke is None and fill is None else stroke
        self._shape.finish(
            width=self.thin if width is None else width, color=stroke, fill=fill, dashes=dashes, lineJoin=1,
            closePath=closed or fill is not None, fill_opacity=opacity, stroke_opacity=opacity,
        )  # fmt: skip

    def lines(self, pairs: Iterable[tuple[Point, Point]], stroke: Colour | None = None, width: float = 0.5) -> None:
        """Draw separate straight lines in one colour."""
        drawn = False
        for a, b in pairs:
            self._ink += (a, b)
            self._move((a, b))
            drawn = True
        if drawn:
            self._shape.finish(width=width, color=stroke or self.ink, closePath=False)

    def dots(self, points: Iterable[Point], diameter: float, colour: Colour, opacity: float = 1.0) -> None:
        """Draw round dots, as lines of almost no length with round caps."""
        half = diameter / 2
        drawn = False
        for x, y in points:
            self._ink += ((x - half, y - half), (x + half, y + half))
            self._move(((x, y), (x + 0.01, y)))
            drawn = True
        if drawn:
            self._shape.finish(width=diameter, color=colour, lineCap=1, closePath=False, stroke_opacity=opacity)

    def rect(
        self,
        r: pymupdf.Rect,
        stroke: Colour | None = None,
        *,
        fill: Colour | None = None,
        width: float | None = None,
        radius: float = 0.0,
        dashes: str | None = None,
        opacity: float = 1.0,
    ) -> None:
        """Draw a rectangle; `radius` is that of its corners, points."""
        r = pymupdf.Rect(min(r.x0, r.x1), min(r.y0, r.y1), max(r.x0, r.x1), max(r.y0, r.y1))
        if r.is_empty:
            return
        self._ink += ((r.x0, r.y0), (r.x1, r.y1))
        share = min(radius / min(r.width, r.height), 0.5)
        self._shape.draw_rect(r, radius=share if share > 0.01 else None)
        stroke = self.ink if stroke is None and fill is None else stroke
        self._shape.finish(
            width=self.thin if width is None else width, color=stroke, fill=fill, dashes=dashes, fill_opacity=opacity
        )

    def oval(
        self,
        r: pymupdf.Rect,
        stroke: Colour | None = None,
        *,
        fill: Colour | None = None,
        width: float | None = None,
        dashes: str | None = None,
        opacity: float = 1.0,
    ) -> None:
        """Draw an ellipse inside `r`."""
        if r.is_empty:
            return
        self._ink += ((r.x0, r.y0), (r.x1, r.y1))
        self._shape.draw_oval(r)
        stroke = self.ink if stroke is None and fill is None else stroke
        self._shape.finish(
            width=self.thin if width is None else width, color=stroke, fill=fill, dashes=dashes, fill_opacity=opacity
        )

    def arrow(self, points: Sequence[Point], stroke: Colour, *, width: float, dashes: str | None = None) -> None:
        """Draw a line through `points` with a filled arrowhead at its end."""
        self.path(points, stroke, width=width, dashes=dashes)
        (x0, y0), (x1, y1) = points[-2:]
        turn, head = math.atan2(y1 - y0, x1 - x0), 2.5 + 2.5 * width
        wings = [(x1 - head * math.cos(turn + s), y1 - head * math.sin(turn + s)) for s in (-0.4, 0.4)]
        self.path([(x1, y1), *wings], None, fill=stroke)

    def length(self, text: str, *, size: float | None = None, font: pymupdf.Font | None = None) -> float:
        return length(text, font or self.font, size or self.size)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        anchor: float = 0.0,
        colour: Colour | None = None,
        size: float | None = None,
        font: pymupdf.Font | None = None,
        angle: float = 0.0,
        caption: bool = False,
    ) -> bool:
        """Write `text` with its baseline at y, unless it would exceed the area; returns whether it was written.

        x is the left end of the text for `anchor` 0, its middle for 0.5, its right end for 1. `angle` rotates it
        anticlockwise, in degrees. A `caption` does not count in `box`.
        """
        size, font = size or self.size, font or self.font
        long = self.length(text, size=size, font=font)
        turn = math.radians(angle)
        along, up = (math.cos(turn), -math.sin(turn)), (-math.sin(turn), -math.cos(turn))
        x, y = x - along[0] * long * anchor, y - along[1] * long * anchor
        ends = [
            (x + along[0] * a + up[0] * b, y + along[1] * a + up[1] * b)
            for a, b in ((0, -0.22 * size), (0, 0.75 * size), (long, -0.22 * size), (long, 0.75 * size))
        ]
        area = self.area
        inside = all(area.x0 - 0.5 <= px <= area.x1 + 0.5 and area.y0 - 0.5 <= py <= area.y1 + 0.5 for px, py in ends)
        if not (text.strip() and inside):
            return False
        if not caption:
            self._ink += ends
        key = (tuple(colour or self.ink), angle, self._written // TEXTS_PER_WRITER)
        self._written += 1
        if key not in self._writers:
            self._writers[key] = pymupdf.TextWriter(self.sheet.page.rect)
        dx, dy = x - area.x0, y - area.y0
        back = (dx * along[0] + dy * along[1], -dx * along[1] + dy * along[0])
        where = (area.x0 + back[0], area.y0 + back[1]) if angle else (x, y)
        self._writers[key].append(where, text, font=font, fontsize=size)
        return True

    def word(self) -> str:
        return vocabulary.word(self.sheet.language, self.rng)

    def phrase(
        self, width: float, *, most: int = 3, size: float | None = None, font: pymupdf.Font | None = None
    ) -> str:
        """Up to `most` random words that fit into `width`; empty if none of three tries fits."""
        for _ in range(3):
            text = " ".join(self.word() for _ in range(self.rng.randint(1, most)))
            if self.length(text, size=size, font=font) <= width:
                return text
            most = 1
        return ""

    def named_font(self, parts: Sequence[str]) -> pymupdf.Font | None:
        """A random font of the sheet whose name contains one of `parts`; None if there is none."""
        fitting = [f for f in self.sheet.fonts if any(p in f.name.lower() for p in parts)]
        return self.rng.choice(fitting) if fitting else None
