"""Random logos, signatures, stamps and handwriting."""

from __future__ import annotations

import math
import random

import pymupdf

from . import vocabulary
from .pen import SCRIPT, WHITE, Colour, Pen, Point, arc, clamped, mix, random_colour, smooth

STAMP_WORDS = ("APPROVED", "PAID", "RECEIVED", "DRAFT", "CONFIDENTIAL", "COPY", "CERTIFIED", "VOID", "FINAL", "FILED")
INKS = ((0.05, 0.1, 0.45), (0.1, 0.1, 0.12), (0.1, 0.2, 0.6), (0.0, 0.0, 0.0))
STAMP_INKS = ((0.75, 0.1, 0.15), (0.15, 0.2, 0.6), (0.1, 0.1, 0.1), (0.1, 0.45, 0.25), (0.4, 0.15, 0.5))


def rotated(points: list[Point], about: Point, angle: float) -> list[Point]:
    """`points` rotated anticlockwise by `angle` degrees around `about`."""
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return [
        (about[0] + (x - about[0]) * c + (y - about[1]) * s, about[1] - (x - about[0]) * s + (y - about[1]) * c)
        for x, y in points
    ]


def scribble(rng: random.Random, x: float, base: float, width: float, tall: float, loops: int) -> list[Point]:
    """A curve with loops from left to right, like cursive letters; `tall` is the height of an ascender."""
    points: list[Point] = [(x, base)]
    step = width / (loops + 1)
    lean = rng.uniform(0, 0.5) * tall
    for i in range(loops):
        high = tall * rng.choice((0.4, 0.45, 0.5, 0.5, 1.0))
        low = -tall * rng.choice((0, 0, 0, 0.05, 0.5))
        px = x + (i + 0.6) * step
        points += [
            (px + step * rng.uniform(0, 0.6) + lean * high / tall, base - high),
            (px + step * rng.uniform(-0.5, 0.1) + lean * high / tall * 0.8, base - high * rng.uniform(0.8, 1.0)),
            (px + step * rng.uniform(-0.3, 0.3), base - low),
            (px + step * rng.uniform(0.3, 0.7), base - tall * rng.uniform(0, 0.15)),
        ]
    return smooth([*points, (x + width, base - tall * rng.uniform(0.0, 0.3))], 4)


def flourish(rng: random.Random, x: float, base: float, width: float, tall: float) -> list[Point]:
    """A zigzag that fades to the right, like a hurried signature."""
    swings = rng.randrange(2, 8)
    fading, lean = rng.uniform(-0.1, 0.9), rng.uniform(-0.2, 0.4) * tall
    points: list[Point] = []
    for i in range(2 * swings + 1):
        t = i / (2 * swings)
        high = tall * (1 - fading * t) * rng.uniform(0.6, 1.0) * (1 if i % 2 else rng.uniform(-0.2, 0.3))
        points.append((x + width * t + lean * high / tall, base - high))
    tail = [(x + width * rng.uniform(0.6, 1.0), base - tall * rng.uniform(-0.2, 0.5)) for _ in range(rng.randrange(3))]
    return smooth([*points, *tail], 6)


