"""Layouts of posters, flyers, warning signs and pages of photographs."""

from __future__ import annotations

import pymupdf

from ..pen import BLACK, WHITE, inset, length, random_colour, readable_on, smooth
from ..signs import BLUE, BOLT, GREEN, RED, YELLOW
from .canvas import Canvas, below
from .scenes import scene
from .slides import background_shapes


def poster(canvas: Canvas) -> tuple[str, ...]:
    """A poster: huge words over a photograph, a scene or plain colour; or a warning sign or a flyer."""
    rng, whole, unit = canvas.rng, canvas.whole, canvas.whole.width / 30
    kind = rng.choice(("photo", "photo", "scene", "scene", "words", "warning", "event", "flyer"))
    if kind in ("warning", "flyer"):
        return warning_sign(canvas) if kind == "warning" else flyer(canvas)
    ink, anchor = canvas.ink, rng.choice((0.0, 0.5, 0.5))
    area = inset(whole, unit * 2, unit * 2)
    words = canvas.title(1, rng.choice((2, 3, 5)))
    words = words.upper() if rng.random() < 0.6 else words
    huge = unit * rng.uniform(3, 6)
    if kind == "photo":
        part = rng.choice((1.0, 1.0, 0.6))
        canvas.photograph(pymupdf.Rect(0, 0, whole.x1, whole.y1 * part))
        if part == 1.0:
            ink = rng.choice((WHITE, WHITE, (1, 0.85, 0.1), (0.95, 0.2, 0.2)))
            if rng.random() < 0.5:
                canvas.pen.rect(whole, None, fill=BLACK, opacity=0.35)
        else:
            area.y0 = whole.y1 * part + unit
    elif kind == "event":
        background_shapes(canvas)
        canvas.layer()
    elif kind == "scene":
        scene(
            canvas,
            pymupdf.Rect(
                0 if rng.random() < 0.5 else area.x0, whole.y1 * 0.42, whole.x1, whole.y1 * rng.choice((0.85, 1))
            ),
        )
        canvas.layer()
    room = pymupdf.Rect(
        area.x0, area.y0, area.x1, area.y0 + area.height * (0.33 if kind in ("scene", "event") else 0.8)
    )
    y = canvas.heading(room, words, huge if kind != "words" else huge * 1.6, anchor=anchor, colour=ink) + unit
    if rng.random() < 0.7:
        y = canvas.set_text(
            below(area, y), canvas.title(3, 9), size=unit * 1.5, font=canvas.faces.bold, anchor=anchor, colour=ink
        )
    if kind == "event":
        y = canvas.heading(
            below(area, y + unit * 2),
            f"{canvas.date()}  {rng.randrange(8, 23)}:00",
            unit * 2,
            anchor=anchor,
            colour=canvas.accent,
        )
        for _ in range(rng.randrange(2, 6)):
            y = canvas.set_text(below(area, y + unit), canvas.title(2, 6), size=unit * 1.3, anchor=anchor, colour=ink)
    if y < whole.y1 - unit * 4 and rng.random() < 0.6:
        foot = pymupdf.Rect(0, whole.y1 - unit * 3.5, whole.x1, whole.y1)
        fill = rng.choice((canvas.accent, WHITE, BLACK, random_colour(rng)))
        canvas.pen.rect(foot, None, fill=fill)
        text = rng.choice(
            (
                f"{canvas.company()} · www.example.com",
                f"{canvas.date()} · {canvas.title(1, 3)}",
                " · ".join(canvas.address()),
            )
        )
        canvas.pen.text(
            whole.x1 / 2,
            foot.y0 + unit * 2.1,
            text,
            anchor=0.5,
            colour=readable_on(fill),
            font=canvas.faces.bold,
            size=min(unit * 1.2, area.width / length(text, canvas.faces.bold, 1)),
        )
    if rng.random() < 0.25:
        x, y, r = whole.x1 - unit * 6, whole.y1 * 0.6, unit * 4
        canvas.pen.oval(
            pymupdf.Rect(x - r, y - r, x + r, y + r), None, fill=rng.choice(((0.95, 0.8, 0.1), (0.9, 0.15, 0.15)))
        )
        price = rng.choice(("-50%", "FREE", "NEW", f"€{rng.randrange(2, 99)}"))
        canvas.pen.text(x, y + unit, price, anchor=0.5, size=unit * 2.4, font=canvas.faces.heading, colour=WHITE)
    return ("poster",)


