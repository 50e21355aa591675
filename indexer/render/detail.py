"""Pages whose print is too small where the whole page has the size of an ordinary one: the resolution that it needs.

Resolution follows print, not paper. A page is drawn once as a whole, at the size of an ordinary page. Where print on it
would be too small then (a drawing of A0, a web page on one long sheet, a tall screenshot), it is drawn a second time in
grey, the detail, at the resolution at which its print is read well, within bounds of pixels and of resolution.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import NamedTuple

import numpy as np

from ...engine.records import U8
from .page_size import POINTS_PER_INCH
from .unread import REDUCED_SHARE, SMALL_CHARACTERS, SMALL_SHARE

READ_PX = 16.0
"""Height of an em, in pixels, at which print is read well: 10 points at 115 dpi."""
TOO_SMALL_PX = 11.0
"""Height of an em below which a page needs detail, if so large a part of its print is that small as `small_size` says.

On a page of A4 at 165 dpi that is print below 4.8 points, on A3 below 5.5, on A0 below 15.
"""
MIN_GAIN = 1.15
"""Detail is worth its time if it enlarges the page at least by this factor."""
MAX_ENLARGEMENT = 4.0
"""Resolution of detail, at most, as a multiple of that of an ordinary page: print of 2 points, or a page whose UserUnit
a library does not know.
"""
SPARSE_CHARACTERS = 200
"""A text layer of fewer characters on a large sheet is a title block; the rest may be lettered with lines."""
SIDE_MAX_PX = 1 << 16
STRIP_PIXELS = 4_000_000
"""Detail is drawn in strips of about this many pixels, so that it takes no more memory than an ordinary page."""


class Needed(NamedTuple):
    """The `dpi` at which a page's print is read well, and whether that is so high that the page needs `detail`."""

    dpi: float
    detail: bool


def needed(sizes_pt: Iterable[tuple[float, int]], *, dpi: float, wanted_dpi: float, own_dpi: float | None) -> Needed:
    """What the print of a page needs that was drawn at `dpi`, with `wanted_dpi` for an ordinary page.

    `sizes_pt` are font sizes in points, each with its number of characters; empty for a page without a text layer.
    `own_dpi` is the resolution of the picture that the page consists of; None if it is no picture.
    """
    sizes = sorted(each for each in sizes_pt if each[0] > 0)
    total = sum(count for _, count in sizes)
    is_reduced = dpi < REDUCED_SHARE * wanted_dpi
    if total and not (is_reduced and total < SPARSE_CHARACTERS):
        small_pt = small_size(sizes, total)
        is_too_small = small_pt * dpi / POINTS_PER_INCH < TOO_SMALL_PX
        need = min(READ_PX * POINTS_PER_INCH / small_pt, MAX_ENLARGEMENT * wanted_dpi)
    else:
        need = min(wanted_dpi, own_dpi or wanted_dpi)
        is_too_small = is_reduced or own_dpi is not None
    return Needed(need, is_too_small and need > MIN_GAIN * dpi)


def small_size(sizes_pt: Iterable[tuple[float, int]], total: int) -> float:
    """The size at which, counted from the smallest, SMALL_SHARE and SMALL_CHARACTERS of `total` characters are reached.

    `sizes_pt` is sorted by size.

    >>> small_size([(6.0, 10), (8.0, 30), (10.0, 400)], 440)
    8.0
    """
    wanted, size = max(SMALL_SHARE * total, min(SMALL_CHARACTERS, total)), 0.0
    for size, count in sizes_pt:  # noqa: B007 - the last one is the answer
        wanted -= count
        if wanted <= 0:
            break
    return size


def detail_size(width_pt: float, height_pt: float, *, dpi: float, max_pixels: int) -> tuple[int, int, float]:
    """Width and height in pixels of a page of some points at `dpi`, or less within `max_pixels`; and the dpi it has.

    >>> detail_size(3370, 2384, dpi=115, max_pixels=32_000_000)
    (5383, 3808, 115.0)
    """
    zoom = min(dpi / POINTS_PER_INCH, sqrt(max_pixels / (width_pt * height_pt)))
    zoom = min(zoom, SIDE_MAX_PX / max(width_pt, height_pt))
    width, height = max(1, round(width_pt * zoom)), max(1, round(height_pt * zoom))
    height = min(height, max(1, max_pixels // width))
    return width, height, zoom * POINTS_PER_INCH


def strips(width: int, height: int) -> Iterable[tuple[int, int]]:
    """The rows, first and end, of strips of about STRIP_PIXELS of an image.

    >>> list(strips(5000, 2000))
    [(0, 800), (800, 1600), (1600, 2000)]
    """
    rows = max(1, STRIP_PIXELS // width)
    return ((top, min(top + rows, height)) for top in range(0, height, rows))


def grey_of(rgb: U8) -> U8:
    """Grey values (H, W) of colours (H, W, 3), weighted as by ITU-R 601, as Pillow does it."""
    weights = np.array([19595, 38470, 7471], np.uint32)
    grey: U8 = ((rgb @ weights + 0x8000) >> 16).astype(np.uint8)
    return grey
