"""Blocks of text rotated by 90°: finds them on a page, and copies them upright onto sheets to be read.

Upright letters have more vertical strokes than horizontal ones; with rotated letters it is the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from ...records import F32, U8
from .architecture import STRIDE_PX
from .regions import INK_CONTRAST, Bools, Region, xy_cut

MIN_CONTRAST = 2.0
"""Least mean difference between neighbouring pixels, of 255, in a cell with text."""
ROTATED_RATIO, RULE_RATIO = 1.15, 4.0
"""Strength of horizontal strokes, as a multiple of that of vertical ones, above which a cell looks like rotated text,
and above which it holds ruled lines instead.
"""
STROKE_CELLS = 5
"""Cells above each other over which strokes are summed."""
RUN_CELLS = 3
"""A cell counts only in a run of at least this many cells above each other that look like rotated text."""
MAX_GAP = 2
"""Empty rows or columns of cells within a region, at most."""
CUTS = 3
"""Depth of the recursive XY-cut."""
MIN_CELLS, MIN_SHARE = 40, 0.28
"""Least number, and least share, of a region's cells that look like rotated text. Pictures have fewer."""
LINE_CELLS, LINE_SHARE, LINE_WIDTH = 5, 0.5, 2
"""Least length and least share of the cells of a single line, such as the label of an axis, and its width, at most."""
LINES_MAX, LINE_LENGTH_MAX = 6, 60
"""Single lines of a page that are read, at most, the longest ones, and the length of one, at most, in cells."""
LINE_MARGIN = 1
"""How far a line may reach beyond its cells, in cells: its ends and edges have fewer strokes."""
LINE_INK, LINE_INK_WITH_ENDS = 0.65, 0.5
"""Share of the rows of pixels of a single line that have ink, at least, without and with what is blank at its ends.
Columns of a table, which look like one, have gaps between their rows.
"""
STEP_PX = STRIDE_PX
"""Sheets are rounded up to multiples of this."""


def find_regions(page: U8, boxes: F32) -> tuple[list[Region], list[Region]]:
    """Blocks and single lines on a grey page (H, W) that look like rotated text, outside the `boxes` (T, 4), page
    fractions, of words that were read upright.
    """
    if min(page.shape) < RUN_CELLS * STRIDE_PX:
        return [], []
    cells = rotated_cells(page, boxes)
    if cells.sum() < LINE_CELLS:
        return [], []
    found = list(xy_cut(cells, CUTS, MAX_GAP))
    lines = [region for region in found if is_line(region) and is_unbroken(page, region)]
    lines.sort(key=lambda region: (-region.count, region.top, region.left))
    return [region for region in found if is_text(region)], lines[:LINES_MAX]


def is_text(region: Region) -> bool:
    """Whether enough cells of a region look like rotated text."""
    return region.count >= max(MIN_CELLS, MIN_SHARE * area(region))


def is_line(region: Region) -> bool:
    """Whether a region is as narrow as a single line of rotated text, and no block of it."""
    length, width = region.bottom - region.top, region.right - region.left
    is_narrow = width <= LINE_WIDTH and LINE_CELLS <= length <= LINE_LENGTH_MAX
    return is_narrow and region.count >= LINE_SHARE * area(region) and not is_text(region)


def area(region: Region) -> int:
    """The number of a region's cells."""
    return (region.bottom - region.top) * (region.right - region.left)


def enlarged(line: Region, scale: float) -> Region:
    """A line on a page, with a margin, as a region of the page at `scale`."""
    top, left = max(line.top - LINE_MARGIN, 0), max(line.left - LINE_MARGIN, 0)
    bottom, right = line.bottom + LINE_MARGIN, line.right + LINE_MARGIN
    return Region(floor(top * scale), ceil(bottom * scale), floor(left * scale), ceil(right * scale), line.count)


def is_unbroken(page: U8, line: Region) -> bool:
    """Whether a line on a grey page (H, W) has ink in most rows of pixels between its first and its last."""
    part = page[line.top * STRIDE_PX : line.bottom * STRIDE_PX, line.left * STRIDE_PX : line.right * STRIDE_PX]
    lightest, darkest = part.max(axis=1).astype(np.int16), part.min(axis=1).astype(np.int16)
    inked = np.flatnonzero(lightest - darkest > INK_CONTRAST)
    if len(inked) < LINE_INK_WITH_ENDS * len(part):
        return False
    return bool(len(inked) >= LINE_INK * (inked[-1] - inked[0] + 1))


