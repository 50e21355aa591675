"""Lays out what offices and tills print: letters, invoices, receipts, certificates, forms, and pages by hand."""

from __future__ import annotations

import math

import pymupdf

from . import marks, screens
from .leaf import Leaf
from .pen import WHITE, Pen, arc, hue, inset, mix


def placed(leaf: Leaf, area: pymupdf.Rect) -> Pen:
    """A pen of its own for a mark inside `area`; the caller finishes it."""
    return Pen(leaf.sheet, area & leaf.whole, leaf.size, leaf.ink)


def mark(leaf: Leaf, area: pymupdf.Rect, kind: str) -> None:
    """Draw a logo, signature, stamp or handwriting in `area`."""
    pen = placed(leaf, area)
    {"logo": marks.logo, "signature": marks.signature, "stamp": marks.stamp, "handwriting": marks.handwriting}[kind](
        pen, pen.area
    )
    pen.finish()


def letterhead(leaf: Leaf, area: pymupdf.Rect) -> float:
    """The sender's name and address above `area`: a logo, a centred name or a coloured bar; returns y below."""
    rng, size, y = leaf.rng, leaf.size, area.y0
    contact = [*leaf.address(), f"Tel. +{rng.randrange(10, 99)} {rng.randrange(10**6, 10**7)}", "www.example.com"]
    kind = rng.random()
    if kind < 0.35:
        mark(leaf, pymupdf.Rect(area.x0, y, area.x0 + area.width * 0.45, y + size * 5), "logo")
        for i, line in enumerate([leaf.company(), *contact]):
            leaf.pen.text(area.x1, y + size * (0.9 + i), line, anchor=1, size=size * 0.75, colour=leaf.accent)
        return y + size * 6.5
    if kind < 0.6:
        y = leaf.heading(pymupdf.Rect(area.x0, y, area.x1, area.y1), leaf.company(), size * 1.8, anchor=0.5,
                         colour=leaf.accent)  # fmt: skip
        leaf.pen.text(sum(area.tl[::2]) + area.width / 2, y + size, " · ".join(contact), anchor=0.5, size=size * 0.75)
        leaf.rule(area.x0, area.x1, y + size * 1.6, colour=leaf.accent)
        return y + size * 3
    if kind < 0.75:
        bar = pymupdf.Rect(0, 0, leaf.whole.width, area.y0 + size * 2)
        leaf.pen.rect(bar, None, fill=leaf.accent)
        leaf.pen.text(area.x0, bar.y1 - size, leaf.company(), size=size * 1.7, font=leaf.faces.head, colour=WHITE)
        return bar.y1 + size * 2
    for line in [leaf.person(), *leaf.address()]:
        leaf.pen.text(area.x0 if kind < 0.9 else area.x1, y + size, line, anchor=0 if kind < 0.9 else 1)
        y += size * 1.25
    return y + size * 2


def letter(leaf: Leaf) -> tuple[str, ...]:
    """A letterhead, an address, a date, a subject, a salutation, paragraphs, a closing and a signature."""
    rng, size, area = leaf.rng, leaf.size, leaf.area()
    if rng.random() < 0.15:
        return memo(leaf, area)
    y = letterhead(leaf, area)
    dated = rng.choice(("right", "left", "above"))
    if dated == "above":
        leaf.pen.text(area.x0, y + size, leaf.date())
        y += size * 2.5
    for line in [leaf.company(), leaf.person(), *leaf.address()][rng.randrange(2) :]:
        leaf.pen.text(area.x0, y + size, line)
        y += size * 1.25
    y += size * rng.uniform(1, 4)
    if dated != "above":
        side = dated == "right"
        leaf.pen.text(area.x1 if side else area.x0, y, f"{leaf.word().capitalize()}, {leaf.date()}", anchor=float(side))
        y += size * 2
    if rng.random() < 0.7:
        text = f"{leaf.term('subject')} {leaf.title()}"
        y = leaf.set(pymupdf.Rect(area.x0, y, area.x1, area.y1), text, font=leaf.faces.bold) + size
    leaf.pen.text(area.x0, y + size, leaf.term("dear").format(leaf.person()))
    y += size * 2.3
    bottom, justified = area.y1 - size * 12, rng.random() < 0.4
    for _ in range(rng.randrange(1, 5)):
        if y < bottom:
            y = leaf.set(pymupdf.Rect(area.x0, y, area.x1, bottom), leaf.paragraph(1, 5), justified=justified)
            y += size * rng.choice((0.7, 1.0))
    x = area.x0 if rng.random() < 0.7 else area.x0 + area.width * 0.5
    leaf.pen.text(x, y + size * 1.5, leaf.term("closing"))
    mark(leaf, pymupdf.Rect(x, y + size * 2, x + 150, y + size * 6.5), "signature")
    leaf.pen.text(x, y + size * 8, leaf.person())
    leaf.pen.text(x, y + size * 9.2, leaf.title(1, 3), size=size * 0.9)
    if rng.random() < 0.4:
        foot = " | ".join((leaf.company(), *leaf.address()))
        leaf.rule(area.x0, area.x1, area.y1 - size, width=0.4)
        leaf.pen.text((area.x0 + area.x1) / 2, area.y1 + size * 0.3, foot, anchor=0.5, size=size * 0.7)
    if rng.random() < 0.15:
        mark(leaf, pymupdf.Rect(area.x1 - 150, area.y0 + 60, area.x1, area.y0 + 160), "stamp")
    return ("letter",)


