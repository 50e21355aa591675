"""Random synthetic pages with columns of text, headings, tables, labels and figures, in many fonts and languages."""

from __future__ import annotations

import itertools
import random
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pymupdf

from ...engine.models.pixel.concepts import MARK
from ..pixel.labelled_pages import COARSE_DPI, POINTS_PER_INCH, UNREAD, Figure, LabelledPage, base_dpi, label
from . import vocabulary
from .figures import figure
from .sheet import COLOURS, DARK, PAPERS, Sheet

PAGE_SIZES_PT = ((612, 792), (595, 842), (842, 595), (960, 540), (612, 396))
BODY_PX = (10.0, 32.0)
"""Range of the font size of running text, px; it determines the resolution at which a page is rendered."""
EASY_PX, EASY_PAGES = 14.0, 1000
"""Curriculum: text is at least EASY_PX at first, and BODY_PX[0] after EASY_PAGES pages, or learning does not start."""
DPI = (70, 400)
MAX_BLOCK_PT, MAX_BLOCK_COARSE_PT = 220, 400
"""Largest height of a block."""
FIGURE_SHARE, FIGURE_SHARE_COARSE = 0.2, 0.5
"""Share of blocks that are figures."""
FULL_BLEED_SHARE, FULL_BLEED_KINDS = 0.1, ("illustration", "photo")
"""Share of coarse pages with a picture from edge to edge (full bleed), and its kinds."""
FC_LIST = "/usr/bin/fc-list"
FONT_BYTES_MAX = 1_500_000
KEY_CAPS = "Keyboard"
"""Part of the names of fonts that draw each letter as a key of a keyboard."""
SCRIPT_SAMPLES = {"latin": "aéßłőğėůāș0", "vietnamese": "aếựạơđ0", "cyrillic": "жыїЩ", "greek": "αώΩ"}


def font_files() -> list[Path]:
    """TrueType and OpenType fonts known to fontconfig, without collections and very large files."""
    listed = subprocess.run([FC_LIST, "--format", "%{file}\n"], capture_output=True, text=True, check=True).stdout
    files = sorted({Path(line) for line in listed.splitlines() if line.endswith((".ttf", ".otf"))})
    return [f for f in files if f.stat().st_size <= FONT_BYTES_MAX]


@dataclass
class Fonts:
    """Opened fonts by script; a font is listed for each script of which it has all letters of SCRIPT_SAMPLES."""

    by_script: dict[str, list[pymupdf.Font]] = field(default_factory=lambda: {s: [] for s in SCRIPT_SAMPLES})

    @staticmethod
    def load() -> Fonts:
        out = Fonts()
        names = ("helv", "hebo", "heit", "tiro", "tibo", "tiit", "cour", "cobo")
        fonts = [pymupdf.Font(name) for name in names]
        for path in font_files():
            try:
                font = pymupdf.Font(fontfile=str(path))
            except (RuntimeError, ValueError):
                continue
            if KEY_CAPS not in font.name:
                fonts.append(font)
        for font in fonts:
            for script, letters in SCRIPT_SAMPLES.items():
                if all(font.has_glyph(ord(c)) for c in letters):
                    out.by_script[script].append(font)
        return out


def paragraph(sheet: Sheet, area: pymupdf.Rect, size: float, colour: tuple[float, ...]) -> None:
    """Fill `area` with lines of random tokens."""
    rng = sheet.rng
    font = rng.choice(sheet.fonts)
    leading = size * rng.uniform(1.08, 1.6)
    y = area.y0 + size
    while y < area.y1:
        width = area.width * (rng.uniform(0.3, 1.0) if rng.random() < 0.15 else 1.0)
        line = sheet.tokens(width, font, size)
        if line:
            shift = (area.width - width) * rng.choice((0, 0, 0, 1)) * 0.5
            sheet.write(area.x0 + shift, y, line, font, size, colour)
        y += leading * (1.6 if rng.random() < 0.1 else 1.0)


