"""Grey pictures of pages, as the passes look at them."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ...records import F32, U8
from .network import STRIDE_PX

BASE_PIXELS = 1_130_000
"""Pixels of the base pass: a letter page at 110 dpi."""
PAPER_ROWS = 8
INK = 24
"""A pixel that differs so much from the paper, of 255, is ink."""


def read_grey(pixels: U8) -> tuple[Image.Image, float]:
    """A page (H, W, 3) as a grey picture, and the scale at which the base pass looks at it."""
    grey = Image.fromarray(pixels).convert("L")
    return grey, min(1.0, (BASE_PIXELS / (grey.width * grey.height)) ** 0.5)


def resized(grey: Image.Image, scale: float) -> Image.Image:
    """A picture at `scale`, each side at least one cell."""
    if scale == 1.0:
        return grey
    size = (max(STRIDE_PX, round(grey.width * scale)), max(STRIDE_PX, round(grey.height * scale)))
    return grey.resize(size, Image.Resampling.BILINEAR)


def whole_cells(grey: Image.Image) -> U8:
    """A grey picture, filled up with paper to whole cells, (H, W)."""
    pixels = np.asarray(grey)
    rest = ((0, -pixels.shape[0] % STRIDE_PX), (0, -pixels.shape[1] % STRIDE_PX))
    return np.pad(pixels, rest, constant_values=paper_of(pixels))


def paper_of(pixels: U8) -> int:
    """The shade of grey of the paper, from the first rows of a page (H, W)."""
    return int(np.median(pixels[:PAPER_ROWS]))


def inked(grey: Image.Image) -> F32:
    """The part of a grey page that is not bare paper at its edges, (4,) as page fractions."""
    pixels = np.asarray(grey)
    paper = paper_of(pixels)
    ink = (pixels < paper - INK) | (pixels > paper + INK)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return np.zeros(4, np.float32)
    corners = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    return (corners / (grey.width, grey.height, grey.width, grey.height)).astype(np.float32)