def flyer(canvas: Canvas) -> tuple[str, ...]:
    """A flyer: a coloured head, photographs of products with short texts, and prices."""
    rng, whole, unit = canvas.rng, canvas.whole, canvas.whole.width / 30
    fill = random_colour(rng)
    head = pymupdf.Rect(0, 0, whole.x1, whole.y1 * rng.uniform(0.15, 0.28))
    canvas.pen.rect(head, None, fill=fill)
    text = inset(head, unit * 2, unit)
    y = canvas.heading(text, canvas.title(1, 4), unit * rng.uniform(2.5, 4), anchor=0.5, colour=readable_on(fill))
    canvas.set_text(below(text, y), canvas.title(2, 6), size=unit * 1.2, anchor=0.5, colour=readable_on(fill))
    across, down = rng.choice(((1, 1), (1, 2), (2, 1), (2, 2), (3, 2)))
    area = inset(pymupdf.Rect(0, head.y1, whole.x1, whole.y1 - unit * 3), unit * 2, unit)
    priced = rng.random() < 0.6
    for i in range(across * down):
        wide, tall = area.width / across, area.height / down
        x, top = area.x0 + wide * (i % across), area.y0 + tall * (i // across)
        cell = inset(pymupdf.Rect(x, top, x + wide, top + tall), unit * 0.4, unit * 0.4)
        show = pymupdf.Rect(cell.x0, cell.y0, cell.x1, cell.y0 + cell.height * 0.6)
        canvas.photograph(show)
        y = canvas.set_text(
            below(cell, show.y1 + unit * 0.4), canvas.title(1, 4), font=canvas.faces.bold, size=unit * 1.2
        )
        canvas.set_text(below(cell, y), canvas.title(5, 15), size=unit * 0.8)
        if priced:
            r = min(unit * 2.6, cell.width * 0.2)
            badge = pymupdf.Rect(show.x1 - 2 * r, show.y1 - 2 * r, show.x1, show.y1)
            canvas.pen.oval(badge, None, fill=rng.choice(((0.9, 0.1, 0.1), (1, 0.85, 0.1), fill)))
            canvas.pen.text(
                show.x1 - r, show.y1 - r * 0.7, canvas.money(99), anchor=0.5, size=r * 0.75, font=canvas.faces.heading
            )
    foot = " · ".join((canvas.company(), *canvas.address()))
    canvas.pen.text(whole.x1 / 2, whole.y1 - unit * 1.2, foot, anchor=0.5, size=unit * 0.8, font=canvas.faces.bold)
    return ("poster",)


def warning_sign(canvas: Canvas) -> tuple[str, ...]:
    """A safety sign over the whole page (triangle, prohibition ring, disc or square) with a large word."""
    rng, pen, whole = canvas.rng, canvas.pen, canvas.whole
    kind = rng.choice(("triangle", "ban", "duty", "notice", "safe"))
    paper = {"triangle": rng.choice((YELLOW, WHITE)), "notice": rng.choice((RED, YELLOW)), "safe": GREEN}.get(
        kind, WHITE
    )
    pen.rect(whole, None, fill=paper)
    edge = min(whole.width, whole.height)
    if rng.random() < 0.4:
        pen.rect(inset(whole, edge * 0.03, edge * 0.03), readable_on(paper), width=edge * 0.015)
    wide = whole.width > whole.height
    box = inset(
        pymupdf.Rect(0, 0, whole.x1 * (0.5 if wide else 1), whole.y1 * (1 if wide else 0.6)), edge * 0.1, edge * 0.1
    )
    words = pymupdf.Rect(
        box.x1 if wide else edge * 0.08, box.y0 if wide else box.y1 + edge * 0.04, whole.x1 - edge * 0.08, whole.y1
    )
    x, y, r = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2, min(box.width, box.height) / 2
    disc = pymupdf.Rect(x - r, y - r, x + r, y + r)
    font = pymupdf.Font("hebo")
    if kind == "triangle":
        corners = [(x - r, y + r * 0.8), (x, y - r), (x + r, y + r * 0.8)]
        pen.path(
            corners, rng.choice((BLACK, RED)), fill=YELLOW if paper == WHITE else WHITE, width=r * 0.13, closed=True
        )
        if rng.random() < 0.5:
            pen.text(x, y + r * 0.62, "!", anchor=0.5, size=r * 1.5, font=font, colour=BLACK)
        else:
            pen.path([(x + r * a, y + r * b) for a, b in BOLT], None, fill=BLACK)
    elif kind == "ban":
        pen.rect(pymupdf.Rect(x - r * 0.45, y - r * 0.1, x + r * 0.45, y + r * 0.1), None, fill=BLACK)
        pen.path(
            smooth([(x + r * 0.3, y - r * 0.15), (x + r * 0.4, y - r * 0.4), (x + r * 0.2, y - r * 0.55)]),
            BLACK,
            width=r * 0.06,
        )
        pen.oval(inset(disc, r * 0.08, r * 0.08), RED, width=r * 0.16)
        pen.path([(x - r * 0.65, y - r * 0.65), (x + r * 0.65, y + r * 0.65)], RED, width=r * 0.16)
    elif kind in ("duty", "safe"):
        pen.oval(disc, None, fill=BLUE if kind == "duty" else WHITE)
        figure = WHITE if kind == "duty" else GREEN
        pen.oval(pymupdf.Rect(x - r * 0.18, y - r * 0.7, x + r * 0.18, y - r * 0.34), None, fill=figure)
        pen.path(
            [
                (x - r * 0.3, y - r * 0.25),
                (x + r * 0.3, y - r * 0.25),
                (x + r * 0.15, y + r * 0.7),
                (x - r * 0.15, y + r * 0.7),
            ],
            None,
            fill=figure,
        )
    else:
        pen.rect(inset(box, 0, r * 0.2), None, fill=WHITE if paper == RED else BLACK)
        pen.text(x, y + r * 0.35, "!", anchor=0.5, size=r, font=font, colour=paper)
    if kind != "safe" or rng.random() < 0.5:
        canvas.layer()
    text = canvas.term("warning") if canvas.language_code != "ru" else canvas.term("warning").upper()
    big = canvas.fitting_size(text, words.width, canvas.faces.heading, edge * 0.2)
    y = canvas.set_text(
        words,
        text,
        font=canvas.faces.heading,
        size=big,
        anchor=0.0 if wide else 0.5,
        colour=readable_on(paper),
        leading=1.1,
    )
    canvas.set_text(
        below(words, y + edge * 0.02),
        canvas.title(2, 8),
        size=edge * 0.055,
        font=canvas.faces.bold,
        anchor=0.0 if wide else 0.5,
        colour=readable_on(paper),
    )
    return ("poster",)


def photo_page(canvas: Canvas) -> tuple[str, ...]:
    """One or several photographs that fill the page, with little or no text."""
    rng, whole = canvas.rng, canvas.whole
    edge = rng.choice((0, 0, 20, 40))
    area, gap, captioned = inset(whole, edge, edge), rng.choice((0, 4, 10)), rng.random() < 0.5
    if captioned:
        area.y1 -= canvas.size * 4
    boxes = [area]
    for _ in range(rng.choice((0, 0, 1, 2, 3, 5))):
        box = boxes.pop(rng.randrange(len(boxes)))
        share = rng.uniform(0.35, 0.65)
        if box.width > box.height:
            cut = box.x0 + box.width * share
            boxes += [
                pymupdf.Rect(box.x0, box.y0, cut - gap / 2, box.y1),
                pymupdf.Rect(cut + gap / 2, box.y0, box.x1, box.y1),
            ]
        else:
            cut = box.y0 + box.height * share
            boxes += [
                pymupdf.Rect(box.x0, box.y0, box.x1, cut - gap / 2),
                pymupdf.Rect(box.x0, cut + gap / 2, box.x1, box.y1),
            ]
    for box in boxes:
        canvas.photograph(box)
    if captioned:
        canvas.set_text(
            pymupdf.Rect(area.x0 + 12, area.y1 + canvas.size * 0.6, area.x1 - 12, whole.y1),
            canvas.sentence(),
            anchor=rng.choice((0, 0.5)),
        )
    return ("photo page",)
