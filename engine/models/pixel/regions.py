"""Rectangles of cells that hold something: the recursive XY-cut, and the parts of a page that have ink.

Nagy and Seth, "Hierarchical Representation of Optically Scanned Documents", 1984.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...records import U8
from .architecture import STRIDE_PX

Bools = NDArray[np.bool_]

INK_CONTRAST = 24
"""A pixel that differs from the paper by more than this, of 255, is ink."""
PAPER_ROWS = 8
"""Rows at the top of a page from which the shade of the paper is taken."""


@dataclass(frozen=True)
class Region:
    """A rectangle of cells, `bottom` and `right` excluded, of which `count` are set."""

    top: int
    bottom: int
    left: int
    right: int
    count: int


def xy_cut(cells: Bools, cuts: int, max_gap: int, *, top: int = 0, left: int = 0) -> Iterator[Region]:
    """Split cells (R, C), the first at `top` and `left`, where a gap of more than `max_gap` empty ones goes through.

    They are split `cuts` more times after the first one: at empty columns if that number is odd, else at empty rows,
    and so on in turns. Regions have no empty rows or columns at their edges.
    """
    at_columns = cuts % 2
    for first, last in runs(np.asarray(cells.any(axis=1 - at_columns)), max_gap):
        part = cells[:, first:last] if at_columns else cells[first:last]
        y, x = (top, left + first) if at_columns else (top + first, left)
        if cuts > 0:
            yield from xy_cut(part, cuts - 1, max_gap, top=y, left=x)
        else:
            rows, columns = (np.flatnonzero(part.any(axis=axis)) for axis in (1, 0))
            yield Region(
                y + int(rows[0]), y + int(rows[-1]) + 1, x + int(columns[0]), x + int(columns[-1]) + 1, int(part.sum())
            )


def runs(flags: Bools, max_gap: int) -> list[tuple[int, int]]:
    """The runs of true flags, start and end, in which gaps are at most `max_gap` long."""
    places = np.flatnonzero(flags)
    parts = np.split(places, np.flatnonzero(np.diff(places) > max_gap + 1) + 1)
    return [(int(part[0]), int(part[-1]) + 1) for part in parts if len(part)]


def ink_corner(page: U8) -> tuple[int, int] | None:
    """The first column and the first row of a grey page (H, W) with ink; None for a blank page.

    One less where the place has no exact fraction of the page in float32. Cells begin there, and the vectors of a word
    depend on where cells cut it: pages of earlier indexes were cut so.
    """
    paper = paper_shade(page)
    firsts = []
    for axis in (0, 1):
        lightest, darkest = page.max(axis=axis), page.min(axis=axis)
        ink = np.flatnonzero((darkest < paper - INK_CONTRAST) | (lightest > paper + INK_CONTRAST))
        if not len(ink):
            return None
        side = len(lightest)
        firsts.append(int(float(np.float32(ink[0] / side)) * side))
    return firsts[0], firsts[1]


def ink_cells(page: U8, paper: int) -> Bools:
    """The cells (H / 16, W / 16) of a grey page (H, W), both multiples of 16, with ink on a `paper` of some shade."""
    rows, columns = (side // STRIDE_PX for side in page.shape)
    lightest, darkest = (
        pool.reduce(pool.reduce(page.reshape(rows, STRIDE_PX, -1), axis=1).reshape(rows, columns, STRIDE_PX), axis=2)
        for pool in (np.maximum, np.minimum)
    )
    ink: Bools = (darkest < paper - INK_CONTRAST) | (lightest > paper + INK_CONTRAST)
    return ink


def paper_shade(page: U8) -> int:
    """The grey value of the paper of a page (H, W): the median of its first rows."""
    return int(np.median(page[:PAPER_ROWS]))
