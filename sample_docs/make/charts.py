"""Bar, horizontal bar, line and donut charts of given values, drawn into a box of a sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .sheet import GREY, INK, WHITE, Box, Colour, Sheet, text_width

GRID: Colour = (0.84, 0.85, 0.87)


def _title(sheet: Sheet, box: Box, title: str, unit: str, size: float) -> float:
    """Write a chart's title and unit; return their height."""
    x, y, _, _ = box
    sheet.text(x, y + size, title, size=size, font="sans-bold")
    if unit:
        sheet.text(x, y + size * 2.1, unit, size=size * 0.66, colour=GREY)
    return size * (3.1 if unit else 1.7)


def _scale(sheet: Sheet, plot: Box, top: float, step: float, size: float, *, low: float = 0.0) -> None:
    """Draw horizontal grid lines with their values at the left."""
    x, y, w, h = plot
    for number in range(round((top - low) / step) + 1):
        value = low + number * step
        at = y + h - h * (value - low) / (top - low)
        sheet.line((x, at), (x + w, at), colour=GRID if number else INK, width=0.5 if number else 0.9)
        sheet.text(x - 5, at + size * 0.35, f"{value:g}", size=size, colour=GREY, align="right")


def _legend(sheet: Sheet, x: float, y: float, names: Sequence[str], colours: Sequence[Colour], size: float) -> None:
    for name, colour in zip(names, colours, strict=False):
        sheet.rect((x, y - size * 0.75, size * 0.85, size * 0.85), fill=colour)
        x += size * 1.3
        x += sheet.text(x, y, name, size=size) + size * 1.6


def bar_chart(
    sheet: Sheet,
    box: Box,
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
    *,
    colours: Sequence[Colour],
    top: float,
    step: float,
    unit: str = "",
    axis: str = "",
    size: float = 9.0,
    stacked: bool = False,
    form: str = "{:.1f}",
) -> None:
    """Draw vertical bars, grouped or stacked, with their values, and for several series a legend."""
    x, y, w, h = box
    head = _title(sheet, box, title, unit, size * 1.55)
    foot = size * (3.4 if axis else 2.0) + (size * 1.8 if len(series) > 1 else 0)
    plot = (x + size * 3.2, y + head, w - size * 3.2, h - head - foot)
    _scale(sheet, plot, top, step, size)
    left, up, wide, high = plot
    slot = wide / len(labels)
    bar = slot * 0.62 / (1 if stacked else len(series))
    heights = [0.0] * len(labels)
    for rank, (values, colour) in enumerate(zip(series.values(), colours, strict=False)):
        for place, value in enumerate(values):
            base = heights[place] if stacked else 0.0
            tall = high * value / top
            at = left + slot * (place + 0.19) + (0 if stacked else bar * rank)
            sheet.rect((at, up + high - high * base / top - tall, bar * 0.96, tall), fill=colour)
            heights[place] = base + value
            if not stacked:
                sheet.text(at + bar / 2, up + high - tall - 3, form.format(value), size=size, align="center")
    if stacked:
        for place, value in enumerate(heights):
            at = left + slot * (place + 0.5)
            sheet.text(at, up + high - high * value / top - 3, form.format(value), size=size, align="center")
    for place, label in enumerate(labels):
        sheet.text(left + slot * (place + 0.5), up + high + size * 1.35, label, size=size, align="center")
    if axis:
        sheet.text(left + wide / 2, up + high + size * 2.8, axis, size=size, colour=GREY, align="center")
    if len(series) > 1:
        _legend(sheet, left, y + h - 2, list(series), colours, size)


def horizontal_bar_chart(
    sheet: Sheet,
    box: Box,
    title: str,
    values: Mapping[str, float],
    *,
    colour: Colour,
    top: float,
    unit: str = "",
    size: float = 9.0,
    form: str = "{:.1f}",
) -> None:
    """Draw horizontal bars, each with its label at the left and its value at the right."""
    x, y, w, h = box
    head = _title(sheet, box, title, unit, size * 1.55)
    before = max(text_width(label, size) for label in values) + 8
    slot = (h - head) / len(values)
    for place, (label, value) in enumerate(values.items()):
        at = y + head + slot * place
        long = (w - before - size * 4) * value / top
        sheet.text(x + before - 8, at + slot * 0.5 + size * 0.35, label, size=size, align="right")
        sheet.rect((x + before, at + slot * 0.16, long, slot * 0.68), fill=colour)
        sheet.text(x + before + long + 5, at + slot * 0.5 + size * 0.35, form.format(value), size=size)
    sheet.line((x + before, y + head), (x + before, y + h), width=0.9)


def line_chart(
    sheet: Sheet,
    box: Box,
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
    *,
    colours: Sequence[Colour],
    top: float,
    step: float,
    low: float = 0.0,
    unit: str = "",
    axis: str = "",
    size: float = 9.0,
) -> None:
    """Draw lines with a dot at each value; the labels are evenly spaced from the first value to the last."""
    x, y, w, h = box
    head = _title(sheet, box, title, unit, size * 1.55) if title else size
    foot = size * (3.3 if axis else 2.0) + (size * 1.7 if len(series) > 1 else 0)
    plot = (x + size * 3.2, y + head, w - size * 4.6, h - head - foot)
    _scale(sheet, plot, top, step, size, low=low)
    left, up, wide, high = plot
    for values, colour in zip(series.values(), colours, strict=False):
        gap = wide / (len(values) - 1)
        points = [(left + gap * at, up + high - high * (value - low) / (top - low)) for at, value in enumerate(values)]
        sheet.path(points, line=colour, width=1.5)
        for point in points:
            sheet.circle(*point, size * 0.24, fill=WHITE, line=colour, width=1.0)
    for place, label in enumerate(labels):
        at = left + wide * place / (len(labels) - 1)
        sheet.text(at, up + high + size * 1.35, label, size=size, align="center")
    if axis:
        sheet.text(left + wide / 2, up + high + size * 2.7, axis, size=size, colour=GREY, align="center")
    if len(series) > 1:
        _legend(sheet, left, y + h - 2, list(series), colours, size)


def donut_chart(
    sheet: Sheet,
    x: float,
    y: float,
    radius: float,
    values: Mapping[str, float],
    *,
    colours: Sequence[Colour],
    centre: str,
    size: float = 10.0,
    unit: str = "%",
) -> None:
    """Draw a ring around (x, y), with the text `centre` in the middle and a legend at its right."""
    total = sum(values.values())
    start = 0.0
    for place, ((name, value), colour) in enumerate(zip(values.items(), colours, strict=False)):
        end = start + value / total
        sheet.slice(x, y, radius, start, end, colour)
        start = end
        row = y + (place - (len(values) - 1) / 2) * size * 2.1
        sheet.rect((x + radius * 1.25, row - size * 0.8, size, size), fill=colour)
        sheet.text(x + radius * 1.25 + size * 1.6, row, f"{name}  {value:g}{unit}", size=size)
    sheet.circle(x, y, radius * 0.58, fill=WHITE)
    sheet.text(x, y + size * 0.4, centre, size=size * 1.1, font="sans-bold", align="center")