def memo(leaf: Leaf, area: pymupdf.Rect) -> tuple[str, ...]:
    """A memorandum or a printed e-mail: a few headed lines, a rule, paragraphs."""
    rng, size, y = leaf.rng, leaf.size, area.y0
    if rng.random() < 0.6:
        y = leaf.heading(area, rng.choice(("MEMORANDUM", "Memo", "Internal note", "E-mail")), size * 1.8) + size
    for head in ("From:", "To:", rng.choice(("Cc:", "Sent:")), leaf.term("date") + ":", leaf.term("subject")):
        leaf.pen.text(area.x0, y + size, head, font=leaf.faces.bold)
        value = leaf.title() if head[-2:] != "e:" and head[0] not in "FTC" else leaf.person()
        leaf.pen.text(area.x0 + size * 6, y + size, value)
        y += size * 1.5
    leaf.rule(area.x0, area.x1, y + size * 0.3, width=rng.choice((0.5, 1.5)))
    leaf.prose(pymupdf.Rect(area.x0, y + size * 1.5, area.x1, area.y0 + area.height * rng.uniform(0.45, 0.95)))
    return ("letter",)


def invoice(leaf: Leaf) -> tuple[str, ...]:
    """Who bills whom, a table of items, totals, and where to pay."""
    rng, size, area, pen = leaf.rng, leaf.size, leaf.area(), leaf.pen
    y = letterhead(leaf, area)
    pen = leaf.pen
    top = y
    for line in [leaf.company(), leaf.person(), *leaf.address()]:
        pen.text(area.x0, y + size, line)
        y += size * 1.25
    title = leaf.term("bill")
    pen.text(area.x1, top + size * 1.5, title, anchor=1, size=size * 2, font=leaf.faces.head, colour=leaf.accent)
    for i, head in enumerate((leaf.term("date"), f"{title} No.", leaf.term("order"))):
        value = leaf.date() if i == 0 else str(rng.randrange(10**4, 10**7))
        pen.text(area.x1 - size * 8, top + size * (3.2 + 1.25 * i), head, anchor=1, size=size * 0.9)
        pen.text(area.x1, top + size * (3.2 + 1.25 * i), value, anchor=1, size=size * 0.9)
    y = max(y, top + size * 7) + size * rng.uniform(1, 4)
    heads = [leaf.term(n) for n in ("item", "quantity", "unit price", "amount")]
    stops = [area.x0 + size * 2.5, area.x0 + area.width * 0.6, area.x0 + area.width * 0.8, area.x1 - size * 0.4]
    barred, grid, banded = rng.random() < 0.5, rng.random() < 0.35, rng.random() < 0.3
    tall = size * rng.uniform(1.5, 2.3)
    first = y
    if barred:
        pen.rect(pymupdf.Rect(area.x0, y, area.x1, y + tall), None, fill=leaf.accent)
    for i, (head, x) in enumerate(zip(heads, stops, strict=True)):
        pen.text(x, y + tall * 0.5 + size * 0.35, head, anchor=float(i > 0), font=leaf.faces.bold, size=size * 0.9,
                 colour=WHITE if barred else None)  # fmt: skip
    y += tall
    for row in range(rng.randrange(1, 14)):
        if y > area.y1 - size * 15:
            break
        if banded and row % 2:
            pen.rect(pymupdf.Rect(area.x0, y, area.x1, y + tall), None, fill=mix(leaf.accent, WHITE, 0.88))
        base = y + tall * 0.5 + size * 0.35
        pen.text(area.x0 + size * 0.4, base, str(row + 1), size=size * 0.9)
        pen.text(stops[0], base, leaf.title(2, 4), size=size * 0.9)
        for x, value in zip(stops[1:], (str(rng.randrange(1, 40)), leaf.money(), leaf.money(9000)), strict=True):
            pen.text(x, base, value, anchor=1, size=size * 0.9)
        if not grid and rng.random() < 0.9:
            leaf.rule(area.x0, area.x1, y + tall, width=0.3, colour=mix(leaf.ink, WHITE, 0.5))
        y += tall
    if grid:
        pen.rect(pymupdf.Rect(area.x0, first, area.x1, y), width=0.6)
        pen.lines((((x + size * 0.4, first), (x + size * 0.4, y)) for x in (area.x0 + size * 1.5, *stops[1:3])))
    for i, name in enumerate(("subtotal", "tax", "total")):
        font = leaf.faces.bold if name == "total" else leaf.faces.body
        y += size * 1.6
        if name == "total":
            leaf.rule(area.x0 + area.width * 0.55, area.x1, y - size * 1.1)
        label = leaf.term(name) + (f" {rng.choice((7, 19, 20, 21))} %" if i == 1 else "")
        pen.text(area.x0 + area.width * 0.8, y, label, anchor=1, font=font)
        pen.text(area.x1 - size * 0.4, y, rng.choice(("€ ", "$", "", "£")) + leaf.money(9000), anchor=1, font=font)
    y = leaf.set(pymupdf.Rect(area.x0, y + size * 2, area.x1, area.y1), leaf.paragraph(1, 2), size=size * 0.9)
    lines = (leaf.term("bank") + ":", f"IBAN DE{rng.randrange(10**19, 10**20)}", f"BIC {leaf.word().upper()[:8]}")
    for i, line in enumerate(lines):
        pen.text(area.x0, min(y + size * 3, area.y1 - size * 3) + i * size * 1.1, line, size=size * 0.8)
    if rng.random() < 0.2:
        mark(leaf, pymupdf.Rect(area.x0 + area.width * 0.3, first, area.x1, y), "stamp")
    return ("invoice",)