def signature(pen: Pen, box: pymupdf.Rect) -> None:
    """A signature in a script font, as a flourish or as scribbled words, often above a line with the printed name."""
    rng, size = pen.rng, pen.size
    wide, tall = min(box.width, rng.uniform(60, 170)), min(box.height * 0.5, rng.uniform(16, 40))
    x, base = box.x0 + (box.width - wide) * rng.random(), box.y0 + tall * 1.25
    ink = pen.ink if pen.dark else rng.choice(INKS)
    width = rng.choice((0.6, 0.9, 1.2, 1.6))
    font = pen.named_font(SCRIPT)
    if font and rng.random() < 0.3:
        name = f"{pen.word().strip(',.;:?').capitalize()} {pen.word().strip(',.;:?').capitalize()}"
        big = min(tall, tall * wide / max(pen.length(name, size=tall, font=font), 1))
        pen.text(x, base, name, size=big, font=font, colour=ink)
    elif rng.random() < 0.3:
        pen.path(clamped(flourish(rng, x, base, wide, tall), box), ink, width=width)
    else:
        at, end = x, x + wide * 0.92
        while at < end - 4:
            part = min(end - at, wide * rng.uniform(0.25, 0.7))
            cap = part * rng.uniform(0.15, 0.3)
            first = [(at + cap * rng.uniform(-0.3, 1.2), base - tall * rng.uniform(-0.25, 1)) for _ in range(5)]
            pen.path(clamped(smooth(first, 7), box), ink, width=width)
            loops = max(2, int((part - cap) / (tall * rng.uniform(0.18, 0.4))))
            rest = scribble(rng, at + cap * 0.8, base, part - cap * 0.8, tall * rng.uniform(0.35, 0.8), loops)
            pen.path(clamped(rest, box), ink, width=width)
            at += part * rng.uniform(0.8, 1.1)
    if rng.random() < 0.4:
        y = base + tall * rng.uniform(0.0, 0.25)
        tail = [(x + wide * t, y + tall * rng.uniform(-0.2, 0.15)) for t in (0.95, 0.5, 0.1, 0.6, 1.0)]
        pen.path(clamped(smooth(tail), box), ink, width=width)
    if rng.random() < 0.6:
        y = base + tall * 0.3
        pen.path([(x, y), (x + wide, y)], width=0.5, dashes=rng.choice((None, None, "[1 1.5] 0")))
        for i in range(rng.randrange(3)):
            pen.text(x, y + size * (1.2 + i * 1.25), pen.phrase(wide, most=3), caption=True)


def handwriting(pen: Pen, box: pymupdf.Rect) -> None:
    """Lines of handwriting, in a script font or scribbled, sometimes on ruled paper."""
    rng = pen.rng
    tall = max(6.0, min(pen.size * rng.uniform(1.1, 2), box.height / 2))
    ink = pen.ink if pen.dark else rng.choice(INKS)
    font = pen.named_font(SCRIPT) if rng.random() < 0.6 else None
    wide = box.width * rng.uniform(0.6, 1)
    ruled, leading = rng.random() < 0.3, tall * rng.uniform(1.2, 1.7)
    y, width, drift = box.y0 + tall, rng.choice((0.5, 0.7, 1.0)), rng.uniform(-0.02, 0.02)
    for _ in range(rng.randrange(1, 14)):
        if y > box.y1 - tall * 0.4:
            break
        if ruled:
            pen.path([(box.x0, y + 1), (box.x0 + wide, y + 1)], (0.6, 0.7, 0.85), width=0.4)
        end = box.x0 + wide * (rng.uniform(0.3, 1) if rng.random() < 0.25 else rng.uniform(0.88, 1))
        x = box.x0 + rng.uniform(0, 4)
        if font:
            pen.text(x, y, pen.sheet.tokens(end - x, font, tall), size=tall, font=font, colour=ink)
        while not font and x < end - tall:
            long = min(tall * rng.uniform(0.7, 3.2), end - x)
            word = scribble(rng, x, y, long, tall * 0.75, max(1, int(long / tall * 2.4)))
            word = [(px, py + (px - box.x0) * drift) for px, py in word]
            pen.path(clamped(word, box), ink, width=width)
            x += long + tall * rng.uniform(0.35, 0.6)
        y += leading


