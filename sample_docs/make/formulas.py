r"""Typesetting of displayed formulas in a subset of TeX: \frac, \sqrt, \sum, \int, \rm, Greek letters, _ and ^."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from .sheet import Sheet, text_width

SIGNS = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "epsilon": "ε",
    "theta": "θ",
    "kappa": "κ",
    "lambda": "λ",
    "mu": "μ",
    "pi": "π",
    "rho": "ρ",
    "sigma": "σ",
    "tau": "τ",
    "phi": "φ",
    "omega": "ω",
    "Delta": "Δ",
    "Omega": "Ω",
    "partial": "∂",
    "infty": "∞",
    "cdot": " · ",
    "le": " ≤ ",
    "approx": " ≈ ",
    "pm": " ± ",
    "quad": "    ",
    "ln": "ln ",
    "exp": "exp ",
}


@dataclass(frozen=True)
class Piece:
    """A typeset part of a formula: its width, height above and depth below the baseline in points, and a function that
    draws it with its baseline at (x, y).
    """

    width: float
    above: float
    below: float
    draw: Callable[[Sheet, float, float], None]
    limits: bool = False  # sub- and superscripts go below and above it, not beside it


def formula(
    sheet: Sheet, x: float, y: float, width: float, source: str, *, size: float = 11.0, number: str = ""
) -> float:
    """Draw a formula below y, centred in `width`, with its number at the right edge; return the y below it."""
    piece = _parse(_tokens(source), size)
    base = y + piece.above + size * 0.5
    room = width - text_width(number, size, "serif") - 4 if number else width
    assert piece.width <= room, source
    piece.draw(sheet, x + (room - piece.width) / 2, base)
    if number:
        sheet.text(x + width, base, number, size=size - 1, font="serif", align="right")
    return base + piece.below + size * 0.6


def _tokens(source: str) -> list[str]:
    return re.findall(r"\\[A-Za-z]+|[A-Za-z]|[0-9.]+|\S", source)[::-1]


def _parse(tokens: list[str], size: float) -> Piece:
    """Typeset tokens up to a closing brace or the end; `tokens` is a stack, in reverse order."""
    pieces: list[Piece] = []
    while tokens and tokens[-1] != "}":
        if tokens[-1] in "_^":
            pieces.append(_scripts(pieces.pop(), tokens, size))
        else:
            pieces.append(_atom(tokens, size))
    if tokens:
        tokens.pop()
    return _row(pieces)


def _atom(tokens: list[str], size: float) -> Piece:
    token = tokens.pop()
    if token == "{":
        return _parse(tokens, size)
    if token == r"\frac":
        return _fraction(_atom(tokens, size), _atom(tokens, size), size)
    if token == r"\sqrt":
        return _root(_atom(tokens, size), size)
    if token == r"\rm":
        inner = tokens.pop()
        assert inner == "{"
        letters = ""
        while (letter := tokens.pop()) != "}":
            letters += letter
        return _glyphs(letters, size, "serif")
    if token in (r"\sum", r"\int"):
        large = token == r"\sum"
        return _glyphs("∑" if large else "∫", size * 1.5, "sans", drop=size * 0.2, limits=large)
    if token.startswith("\\"):
        return _glyphs(SIGNS[token[1:]], size, "sans" if token == r"\infty" else "serif")
    if token in "=+−<>":
        return _glyphs(f" {token} ", size, "serif")
    return _glyphs(token, size, "serif-italic" if token.isalpha() else "serif")


def _glyphs(text: str, size: float, font: str, *, drop: float = 0.0, limits: bool = False) -> Piece:
    def draw(sheet: Sheet, x: float, y: float) -> None:
        sheet.text(x, y + drop, text, size=size, font=font)

    return Piece(text_width(text, size, font), size * 0.72 - drop, size * 0.22 + drop, draw, limits)


def _row(pieces: list[Piece]) -> Piece:
    def draw(sheet: Sheet, x: float, y: float) -> None:
        for piece in pieces:
            piece.draw(sheet, x, y)
            x += piece.width

    above = max((piece.above for piece in pieces), default=0.0)
    return Piece(sum(piece.width for piece in pieces), above, max((piece.below for piece in pieces), default=0.0), draw)


def _scripts(base: Piece, tokens: list[str], size: float) -> Piece:
    scripts: dict[str, Piece] = {}
    while tokens and tokens[-1] in ("_", "^"):
        sign = tokens.pop()
        scripts[sign] = _atom(tokens, size * 0.7)
    if base.limits:
        return _limits(base, scripts, size)
    up = max(size * 0.36, base.above - size * 0.42)
    down = max(size * 0.2, base.below - size * 0.02)

    def draw(sheet: Sheet, x: float, y: float) -> None:
        base.draw(sheet, x, y)
        for sign, piece in scripts.items():
            piece.draw(sheet, x + base.width + 0.6, y - up if sign == "^" else y + down)

    above = max(base.above, up + scripts["^"].above) if "^" in scripts else base.above
    below = max(base.below, down + scripts["_"].below) if "_" in scripts else base.below
    return Piece(base.width + 1.2 + max(piece.width for piece in scripts.values()), above, below, draw)


def _limits(base: Piece, scripts: dict[str, Piece], size: float) -> Piece:
    width = max(base.width, *(piece.width for piece in scripts.values()))
    places = {"^": -base.above - size * 0.12 - scripts["^"].below, "_": base.below + size * 0.05 + scripts["_"].above}

    def draw(sheet: Sheet, x: float, y: float) -> None:
        base.draw(sheet, x + (width - base.width) / 2, y)
        for sign, piece in scripts.items():
            piece.draw(sheet, x + (width - piece.width) / 2, y + places[sign])

    return Piece(width, scripts["^"].above - places["^"], places["_"] + scripts["_"].below, draw)


def _fraction(top: Piece, bottom: Piece, size: float) -> Piece:
    width = max(top.width, bottom.width) + size * 0.5
    axis = size * 0.26

    def draw(sheet: Sheet, x: float, y: float) -> None:
        top.draw(sheet, x + (width - top.width) / 2, y - axis - size * 0.2 - top.below)
        bottom.draw(sheet, x + (width - bottom.width) / 2, y - axis + size * 0.2 + bottom.above)
        sheet.line((x + 1, y - axis), (x + width - 1, y - axis), width=size * 0.05)

    return Piece(
        width,
        axis + size * 0.2 + top.below + top.above,
        size * 0.2 + bottom.above + bottom.below - axis,
        draw,
    )


def _root(inner: Piece, size: float) -> Piece:
    lead = size * 0.6

    def draw(sheet: Sheet, x: float, y: float) -> None:
        up, down = y - inner.above - size * 0.12, y + inner.below
        hook = [(x, y - size * 0.2), (x + lead * 0.3, y - size * 0.3), (x + lead * 0.6, down), (x + lead * 0.9, up)]
        sheet.path([*hook, (x + lead + inner.width, up)], width=size * 0.06)
        inner.draw(sheet, x + lead, y)

    return Piece(inner.width + lead + 1, inner.above + size * 0.2, inner.below, draw)
