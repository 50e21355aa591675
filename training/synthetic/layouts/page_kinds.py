"""Whole pages of a known kind (a poster, a letter, a receipt …): colour pictures with what the page is as a whole."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pymupdf
from numpy.typing import NDArray

from ....engine.records import U8
from ...pixel.page_pool import POINTS_PER_INCH
from .. import vocabulary
from ..pages import Fonts
from ..scans import photographed, scanned
from . import hand, lists, office, plans, posters, printed, slides, tables
from .leaf import Leaf, leaf

DPI = (60, 110)
SCAN = "scan"
PHOTOGRAPHED_SHARE = 0.2
"""How many of the scans lie on a table before a telephone."""
Shapes = tuple[tuple[float, float], ...]
UPRIGHT: Shapes = ((595, 842), (595, 842), (612, 792), (612, 792), (420, 595), (499, 709))
LYING: Shapes = ((842, 595), (792, 612))
SLIDES: Shapes = ((960, 540), (960, 540), (720, 540), (720, 450))
SLIPS: Shapes = ((165, 420), (165, 600), (226, 500), (226, 750), (226, 380))
POSTERS: Shapes = (*UPRIGHT, (595, 900), (560, 560), (842, 595), (842, 1191))


@dataclass(frozen=True, slots=True)
class Layout:
    """How one kind is drawn: how often, by what, on which sizes of paper (points), how often it is then scanned."""

    weight: float
    draw: Callable[[Leaf], tuple[str, ...]]
    shapes: Shapes
    scanned: float = 0.15
    colourful: bool = False


LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        "cover": Layout(6, slides.cover, (*UPRIGHT, *LYING), 0.08, colourful=True),
        "title slide": Layout(4, slides.title_slide, SLIDES, 0.03, colourful=True),
        "slide": Layout(7, slides.slide, SLIDES, 0.03, colourful=True),
        "poster": Layout(8, posters.poster, POSTERS, 0.08, colourful=True),
        "letter": Layout(6, office.letter, UPRIGHT[:4], 0.4),
        "invoice": Layout(5, office.invoice, UPRIGHT[:4], 0.35),
        "receipt": Layout(5, office.receipt, SLIPS, 0.6),
        "certificate": Layout(5, hand.certificate, (*LYING, *LYING, *UPRIGHT), 0.25),
        "newsletter": Layout(5, printed.newsletter, (*UPRIGHT, (842, 1191))),
        "contents": Layout(4, lists.contents, UPRIGHT),
        "references": Layout(4, lists.references, UPRIGHT),
        "timetable": Layout(5, tables.timetable, (*UPRIGHT, *LYING, *LYING)),
        "menu": Layout(5, lists.menu, (*UPRIGHT, (300, 600), *LYING), colourful=True),
        "plan": Layout(5, plans.plan, (*LYING, *LYING, (1191, 842), *UPRIGHT)),
        "tabular": Layout(4, tables.tabular, (*UPRIGHT, *LYING)),
        "list": Layout(4, lists.listing, UPRIGHT),
        "handwritten": Layout(5, hand.handwritten, UPRIGHT, 0.6),
        "typewritten": Layout(5, hand.typewritten, UPRIGHT[:4], 0.6),
        "photo page": Layout(4, posters.photo_page, (*UPRIGHT, *LYING), 0.05, colourful=True),
        "small print": Layout(4, printed.small_print, UPRIGHT),
        "manual": Layout(5, tables.manual, (*UPRIGHT, *LYING)),
        "article": Layout(4, printed.article, UPRIGHT),
        "form": Layout(4, office.form, UPRIGHT, 0.3),
        "text": Layout(4, printed.text, UPRIGHT),
        "blank": Layout(1, printed.blank, (*UPRIGHT, *LYING), 0.5),
    }
)


def whole_page(
    document: pymupdf.Document,
    fonts: Fonts,
    languages: Mapping[str, vocabulary.Language],
    rng: random.Random,
    pictures: Sequence[bytes] = (),
    *,
    layout: str | None = None,
) -> tuple[str, ...]:
    """Draw a page of `layout`, or of any, as the last page of `document`; returns its kinds, the main one first."""
    layout = layout or rng.choices([*LAYOUTS], [entry.weight for entry in LAYOUTS.values()])[0]
    entry = LAYOUTS[layout]
    language = vocabulary.pick_language(languages, rng)
    code = next(c for c, spoken in languages.items() if spoken is language)
    drawn = leaf(document, rng.choice(entry.shapes), code, language, fonts.by_script[language.script], rng, pictures,
                 colourful=entry.colourful)  # fmt: skip
    kinds = entry.draw(drawn)
    drawn.layer()
    return kinds


def in_colour(page: pymupdf.Page, dpi: float) -> U8:
    """Render a page to (H, W, 3) uint8, RGB."""
    scale = dpi / POINTS_PER_INCH
    pix = page.get_pixmap(matrix=pymupdf.Matrix(scale, scale), colorspace=pymupdf.csRGB, alpha=False)
    rows: NDArray[np.uint8] = np.frombuffer(pix.samples_mv, np.uint8).reshape(pix.height, pix.stride)
    return rows[:, : pix.width * 3].reshape(pix.height, pix.width, 3).copy()


def kind_page(
    fonts: Fonts,
    languages: Mapping[str, vocabulary.Language],
    rng: random.Random,
    pictures: Sequence[bytes] = (),
    *,
    layout: str | None = None,
    dpi: tuple[float, float] = DPI,
) -> tuple[U8, tuple[str, ...]]:
    """One page as a picture (H, W, 3) uint8 with its kinds; a page that looks scanned is of the kind "scan" as well."""
    with pymupdf.open() as document:
        kinds = whole_page(document, fonts, languages, rng, pictures, layout=layout)
        pixels = in_colour(document[-1], rng.uniform(*dpi))
    if rng.random() >= LAYOUTS[layout or kinds[0]].scanned:
        return pixels, kinds
    look = photographed if rng.random() < PHOTOGRAPHED_SHARE else scanned
    return look(pixels, rng), (*kinds, SCAN)


def kind_pages(
    rng: random.Random, pictures: Sequence[bytes] = (), *, dpi: tuple[float, float] = DPI
) -> Iterator[tuple[U8, tuple[str, ...]]]:
    """Pages without end, rendered at `dpi` from and to, as `kind_page` has them; `pictures` are JPEG photographs to
    print on them.
    """
    fonts, languages = Fonts.load(), vocabulary.load()
    while True:
        yield kind_page(fonts, languages, rng, pictures, dpi=dpi)