def rotated_cells(page: U8, boxes: F32) -> Bools:
    """The cells of a grey page (H, W) that look like rotated text, (H / 16, W / 16)."""
    rows, columns = (side // STRIDE_PX for side in page.shape)
    page = page[: rows * STRIDE_PX, : columns * STRIDE_PX]
    covered = covered_cells(rows, columns, boxes)
    vertical, horizontal = (
        column_sums(np.where(covered, 0, strokes), STROKE_CELLS)
        for strokes in (contrast(page[:, :-1], page[:, 1:]), contrast(page[:-1], page[1:]))
    )
    rotated = (horizontal > ROTATED_RATIO * vertical) & (horizontal < RULE_RATIO * vertical) & ~covered
    rotated &= vertical > STROKE_CELLS * STRIDE_PX * STRIDE_PX * MIN_CONTRAST
    middles = column_sums(rotated, RUN_CELLS) == RUN_CELLS
    in_runs: Bools = rotated & (column_sums(middles, RUN_CELLS) > 0)
    return in_runs


def contrast(pixels: U8, neighbours: U8) -> F32:
    """Sums over each cell of the absolute differences between pixels and their neighbours, both (H, W)."""
    difference = np.maximum(pixels, neighbours) - np.minimum(pixels, neighbours)
    whole = np.pad(difference, [(0, -side % STRIDE_PX) for side in difference.shape])
    rows, columns = (side // STRIDE_PX for side in whole.shape)
    of_rows = whole.reshape(rows, STRIDE_PX, -1).sum(axis=1, dtype=np.uint16)
    sums: F32 = of_rows.reshape(rows, columns, STRIDE_PX).sum(axis=2, dtype=np.float32)
    return sums


def covered_cells(rows: int, columns: int, boxes: F32) -> Bools:
    """The cells (rows, columns) that `boxes` (T, 4), page fractions, touch."""
    covered = np.zeros((rows, columns), bool)
    ends = boxes.clip(0, 1) * np.array([columns, rows] * 2)
    lasts = np.ceil(ends[:, 2:]).astype(int)
    for (left, top), (right, bottom) in zip(ends[:, :2].astype(int).tolist(), lasts.tolist(), strict=True):
        covered[top:bottom, left:right] = True
    return covered


def column_sums(cells: Bools | F32, count: int) -> F32:
    """The sum of each of (R, C) cells and its neighbours above and below, `count` cells in total."""
    half = count // 2
    padded = np.pad(cells.astype(np.float32), ((half, half), (0, 0)))
    sums: F32 = np.sum([padded[i : i + len(cells)] for i in range(count)], axis=0)
    return sums


@dataclass(frozen=True)
class Strip:
    """A region rotated upright: its `pixels` (h, w), at `y` on their sheet.

    On its page, it begins at `corner` x, y and has the `size` width, height, in px; its text reads upwards there if
    `upwards`, else downwards.
    """

    pixels: U8
    y: int
    corner: tuple[int, int]
    size: tuple[int, int]
    upwards: bool

    def on_page(self, boxes: F32) -> F32:
        """Boxes (T, 4) on the sheet as boxes on the page, in px."""
        x0, y0, x1, y1 = (boxes - np.array([STRIDE_PX, self.y] * 2, np.float32)).T
        width, height = self.size
        rotated = (y0, height - x1, y1, height - x0) if self.upwards else (width - y1, x0, width - y0, x1)
        return np.stack(rotated, axis=1) + np.array(self.corner * 2, np.float32)


def upright_sheets(
    page: U8, regions: Sequence[Region], paper: int, *, upwards: bool
) -> Iterator[tuple[U8, list[tuple[Region, Strip]]]]:
    """Yield sheets (H, W), not much larger than the page, with the regions of a page below each other, upright.

    Their text is taken to read upwards on the page, or else downwards. Each sheet comes with its regions and strips;
    `paper` is the grey value of its background.
    """
    waiting = sorted(regions, key=lambda region: region.top - region.bottom)  # longest lines first
    while waiting:
        width = round_up((waiting[0].bottom - waiting[0].top + 3) * STRIDE_PX)
        strips: list[tuple[Region, Strip]] = []
        y = STRIDE_PX
        for region in waiting:
            strip = upright_strip(page, region, y, upwards=upwards)
            if strips and round_up(y + len(strip.pixels)) * width > page.size:
                break
            strips.append((region, strip))
            y += len(strip.pixels) + STRIDE_PX
        waiting = waiting[len(strips) :]
        sheet = np.full((round_up(y), width), paper, np.uint8)
        for _, strip in strips:
            height, length = strip.pixels.shape
            sheet[strip.y : strip.y + height, STRIDE_PX : STRIDE_PX + length] = strip.pixels
        yield sheet, strips


def upright_strip(page: U8, region: Region, y: int, *, upwards: bool) -> Strip:
    """A region of a `page` (H, W) uint8, with a margin of half a cell, rotated upright, to be placed at `y`."""
    margin = STRIDE_PX // 2
    left, top = (max(side * STRIDE_PX - margin, 0) for side in (region.left, region.top))
    part = page[top : region.bottom * STRIDE_PX + margin, left : region.right * STRIDE_PX + margin]
    return Strip(np.rot90(part, -1 if upwards else 1), y, (left, top), (part.shape[1], part.shape[0]), upwards)


def round_up(side: int) -> int:
    """The next multiple of STEP_PX."""
    return -(-side // STEP_PX) * STEP_PX
