"""Grey images of pages, as the network's passes read them: scaling, and padding to cells."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ...records import U8
from .architecture import STRIDE_PX
from .regions import paper_shade

BASE_PIXELS = 1_130_000
"""Pixels of the base pass, at most: a letter page at 110 dpi."""


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
    """The pixels (H, W) of a grey image, padded to multiples of the cell size with the shade of its paper."""
    return pad_pixels(np.asarray(grey))


def pad_pixels(pixels: U8, paper: int | None = None) -> U8:
    """Grey pixels (H, W), padded to multiples of the cell size with `paper`, by default their own."""
    padding = ((0, -pixels.shape[0] % STRIDE_PX), (0, -pixels.shape[1] % STRIDE_PX))
    return np.pad(pixels, padding, constant_values=paper_shade(pixels) if paper is None else paper)
