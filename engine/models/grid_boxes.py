"""Boxes of the cells of a regular grid over a page."""

from __future__ import annotations

import numpy as np

from ..records import BOX_SCALE, U16


def grid_boxes(rows: int, columns: int) -> U16:
    """The boxes of a grid's cells, row by row: (rows · columns, 4) uint16, page fractions times BOX_SCALE."""
    row, column = np.divmod(np.arange(rows * columns), max(columns, 1))
    corners = np.stack([column / columns, row / rows, (column + 1) / columns, (row + 1) / rows], axis=1)
    return np.rint(corners * BOX_SCALE).astype(np.uint16)