def table(sheet: Sheet, area: pymupdf.Rect, size: float, colour: tuple[float, ...]) -> None:
    """Fill `area` with a table of numbers and a column of names, with or without rules and bands."""
    rng = sheet.rng
    font = rng.choice(sheet.fonts)
    columns = rng.randrange(2, 8)
    first = area.width * rng.uniform(0.2, 0.45)
    step = (area.width - first) / columns
    leading = size * rng.uniform(1.15, 2.2)
    rules = rng.random()
    y = area.y0 + size
    row = 0
    while y < area.y1:
        if rules < 0.35 or (rules < 0.6 and row == 1):
            sheet.page.draw_line((area.x0, y - size * 1.05), (area.x1, y - size * 1.05), width=rng.uniform(0.3, 1))
        if rules > 0.8 and row % 2:
            band = pymupdf.Rect(area.x0, y - size, area.x1, y - size + leading)
            sheet.page.draw_rect(band, color=None, fill=(0.88, 0.9, 0.94))
        name = sheet.tokens(first - size, font, size)
        if name:
            sheet.write(area.x0, y, name, font, size, colour)
        for c in range(columns):
            cell = (
                vocabulary.number_with_unit(rng)
                if row and rng.random() < 0.85
                else vocabulary.token(sheet.language, rng)
            )
            wide = font.text_length(cell, size)
            if wide < step * 0.95 and rng.random() < 0.93:
                sheet.write(area.x0 + first + step * (c + 1) - wide, y, cell, font, size, colour)
        y += leading
        row += 1
    if rng.random() < 0.25:
        for c in range(columns + 1):
            x = area.x0 + first + step * c + 1
            sheet.page.draw_line((x, area.y0), (x, area.y1), width=0.5)


def labels(sheet: Sheet, area: pymupdf.Rect, size: float, colour: tuple[float, ...]) -> None:
    """Scattered words over bars, lines and circles, like the labels of charts and diagrams."""
    rng = sheet.rng
    font = rng.choice(sheet.fonts)
    for _ in range(rng.randrange(2, 9)):
        x, y = rng.uniform(area.x0, area.x1), rng.uniform(area.y0, area.y1)
        shade = rng.choice((*DARK, (0.7, 0.8, 0.9), (0.95, 0.8, 0.6)))
        if rng.random() < 0.5:
            box = pymupdf.Rect(x, y, min(area.x1, x + rng.uniform(8, 60)), area.y1)
            sheet.page.draw_rect(box, color=None, fill=shade)
        elif rng.random() < 0.5:
            sheet.page.draw_line((x, y), (rng.uniform(area.x0, area.x1), rng.uniform(area.y0, area.y1)), color=shade)
        else:
            sheet.page.draw_circle((x, y), rng.uniform(3, 40), color=shade)
    y = area.y0 + size
    while y < area.y1:
        x = area.x0 + rng.uniform(0, area.width * 0.4)
        while x < area.x1 - size * 4:
            text = vocabulary.token(sheet.language, rng)
            wide = font.text_length(text, size)
            if x + wide < area.x1:
                sheet.write(x, y, text, font, size, colour)
            x += wide + size * rng.uniform(0.6, 8)
        y += size * rng.uniform(1.3, 3.5)


def block(
    sheet: Sheet, area: pymupdf.Rect, body: float, *, figure_share: float, pictures: Sequence[bytes]
) -> list[Figure]:
    """Draw one random block into `area`, whose height is reduced to what was used; returns the figures in it."""
    rng = sheet.rng
    colour = rng.choice(COLOURS)
    size = body * rng.choice((0.8, 1, 1, 1, 1.2))
    kind = rng.random()
    if kind < figure_share:
        return [(MARK + concept, rect) for concept, rect in figure(sheet, area, size, colour, pictures=pictures)]
    if rng.random() < 0.15:
        sheet.page.draw_rect(
            pymupdf.Rect(area.x0 - 4, area.y0 - 4, area.x1 + 4, area.y1 + 4), color=None, fill=rng.choice(DARK)
        )
        colour = rng.choice(((1, 1, 1), (0.95, 0.95, 0.8), (0.8, 0.9, 1)))
    kind = rng.random()
    if kind < 0.2:
        size = min(body * rng.uniform(1.3, 5), area.width / 5)
        area.y1 = min(area.y1, area.y0 + size * rng.choice((1.3, 2.6)))
        paragraph(sheet, area, size, colour)
    elif kind < 0.6:
        paragraph(sheet, area, size, colour)
    elif kind < 0.9:
        table(sheet, area, size, colour)
        return [(MARK + "table", pymupdf.Rect(area))]
    else:
        labels(sheet, area, size, colour)
        return [(UNREAD, pymupdf.Rect(area))]
    return []


