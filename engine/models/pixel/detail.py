"""The detail of a page whose print is too small at the size of an ordinary page, read in tiles.

The page as a whole is read as any other; of its words, the tiles take the place of those that are not large.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ...records import U8
from .detections import NO_DETECTIONS, Detections, concatenated

TILE_PX = 1024
"""Side of a tile, which is read with a margin of OVERLAP_PX: as much as an ordinary page in the base pass."""
OVERLAP_PX = 64
PATCHES_PER_PIXEL = 3000 / 4_000_000
"""Vectors of a page with detail, at most, a pixel: as many as of an ordinary page of the same area."""


class Tile(NamedTuple):
    """A part of a page that begins at `x` and `y`. Its words are those with their middles within `core`: x0, y0, x1,
    y1, in px of the page.
    """

    pixels: U8
    x: int
    y: int
    core: tuple[int, int, int, int]


def tiles(detail: U8) -> Iterator[Tile]:
    """The tiles of a page (H, W), from left to right and top to bottom; they overlap, their cores do not."""
    height, width = detail.shape
    for top in range(0, height, TILE_PX):
        for left in range(0, width, TILE_PX):
            x, y = max(left - OVERLAP_PX, 0), max(top - OVERLAP_PX, 0)
            right, bottom = min(left + TILE_PX, width), min(top + TILE_PX, height)
            yield Tile(detail[y : bottom + OVERLAP_PX, x : right + OVERLAP_PX], x, y, (left, top, right, bottom))


def read_tiles(detail: U8, read: Callable[[U8], Detections]) -> Detections:
    """The words on a page (H, W), given what reads the words of a tile (h, w), with boxes in fractions of it."""
    parts = [NO_DETECTIONS]
    page = np.array(detail.shape[::-1] * 2, np.float32)
    for tile in tiles(detail):
        found = read(tile.pixels)
        height, width = tile.pixels.shape
        boxes = found.boxes * np.array([width, height] * 2, np.float32) + np.array([tile.x, tile.y] * 2, np.float32)
        x, y = boxes[:, 0::2].mean(axis=1), boxes[:, 1::2].mean(axis=1)
        left, top, right, bottom = tile.core
        within = (x >= left) & (x < right) & (y >= top) & (y < bottom)
        # Words whose middle lies beyond the edge of the page belong to the tile at that edge.
        within |= ((x < 0) & (left == 0)) | ((x >= page[0]) & (right == page[0]))
        within |= ((y < 0) & (top == 0)) | ((y >= page[1]) & (bottom == page[1]))
        parts.append(found._replace(boxes=boxes / page).select(within))
    return concatenated(parts)
