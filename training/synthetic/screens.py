"""Random screenshots, program code and forms."""

from __future__ import annotations

import random

import pymupdf

from . import vocabulary
from .pen import MONO, SCRIPT, WHITE, Colour, Pen, inset, mix, random_colour

KEYWORDS = ("if", "for", "return", "while", "class", "def", "int", "void", "import", "else", "new", "const", "SELECT")
NAMES = ("x", "i", "n", "data", "value", "self", "result", "node", "items", "index", "key", "path", "size", "config")
CODE_COLOURS = ((0, 0, 0.7), (0.6, 0.1, 0.1), (0.1, 0.45, 0.15), (0.5, 0.2, 0.6), (0.45, 0.45, 0.45))


def screenshot(pen: Pen, box: pymupdf.Rect) -> None:
    """A window or a phone's screen with menus, lists, fields and buttons; light or dark."""
    rng = pen.rng
    dark, accent = rng.random() < 0.25, random_colour(rng)
    back = (
        mix((0.1, 0.11, 0.13), (0.2, 0.2, 0.25), rng.random()) if dark else mix(WHITE, (0.93, 0.94, 0.96), rng.random())
    )
    ink: Colour = (0.88, 0.88, 0.9) if dark else (0.15, 0.15, 0.18)
    size = max(2.5, min(pen.size * rng.uniform(0.65, 1.0), box.height / 12))
    phone = rng.random() < 0.2 or box.height > box.width * 1.5
    shape = rng.uniform(0.48, 0.58) if phone else rng.uniform(1.25, 1.9)
    wide = min(box.width, box.height * shape)
    x = box.x0 + (box.width - wide) * rng.choice((0, 0.5))
    window = pymupdf.Rect(x, box.y0, x + wide, box.y0 + wide / shape) & box
    line = mix(back, ink, 0.2)
    if phone:
        pen.rect(window, None, fill=(0.05, 0.05, 0.06), radius=wide * 0.1)
        window = inset(window, wide * 0.04, wide * 0.05)
        pen.rect(window, None, fill=back, radius=wide * 0.07)
        pen.text(window.x0 + size, window.y0 + size * 1.3, f"{rng.randrange(24)}:{rng.randrange(60):02}",
                 size=size * 0.8, colour=ink)  # fmt: skip
        window.y0 += size * 1.8
    else:
        pen.rect(window, line, fill=back, width=0.7, radius=rng.choice((0, 0, 3)))
        window = window_bars(pen, window, size, (back, ink, line, accent))
    if not phone and rng.random() < 0.5:
        side = pymupdf.Rect(window.x0, window.y0, window.x0 + window.width * rng.uniform(0.15, 0.28), window.y1)
        pen.rect(side, None, fill=mix(back, ink, 0.07))
        listing(pen, side, size, (back, ink, line, accent))
        window.x0 = side.x1
    content(pen, inset(window, size, size * 0.6), size, (back, ink, line, accent))


Theme = tuple[Colour, Colour, Colour, Colour]
"""Colours of the background, the text, the lines, and the accent."""


