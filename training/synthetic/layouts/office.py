"""Layouts of letters, memoranda, invoices, receipts and forms."""

from __future__ import annotations

import pymupdf

from ..pen import WHITE, inset, length, mix
from .canvas import Canvas


def letterhead(canvas: Canvas, area: pymupdf.Rect) -> float:
    """The sender's name and address at the top of `area`: with a logo, centred, or in a bar. Returns the y below."""
    rng, size, y = canvas.rng, canvas.size, area.y0
    contact = [*canvas.address(), f"Tel. +{rng.randrange(10, 99)} {rng.randrange(10**6, 10**7)}", "www.example.com"]
    kind = rng.random()
    if kind < 0.35:
        canvas.figure(pymupdf.Rect(area.x0, y, area.x0 + area.width * 0.45, y + size * 5), "logo")
        for i, line in enumerate([canvas.company(), *contact]):
            canvas.pen.text(area.x1, y + size * (0.9 + i), line, anchor=1, size=size * 0.75, colour=canvas.accent)
        return y + size * 6.5
    if kind < 0.6:
        y = canvas.heading(
            pymupdf.Rect(area.x0, y, area.x1, area.y1), canvas.company(), size * 1.8, anchor=0.5, colour=canvas.accent
        )
        canvas.pen.text((area.x0 + area.x1) / 2, y + size, " · ".join(contact), anchor=0.5, size=size * 0.75)
        canvas.rule(area.x0, area.x1, y + size * 1.6, colour=canvas.accent)
        return y + size * 3
    if kind < 0.75:
        bar = pymupdf.Rect(0, 0, canvas.whole.width, area.y0 + size * 2)
        canvas.pen.rect(bar, None, fill=canvas.accent)
        canvas.pen.text(
            area.x0, bar.y1 - size, canvas.company(), size=size * 1.7, font=canvas.faces.heading, colour=WHITE
        )
        return bar.y1 + size * 2
    for line in [canvas.person(), *canvas.address()]:
        canvas.pen.text(area.x0 if kind < 0.9 else area.x1, y + size, line, anchor=0 if kind < 0.9 else 1)
        y += size * 1.25
    return y + size * 2


def letter(canvas: Canvas) -> tuple[str, ...]:
    """A letter: letterhead, address, date, subject, salutation, paragraphs, closing and signature; or a memorandum."""
    rng, size, area = canvas.rng, canvas.size, canvas.text_area()
    if rng.random() < 0.15:
        return memo(canvas, area)
    y = letterhead(canvas, area)
    dated = rng.choice(("right", "left", "above"))
    if dated == "above":
        canvas.pen.text(area.x0, y + size, canvas.date())
        y += size * 2.5
    for line in [canvas.company(), canvas.person(), *canvas.address()][rng.randrange(2) :]:
        canvas.pen.text(area.x0, y + size, line)
        y += size * 1.25
    y += size * rng.uniform(1, 4)
    if dated != "above":
        side = dated == "right"
        canvas.pen.text(
            area.x1 if side else area.x0, y, f"{canvas.word().capitalize()}, {canvas.date()}", anchor=float(side)
        )
        y += size * 2
    if rng.random() < 0.7:
        text = f"{canvas.term('subject')} {canvas.title()}"
        y = canvas.set_text(pymupdf.Rect(area.x0, y, area.x1, area.y1), text, font=canvas.faces.bold) + size
    canvas.pen.text(area.x0, y + size, canvas.term("dear").format(canvas.person()))
    y += size * 2.3
    bottom, justified = area.y1 - size * 12, rng.random() < 0.4
    for _ in range(rng.randrange(2, 6)):
        if y < bottom:
            y = canvas.set_text(pymupdf.Rect(area.x0, y, area.x1, bottom), canvas.paragraph(1, 5), justified=justified)
            y += size * rng.choice((0.7, 1.0))
    x = area.x0 if rng.random() < 0.7 else area.x0 + area.width * 0.5
    canvas.pen.text(x, y + size * 1.5, canvas.term("closing"))
    canvas.figure(pymupdf.Rect(x, y + size * 2, x + 150, y + size * 6.5), "signature")
    canvas.pen.text(x, y + size * 8, canvas.person())
    canvas.pen.text(x, y + size * 9.2, canvas.title(1, 3), size=size * 0.9)
    if rng.random() < 0.4:
        foot = " | ".join((canvas.company(), *canvas.address()))
        canvas.rule(area.x0, area.x1, area.y1 - size, width=0.4)
        canvas.pen.text((area.x0 + area.x1) / 2, area.y1 + size * 0.3, foot, anchor=0.5, size=size * 0.7)
    if rng.random() < 0.15:
        canvas.figure(pymupdf.Rect(area.x1 - 150, area.y0 + 60, area.x1, area.y0 + 160), "stamp")
    return ("letter",)


