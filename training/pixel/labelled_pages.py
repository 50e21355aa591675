"""Labelled training pages: grey pictures with a box and a label for every word and figure, and those of real PDFs."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pymupdf
from numpy.typing import NDArray

from ...engine.models.pixel import spec
from ...engine.models.pixel.concepts import MARK
from ...engine.models.pixel.page_scaling import BASE_PIXELS
from ...engine.models.pixel.words import WORD, normal_form
from ...engine.records import F32, U8, PageImage, PageRef

WORD_DELIMITERS = '-–—/\\()[]{}|:;"“”„«»?!*+=<>_@#•·…'
"""Characters, besides white space, at which the text layer is split into words."""
POINTS_PER_INCH = 72
REAL_DPI, MODE_DPI = (85, 210), 115
"""Range and mode of resolutions: the engine's base pass reads letter pages at 110 dpi, its fine pass at 165."""
COARSE_DPI = (28, 50)
"""Resolutions of the coarse pass, which sees figures as a whole, and text too small to read."""
BASE_SCALE = (0.8, 1.25)
"""Random factor on the resolution of the base pass."""
MIN_SIDE_PX, MAX_SIDE_PX = 64, 2800
FIGURE_LABELS = Path(__file__).with_name("figure_labels.jsonl")
"""Figures of real pages, labelled by hand."""
READ_SCRIPTS = re.compile(r"[0-9.,'&\u0061-\u024f\u0370-\u03ff\u0400-\u052f\u1e00-\u1fff\u0300-\u036f]+")
Figure = tuple[str, pymupdf.Rect]
"""A concept's word, and the rectangle of the figure that shows it, in points."""
UNREAD = ""
"""Label of a word that the model does not learn (another script, or rotated), and of a figure of no known kind."""


@dataclass(frozen=True, slots=True)
class LabelledPage:
    """A page with the labels of its words and figures.

    `pixels` (H, W) uint8; `boxes` (W, 4) float32 as x0, y0, x1, y1 in px, with `words` in normal form; `figures` (F, 4)
    likewise, with `concepts`. If `coarse`, all figures of the page are labelled; if not, nothing is known about the
    rest of the page.
    """

    pixels: U8
    boxes: F32
    words: tuple[str, ...]
    figures: F32
    concepts: tuple[str, ...]
    coarse: bool


def render_grey(page: pymupdf.Page, dpi: float) -> U8:
    """Render a page to grey, (H, W) uint8."""
    pix = page.get_pixmap(dpi=None, matrix=pymupdf.Matrix(dpi / 72, dpi / 72), colorspace=pymupdf.csGRAY, alpha=False)
    flat: NDArray[np.uint8] = np.frombuffer(pix.samples_mv, np.uint8).reshape(pix.height, pix.stride)[:, : pix.width]
    return flat.copy()


def label(page: pymupdf.Page, dpi: float, figures: Sequence[Figure] = (), *, coarse: bool = False) -> LabelledPage:
    """Render a page, and take its words and their boxes from the text layer, without punctuation."""
    scale = dpi / POINTS_PER_INCH
    boxes, words = [], []
    for x0, y0, x1, y1, text, *_ in page.get_text("words", delimiters=WORD_DELIMITERS):
        match = WORD.search(text)
        if match is None or page.rotation:
            continue
        word = normal_form(match.group())
        upright = y1 - y0 <= 1.5 * (x1 - x0) or len(word) < 3
        if not (READ_SCRIPTS.fullmatch(word) and upright):
            word = UNREAD
        step = (x1 - x0) / max(len(text), 1)
        boxes.append((x0 + step * match.start(), y0, x1 - step * (len(text) - match.end()), y1))
        words.append(word)
    return LabelledPage(
        render_grey(page, dpi),
        np.array(boxes, np.float32).reshape(-1, 4) * scale,
        tuple(words),
        np.array([(a.x0, a.y0, a.x1, a.y1) for _, a in figures], np.float32).reshape(-1, 4) * scale,
        tuple(concept for concept, _ in figures),
        coarse,
    )