def window_bars(pen: Pen, window: pymupdf.Rect, size: float, theme: Theme) -> pymupdf.Rect:
    """Draw the title bar, and at random an address bar, menus and tools; return the area below them."""
    rng, (back, ink, line, accent) = pen.rng, theme
    y, tall = window.y0, size * 1.8
    bar = pymupdf.Rect(window.x0, y, window.x1, y + tall)
    fill = rng.choice((mix(back, ink, 0.12), mix(back, ink, 0.2), accent))
    pen.rect(bar, None, fill=fill)
    words = WHITE if fill == accent else ink
    if rng.random() < 0.45:
        for i, colour in enumerate(((0.95, 0.37, 0.34), (0.98, 0.74, 0.2), (0.2, 0.78, 0.3))):
            pen.dots([(bar.x0 + size * (1 + i * 1.1), y + tall / 2)], size * 0.7, colour)
        pen.text(
            (bar.x0 + bar.x1) / 2, y + size * 1.2, pen.phrase(bar.width * 0.5), anchor=0.5, size=size, colour=words
        )
    else:
        pen.text(bar.x0 + size * 0.6, y + size * 1.2, pen.phrase(bar.width * 0.5), size=size, colour=words)
        s = size * 0.3
        for i in range(3):
            cx, cy = bar.x1 - size * (1 + i * 1.8), y + tall / 2
            if i == 0:
                pen.lines([((cx - s, cy - s), (cx + s, cy + s)), ((cx - s, cy + s), (cx + s, cy - s))], words)
            elif i == 1:
                pen.rect(pymupdf.Rect(cx - s, cy - s, cx + s, cy + s), words, width=0.5)
            else:
                pen.lines([((cx - s, cy), (cx + s, cy))], words)
    y += tall
    if rng.random() < 0.4:
        pen.rect(pymupdf.Rect(window.x0, y, window.x1, y + tall), None, fill=mix(back, ink, 0.05))
        field = pymupdf.Rect(window.x0 + size * 5, y + size * 0.25, window.x1 - size * 2, y + tall - size * 0.25)
        pen.rect(field, line, fill=back, width=0.5, radius=size * 0.6)
        pen.text(field.x0 + size, y + size * 1.2, f"https://www.{rng.choice(NAMES)}.com/{rng.choice(NAMES)}",
                 size=size * 0.85, colour=ink)  # fmt: skip
        for i in range(3):
            cx, cy = window.x0 + size * (1 + i * 1.4), y + tall / 2
            pen.lines([((cx + 1.5, cy - 2), (cx - 1, cy)), ((cx - 1, cy), (cx + 1.5, cy + 2))], ink, 0.6)
        y += tall
    if rng.random() < 0.5:
        x = window.x0 + size * 0.6
        while x < window.x1 - size * 6:
            word = pen.word()
            pen.text(x, y + size * 1.2, word, size=size * 0.9, colour=ink)
            x += pen.length(word, size=size * 0.9) + size
        y += tall
    if rng.random() < 0.4:
        for i in range(min(rng.randrange(4, 16), int(window.width / size / 2))):
            icon = pymupdf.Rect(x := window.x0 + size * (0.6 + i * 1.7), y + size * 0.3, x + size, y + size * 1.3)
            pen.rect(
                icon, None, fill=random_colour(rng) if rng.random() < 0.4 else line, radius=rng.choice((0, size * 0.3))
            )
        y += tall
    pen.lines([((window.x0, y), (window.x1, y))], line)
    return pymupdf.Rect(window.x0, min(y, window.y1 - size), window.x1, window.y1)