def memo(canvas: Canvas, area: pymupdf.Rect) -> tuple[str, ...]:
    """A memorandum or printed e-mail: header lines, a rule, paragraphs."""
    rng, size, y = canvas.rng, canvas.size, area.y0
    if rng.random() < 0.6:
        y = canvas.heading(area, rng.choice(("MEMORANDUM", "Memo", "Internal note", "E-mail")), size * 1.8) + size
    for head in ("From:", "To:", rng.choice(("Cc:", "Sent:")), canvas.term("date") + ":", canvas.term("subject")):
        canvas.pen.text(area.x0, y + size, head, font=canvas.faces.bold)
        value = canvas.title() if head[-2:] != "e:" and head[0] not in "FTC" else canvas.person()
        canvas.pen.text(area.x0 + size * 6, y + size, value)
        y += size * 1.5
    canvas.rule(area.x0, area.x1, y + size * 0.3, width=rng.choice((0.5, 1.5)))
    canvas.prose(pymupdf.Rect(area.x0, y + size * 1.5, area.x1, area.y0 + area.height * rng.uniform(0.45, 0.95)))
    return ("letter",)


def invoice(canvas: Canvas) -> tuple[str, ...]:
    """An invoice: letterhead, customer, table of items, totals and bank account."""
    rng, size, area, pen = canvas.rng, canvas.size, canvas.text_area(), canvas.pen
    y = letterhead(canvas, area)
    pen = canvas.pen
    top = y
    for line in [canvas.company(), canvas.person(), *canvas.address()]:
        pen.text(area.x0, y + size, line)
        y += size * 1.25
    title = canvas.term("bill")
    pen.text(area.x1, top + size * 1.5, title, anchor=1, size=size * 2, font=canvas.faces.heading, colour=canvas.accent)
    for i, head in enumerate((canvas.term("date"), f"{title} No.", canvas.term("order"))):
        value = canvas.date() if i == 0 else str(rng.randrange(10**4, 10**7))
        pen.text(area.x1 - size * 8, top + size * (3.2 + 1.25 * i), head, anchor=1, size=size * 0.9)
        pen.text(area.x1, top + size * (3.2 + 1.25 * i), value, anchor=1, size=size * 0.9)
    y = max(y, top + size * 7) + size * rng.uniform(1, 4)
    heads = [canvas.term(n) for n in ("item", "quantity", "unit price", "amount")]
    stops = [area.x0 + size * 2.5, area.x0 + area.width * 0.6, area.x0 + area.width * 0.8, area.x1 - size * 0.4]
    barred, grid, banded = rng.random() < 0.5, rng.random() < 0.35, rng.random() < 0.3
    tall = size * rng.uniform(1.5, 2.3)
    first = y
    if barred:
        pen.rect(pymupdf.Rect(area.x0, y, area.x1, y + tall), None, fill=canvas.accent)
    for i, (head, x) in enumerate(zip(heads, stops, strict=True)):
        pen.text(
            x,
            y + tall * 0.5 + size * 0.35,
            head,
            anchor=float(i > 0),
            font=canvas.faces.bold,
            size=size * 0.9,
            colour=WHITE if barred else None,
        )
    y += tall
    for row in range(rng.randrange(1, 14)):
        if y > area.y1 - size * 15:
            break
        if banded and row % 2:
            pen.rect(pymupdf.Rect(area.x0, y, area.x1, y + tall), None, fill=mix(canvas.accent, WHITE, 0.88))
        base = y + tall * 0.5 + size * 0.35
        pen.text(area.x0 + size * 0.4, base, str(row + 1), size=size * 0.9)
        pen.text(stops[0], base, canvas.title(2, 4), size=size * 0.9)
        for x, value in zip(stops[1:], (str(rng.randrange(1, 40)), canvas.money(), canvas.money(9000)), strict=True):
            pen.text(x, base, value, anchor=1, size=size * 0.9)
        if not grid and rng.random() < 0.9:
            canvas.rule(area.x0, area.x1, y + tall, width=0.3, colour=mix(canvas.ink, WHITE, 0.5))
        y += tall
    if grid:
        pen.rect(pymupdf.Rect(area.x0, first, area.x1, y), width=0.6)
        pen.lines(((x + size * 0.4, first), (x + size * 0.4, y)) for x in (area.x0 + size * 1.5, *stops[1:3]))
    for i, name in enumerate(("subtotal", "tax", "total")):
        font = canvas.faces.bold if name == "total" else canvas.faces.body
        y += size * 1.6
        if name == "total":
            canvas.rule(area.x0 + area.width * 0.55, area.x1, y - size * 1.1)
        label = canvas.term(name) + (f" {rng.choice((7, 19, 20, 21))} %" if i == 1 else "")
        pen.text(area.x0 + area.width * 0.8, y, label, anchor=1, font=font)
        pen.text(area.x1 - size * 0.4, y, rng.choice(("€ ", "$", "", "£")) + canvas.money(9000), anchor=1, font=font)
    y = canvas.set_text(pymupdf.Rect(area.x0, y + size * 2, area.x1, area.y1), canvas.paragraph(1, 2), size=size * 0.9)
    lines = (canvas.term("bank") + ":", f"IBAN DE{rng.randrange(10**19, 10**20)}", f"BIC {canvas.word().upper()[:8]}")
    for i, line in enumerate(lines):
        pen.text(area.x0, min(y + size * 3, area.y1 - size * 3) + i * size * 1.1, line, size=size * 0.8)
    if rng.random() < 0.2:
        canvas.figure(pymupdf.Rect(area.x0 + area.width * 0.3, first, area.x1, y), "stamp")
    return ("invoice",)


