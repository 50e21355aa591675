"""The parts of a page that have ink, as the network reads them: what is blank is left out."""

from __future__ import annotations

from typing import NamedTuple

from ...records import U8
from .architecture import STRIDE_PX
from .page_scaling import pad_pixels
from .regions import ink_cells, ink_corner, paper_shade, xy_cut

MARGIN_PX = 48
"""Margin of a pass around the part of a page that it reads: half the receptive field of a cell."""
BLANK_CELLS, BLANK_CUTS = 4, 4
"""The base pass reads the parts of a page between gaps of at least BLANK_CELLS empty rows or columns of cells, and a
margin of half such a gap; an XY-cut of BLANK_CUTS + 1 steps finds them.
"""


class InkedParts(NamedTuple):
    """The parts of a page on a `paper` of some shade: grey pixels (H, W), each side a multiple of 16, and their corners
    x, y on the page. All of them lie within `size` rows and columns of cells that begin at `corner`.
    """

    paper: int
    size: tuple[int, int]
    corner: tuple[int, int]
    parts: list[tuple[U8, tuple[int, int]]]


def inked_parts(pixels: U8) -> InkedParts | None:
    """The parts of a grey page (H, W), at any resolution, that have ink; None for a blank page."""
    if (corner := ink_corner(pixels)) is None:
        return None
    # Cells begin at a fixed distance from the ink, so that they cut its letters as they always did.
    left, top = (max(place - MARGIN_PX, 0) for place in corner)
    paper = paper_shade(pixels)
    cells = pad_pixels(pixels[top:, left:], paper)
    regions = list(xy_cut(ink_cells(cells, paper), BLANK_CUTS, BLANK_CELLS - 1))
    ends = [max(getattr(region, side) for region in regions) + MARGIN_PX // STRIDE_PX for side in ("bottom", "right")]
    size = (min(ends[0], len(cells) // STRIDE_PX), min(ends[1], cells.shape[1] // STRIDE_PX))
    margin, parts = BLANK_CELLS // 2, []
    for region in regions:
        y, x = max(region.top - margin, 0) * STRIDE_PX, max(region.left - margin, 0) * STRIDE_PX
        read = cells[y : (region.bottom + margin) * STRIDE_PX, x : (region.right + margin) * STRIDE_PX]
        parts.append((read, (left + x, top + y)))
    return InkedParts(paper, size, (left, top), parts)