def receipt(leaf: Leaf) -> tuple[str, ...]:
    """A till slip: the shop's name, items with prices, the total, tax, a bar code, thanks."""
    rng, area, pen = leaf.rng, inset(leaf.whole, leaf.whole.width * 0.06, 14), leaf.pen
    font = leaf.faces.mono if rng.random() < 0.8 else leaf.faces.body
    size = area.width / 30 / max(font.text_length("0", 1), 0.3)
    middle, y = (area.x0 + area.x1) / 2, area.y0
    shop = leaf.company().upper()
    big = min(size * 2, area.width / leaf.faces.head.text_length(shop, 1))
    pen.text(middle, y + big, shop, anchor=0.5, size=big, font=leaf.faces.head)
    y += big * 1.4

    def line(left: str, right: str = "", *, centred: bool = False, scale: float = 1.0) -> None:
        nonlocal y
        y += size * 1.25 * scale
        room = area.width - pen.length(right, size=size * scale, font=font)
        while left and pen.length(left + " ", size=size * scale, font=font) > room:
            left = left[:-1]
        pen.text(middle if centred else area.x0, y, left, anchor=0.5 * centred, size=size * scale, font=font)
        pen.text(area.x1, y, right, anchor=1, size=size * scale, font=font)

    for text in (*leaf.address(), f"Tel {rng.randrange(10**7, 10**8)}", leaf.term("receipt")):
        line(text, centred=True)
    line(leaf.date(), f"{rng.randrange(8, 22)}:{rng.randrange(60):02}")
    dashes = rng.choice("-=*_.") * 34
    line(dashes)
    upper = rng.random() < 0.6
    for _ in range(rng.randrange(2, int(max(4, (area.height - y) / (size * 1.25) - 16)))):
        name = leaf.title(1, 3)
        line(name.upper() if upper else name, leaf.money(60) + rng.choice(("", " A", " B")))
        if rng.random() < 0.15:
            line(f"  {rng.randrange(2, 6)} x {leaf.money(20)}")
    line(dashes)
    line(leaf.term("total").upper(), leaf.money(300), scale=rng.choice((1, 1.5, 1.9)))
    for name in ("cash", "tax", "subtotal"):
        line(leaf.term(name), leaf.money(300))
    line(dashes)
    line(leaf.term("thanks"), centred=True)
    if rng.random() < 0.5 and y + 50 < area.y1:
        x = area.x0 + area.width * 0.15
        while x < area.x1 - area.width * 0.15:
            wide = rng.choice((0.7, 0.7, 1.4, 2.1))
            pen.rect(pymupdf.Rect(x, y + 12, x + wide, y + 42), None, fill=(0, 0, 0))
            x += wide + rng.choice((0.7, 1.4, 2.1))
    return ("receipt",)