def listing(pen: Pen, area: pymupdf.Rect, size: float, theme: Theme) -> None:
    """A list of entries, sometimes with icons, one of them selected."""
    rng, (_, ink, line, accent) = pen.rng, theme
    count = int(area.height / (size * 1.7))
    chosen = rng.randrange(max(count, 1))
    icons = rng.random() < 0.6
    for i in range(count - rng.randrange(max(1, count // 2))):
        y = area.y0 + i * size * 1.7 + size * 0.3
        if i == chosen:
            pen.rect(pymupdf.Rect(area.x0, y, area.x1, y + size * 1.6), None, fill=accent)
        deep = size * (0.5 + rng.choice((0, 0, 1)))
        if icons:
            pen.rect(pymupdf.Rect(area.x0 + deep, y + size * 0.4, area.x0 + deep + size * 0.8, y + size * 1.2), None,
                     fill=line)  # fmt: skip
            deep += size * 1.3
        pen.text(area.x0 + deep, y + size * 1.1, pen.phrase(area.width - deep), size=size,
                 colour=WHITE if i == chosen else ink)  # fmt: skip


def content(pen: Pen, area: pymupdf.Rect, size: float, theme: Theme) -> None:
    """Headings, text, fields, buttons, lists, cards and pictures, one below the other."""
    rng, (back, ink, line, accent) = pen.rng, theme
    y = area.y0
    while y < area.y1 - size * 2.2:
        kind = rng.choice(("heading", "text", "field", "buttons", "rows", "cards", "picture"))
        if kind == "heading":
            pen.text(
                area.x0, y + size * 1.4, pen.phrase(area.width, most=4, size=size * 1.4), size=size * 1.4, colour=ink
            )
            y += size * 2
        elif kind == "text":
            for _ in range(rng.randrange(1, 4)):
                if y < area.y1 - size * 1.3:
                    text = pen.sheet.tokens(area.width * rng.uniform(0.5, 1), pen.font, size)
                    pen.text(area.x0, y + size, text, size=size, colour=mix(ink, back, 0.2))
                    y += size * 1.4
        elif kind == "field":
            pen.text(area.x0, y + size * 1.2, pen.phrase(area.width * 0.3), size=size, colour=ink)
            field = pymupdf.Rect(
                area.x0 + area.width * 0.32, y, area.x0 + area.width * rng.uniform(0.6, 1), y + size * 1.7
            )
            pen.rect(field, line, fill=mix(back, WHITE, 0.3), width=0.5, radius=rng.choice((0, 2)))
            if rng.random() < 0.5:
                pen.text(field.x0 + 2, y + size * 1.2, pen.phrase(field.width - 4), size=size, colour=ink)
            y += size * 2.3
        elif kind == "buttons":
            x = area.x0
            for i in range(rng.randrange(1, 4)):
                word = pen.word()
                wide = pen.length(word, size=size) + size * 1.6
                if x + wide < area.x1:
                    pen.rect(pymupdf.Rect(x, y, x + wide, y + size * 1.8), None if i == 0 else line,
                             fill=accent if i == 0 else mix(back, ink, 0.06), radius=rng.choice((0, 2)))  # fmt: skip
                    pen.text(x + size * 0.8, y + size * 1.25, word, size=size, colour=WHITE if i == 0 else ink)
                x += wide + size
            y += size * 2.5
        elif kind == "rows":
            bottom = min(area.y1, y + size * 1.7 * rng.randrange(3, 9))
            listing(pen, pymupdf.Rect(area.x0, y, area.x1, bottom), size, (back, ink, line, accent))
            y = bottom + size * 0.6
        else:
            count, tall = rng.choice((1, 2, 3, 4)), min(area.y1 - y, size * rng.uniform(4, 9))
            wide = area.width / count
            for i in range(count):
                card = pymupdf.Rect(area.x0 + i * wide, y, area.x0 + (i + 1) * wide - size * 0.6, y + tall - size * 0.6)
                fill = mix(random_colour(rng), back, 0.4) if kind == "picture" else mix(back, ink, 0.04)
                pen.rect(card, line, fill=fill, width=0.4, radius=rng.choice((0, 3)))
                if kind == "cards":
                    pen.text(
                        card.x0 + size * 0.5, card.y0 + size * 1.5, pen.phrase(card.width - size), size=size, colour=ink
                    )
                    big = vocabulary.number(rng)
                    if pen.length(big, size=size * 1.5) < card.width - size:
                        pen.text(card.x0 + size * 0.5, card.y0 + size * 3.3, big, size=size * 1.5, colour=accent)
            y += tall


def code(pen: Pen, box: pymupdf.Rect) -> None:
    """Indented lines of random program code in a fixed-width font."""
    rng = pen.rng
    size = min(pen.size, box.height / 3)
    font = pen.named_font(MONO) or pymupdf.Font(rng.choice(("cour", "cour", "cobo")))
    lines = min(rng.randrange(3, 40), int((box.height - size) / (size * 1.2)))
    dark = rng.random() < 0.12
    panel, numbered, coloured = rng.random() < 0.45 or dark, rng.random() < 0.25, rng.random() < 0.5 or dark
    ink = (0.9, 0.9, 0.9) if dark else pen.ink if not panel else (0.1, 0.1, 0.1)
    wide = box.width * rng.choice((1, 1, 0.7))
    if panel:
        fill = (
            (0.13, 0.14, 0.17) if dark else mix(WHITE, rng.choice(((0, 0, 0), (0.2, 0.4, 1))), rng.uniform(0.03, 0.1))
        )
        pen.rect(pymupdf.Rect(box.x0, box.y0, box.x0 + wide, box.y0 + lines * size * 1.2 + size), None, fill=fill)
    left = box.x0 + size * (0.5 + 2.2 * numbered)
    comment = rng.choice(("# ", "// ", "-- "))
    deep, style = 0, rng.choice(("brace", "colon", "brace", "shell", "markup"))
    step = pen.length("    ", size=size, font=font) * rng.choice((0.5, 1, 1))
    for i in range(lines):
        y = box.y0 + size * 1.3 + i * size * 1.2
        if numbered:
            pen.text(
                left - size, y, str(i + 1), anchor=1, size=size * 0.8, font=font, colour=mix(ink, (0.5, 0.5, 0.5), 0.6)
            )
        if rng.random() < 0.08:
            continue
        pieces, change = statement(rng, style, deep)
        if change < 0:
            deep -= 1
        x = left + deep * step
        if rng.random() < 0.1:
            pieces = [(comment + pen.phrase(wide * 0.6, font=font, size=size), 4)]
        for text, tone in pieces:
            colour = CODE_COLOURS[tone] if coloured and tone >= 0 else ink
            pen.text(x, y, text, size=size, font=font, colour=mix(colour, WHITE, 0.5) if dark and tone >= 0 else colour)
            x += pen.length(text, size=size, font=font)
            if x > box.x0 + wide:
                break
        deep = min(5, deep + max(change, 0))


def identifier(rng: random.Random) -> str:
    return rng.choice(NAMES) + rng.choice(("", "", "_" + rng.choice(NAMES), str(rng.randrange(9))))


def statement(rng: random.Random, style: str, deep: int) -> tuple[list[tuple[str, int]], int]:
    """One random line of code as (text, index into CODE_COLOURS or -1), and the change of indentation."""
    a, b, c = (identifier(rng) for _ in range(3))
    value = rng.choice(((str(rng.randrange(999)), 1), (f'"{b}"', 2), (f"{b}({c})", -1)))
    braces = style == "brace"
    end = ";" if braces else ""
    if style == "markup":
        if deep and rng.random() < 0.3:
            return [(f"</{rng.choice(NAMES)}>", 0)], -1
        opened = rng.random() < 0.4
        tail = [(">", 0)] if opened else [(">", 0), (c, -1), (f"</{a}>", 0)]
        return [(f"<{a} ", 0), (b + "=", 1), (f'"{c}"', 2), *tail], int(opened)
    if style == "shell":
        command = rng.choice(("cd", "ls", "git", "make", "sudo apt", "docker run", "pip install"))
        return [("$ ", 4), (command, 0), (f" -{rng.choice('abfvx')} {a}/{b}", -1)], 0
    if deep and rng.random() < 0.25:
        return [("}", 0)] if braces else [("return ", 0), (a, -1)], -1
    if rng.random() < 0.3:
        return [(rng.choice(KEYWORDS), 0), (f" ({a} < {b}) {{" if braces else f" {a} in {b}:", -1)], 1
    if rng.random() < 0.3:
        return [(f"{a}.{b}(", -1), value, (f", {c}){end}", -1)], 0
    return [(rng.choice(("", "", "int ", "var ", "let ")) if braces else "", 0), (f"{a} = ", -1), value, (end, -1)], 0


def form(pen: Pen, box: pymupdf.Rect) -> None:
    """A form: labelled fields (lines, boxes, combs, grids), check boxes and section headings."""
    rng, size = pen.rng, pen.size
    columns = rng.choice((1, 1, 2, 2, 3)) if box.width > size * 30 else 1
    style = rng.choice(("line", "line", "box", "comb", "dots", "grid"))
    filled = rng.choice((0.0, 0.0, 0.7))
    hand = pen.named_font(SCRIPT) or pymupdf.Font(rng.choice(("cour", "helv")))
    pale = rng.choice((None, None, (0.9, 0.94, 1.0), (0.93, 0.93, 0.93)))
    row, y = size * rng.uniform(1.9, 3), box.y0
    while y + row < box.y1:
        kind = rng.random()
        if kind < 0.1 and box.height > row * 4:
            bar = pymupdf.Rect(box.x0, y + row * 0.1, box.x1, y + row * 0.1 + size * 1.6)
            fill = rng.choice((mix(pen.paper, pen.ink, 0.15), pen.ink, None))
            if fill:
                pen.rect(bar, None, fill=fill)
            pen.text(bar.x0 + size * 0.4, bar.y0 + size * 1.15, pen.phrase(box.width * 0.8),
                     colour=pen.paper if fill == pen.ink else pen.ink)  # fmt: skip
        elif kind < 0.28:
            x = box.x0
            while x < box.x1 - size * 4:
                tick = pymupdf.Rect(x, y + row * 0.5 - size * 0.4, x + size * 0.85, y + row * 0.5 + size * 0.45)
                pen.rect(tick, width=0.6)
                if rng.random() < 0.3:
                    pen.lines([(tick.tl, tick.br), (tick.bl, tick.tr)], width=0.9)
                text = pen.phrase(min(box.x1 - x - size * 1.5, size * 14), most=3)
                pen.text(x + size * 1.3, tick.y1 - size * 0.1, text)
                x += size * 2.6 + pen.length(text)
        else:
            wide = box.width / columns
            for c in range(columns):
                cell = pymupdf.Rect(
                    box.x0 + c * wide, y, box.x0 + (c + 1) * wide - (0 if style == "grid" else size), y + row
                )
                answer = pen.phrase(wide * 0.4, most=2, font=hand) if rng.random() < filled else ""
                field(pen, cell, style, pale, answer, hand)
        y += row


def field(
    pen: Pen, cell: pymupdf.Rect, style: str, pale: Colour | None, answer: str, hand: pymupdf.Font
) -> None:  # fmt: skip
    """One field of a form: its label, and the place for the answer."""
    rng, size = pen.rng, pen.size
    if style == "grid":
        pen.rect(cell, width=0.5)
        pen.text(cell.x0 + 2, cell.y0 + size * 0.8, pen.phrase(cell.width - 4, size=size * 0.7), size=size * 0.7)
        pen.text(cell.x0 + size, cell.y1 - size * 0.3, answer, font=hand, colour=(0.1, 0.15, 0.4))
        return
    label, y = pen.phrase(cell.width * 0.45) + rng.choice((":", "", "*")), cell.y1 - size * 0.6
    pen.text(cell.x0, y, label)
    x = cell.x0 + pen.length(label) + size * 0.5
    room = pymupdf.Rect(x, y - size * 1.05, cell.x1, y + size * 0.35)
    if style == "line":
        pen.lines([((x, y + 1), (cell.x1, y + 1))], width=0.5)
    elif style == "dots":
        pen.path([(x, y + 1), (cell.x1, y + 1)], width=0.6, dashes="[0.7 1.6] 0")
    elif style == "box":
        pen.rect(room, pen.ink, fill=pale, width=0.5)
    else:
        count = max(1, int(room.width / (size * 1.2)))
        pen.rect(pymupdf.Rect(room.x0, room.y0, room.x0 + count * size * 1.2, room.y1), pen.ink, fill=pale, width=0.5)
        cuts = (room.x0 + (i + 1) * size * 1.2 for i in range(count - 1))
        pen.lines((((cut, room.y0), (cut, room.y1)) for cut in cuts), width=0.4)
    pen.text(x + size * 0.4, y - size * 0.1, answer, font=hand, colour=(0.1, 0.15, 0.4))