def full_bleed_figure(sheet: Sheet, size: float, pictures: Sequence[bytes]) -> tuple[list[Figure], float, float]:
    """Draw a picture over the full width of the page, as on covers.

    Returns the figures, and the top and bottom of the rest of the page.
    """
    rng, whole = sheet.rng, sheet.page.rect
    cut = whole.height * rng.uniform(0.25, 0.75)
    below = rng.random() < 0.6
    area = pymupdf.Rect(0, cut if below else 0, whole.x1, whole.y1 if below else cut)
    drawn = figure(sheet, area, size, rng.choice(COLOURS), pictures=pictures, kinds=FULL_BLEED_KINDS)
    gap = 2 * size
    return [(MARK + kind, rect) for kind, rect in drawn], *((gap, cut - gap) if below else (cut + gap, whole.y1 - gap))


def draw_page(
    fonts: Fonts,
    languages: dict[str, vocabulary.Language],
    rng: random.Random,
    *,
    least_px: float,
    coarse: bool = False,
    at_base: bool = False,
    pictures: Sequence[bytes] = (),
) -> LabelledPage:
    """Draw and label one page.

    Its running text is at least `least_px` large. A `coarse` page has many figures, and is rendered at COARSE_DPI,
    where text is too small to read, or, with `at_base`, at the resolution of the engine's base pass.
    """
    language = vocabulary.pick_language(languages, rng)
    with pymupdf.open() as document:
        page = document.new_page(width=(shape := rng.choice(PAGE_SIZES_PT))[0], height=shape[1])
        paper = rng.choice(PAPERS) if rng.random() < 0.3 else (1, 1, 1)
        page.draw_rect(page.rect, color=None, fill=paper)
        sheet = Sheet(page, language, rng.sample(fonts.by_script[language.script], 4), rng)
        columns = rng.choice((1, 1, 2, 2, 3))
        body = rng.choice((5, 6, 7, 8, 9, 10, 11, 12, 14)) * rng.uniform(0.9, 1.1)
        margin = rng.uniform(18, 60)
        width = (page.rect.width - 2 * margin) / columns
        tallest, figure_share = (MAX_BLOCK_COARSE_PT, FIGURE_SHARE_COARSE) if coarse else (MAX_BLOCK_PT, FIGURE_SHARE)
        figures: list[Figure] = []
        top, foot = margin, page.rect.height - margin
        if coarse and rng.random() < FULL_BLEED_SHARE:
            figures, top, foot = full_bleed_figure(sheet, body, pictures)
        for c in range(columns):
            y = top
            while y < foot:
                bottom = min(y + rng.uniform(30, tallest), foot)
                area = pymupdf.Rect(margin + c * width, y, margin + (c + 1) * width - 10, bottom)
                figures += block(sheet, area, body, figure_share=figure_share, pictures=pictures)
                y = area.y1 + rng.uniform(6, 24)
        if coarse:
            dpi = base_dpi(page, rng) if at_base else rng.uniform(*COARSE_DPI)
            return label(page, dpi, figures, coarse=True)
        body_px = least_px * (BODY_PX[1] / least_px) ** rng.random()
        return label(page, min(max(body_px / body * POINTS_PER_INCH, DPI[0]), DPI[1]))


def synthetic_pages(
    rng: random.Random,
    *,
    drawn: int = 0,
    coarse: bool = False,
    at_base: bool = False,
    pictures: Sequence[bytes] = (),
) -> Iterator[LabelledPage]:
    """Endless synthetic pages; `drawn` pages came before (see EASY_PAGES), `pictures` are JPEG photographs to show."""
    fonts, languages = Fonts.load(), vocabulary.load()
    for count in itertools.count(drawn):
        ease = max(0.0, 1 - count / EASY_PAGES)
        least_px = BODY_PX[0] + ease * (EASY_PX - BODY_PX[0])
        yield draw_page(fonts, languages, rng, least_px=least_px, coarse=coarse, at_base=at_base, pictures=pictures)