def unknown_figures(page: pymupdf.Page) -> list[Figure]:
    """The pictures and drawings of a real page as UNREAD figures: what they show is not known."""
    areas = [pymupdf.Rect(image["bbox"]) for image in page.get_image_info()]
    areas += page.cluster_drawings()
    return [(UNREAD, area & page.rect) for area in areas]


def figure_labels() -> dict[tuple[str, int], list[tuple[str, tuple[float, float, float, float]]]]:
    """The figures of hand-labelled pages, by path below the folder of PDFs and page number, from 1.

    A page's list is complete. Each figure is a concept's word (UNREAD for no known kind), and a box x0, y0, x1, y1 as
    fractions of the page.
    """
    out = {}
    for line in FIGURE_LABELS.read_text("utf-8").splitlines():
        row = json.loads(line)
        named = [(MARK + kind if kind else UNREAD, tuple(box)) for kind, *box in row["figures"]]
        out[row["path"], row["page"]] = named
    return out


def base_dpi(page: pymupdf.Page, rng: random.Random) -> float:
    """The resolution, dpi, at which the engine's base pass reads a page, times a random factor in BASE_SCALE."""
    inches = float(page.rect.width * page.rect.height) / POINTS_PER_INCH**2
    return min(spec.SPEC.render_dpi, math.sqrt(BASE_PIXELS / inches) * rng.uniform(*BASE_SCALE))


def figure_labelled_pages(folder: Path, rng: random.Random, *, at_base: bool = False) -> Iterator[LabelledPage]:
    """Endless hand-labelled pages of the PDFs below `folder`, at COARSE_DPI or `at_base` resolution.

    None at all if `folder` holds none of the labelled PDFs.
    """
    labels = {place: boxes for place, boxes in figure_labels().items() if (folder / place[0]).is_file()}
    while labels:
        for (path, number), boxes in rng.sample(list(labels.items()), len(labels)):
            with pymupdf.open(folder / path) as document:
                page = document[number - 1]
                size = (page.rect.width, page.rect.height) * 2
                figures = [(kind, pymupdf.Rect(*np.multiply(box, size).tolist())) for kind, box in boxes]
                dpi = base_dpi(page, rng) if at_base else rng.uniform(*COARSE_DPI)
                drawn = label(page, dpi, figures, coarse=True)
            if drawn.words and min(drawn.pixels.shape) >= MIN_SIDE_PX:
                yield drawn


def as_image(page: LabelledPage, dpi: float) -> PageImage:
    """A labelled page as input of a page encoder."""
    return PageImage(PageRef("", "", 1), np.repeat(page.pixels[:, :, None], 3, axis=2), dpi)


def real_pages(
    folder: Path, rng: random.Random, *, dpi: tuple[float, float] = REAL_DPI, coarse: bool = False
) -> Iterator[LabelledPage]:
    """Endless pages of the PDFs below `folder`, in random order and at random resolutions in `dpi`.

    Pages without a text layer, or whose text layer does not match the picture (rotated pages), are skipped.
    """
    where: list[tuple[Path, int]] = []
    for path in sorted(folder.rglob("*.pdf")):
        try:
            with pymupdf.open(path) as document:
                where += [(path, number) for number in range(document.page_count)]
        except (RuntimeError, ValueError):
            continue
    while where:
        rng.shuffle(where)
        for path, number in where:
            with pymupdf.open(path) as document:
                try:
                    page = document[number]
                    longest = max(page.rect.width, page.rect.height, 1) / POINTS_PER_INCH
                    figures = unknown_figures(page) if coarse else []
                    at = rng.triangular(*dpi, MODE_DPI) if dpi == REAL_DPI else rng.uniform(*dpi)
                    labelled = label(page, min(at, MAX_SIDE_PX / longest), figures, coarse=coarse)
                except (RuntimeError, ValueError):
                    continue
            if labelled.words and min(labelled.pixels.shape) >= MIN_SIDE_PX:
                yield labelled