def stamp(pen: Pen, box: pymupdf.Rect) -> None:
    """A round or rectangular stamp in one ink, slightly rotated."""
    rng = pen.rng
    ink = pen.ink if pen.dark else rng.choice(STAMP_INKS)
    font = pymupdf.Font(rng.choice(("hebo", "hebo", "tibo", "cobo")))
    reach = min(1.0, 200 / max(box.width, box.height))
    middle = (
        box.x0 + box.width * (reach / 2 + rng.random() * (1 - reach)),
        box.y0 + box.height * (reach / 2 + rng.random() * (1 - reach)),
    )
    word = rng.choice(STAMP_WORDS) if rng.random() < 0.6 else pen.word().strip(",.;:?").upper()
    date = f"{rng.randrange(1, 29):02} {rng.choice(vocabulary.MONTHS)[:3].upper()} {rng.randrange(1980, 2030)}"
    width, opacity = rng.choice((0.8, 1.2, 2)), rng.uniform(0.65, 1)
    ink = mix(ink, pen.paper, 1 - opacity)
    if rng.random() < 0.5:
        r = min(box.width / 2, box.height / 2, rng.uniform(28, 60)) - 1
        for share in (1.0, *rng.choice(((0.93,), (0.62,), (0.94, 0.6)))):
            pen.path(arc(middle, r * share, r * share, 0, 6.2832), ink, width=width, closed=True)
        size = r * 0.22
        ring = f"{pen.phrase(r * 3.2, most=4, size=size, font=font).upper()} *"
        letters = min(1.0, 5.6 * r * 0.78 / max(pen.length(ring, size=size, font=font), 1))
        at = 90 + math.degrees(pen.length(ring, size=size * letters, font=font) / (r * 0.72)) / 2
        for letter in ring:
            across = pen.length(letter, size=size * letters, font=font) / (r * 0.72)
            a = math.radians(at) - across / 2
            where = (middle[0] + r * 0.7 * math.cos(a), middle[1] - r * 0.7 * math.sin(a))
            pen.text(*where, letter, anchor=0.5, size=size * letters, font=font, colour=ink,
                     angle=round(math.degrees(a) - 90))  # fmt: skip
            at -= math.degrees(across)
        big = min(r * 0.3, r * 0.3 * r / max(pen.length(word, size=r * 0.3, font=font), 1))
        pen.text(middle[0], middle[1] + big * 0.35, rng.choice((word, date)), anchor=0.5, size=big, font=font,
                 colour=ink)  # fmt: skip
        return
    angle = rng.choice((0, rng.randrange(-12, 22)))
    wide = min(box.width * 0.8, rng.uniform(70, 150))
    size = min(wide * 0.8 / max(pen.length(word, size=1, font=font), 1), box.height * 0.35, 30)
    wide = pen.length(word, size=size, font=font) + size * 1.2
    lines = [(word, size), *rng.choice(([], [(date, size * 0.5)]))]
    tall = sum(s for _, s in lines) * 1.25 + size * 0.3
    while tall + wide * abs(math.sin(math.radians(angle))) > box.height and angle:
        angle = int(angle / 2)
    for grow in (0, -2.5)[: rng.randrange(1, 3)]:
        half_w, half_h = wide / 2 + grow, tall / 2 + grow
        corners = [(middle[0] + a * half_w, middle[1] + b * half_h) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        pen.path(rotated(corners, middle, angle), ink, width=width, closed=True)
    y = middle[1] - tall / 2 + size * 0.1
    for text, s in lines:
        y += s * 1.1
        [(tx, ty)] = rotated([(middle[0], y)], middle, angle)
        pen.text(tx, ty, text, anchor=0.5, size=s, font=font, colour=ink, angle=angle)


def logo(pen: Pen, box: pymupdf.Rect) -> None:
    """A logo: a geometric mark, usually with a name beside or below it, or a name alone."""
    rng = pen.rng
    tall = min(box.height * 0.6, box.width * 0.3, rng.uniform(20, 60))
    x, y = box.x0 + 1, box.y0 + 1
    main, other = random_colour(rng), random_colour(rng)
    if rng.random() < 0.2 or pen.dark:
        main = other = pen.ink
    name = "".join(c for c in pen.word() if c.isalnum())[:12]
    name = rng.choice((name.upper(), name.capitalize(), name.lower())) or "Nova"
    font = pymupdf.Font("hebo") if rng.random() < 0.3 else rng.choice(pen.sheet.fonts)
    kind = rng.random()
    if kind < 0.15:
        big = min(tall, tall * box.width * 0.9 / max(pen.length(name, size=tall, font=font), 1))
        long = pen.length(name, size=big, font=font)
        if rng.random() < 0.5:
            pen.rect(pymupdf.Rect(x, y, min(x + long + big * 0.6, box.x1), y + big * 1.3), None, fill=main)
            pen.text(x + big * 0.3, y + big, name, size=big, font=font, colour=WHITE)
        else:
            pen.text(x, y + big, name, size=big, font=font, colour=main)
            pen.rect(pymupdf.Rect(x, y + big * 1.15, min(x + long, box.x1), y + big * 1.22), None, fill=other)
        return
    mark(pen, (x + tall / 2, y + tall / 2), tall / 2, main, other)
    if kind < 0.85:
        beside = kind < 0.6
        room = box.x1 - x - tall * 1.3 if beside else box.width
        big = tall * (rng.uniform(0.4, 0.75) if beside else 0.35)
        big = min(big, big * room / max(pen.length(name, size=big, font=font), 1))
        left, base = (x + tall * 1.2, y + tall * 0.5 + big * 0.35) if beside else (x, y + tall + big)
        pen.text(left, base, name, size=big, font=font, colour=rng.choice((main, main, pen.ink)))
        if beside and rng.random() < 0.3:
            pen.text(left, base + big * 0.55, pen.phrase(room, size=big * 0.35), size=big * 0.35)


def mark(pen: Pen, c: Point, r: float, main: Colour, other: Colour) -> None:
    """The geometric mark of a logo, of radius `r` around `c`, in two colours."""
    rng, (x, y) = pen.rng, c
    kind = rng.randrange(8)
    disc = pymupdf.Rect(x - r, y - r, x + r, y + r)
    if kind == 0:
        pen.oval(disc, None, fill=main)
        pen.path(arc((x + r * 0.1, y), r * 0.55, r * 0.55, 1, 5.2), WHITE, width=r * 0.25)
    elif kind == 1:
        for i in range(count := rng.randrange(3, 9)):
            a, b = 2 * math.pi * i / count, 2 * math.pi * (i + 0.7) / count
            tip = [(x + r * math.cos(t), y + r * math.sin(t)) for t in (a, b)]
            pen.path([c, *tip], None, fill=main if i % 2 else other)
    elif kind == 2:
        for i in range(3):
            h = r * 2 * (i + 1) / 3
            pen.rect(
                pymupdf.Rect(x - r + i * r * 0.7, y + r - h, x - r + i * r * 0.7 + r * 0.5, y + r), None, fill=main
            )
    elif kind == 3:
        pen.rect(disc, None, fill=main, radius=r * rng.choice((0, 0.3, 0.6)))
        letter = rng.choice("ABCDEGHKMNPRSTVWXZ&")
        pen.text(x, y + r * 0.55, letter, anchor=0.5, size=r * 1.5, font=pymupdf.Font("hebo"), colour=WHITE)
    elif kind == 4:
        for i in range(rng.randrange(2, 4)):
            shift = (i - 0.5) * r * 0.5
            pen.oval(pymupdf.Rect(x - r * 0.6 + shift, y - r * 0.6, x + r * 0.6 + shift, y + r * 0.6) & disc, None,
                     fill=(main, other)[i % 2], opacity=0.75)  # fmt: skip
    elif kind == 5:
        sides = rng.choice((3, 4, 5, 6))
        for share, fill in ((1.0, main), (0.6, WHITE), (0.3, other)):
            turns = [2 * math.pi * i / sides - math.pi / 2 for i in range(sides)]
            pen.path([(x + r * share * math.cos(a), y + r * share * math.sin(a)) for a in turns], None, fill=fill)
    elif kind == 6:
        swoosh = smooth([(x - r, y + r * 0.4), (x - r * 0.2, y - r * 0.1), (x + r, y - r * 0.8)])
        pen.path(swoosh + smooth([(x + r, y - r * 0.8), (x, y + r * 0.3), (x - r, y + r * 0.4)]), None, fill=main)
        pen.oval(pymupdf.Rect(x - r * 0.3, y - r, x + r * 0.2, y - r * 0.5), None, fill=other)
    else:
        pen.path([(x - r, y + r), (x, y - r), (x + r, y + r), (x + r * 0.4, y + r), (x, y), (x - r * 0.4, y + r)],
                 None, fill=main)  # fmt: skip
        pen.rect(pymupdf.Rect(x - r * 0.25, y + r * 0.5, x + r * 0.25, y + r), None, fill=other)
