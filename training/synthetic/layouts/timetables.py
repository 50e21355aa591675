"""Layouts of timetables: departures, a week, the months of a calendar, the programme of a day."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pymupdf

from ..pen import WHITE, inset, mix
from .canvas import Canvas, below
from .tables import grid

Clock = Callable[[int], str]
"""The time so many minutes after the first one, as it is printed."""
DAYS = 31


def timetable(canvas: Canvas) -> tuple[str, ...]:
    """A timetable of departures or of a week, a calendar, or the programme of a day."""
    rng, area = canvas.rng, canvas.text_area()
    size = canvas.resize(rng.uniform(7, 10))
    barred = rng.random() < 0.3
    if barred:
        canvas.pen.rect(pymupdf.Rect(0, 0, canvas.whole.x1, area.y0 + size * 4), None, fill=canvas.accent)
    head = f"{canvas.term('timetable')} {canvas.title(1, 3)}"
    y = canvas.heading(area, head, size * rng.uniform(1.8, 3), colour=WHITE if barred else canvas.accent) + size * 2
    rest, days = below(area, y), canvas.term("weekdays").split(",")
    kind = rng.choice(("departures", "week", "month", "programme"))
    hour, step = rng.randrange(4, 8), rng.choice((5, 10, 15, 20, 30, 60))

    def clock(minutes: int) -> str:
        return f"{(hour + minutes // 60) % 24:02}{':' if size > 7.5 else '.'}{minutes % 60:02}"

    if kind == "departures":
        _departures(canvas, rest, clock, step)
    elif kind == "week":
        _week(canvas, rest, clock, days)
    elif kind == "month":
        _months(canvas, rest, size, days)
    else:
        _programme(canvas, rest, clock, step, size)
    return ("timetable",)


def _departures(canvas: Canvas, area: pymupdf.Rect, clock: Clock, step: int) -> None:
    """A column for each departure, `step` minutes apart, and a row for each stop."""
    rng = canvas.rng
    count = rng.randrange(5, 14)
    legs = [rng.randrange(2, 14) for _ in range(60)]
    grid(
        canvas,
        area,
        [canvas.word().capitalize(), *(str(rng.randrange(1, 400)) for _ in range(count))],
        area.width * 0.22,
        lambda r, c: clock(sum(legs[:r]) + c * step) if c else canvas.title(1, 2),
    )


def _week(canvas: Canvas, area: pymupdf.Rect, clock: Clock, days: Sequence[str]) -> None:
    """A column for each day and a row for each hour; some hours may be in colour."""
    rng = canvas.rng
    rows, wide = rng.randrange(5, 12), rng.choice((5, 6, 7))
    busy = rng.uniform(0.4, 0.95)
    tall = area.height * rng.uniform(0.6, 1) / (rows + 1)
    grid(
        canvas,
        area,
        ["", *days[:wide]],
        area.width * 0.12,
        tall=tall,
        most=rows,
        cell=lambda r, c: (canvas.title(1, 2) if rng.random() < busy else "") if c else clock(r * 60),
    )
    if rng.random() < 0.6:
        for _ in range(rng.randrange(4, 14)):
            x = area.x0 + area.width * (0.12 + 0.88 * rng.randrange(wide) / wide)
            top = area.y0 + tall * rng.randrange(1, rows + 1)
            canvas.pen.rect(
                pymupdf.Rect(x, top, x + area.width * 0.88 / wide, top + tall),
                None,
                fill=mix(canvas.pen.palette(6)[rng.randrange(6)], WHITE, 0.5),
                opacity=0.7,
            )


def _months(canvas: Canvas, area: pymupdf.Rect, size: float, days: Sequence[str]) -> None:
    """A calendar of one month, or of twelve in three columns."""
    months = canvas.rng.choice((1, 1, 12))
    across = 3 if months > 1 else 1
    wide, high = area.width / across, area.height / (-(-months // across))
    for m in range(months):
        x, y = area.x0 + wide * (m % across), area.y0 + high * (m // across)
        _month(canvas, pymupdf.Rect(x, y, x + wide - size, y + high - size), size, days, is_alone=months == 1)


def _month(canvas: Canvas, box: pymupdf.Rect, size: float, days: Sequence[str], *, is_alone: bool) -> None:
    """The days of one month; if it `is_alone`, with notes on some."""
    rng = canvas.rng
    start = rng.randrange(7)
    head = rng.choice(canvas.term("months").split(","))
    canvas.pen.text(box.x0, box.y0 + size, head.capitalize(), font=canvas.faces.bold, size=size * 1.2)
    for c in range(7):
        canvas.pen.text(
            box.x0 + box.width * (c + 0.5) / 7,
            box.y0 + size * 2.6,
            days[c][: 9 if is_alone else 2],
            anchor=0.5,
            size=size * 0.85,
            colour=canvas.accent,
        )
    wide, high = box.width / 7, (box.height - size * 3) / 6
    for day in range(DAYS):
        c, r = (start + day) % 7, (start + day) // 7
        x, y = box.x0 + box.width * c / 7, box.y0 + size * 3 + r * high
        if is_alone:
            cell = pymupdf.Rect(x, y, x + wide, y + high)
            canvas.pen.rect(cell, width=0.5)
            if rng.random() < 0.3:
                canvas.set_text(inset(cell, 3, size * 1.6), canvas.title(1, 3), size=size * 0.8)
        canvas.pen.text(x + size * 0.4, y + size * 1.2, str(day + 1), colour=canvas.accent if c == 6 else None)


def _programme(canvas: Canvas, area: pymupdf.Rect, clock: Clock, step: int, size: float) -> None:
    """The events of a day, of two `step` minutes each, with titles and perhaps speakers."""
    rng, bold = canvas.rng, canvas.faces.bold
    minutes, y = 0, area.y0
    while y < area.y1 - size * 3:
        when = f"{clock(minutes)} – {clock(minutes + step * 2)}"
        canvas.pen.text(area.x0, y + size * 1.1, when, font=bold, size=size * 1.1)
        left = area.x0 + size * 12
        y = canvas.set_text(pymupdf.Rect(left, y, area.x1, area.y1), canvas.title(2, 7), font=bold, size=size * 1.1)
        if rng.random() < 0.7:
            y = canvas.set_text(pymupdf.Rect(left, y, area.x1, area.y1), f"{canvas.person()}, {canvas.company()}")
        minutes += step * 2
        y += size * 1.2
        if rng.random() < 0.5:
            canvas.rule(area.x0, area.x1, y - size * 0.6, width=0.3)