def receipt(canvas: Canvas) -> tuple[str, ...]:
    """A till receipt: the shop's name, items with prices, total, tax, a bar code, thanks."""
    rng, area, pen = canvas.rng, inset(canvas.whole, canvas.whole.width * 0.06, 14), canvas.pen
    font = canvas.faces.mono if rng.random() < 0.8 else canvas.faces.body
    size = area.width / 30 / max(length("0", font, 1), 0.3)
    middle, y = (area.x0 + area.x1) / 2, area.y0
    shop = canvas.company().upper()
    big = min(size * 2, area.width / length(shop, canvas.faces.heading, 1))
    pen.text(middle, y + big, shop, anchor=0.5, size=big, font=canvas.faces.heading)
    y += big * 1.4

    def line(left: str, right: str = "", *, centred: bool = False, scale: float = 1.0) -> None:
        nonlocal y
        y += size * 1.25 * scale
        room = area.width - pen.length(right, size=size * scale, font=font)
        while left and pen.length(left + " ", size=size * scale, font=font) > room:
            left = left[:-1]
        pen.text(middle if centred else area.x0, y, left, anchor=0.5 * centred, size=size * scale, font=font)
        pen.text(area.x1, y, right, anchor=1, size=size * scale, font=font)

    for text in (*canvas.address(), f"Tel {rng.randrange(10**7, 10**8)}", canvas.term("receipt")):
        line(text, centred=True)
    line(canvas.date(), f"{rng.randrange(8, 22)}:{rng.randrange(60):02}")
    dashes = rng.choice("-=*_.") * 34
    line(dashes)
    upper = rng.random() < 0.6
    for _ in range(rng.randrange(2, int(max(4, (area.height - y) / (size * 1.25) - 16)))):
        name = canvas.title(1, 3)
        line(name.upper() if upper else name, canvas.money(60) + rng.choice(("", " A", " B")))
        if rng.random() < 0.15:
            line(f"  {rng.randrange(2, 6)} x {canvas.money(20)}")
    line(dashes)
    line(canvas.term("total").upper(), canvas.money(300), scale=rng.choice((1, 1.5, 1.9)))
    for name in ("cash", "tax", "subtotal"):
        line(canvas.term(name), canvas.money(300))
    line(dashes)
    line(canvas.term("thanks"), centred=True)
    if rng.random() < 0.5 and y + 50 < area.y1:
        x = area.x0 + area.width * 0.15
        while x < area.x1 - area.width * 0.15:
            wide = rng.choice((0.7, 0.7, 1.4, 2.1))
            pen.rect(pymupdf.Rect(x, y + 12, x + wide, y + 42), None, fill=(0, 0, 0))
            x += wide + rng.choice((0.7, 1.4, 2.1))
    return ("receipt",)


def form(canvas: Canvas) -> tuple[str, ...]:
    """A form: a title, fields to fill in, and lines for date and signature."""
    rng, size, area = canvas.rng, canvas.size, canvas.text_area()
    if rng.random() < 0.4:
        canvas.figure(pymupdf.Rect(area.x0, area.y0, area.x0 + 130, area.y0 + size * 4), "logo")
        area.y0 += size * 5
    y = canvas.heading(
        area, f"{canvas.term('form')} {canvas.title(1, 3)}", size * rng.uniform(1.3, 2), anchor=rng.choice((0, 0.5))
    )
    if rng.random() < 0.6:
        y = canvas.set_text(pymupdf.Rect(area.x0, y, area.x1, area.y1), canvas.sentence(), size=size * 0.85)
    for name in rng.sample(("name", "first name", "address", "date"), rng.randrange(1, 5)):
        y += size * 2.1
        canvas.pen.text(area.x0, y, canvas.term(name))
        if rng.random() < 0.5:
            canvas.rule(area.x0 + size * 9, area.x1, y + 2, width=0.5)
        else:
            canvas.pen.rect(pymupdf.Rect(area.x0 + size * 9, y - size * 1.2, area.x1, y + size * 0.4), width=0.5)
    canvas.figure(pymupdf.Rect(area.x0, y + size, area.x1, area.y1 - size * 4), "form")
    for x, name in ((area.x0, "date"), (area.x0 + area.width * 0.5, "signature")):
        canvas.rule(x, x + area.width * 0.4, area.y1 - size * 1.2, width=0.5)
        canvas.pen.text(x, area.y1, canvas.term(name), size=size * 0.8)
    return ("form",)
