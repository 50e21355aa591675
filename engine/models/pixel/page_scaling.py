"""Grey images of pages, as the network's passes read them: scaling, padding to cells, cropping to the ink."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ...records import F32, U8
from .network import STRIDE_PX

BASE_PIXELS = 1_130_000
"""Pixels of the base pass, at most: a letter page at 110 dpi."""
PAPER_ROWS = 8
"""Rows at the top of a page from which the shade of the paper is taken."""
INK_CONTRAST = 24
"""A pixel that differs from the paper by more than this, of 255, is ink."""


def read_grey(pixels: U8) -> tuple[Image.Image, float]:
    """A page (H, W, 3) as a grey image, and the scale at which the base pass reads it."""
    grey = Image.fromarray(pixels).convert("L")
    return grey, min(1.0, (BASE_PIXELS / (grey.width * grey.height)) ** 0.5)


def resized(grey: Image.Image, scale: float) -> Image.Image:
    """An image at `scale`; each side is at least one cell long."""
    if scale == 1.0:
        return grey
    size = (max(STRIDE_PX, round(grey.width * scale)), max(STRIDE_PX, round(grey.height * scale)))
    return grey.resize(size, Image.Resampling.BILINEAR)


def pad_to_cells(grey: Image.Image) -> U8:
    """The pixels (H, W) of a grey image, padded with paper to multiples of the cell size."""
    pixels = np.asarray(grey)
    padding = ((0, -pixels.shape[0] % STRIDE_PX), (0, -pixels.shape[1] % STRIDE_PX))
    return np.pad(pixels, padding, constant_values=paper_shade(pixels))


def paper_shade(pixels: U8) -> int:
    """The grey value of the paper of a page (H, W): the median of its first rows."""
    return int(np.median(pixels[:PAPER_ROWS]))


def ink_box(grey: Image.Image) -> F32:
    """The box of the ink on a grey page, (4,) as page fractions; zeros for a blank page."""
    pixels = np.asarray(grey)
    paper = paper_shade(pixels)
    ink = (pixels < paper - INK_CONTRAST) | (pixels > paper + INK_CONTRAST)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return np.zeros(4, np.float32)
    corners = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    return (corners / (grey.width, grey.height, grey.width, grey.height)).astype(np.float32)