def certificate(leaf: Leaf) -> tuple[str, ...]:
    """A frame, large centred words, a name, a seal and signatures."""
    rng, pen, whole = leaf.rng, leaf.pen, leaf.whole
    unit = math.sqrt(whole.width * whole.height) / 60
    edge = unit * rng.uniform(1.2, 2.5)
    frame = rng.choice(((0.7, 0.55, 0.15), leaf.accent, (0.1, 0.2, 0.4), (0.5, 0.1, 0.1), (0.15, 0.4, 0.3)))
    if rng.random() < 0.4:
        pen.rect(inset(whole, edge, edge), None, fill=mix(frame, WHITE, 0.9))
    for i in range(rng.randrange(1, 4)):
        away = edge + i * unit * rng.uniform(0.4, 0.8)
        pen.rect(inset(whole, away, away), frame, width=unit * rng.choice((0.06, 0.15, 0.5)))
    inner = inset(whole, edge + unit * 3, edge + unit * 3)
    if rng.random() < 0.5:
        away = edge + unit * 0.9
        for x, y in (
            (away, away),
            (whole.x1 - away, away),
            (away, whole.y1 - away),
            (whole.x1 - away, whole.y1 - away),
        ):
            for k in range(4):
                pen.path(arc((x, y), unit * (1.6 - k * 0.35), unit * (1.6 - k * 0.35), 0, 6.3), frame, width=0.6)
    y = inner.y0 + unit * rng.uniform(0, 3)
    if rng.random() < 0.4:
        pen.text((inner.x0 + inner.x1) / 2, y + unit, leaf.company(), anchor=0.5, size=unit * 1.3)
        y += unit * 3
    room = pymupdf.Rect(inner.x0, y, inner.x1, inner.y1)
    words = leaf.term("certificate")
    y = leaf.heading(room, words.upper() if rng.random() < 0.4 else words, unit * rng.uniform(3.5, 5.5), anchor=0.5,
                     colour=rng.choice((frame, leaf.ink)))  # fmt: skip
    name = leaf.faces.hand if rng.random() < 0.5 else leaf.faces.italic
    for text, font, scale in (
        (leaf.term("certify"), leaf.faces.italic, 1.2), (leaf.person(), name, rng.uniform(2.2, 3.4)),
        (leaf.sentence(), leaf.faces.body, 1.2), (leaf.title(), leaf.faces.bold, 1.6),
        (leaf.date(), leaf.faces.body, 1.1),
    ):  # fmt: skip
        area = pymupdf.Rect(inner.x0 + unit * 3, y + unit, inner.x1 - unit * 3, inner.y1 - unit * 6)
        y = leaf.set(area, text, font=font, size=leaf.fitted(text, area.width, font, unit * scale), anchor=0.5)
    for i in range(rng.choice((1, 2, 2))):
        x = inner.x0 + (inner.width * 0.66 if i else 0)
        mark(leaf, pymupdf.Rect(x, inner.y1 - unit * 6, x + inner.width * 0.33, inner.y1), "signature")
    if rng.random() < 0.75:
        seal(leaf, (inner.x0 + inner.width * rng.choice((0.5, 0.5, 0.85)), inner.y1 - unit * 3.2), unit * 3)
    return ("certificate",)


