"""Where a page has blocks of text turned by 90°, and copies of them turned upright, on one sheet, to be read.

Upright letters have more upright strokes than level ones; with turned letters it is the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...records import F32, U8
from .network import STRIDE_PX

Bools = NDArray[np.bool_]

LEAST_STROKES = 2.0
"""The least mean difference between neighbouring pixels, of 255, where there is text."""
LEVEL_RATIO, RULE_RATIO = 1.15, 4.0
"""How many times as strong level strokes are as upright ones in turned text: at least, and where it is rules."""
TALL = 5
"""Strokes are summed over so many cells down."""
RUN = 3
"""So many cells beneath each other look like turned text, or none does."""
GAP = 2
"""Regions are parted where more empty cells lie between them."""
CUTS = 3
LEAST_CELLS, LEAST_SHARE = 40, 0.28
"""Of the cells of a block at least so many, and at least this share, look like turned text. Pictures have fewer; single
lines are small print mostly, of which one word in four would be read.
"""
STEP_PX = 256
"""Sheets are rounded up to it: libraries compile, and keep, something for each size."""


@dataclass(frozen=True)
class Region:
    """Cells of a page from `top` to `bottom` and `left` to `right`, of which `count` look like turned text."""

    top: int
    bottom: int
    left: int
    right: int
    count: int

    @property
    def is_text(self) -> bool:
        """Whether it is as full as text is."""
        area = (self.bottom - self.top) * (self.right - self.left)
        return self.count >= max(LEAST_CELLS, LEAST_SHARE * area)


def regions(page: U8, boxes: F32) -> list[Region]:
    """Where a grey page (H, W) seems to have blocks of turned text, apart from words that were found upright, whose
    `boxes` (T, 4) are page fractions.
    """
    if min(page.shape) < RUN * STRIDE_PX:
        return []
    cells = turned_cells(page, boxes)
    return [region for region in parted(cells, 0, 0, CUTS) if region.is_text] if cells.sum() >= LEAST_CELLS else []


def turned_cells(page: U8, boxes: F32) -> Bools:
    """Which cells of a grey page (H, W) look like turned text, (H / 16, W / 16)."""
    rows, columns = (side // STRIDE_PX for side in page.shape)
    page = page[: rows * STRIDE_PX, : columns * STRIDE_PX]
    read = read_cells(rows, columns, boxes)
    upright, level = (
        down(np.where(read, 0, strokes), TALL)
        for strokes in (strokes_of(page[:, :-1], page[:, 1:]), strokes_of(page[:-1], page[1:]))
    )
    turned = (level > LEVEL_RATIO * upright) & (level < RULE_RATIO * upright) & ~read
    turned &= upright > TALL * STRIDE_PX * STRIDE_PX * LEAST_STROKES
    middle = down(turned, RUN) == RUN
    found: Bools = turned & (down(middle, RUN) > 0)
    return found


def strokes_of(here: U8, beside: U8) -> F32:
    """Sums of the differences of neighbouring pixels in each cell."""
    difference = np.maximum(here, beside) - np.minimum(here, beside)
    whole = np.pad(difference, [(0, -side % STRIDE_PX) for side in difference.shape])
    rows, columns = (side // STRIDE_PX for side in whole.shape)
    of_rows = whole.reshape(rows, STRIDE_PX, -1).sum(axis=1, dtype=np.uint16)
    sums: F32 = of_rows.reshape(rows, columns, STRIDE_PX).sum(axis=2, dtype=np.float32)
    return sums


def read_cells(rows: int, columns: int, boxes: F32) -> Bools:
    """Which cells hold words that were found, (rows, columns)."""
    read = np.zeros((rows, columns), bool)
    ends = boxes.clip(0, 1) * np.array([columns, rows] * 2)
    lasts = np.ceil(ends[:, 2:]).astype(int)
    for (left, top), (right, bottom) in zip(ends[:, :2].astype(int).tolist(), lasts.tolist(), strict=True):
        read[top:bottom, left:right] = True
    return read


def down(cells: Bools | F32, count: int) -> F32:
    """The sum of each cell (R, C) and its neighbours above and below, `count` in all."""
    half = count // 2
    padded = np.pad(cells.astype(np.float32), ((half, half), (0, 0)))
    sums: F32 = np.sum([padded[i : i + len(cells)] for i in range(count)], axis=0)
    return sums


def parted(cells: Bools, top: int, left: int, cuts: int) -> Iterator[Region]:
    """The regions of cells (R, C) whose corner lies at `top`, `left`: cut between columns, then between rows, …"""
    across = cuts % 2
    pieces = runs(np.asarray(cells.any(axis=1 - across)))
    for first, last in pieces:
        part = cells[:, first:last] if across else cells[first:last]
        at = (top, left + first) if across else (top + first, left)
        if cuts > 0:
            yield from parted(part, *at, cuts - 1)
        else:
            columns = np.flatnonzero(part.any(axis=0))
            yield Region(
                at[0], at[0] + len(part), at[1] + int(columns[0]), at[1] + int(columns[-1]) + 1, int(part.sum())
            )


def runs(on: Bools) -> list[tuple[int, int]]:
    """From where to where a row of flags is on, over gaps of at most GAP."""
    places = np.flatnonzero(on)
    parts = np.split(places, np.flatnonzero(np.diff(places) > GAP + 1) + 1)
    return [(int(part[0]), int(part[-1]) + 1) for part in parts if len(part)]


@dataclass(frozen=True)
class Strip:
    """A region turned upright: `pixels` (h, w), which stand at `y` on their sheet, and the `corner` x, y and the `size`
    of what it shows, px of its page; whether it `rises` there.
    """

    pixels: U8
    y: int
    corner: tuple[int, int]
    size: tuple[int, int]
    rises: bool

    def on_page(self, boxes: F32) -> F32:
        """Boxes (T, 4) on the sheet as boxes on the page, px."""
        x0, y0, x1, y1 = (boxes - np.array([STRIDE_PX, self.y] * 2, np.float32)).T
        width, height = self.size
        turned = (y0, height - x1, y1, height - x0) if self.rises else (width - y1, x0, width - y0, x1)
        return np.stack(turned, axis=1) + np.array(self.corner * 2, np.float32)


def sheets(
    page: U8, regions: Sequence[Region], paper: int, *, rises: bool
) -> Iterator[tuple[U8, list[tuple[Region, Strip]]]]:
    """Pictures (H, W), each with regions of a page beneath each other, turned upright: their text rises on the page, or
    it falls. None is much larger than the page.
    """
    waiting = sorted(regions, key=lambda region: region.top - region.bottom)  # the longest first
    while waiting:
        width = rounded((waiting[0].bottom - waiting[0].top + 3) * STRIDE_PX)
        strips: list[tuple[Region, Strip]] = []
        y = STRIDE_PX
        for region in waiting:
            strip = turned_upright(page, region, y, rises=rises)
            if strips and rounded(y + len(strip.pixels)) * width > page.size:
                break
            strips.append((region, strip))
            y += len(strip.pixels) + STRIDE_PX
        waiting = waiting[len(strips) :]
        out = np.full((rounded(y), width), paper, np.uint8)
        for _, strip in strips:
            height, long = strip.pixels.shape
            out[strip.y : strip.y + height, STRIDE_PX : STRIDE_PX + long] = strip.pixels
        yield out, strips


def turned_upright(page: U8, region: Region, y: int, *, rises: bool) -> Strip:
    """A region of a page with some of what is around it, to stand at `y` of a sheet."""
    margin = STRIDE_PX // 2
    left, top = (max(side * STRIDE_PX - margin, 0) for side in (region.left, region.top))
    part = page[top : region.bottom * STRIDE_PX + margin, left : region.right * STRIDE_PX + margin]
    return Strip(np.rot90(part, -1 if rises else 1), y, (left, top), (part.shape[1], part.shape[0]), rises)


def rounded(side: int) -> int:
    """The next multiple of STEP_PX."""
    return -(-side // STEP_PX) * STEP_PX
