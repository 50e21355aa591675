"""Pages to learn from: grey pictures with a box and a text for every word and figure, synthetic or from real PDFs."""

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
from ...engine.models.pixel.pictures import BASE_PIXELS
from ...engine.models.pixel.words import WORD, normal_form
from ...engine.records import F32, U8, PageImage, PageRef

WORD_DELIMITERS = '-–—/\\()[]{}|:;"“”„«»?!*+=<>_@#•·…'
POINTS_PER_INCH = 72
REAL_DPI, USUAL_DPI = (85, 210), 115
"""Resolutions from and to, and the one met most: the base pass reads letter pages at 110 dpi, the fine pass at 165."""
COARSE_DPI = (28, 50)
"""What the coarse pass sees: figures as a whole, and text too small to read."""
BASE_SCALE = (0.8, 1.25)
LEAST_SIDE_PX, MAX_SIDE_PX = 64, 2800
FIGURE_LABELS = Path(__file__).with_name("figure_labels.jsonl")
READ_SCRIPTS = re.compile(r"[0-9.,'&\u0061-\u024f\u0370-\u03ff\u0400-\u052f\u1e00-\u1fff\u0300-\u036f]+")
Figure = tuple[str, pymupdf.Rect]
"""A concept's word and where it is shown."""
UNREAD = ""
"""The label of a word that the model does not learn: another script, or rotated."""


@dataclass(frozen=True, slots=True)
class LabelledPage:
    """`pixels` (H, W) uint8; `boxes` (W, 4) float32 as x0, y0, x1, y1 px; `words` in normal form, one a box.

    `figures` (F, 4) with `concepts`; `coarse` says that all are there, else what is no figure is not known.
    """

    pixels: U8
    boxes: F32
    words: tuple[str, ...]
    figures: F32
    concepts: tuple[str, ...]
    coarse: bool


def grey(page: pymupdf.Page, dpi: float) -> U8:
    """Render a page to (H, W) uint8."""
    pix = page.get_pixmap(dpi=None, matrix=pymupdf.Matrix(dpi / 72, dpi / 72), colorspace=pymupdf.csGRAY, alpha=False)
    flat: NDArray[np.uint8] = np.frombuffer(pix.samples_mv, np.uint8).reshape(pix.height, pix.stride)[:, : pix.width]
    return flat.copy()


def label(page: pymupdf.Page, dpi: float, figures: Sequence[Figure] = (), *, coarse: bool = False) -> LabelledPage:
    """Render a page and take its words with their boxes from the text layer, punctuation cut off."""
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
        grey(page, dpi),
        np.array(boxes, np.float32).reshape(-1, 4) * scale,
        tuple(words),
        np.array([(a.x0, a.y0, a.x1, a.y1) for _, a in figures], np.float32).reshape(-1, 4) * scale,
        tuple(concept for concept, _ in figures),
        coarse,
    )


def unknown_figures(page: pymupdf.Page) -> list[Figure]:
    """Where a real page has pictures or drawings, of which nobody knows what they show."""
    areas = [pymupdf.Rect(image["bbox"]) for image in page.get_image_info()]
    areas += page.cluster_drawings()
    return [(UNREAD, area & page.rect) for area in areas]


def figure_labels() -> dict[tuple[str, int], list[tuple[str, tuple[float, float, float, float]]]]:
    """Figures of real pages, all that are on a page, labelled by eye: by path below the folder of PDFs and page number
    from 1, each a concept's word (UNREAD = of no kind) and its box in page fractions.
    """
    out = {}
    for line in FIGURE_LABELS.read_text("utf-8").splitlines():
        row = json.loads(line)
        named = [(MARK + kind if kind else UNREAD, tuple(box)) for kind, *box in row["figures"]]
        out[row["path"], row["page"]] = named
    return out


def base_dpi(page: pymupdf.Page, rng: random.Random) -> float:
    """About the resolution at which the base pass looks at a page."""
    inches = float(page.rect.width * page.rect.height) / POINTS_PER_INCH**2
    return min(spec.SPEC.render_dpi, math.sqrt(BASE_PIXELS / inches) * rng.uniform(*BASE_SCALE))


def labelled_pages(folder: Path, rng: random.Random, *, at_base: bool = False) -> Iterator[LabelledPage]:
    """Pages of the PDFs below `folder` whose figures are labelled, coarse or as the base pass sees them, without end;
    none where no PDF is there.
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
            if drawn.words and min(drawn.pixels.shape) >= LEAST_SIDE_PX:
                yield drawn


def as_image(page: LabelledPage, dpi: float) -> PageImage:
    """A labelled page as the model takes it."""
    return PageImage(PageRef("", "", 1), np.repeat(page.pixels[:, :, None], 3, axis=2), dpi)


def real_pages(
    folder: Path, rng: random.Random, *, dpi: tuple[float, float] = REAL_DPI, coarse: bool = False
) -> Iterator[LabelledPage]:
    """Pages of the PDFs below `folder`, in random order and at random resolutions, without end.

    Pages without a text layer, or whose text layer does not match the picture (rotated pages), are left out.
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
                    at = rng.triangular(*dpi, USUAL_DPI) if dpi == REAL_DPI else rng.uniform(*dpi)
                    labelled = label(page, min(at, MAX_SIDE_PX / longest), figures, coarse=coarse)
                except (RuntimeError, ValueError):
                    continue
            if labelled.words and min(labelled.pixels.shape) >= LEAST_SIDE_PX:
                yield labelled