def seal(leaf: Leaf, centre: tuple[float, float], radius: float) -> None:
    """A round seal with a toothed rim, perhaps with ribbons."""
    rng, pen, (x, y) = leaf.rng, leaf.pen, centre
    fill = rng.choice(((0.75, 0.6, 0.2), (0.7, 0.1, 0.1), (0.1, 0.25, 0.55), (0.75, 0.75, 0.78)))
    if rng.random() < 0.5:
        for side in (-1, 1):
            ends = [
                (x + side * radius * a, y + radius * b) for a, b in ((0.1, 0.5), (0.6, 0.5), (0.8, 1.6), (0.5, 1.4))
            ]
            pen.path(ends, None, fill=mix(fill, (0, 0, 0), 0.2))
    teeth = rng.randrange(16, 40)
    turns = [math.pi * i / teeth for i in range(2 * teeth)]
    pen.path([(x + radius * (1 - 0.1 * (i % 2)) * math.cos(a), y + radius * (1 - 0.1 * (i % 2)) * math.sin(a))
              for i, a in enumerate(turns)], None, fill=fill)  # fmt: skip
    for share in (0.8, 0.55):
        pen.path(arc(centre, radius * share, radius * share, 0, 6.3), mix(fill, WHITE, 0.6), width=1)
    marks.mark(pen, centre, radius * 0.35, mix(fill, WHITE, 0.7), mix(fill, (0, 0, 0), 0.5))


def form(leaf: Leaf) -> tuple[str, ...]:
    """A titled page of fields to fill in, with a line to sign."""
    rng, size, area = leaf.rng, leaf.size, leaf.area()
    if rng.random() < 0.4:
        mark(leaf, pymupdf.Rect(area.x0, area.y0, area.x0 + 130, area.y0 + size * 4), "logo")
        area.y0 += size * 5
    y = leaf.heading(
        area, f"{leaf.term('form')} {leaf.title(1, 3)}", size * rng.uniform(1.3, 2), anchor=rng.choice((0, 0.5))
    )
    if rng.random() < 0.6:
        y = leaf.set(pymupdf.Rect(area.x0, y, area.x1, area.y1), leaf.sentence(), size=size * 0.85)
    for name in rng.sample(("name", "first name", "address", "date"), rng.randrange(1, 5)):
        y += size * 2.1
        leaf.pen.text(area.x0, y, leaf.term(name))
        if rng.random() < 0.5:
            leaf.rule(area.x0 + size * 9, area.x1, y + 2, width=0.5)
        else:
            leaf.pen.rect(pymupdf.Rect(area.x0 + size * 9, y - size * 1.2, area.x1, y + size * 0.4), width=0.5)
    pen = placed(leaf, pymupdf.Rect(area.x0, y + size, area.x1, area.y1 - size * 4))
    screens.form(pen, pen.area)
    pen.finish()
    for x, name in ((area.x0, "date"), (area.x0 + area.width * 0.5, "signature")):
        leaf.rule(x, x + area.width * 0.4, area.y1 - size * 1.2, width=0.5)
        leaf.pen.text(x, area.y1, leaf.term(name), size=size * 0.8)
    return ("form",)


