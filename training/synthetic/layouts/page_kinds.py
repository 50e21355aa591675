"""Synthetic pages labelled with their kind (poster, letter, receipt …), as colour pictures; the table of layouts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pymupdf
from numpy.typing import NDArray

from ....engine.records import U8
from ...pixel.labelled_pages import POINTS_PER_INCH
from .. import vocabulary
from ..pages import Fonts
from ..scans import photographed, scanned
from . import handwritten, lists, office, plans, posters, slides, tables, text_pages, timetables
from .canvas import Canvas, new_canvas

DPI = (60, 110)
SCAN = "scan"
PHOTOGRAPHED_SHARE = 0.2
"""Share of scans that look photographed by phone instead."""
PageSizes = tuple[tuple[float, float], ...]
PORTRAIT: PageSizes = ((595, 842), (595, 842), (612, 792), (612, 792), (420, 595), (499, 709))
LANDSCAPE: PageSizes = ((842, 595), (792, 612))
SLIDES: PageSizes = ((960, 540), (960, 540), (720, 540), (720, 450))
RECEIPTS: PageSizes = ((165, 420), (165, 600), (226, 500), (226, 750), (226, 380))
POSTERS: PageSizes = (*PORTRAIT, (595, 900), (560, 560), (842, 595), (842, 1191))


@dataclass(frozen=True, slots=True)
class Layout:
    """How pages of one kind are made: weight in random choices, drawing function, and page sizes in points.

    `scan_share` is how often the page is made to look scanned; `colourful` allows any colour of paper.
    """

    weight: float
    draw: Callable[[Canvas], tuple[str, ...]]
    page_sizes: PageSizes
    scan_share: float = 0.15
    colourful: bool = False


LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        "cover": Layout(6, slides.cover, (*PORTRAIT, *LANDSCAPE), 0.08, colourful=True),
        "title slide": Layout(4, slides.title_slide, SLIDES, 0.03, colourful=True),
        "slide": Layout(7, slides.slide, SLIDES, 0.03, colourful=True),
        "poster": Layout(8, posters.poster, POSTERS, 0.08, colourful=True),
        "letter": Layout(6, office.letter, PORTRAIT[:4], 0.4),
        "invoice": Layout(5, office.invoice, PORTRAIT[:4], 0.35),
        "receipt": Layout(5, office.receipt, RECEIPTS, 0.6),
        "certificate": Layout(5, handwritten.certificate, (*LANDSCAPE, *LANDSCAPE, *PORTRAIT), 0.25),
        "newsletter": Layout(5, text_pages.newsletter, (*PORTRAIT, (842, 1191))),
        "contents": Layout(4, lists.contents, PORTRAIT),
        "references": Layout(4, lists.references, PORTRAIT),
        "timetable": Layout(5, timetables.timetable, (*PORTRAIT, *LANDSCAPE, *LANDSCAPE)),
        "menu": Layout(5, lists.menu, (*PORTRAIT, (300, 600), *LANDSCAPE), colourful=True),
        "plan": Layout(5, plans.plan, (*LANDSCAPE, *LANDSCAPE, (1191, 842), *PORTRAIT)),
        "tabular": Layout(4, tables.tabular, (*PORTRAIT, *LANDSCAPE)),
        "list": Layout(4, lists.listing, PORTRAIT),
        "handwritten": Layout(5, handwritten.handwritten, PORTRAIT, 0.6),
        "typewritten": Layout(5, handwritten.typewritten, PORTRAIT[:4], 0.6),
        "photo page": Layout(4, posters.photo_page, (*PORTRAIT, *LANDSCAPE), 0.05, colourful=True),
        "small print": Layout(4, text_pages.small_print, PORTRAIT),
        "manual": Layout(5, tables.manual, (*PORTRAIT, *LANDSCAPE)),
        "article": Layout(4, text_pages.article, PORTRAIT),
        "form": Layout(4, office.form, PORTRAIT, 0.3),
        "text": Layout(4, text_pages.text, PORTRAIT),
        "blank": Layout(1, text_pages.blank, (*PORTRAIT, *LANDSCAPE), 0.5),
    }
)


def draw_whole_page(
    document: pymupdf.Document,
    fonts: Fonts,
    languages: Mapping[str, vocabulary.Language],
    rng: random.Random,
    pictures: Sequence[bytes] = (),
    *,
    layout: str | None = None,
) -> tuple[str, ...]:
    """Append a page of `layout`, or of a random layout, to `document`; returns its kinds, the main one first."""
    layout = layout or rng.choices([*LAYOUTS], [entry.weight for entry in LAYOUTS.values()])[0]
    entry = LAYOUTS[layout]
    language = vocabulary.pick_language(languages, rng)
    code = next(c for c, spoken in languages.items() if spoken is language)
    canvas = new_canvas(
        document,
        rng.choice(entry.page_sizes),
        code,
        language,
        fonts.by_script[language.script],
        rng,
        pictures,
        colourful=entry.colourful,
    )
    kinds = entry.draw(canvas)
    canvas.layer()
    return kinds


def render_rgb(page: pymupdf.Page, dpi: float) -> U8:
    """Render a page to (H, W, 3) uint8, RGB."""
    scale = dpi / POINTS_PER_INCH
    pix = page.get_pixmap(matrix=pymupdf.Matrix(scale, scale), colorspace=pymupdf.csRGB, alpha=False)
    rows: NDArray[np.uint8] = np.frombuffer(pix.samples_mv, np.uint8).reshape(pix.height, pix.stride)
    return rows[:, : pix.width * 3].reshape(pix.height, pix.width, 3).copy()


def page_with_kinds(
    fonts: Fonts,
    languages: Mapping[str, vocabulary.Language],
    rng: random.Random,
    pictures: Sequence[bytes] = (),
    *,
    layout: str | None = None,
    dpi: tuple[float, float] = DPI,
) -> tuple[U8, tuple[str, ...]]:
    """One page as a picture (H, W, 3) uint8, with its kinds; a page that looks scanned also has the kind SCAN.

    It is rendered at a random resolution within `dpi`.
    """
    with pymupdf.open() as document:
        kinds = draw_whole_page(document, fonts, languages, rng, pictures, layout=layout)
        pixels = render_rgb(document[-1], rng.uniform(*dpi))
    if rng.random() >= LAYOUTS[layout or kinds[0]].scan_share:
        return pixels, kinds
    look = photographed if rng.random() < PHOTOGRAPHED_SHARE else scanned
    return look(pixels, rng), (*kinds, SCAN)


def pages_with_kinds(
    rng: random.Random, pictures: Sequence[bytes] = (), *, dpi: tuple[float, float] = DPI
) -> Iterator[tuple[U8, tuple[str, ...]]]:
    """Endless pages as from `page_with_kinds`; `pictures` are JPEG photographs to show on them."""
    fonts, languages = Fonts.load(), vocabulary.load()
    while True:
        yield page_with_kinds(fonts, languages, rng, pictures, dpi=dpi)
