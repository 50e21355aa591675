"""Random typeset equations with fractions, sums, integrals, roots and indices, and a number at the right margin."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import pymupdf

from .pen import Pen

LETTERS = "abcdefghijklmnpqrstuvwxyzABCDEFGHKLMNPQRSTVWXYZ"
GREEK = "αβγδεθλμπρστφψωΔΣΩ"
RELATIONS = ("=", "=", "=", "≤", "≈", "<", "≥", "→", "∈")
FUNCTIONS = ("sin", "cos", "log", "exp", "max", "min", "Pr", "Var", "lim")


@dataclass(frozen=True, slots=True)
class Expression:
    """A typeset expression; lengths are in units of the font size, and y grows downwards from the baseline.

    `wide` is its width, `up` and `down` its height and depth. `marks` are texts as (x, y, text, size, slanted), `rules`
    are lines as (x0, y0, x1, y1).
    """

    wide: float
    up: float
    down: float
    marks: tuple[tuple[float, float, str, float, bool], ...] = ()
    rules: tuple[tuple[float, float, float, float], ...] = ()

    def placed(self, x: float, y: float, scale: float = 1.0) -> Expression:
        marks = tuple((x + a * scale, y + b * scale, t, s * scale, i) for a, b, t, s, i in self.marks)
        rules = tuple((x + a * scale, y + b * scale, x + c * scale, y + d * scale) for a, b, c, d in self.rules)
        return Expression(self.wide * scale, self.up * scale - y, self.down * scale + y, marks, rules)


class Typesetter:
    """Builds random expressions in an upright and a slanted font."""

    def __init__(self, rng: random.Random, upright: pymupdf.Font, slanted: pymupdf.Font) -> None:
        self.rng, self.upright, self.slanted = rng, upright, slanted

    def sign(self, text: str, *, slanted: bool = False, space: float = 0.0, size: float = 1.0) -> Expression:
        font = self.slanted if slanted else self.upright
        wide = font.text_length(text, size)
        return Expression(wide + 2 * space, 0.72 * size, 0.2 * size, ((space, 0.0, text, size, slanted),))

    def row(self, parts: Sequence[Expression]) -> Expression:
        x = 0.0
        marks: list[tuple[float, float, str, float, bool]] = []
        rules: list[tuple[float, float, float, float]] = []
        for part in parts:
            placed = part.placed(x, 0)
            marks += placed.marks
            rules += placed.rules
            x += part.wide
        up, down = max(p.up for p in parts), max(p.down for p in parts)
        return Expression(x, up, down, tuple(marks), tuple(rules))

    def stack(
        self, x: float, parts: Sequence[Expression], rules: tuple[tuple[float, float, float, float], ...]
    ) -> Expression:
        marks = tuple(m for p in parts for m in p.marks)
        return Expression(
            x,
            max(p.up for p in parts),
            max(p.down for p in parts),
            marks,
            (*(r for p in parts for r in p.rules), *rules),
        )

    def fraction(self, over: Expression, under: Expression) -> Expression:
        wide = max(over.wide, under.wide) + 0.3
        top = over.placed((wide - over.wide) / 2, -0.45 - over.down)
        bottom = under.placed((wide - under.wide) / 2, under.up + 0.0)
        return self.stack(wide + 0.1, (top, bottom), ((0.05, -0.25, wide - 0.05, -0.25),))

    def indexed(self, base: Expression, over: Expression | None, under: Expression | None) -> Expression:
        parts, wide = [base], base.wide
        if over:
            parts.append(over.placed(base.wide + 0.03, -base.up * 0.55, 0.68))
            wide = base.wide + 0.06 + over.wide * 0.68
        if under:
            parts.append(under.placed(base.wide + 0.03, 0.25, 0.68))
            wide = max(wide, base.wide + 0.06 + under.wide * 0.68)
        return self.stack(wide, parts, ())

    def large(self, sign: str, over: Expression, under: Expression) -> Expression:
        big = self.sign(sign, size=1.6).placed(0, 0.25)
        if sign == "∫":
            return self.stack(
                big.wide + 0.5, (big, over.placed(big.wide, -1.0, 0.65), under.placed(big.wide * 0.7, 0.55, 0.65)), ()
            )
        wide = max(big.wide, over.wide * 0.65, under.wide * 0.65)
        top = over.placed((wide - over.wide * 0.65) / 2, -1.15, 0.65)
        bottom = under.placed((wide - under.wide * 0.65) / 2, 1.15, 0.65)
        return self.stack(wide + 0.15, (big.placed((wide - big.wide) / 2, 0), top, bottom), ())

    def root(self, inside: Expression) -> Expression:
        top, left = -inside.up - 0.1, 0.55
        rules = ((0.0, -0.25, 0.15, -0.35), (0.15, -0.35, 0.3, inside.down), (0.3, inside.down, left, top),
                 (left, top, left + inside.wide + 0.1, top))  # fmt: skip
        placed = inside.placed(left + 0.05, 0)
        return Expression(left + inside.wide + 0.2, inside.up + 0.2, inside.down, placed.marks, rules + placed.rules)

    def atom(self) -> Expression:
        rng, kind = self.rng, self.rng.random()
        if kind < 0.55:
            return self.sign(rng.choice(LETTERS), slanted=True)
        if kind < 0.8:
            return self.sign(rng.choice(GREEK), slanted=self.slanted.has_glyph(ord("α")) > 0)
        return self.sign(str(rng.choice((0, 1, 1, 2, 2, 3, 4, 10, 0.5))))

    def term(self, deep: int) -> Expression:
        rng, kind = self.rng, self.rng.random()
        if deep <= 0 or kind < 0.25:
            return self.atom()
        if kind < 0.5:
            over = self.small() if rng.random() < 0.6 else None
            return self.indexed(self.atom(), over, self.small() if over is None or rng.random() < 0.3 else None)
        if kind < 0.7:
            return self.fraction(self.sum(deep - 1), self.sum(deep - 1))
        if kind < 0.8:
            lower = self.row([self.sign(rng.choice("ijkn"), slanted=True), self.sign("="), self.sign(rng.choice("01"))])
            sign = rng.choice("∑∑∫∏")
            return self.row([self.large(sign, self.sign(rng.choice("nNK∞"), slanted=True), lower), self.term(deep - 1)])
        if kind < 0.86:
            return self.root(self.sum(deep - 1))
        head = self.sign(rng.choice(FUNCTIONS)) if kind < 0.93 else self.atom()
        inside = self.sum(deep - 1)
        size = max(1.0, min(2.2, inside.up + inside.down))
        left, right = (self.sign(s, size=size).placed(0, (size - 1) * 0.25) for s in "()")
        return self.row([head, left, inside, right])

    def small(self) -> Expression:
        return self.row([self.atom() for _ in range(self.rng.choice((1, 1, 2)))])

    def sum(self, deep: int) -> Expression:
        parts = [self.term(deep)]
        for _ in range(self.rng.choice((0, 0, 1, 1, 2))):
            parts += [self.sign(self.rng.choice("+−+−·"), space=0.2), self.term(deep)]
        return self.row(parts)

    def equation(self) -> Expression:
        parts = [self.term(1)]
        for _ in range(self.rng.choice((1, 1, 1, 2))):
            parts += [self.sign(self.rng.choice(RELATIONS), space=0.3), self.sum(2)]
        return self.row(parts)


def equation(pen: Pen, box: pymupdf.Rect) -> None:
    """Draw one to four equations, centred or aligned left."""
    rng = pen.rng
    typesetter = Typesetter(rng, pymupdf.Font("tiro"), pymupdf.Font("tiit"))
    math_fonts = [f for f in pen.sheet.fonts if all(f.has_glyph(ord(c)) for c in "∑∫√∞≤αβ∂−")]
    if math_fonts and rng.random() < 0.5:
        typesetter = Typesetter(
            rng, font := rng.choice(math_fonts), pymupdf.Font("tiit") if rng.random() < 0.5 else font
        )
    size, y = pen.size * rng.uniform(1.0, 1.5), box.y0
    numbered, centred = rng.random() < 0.55, rng.random() < 0.7
    number = rng.randrange(1, 60)
    for i in range(rng.choice((1, 1, 1, 2, 3, 4))):
        room = box.width - numbered * pen.size * 4
        drawn = min((typesetter.equation() for _ in range(3)), key=lambda s: abs(s.wide * size - room * 0.6))
        scale = min(size, room / drawn.wide, box.height / (drawn.up + drawn.down))
        if i and y + (drawn.up + drawn.down) * scale > box.y1:
            break
        x = box.x0 + ((room - drawn.wide * scale) / 2 if centred else 0)
        base = y + drawn.up * scale
        for a, b, text, s, slanted in drawn.marks:
            pen.text(
                x + a * scale,
                base + b * scale,
                text,
                size=s * scale,
                font=(typesetter.slanted if slanted else typesetter.upright),
            )
        ends = [((x + a * scale, base + b * scale), (x + c * scale, base + d * scale)) for a, b, c, d in drawn.rules]
        pen.lines(ends, width=max(0.35, scale * 0.05))
        if numbered:
            pen.text(box.x1 - 1, base, f"({number + i})", anchor=1, font=typesetter.upright)
        y = base + (drawn.down + 0.7) * scale
