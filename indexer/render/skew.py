"""The skew of a scan: by how much its lines of print are aslant, and the page turned so that they are level."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ...engine.records import F64, U8
from .visible_text import Word

LARGEST_DEG = 12.0
SMALLEST_DEG = 1.0
"""A page that is less aslant than this is read as it is."""
COARSE_DEG, FINE_DEG = 0.5, 0.1
LEAST_GAIN = 1.2
"""How many times as sharp as it is the profile of lines has to get, if a page is to be turned."""
SIDE = 1000
"""The longer side in px of the picture that the skew is measured on."""
INK_MAX = 60_000
"""So many of its pixels with ink are enough."""
FRAME_EDGE_PX = 4
"""So many pixels beside a dark frame are its blurred edge."""
LEAST_CONTRAST = 24
"""Of 255: what differs less from most of the page is paper."""


def angle(pixels: U8) -> float:
    """The degrees by which lines of print on a page run downhill; 0.0 if they do not. `pixels` are (H, W) uint8, grey.

    The projection profile of Postl: of all angles, the right one is that at which the print of a line falls into the
    fewest rows, so that the sum of the squares of ink in each row is the greatest. Columns are tried as well as rows:
    the page may be a sideways one.
    """
    shrunk = Image.fromarray(pixels)
    shrunk.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR)
    grey = np.asarray(shrunk, dtype=np.int16)
    # Ink is darker, or on a dark page lighter, than most of the page.
    ink = np.abs(grey - np.median(grey)) > max(LEAST_CONTRAST, int(np.ptp(grey)) // 4)
    y, x = np.nonzero(ink & ~_around_the_page(ink))
    if not len(x):
        return 0.0
    some = slice(None, None, 1 + len(x) // INK_MAX)
    down, right = y[some].astype(np.float64), x[some].astype(np.float64)
    found = (_of_lines(right, down), _of_lines(down, -right))
    return max(found, key=lambda each: each[1])[0]


def _around_the_page(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What is inked from an edge of the picture on: the dark frame that scanners leave, whose edges are straight."""
    every = np.logical_and.accumulate
    rows = every(ink, axis=1) | every(ink[:, ::-1], axis=1)[:, ::-1]
    columns = every(ink, axis=0) | every(ink[::-1], axis=0)[::-1]
    frame = Image.fromarray((rows | columns).astype(np.uint8) * 255)
    return np.asarray(frame.filter(ImageFilter.BoxBlur(FRAME_EDGE_PX))) > 0


def _of_lines(along: F64, across: F64) -> tuple[float, float]:
    """The angle in degrees of the lines that pixels at (`along`, `across`) form, 0.0 if the page is not worth a turn.

    The second value is the sharpness of the profile at this angle: the sum of the squares of pixels in each row.
    """

    def sharpness(degrees: float) -> float:
        rows = across - along * math.tan(math.radians(degrees))
        counts = np.bincount(np.rint(rows - rows.min()).astype(np.intp))
        return float((counts.astype(np.float64) ** 2).sum())

    coarse = np.arange(-LARGEST_DEG, LARGEST_DEG + COARSE_DEG / 2, COARSE_DEG)
    about = max(coarse, key=sharpness)
    best = max(np.arange(about - COARSE_DEG, about + COARSE_DEG + FINE_DEG / 2, FINE_DEG), key=sharpness)
    as_it_is, sharpest = sharpness(0.0), sharpness(best)
    if not SMALLEST_DEG <= abs(best) <= LARGEST_DEG or sharpest < LEAST_GAIN * as_it_is:
        return 0.0, as_it_is
    return round(float(best), 1), sharpest


def level(pixels: U8, degrees: float) -> U8:
    """The page turned by `degrees` against its skew, larger by what its corners need, which has the colour of paper."""
    paper = int(np.median(pixels))
    turned = Image.fromarray(pixels).rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=paper)
    return np.asarray(turned, dtype=np.uint8)


def places_before(
    lines: Sequence[Sequence[Word]], degrees: float, before: tuple[int, int], after: tuple[int, int]
) -> list[list[Word]]:
    """Words of a page that `level` turned, with the boxes (px) that they have on the page as it was.

    `before` and `after` are the (height, width) in px of the page and of what `level` made of it.
    """
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))

    def box_before(x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        corners = np.array([(x0, y0), (x1, y0), (x0, y1), (x1, y1)]) - (after[1] / 2, after[0] / 2)
        was = corners @ np.array([(cosine, sine), (-sine, cosine)]) + (before[1] / 2, before[0] / 2)
        was = was.clip(0, (before[1], before[0]))
        return (*was.min(axis=0).tolist(), *was.max(axis=0).tolist())

    return [[(*box_before(*box), word) for *box, word in line] for line in lines]