def handwritten(leaf: Leaf) -> tuple[str, ...]:
    """Lines by hand over the page, on plain, ruled or squared paper, sometimes with a sketch or a number."""
    rng, pen, area = leaf.rng, leaf.pen, leaf.area()
    size = rng.uniform(11, 20)
    leading, ink = size * rng.uniform(1.35, 1.9), rng.choice(marks.INKS)
    ruling, pale = (
        rng.choice(("none", "lines", "lines", "squares")),
        mix(rng.choice((hue(rng), (0.5, 0.6, 0.85))), WHITE, 0.55),
    )
    if ruling != "none":
        steps = int(leaf.whole.height / leading)
        pen.lines(
            (
                ((0, area.y0 + (i - 2) * leading), (leaf.whole.x1, area.y0 + (i - 2) * leading))
                for i in range(steps + 3)
            ),
            pale,
        )
    if ruling == "squares":
        pen.lines(
            (((i * leading, 0), (i * leading, leaf.whole.y1)) for i in range(int(leaf.whole.width / leading) + 1)), pale
        )
    if ruling == "lines" and rng.random() < 0.5:
        pen.lines([((area.x0 - 6, 0), (area.x0 - 6, leaf.whole.y1))], (0.9, 0.5, 0.5), 0.8)
    font = leaf.faces.hand if leaf.faces.hand is not leaf.faces.italic and rng.random() < 0.45 else None
    width, lean = rng.choice((0.6, 0.8, 1.1, 1.5)), rng.uniform(-0.012, 0.012)
    y, bottom = area.y0 + leading * rng.choice((0, 0, 2)), area.y1 - area.height * rng.choice((0, 0, 0.1, 0.5))
    while y < bottom:
        end = area.x1 - area.width * (rng.uniform(0.2, 0.8) if rng.random() < 0.2 else rng.uniform(0, 0.12))
        x = area.x0 + rng.uniform(0, size) + (size * 2 if rng.random() < 0.12 else 0)
        while x < end - size:
            word = leaf.word()
            long = pen.length(word, size=size, font=font) if font else min(len(word) * size * 0.42, end - x)
            if font:
                pen.text(x, y + (x - area.x0) * lean, word, size=size, font=font, colour=ink)
            else:
                stroke = marks.scribble(rng, x, y, long, size * 0.72, max(1, round(len(word) * 0.8)))
                pen.path([(px, py + (px - area.x0) * lean) for px, py in stroke], ink, width=width)
            x += long + size * rng.uniform(0.3, 0.6)
        y += leading * (2 if rng.random() < 0.08 else 1)
    if rng.random() < 0.3:
        mark(leaf, pymupdf.Rect(area.x1 - 160, max(y, area.y0 + 10) - 70, area.x1, leaf.whole.y1 - 4), "signature")
    return ("handwritten",)


def typewritten(leaf: Leaf) -> tuple[str, ...]:
    """Double or single spaced lines of a typewriter, its letters uneven, with a heading in capitals."""
    rng, pen, area = leaf.rng, leaf.pen, leaf.area()
    font, size = leaf.faces.mono, rng.choice((10.0, 12.0, 12.0))
    leading, ink = (
        size * rng.choice((1.0, 1.5, 2.0, 2.0)),
        rng.choice(((0, 0, 0), (0.2, 0.2, 0.22), (0.15, 0.15, 0.35))),
    )
    y = area.y0 + size
    letter_like = rng.random() < 0.35
    if letter_like:
        for line in (leaf.date(), "", *leaf.address(), "", leaf.term("dear").format(leaf.person())):
            pen.text(area.x0, y, line, font=font, size=size, colour=ink)
            y += size * 1.2
    else:
        text = leaf.title(2, 5).upper()
        pen.text((area.x0 + area.x1) / 2, y, text, anchor=0.5, font=font, size=size, colour=ink)
        if rng.random() < 0.5:
            half = pen.length(text, font=font, size=size) / 2
            leaf.rule((area.x0 + area.x1) / 2 - half, (area.x0 + area.x1) / 2 + half, y + 2, colour=ink)
        if rng.random() < 0.5:
            pen.text(area.x1, area.y0 - size, f"- {rng.randrange(2, 40)} -", anchor=1, font=font, size=size, colour=ink)
    y += size * 2
    indent, bottom = pen.length("     ", font=font, size=size), area.y1 - area.height * rng.choice((0, 0, 0.3))
    while y < bottom:
        for i, line in enumerate(leaf.wrap(leaf.paragraph(), area.width - indent, font, size)):
            if y < bottom:
                pen.text(
                    area.x0 + (indent if i == 0 else 0),
                    y + rng.uniform(-0.5, 0.5),
                    line,
                    font=font,
                    size=size,
                    colour=ink,
                )
            if rng.random() < 0.05:
                pen.text(area.x0 + size * 4, y, "xxxxxxx", font=font, size=size, colour=ink)
            y += leading
        y += rng.choice((0, leading))
    if letter_like:
        mark(leaf, pymupdf.Rect(area.x0, area.y1, area.x0 + 140, leaf.whole.y1), "signature")
    return ("typewritten", "letter") if letter_like else ("typewritten",)
