"""Random figures of every kind that pixel recognises: charts, photographs, maps, diagrams, logos, signatures …"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import pymupdf
from PIL import Image

from . import (
    charts,
    diagrams,
    equations,
    illustrations,
    marks,
    matrix_charts,
    screens,
    signs,
    technical_drawings,
    timelines,
)
from .pen import Colour, Pen
from .photographs import GIVEN_PHOTO_SHARE, photos, random_photo
from .sheet import Sheet

__all__ = ["KINDS", "figure", "photos"]

DrawFigure = Callable[[Pen, pymupdf.Rect], None]
FIGURES: Mapping[str, tuple[float, DrawFigure]] = MappingProxyType(
    {
        "bar chart": (6, charts.bar_chart),
        "line chart": (5, charts.line_chart),
        "pie chart": (3, charts.pie_chart),
        "donut chart": (2, charts.donut_chart),
        "scatter plot": (2.5, charts.scatter_plot),
        "bubble chart": (1.5, charts.bubble_chart),
        "radar chart": (1, matrix_charts.radar_chart),
        "heat map": (1, matrix_charts.heat_map),
        "gantt chart": (1.5, timelines.gantt_chart),
        "timeline": (1.5, timelines.timeline),
        "quadrant": (1.5, matrix_charts.quadrants),
        "diagram": (1.5, diagrams.diagram),
        "flow chart": (2, diagrams.flow_chart),
        "organisation chart": (1.5, diagrams.organisation_chart),
        "venn diagram": (1, diagrams.venn_diagram),
        "map": (1.5, diagrams.draw_map),
        "drawing": (1.5, technical_drawings.drawing),
        "illustration": (3, illustrations.illustration),
        "screenshot": (1.5, screens.screenshot),
        "logo": (3, marks.logo),
        "signature": (4, marks.signature),
        "stamp": (4, marks.stamp),
        "sign": (4, signs.sign),
        "barcode": (2.5, signs.barcode),
        "handwriting": (2, marks.handwriting),
        "equation": (1.5, equations.equation),
        "code": (1, screens.code),
        "form": (1, screens.form),
    }
)
"""Every kind but photographs, with its weight in random choices (higher for small figures) and its drawing function."""
PHOTO = "photo"
WEIGHTS: Mapping[str, float] = MappingProxyType({PHOTO: 4, **{kind: weight for kind, (weight, _) in FIGURES.items()}})
KINDS: tuple[str, ...] = tuple(WEIGHTS)
CHARTS = KINDS[1:9]
"""Kinds of which several may stand side by side."""
UNTITLED = ("logo", "signature", "stamp", "sign", "barcode", "equation", "handwriting")


def figure(
    sheet: Sheet,
    area: pymupdf.Rect,
    size: float,
    colour: Colour,
    *,
    pictures: Sequence[bytes] = (),
    kinds: Sequence[str] = KINDS,
) -> list[tuple[str, pymupdf.Rect]]:
    """Draw a random figure inside `area`, with text in `colour` at about `size` points.

    Returns the kinds drawn, each with its ink's bounding box without title and caption: a wide area may hold two or
    three charts side by side. `pictures` are JPEG streams that photographs may show.
    """
    rng = sheet.rng
    kind = rng.choices(kinds, [WEIGHTS[k] for k in kinds])[0]
    size = min(size, area.height / 6, area.width / 9)
    if kind not in CHARTS or area.width < 30 * size or area.height > area.width or rng.random() < 0.75:
        return _one(sheet, kind, area, size, colour, pictures)
    count = rng.choice((2, 2, 3)) if area.width > 45 * size else 2
    step = area.width / count
    fitting = [k for k in kinds if k in CHARTS]
    out = []
    for i in range(count):
        part = pymupdf.Rect(area.x0 + i * step, area.y0, area.x0 + (i + 1) * step - size, area.y1)
        out += _one(sheet, kind, part, size, colour, pictures)
        kind = kind if rng.random() < 0.5 else rng.choice(fitting)
    return out


def _one(
    sheet: Sheet, kind: str, area: pymupdf.Rect, size: float, colour: Colour, pictures: Sequence[bytes]
) -> list[tuple[str, pymupdf.Rect]]:
    pen = Pen(sheet, area, size, colour)
    inner = area if kind in UNTITLED else _captions(pen, area)
    if kind == PHOTO:
        ink = _photo(pen, inner, pictures)
    else:
        FIGURES[kind][1](pen, inner)
        ink = pen.box()
    pen.finish()
    return [(kind, ink)]


def _captions(pen: Pen, area: pymupdf.Rect) -> pymupdf.Rect:
    """Write a title above and a caption below, each at random, and return the area between them."""
    rng, size = pen.rng, pen.size
    inner = pymupdf.Rect(area)
    if area.height < 8 * size or area.width < 12 * size:
        return inner
    if rng.random() < 0.35:
        big = size * rng.choice((1, 1.2, 1.5))
        font = rng.choice((pen.font, *pen.sheet.fonts))
        anchor = rng.choice((0.0, 0.5))
        text = pen.phrase(area.width, most=6, size=big, font=font)
        pen.text(area.x0 + area.width * anchor, area.y0 + big, text, anchor=anchor, size=big, font=font, caption=True)
        inner.y0 += big * 1.5
    if rng.random() < 0.35:
        lines = rng.choice((1, 1, 2))
        start = rng.choice(("Figure {}. ", "Fig. {}: ", "Source: ", "{}. ", "Chart {} ")).format(rng.randrange(1, 60))
        for i in range(lines):
            y = area.y1 - size * (0.3 + 1.2 * (lines - 1 - i))
            room = area.width - pen.length(start, size=size * 0.9)
            text = start + pen.sheet.tokens(room, pen.font, size * 0.9)
            pen.text(area.x0, y, text, size=size * 0.9, caption=True)
            start = ""
        inner.y1 -= size * (0.6 + 1.2 * lines)
    return inner


def _photo(pen: Pen, area: pymupdf.Rect, pictures: Sequence[bytes]) -> pymupdf.Rect:
    """Put a photograph into `area` at its own aspect ratio, and return its rectangle."""
    rng = pen.rng
    if pictures and rng.random() < GIVEN_PHOTO_SHARE:
        stream = rng.choice(pictures)
        with Image.open(io.BytesIO(stream)) as image:
            shape = image.width / image.height
    else:
        shape = min(max(area.width / area.height * rng.choice((1, 1, 1, 0.7, 0.5, 1.3)), 0.45), 3.0)
        stream = random_photo(rng, shape, min(area.width, area.height * shape))
    wide = min(area.width, area.height * shape)
    x = area.x0 + (area.width - wide) * rng.choice((0, 0, 0.5, 1))
    frame = pymupdf.Rect(x, area.y0, x + wide, area.y0 + wide / shape)
    pen.sheet.page.insert_image(frame, stream=stream, keep_proportion=False)
    if rng.random() < 0.12:
        pen.rect(frame, width=rng.choice((0.5, 1, 2)))
    return pymupdf.Rect(frame.x0, frame.y0, min(frame.x1, area.x1), min(frame.y1, area.y1))
