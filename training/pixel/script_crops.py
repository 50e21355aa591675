"""Training batches for the network of other scripts: crops of synthetic pages with the units of every cell."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...engine.models.pixel.architecture import STRIDE_PX
from ...engine.models.pixel.units import PAIRED, clusters
from ...engine.records import F32, I64, U8
from .crops import (
    CLEAN_BATCHES,
    CROP_H,
    CROP_W,
    EMPTY,
    IGNORE,
    MAX_WORD_PX,
    MIN_WORD_PX,
    WORD,
    augment,
    random_crop,
)
from .labelled_pages import UNREAD, LabelledPage

POOL_PAGES, WARM_PAGES = 400, 30
"""Pages kept for reuse, and pages drawn before the first batch."""
RIGHT_TO_LEFT = ("\u0590", "\u08ff")
"""First and last code point of the scripts whose letters run to the left."""


@dataclass(frozen=True, slots=True)
class ScriptBatch:
    """B crops with targets for their cells, as in `crops.Batch`, without figures.

    `glyphs` (G, 3) int64 are the crop, row and column of the centre of each cluster or letter, `glyph_names` which it
    is.
    """

    pixels: U8
    saliency: NDArray[np.int8]
    cells: I64
    boxes: F32
    units: tuple[str, ...]
    glyphs: I64
    glyph_names: tuple[str, ...]


def unit_targets(boxes: F32, units: list[str]) -> tuple[NDArray[np.int8], I64, F32, list[str]]:
    """Targets of a crop: saliency (h, w), cells (M, 2), boxes (M, 4), units.

    A cell has the unit nearest to its centre. Latin words and numbers are not to be seen: the first network reads them.
    """
    saliency = np.zeros((CROP_H // STRIDE_PX, CROP_W // STRIDE_PX), np.int8)
    middles = np.stack([boxes[:, 0] + boxes[:, 2], boxes[:, 1] + boxes[:, 3]], 1) / (2 * STRIDE_PX)
    places = np.floor(middles).astype(int)
    distance = np.abs(middles - places - 0.5).sum(axis=1)
    taken: dict[tuple[int, int], int] = {}
    for i in np.argsort(distance, kind="stable").tolist():
        column, row = places[i].tolist()
        if not (0 <= row < saliency.shape[0] and 0 <= column < saliency.shape[1]) or (row, column) in taken:
            continue
        x0, y0, x1, y1 = boxes[i].tolist()
        inside = x0 >= -1 and y0 >= -2 and x1 <= CROP_W + 1 and y1 <= CROP_H + 2
        readable = MIN_WORD_PX <= y1 - y0 <= MAX_WORD_PX and x1 - x0 >= 2
        learned = inside and readable and units[i] != UNREAD
        saliency[row, column] = WORD if learned else EMPTY if units[i] == UNREAD else IGNORE
        taken[row, column] = i if learned else -1
    found = [(cell, i) for cell, i in taken.items() if i >= 0]
    cells = np.array([cell for cell, _ in found], np.int64).reshape(-1, 2)
    rows = [i for _, i in found]
    kept = boxes[rows].reshape(-1, 4)
    size = np.log(np.stack([kept[:, 2] - kept[:, 0], kept[:, 3] - kept[:, 1]], 1) / STRIDE_PX)
    centre = middles[rows].reshape(-1, 2) - cells[:, ::-1] - 0.5
    return saliency, cells, np.concatenate([centre, size], 1).astype(np.float32), [units[i] for i in rows]


def glyph_cells(boxes: F32, units: list[str]) -> tuple[I64, list[str]]:
    """The cells (G, 2) of the clusters or letters of units, and their names, assuming that all are equally wide."""
    cells: list[tuple[int, int]] = []
    names: list[str] = []
    rows, columns = CROP_H // STRIDE_PX, CROP_W // STRIDE_PX
    for (x0, y0, x1, y1), unit in zip(boxes.tolist(), units, strict=True):
        if unit == UNREAD or y1 - y0 < MIN_WORD_PX:
            continue
        parts = clusters(unit) if re.match(PAIRED, unit) else list(unit)
        if RIGHT_TO_LEFT[0] <= unit[0] <= RIGHT_TO_LEFT[1]:
            parts = parts[::-1]
        row = int((y0 + y1) / 2 // STRIDE_PX)
        for i, part in enumerate(parts):
            column = int((x0 + (i + 0.5) / len(parts) * (x1 - x0)) // STRIDE_PX)
            if 0 <= row < rows and 0 <= column < columns:
                cells.append((row, column))
                names.append(part)
    return np.array(cells, np.int64).reshape(-1, 2), names


def batches(pages: Iterator[LabelledPage], size: int, rng: random.Random, *, start: int = 0) -> Iterator[ScriptBatch]:
    """Endless batches of crops from a pool of recent pages, in which each batch replaces one; the first is `start`."""
    pool = [next(pages) for _ in range(WARM_PAGES)]
    for count in itertools.count(start):
        page = next(pages)
        if len(pool) < POOL_PAGES:
            pool.append(page)
        else:
            pool[rng.randrange(POOL_PAGES)] = page
        pixels, saliency, cells, boxes, glyphs = [], [], [], [], []
        units: list[str] = []
        glyph_names: list[str] = []
        for position in range(size):
            crop, crop_boxes, crop_units, _ = random_crop(rng.choice(pool), rng)
            grid, at, box, names = unit_targets(crop_boxes, crop_units)
            places, parts = glyph_cells(crop_boxes, crop_units)
            pixels.append(augment(crop, rng) if rng.random() < count / CLEAN_BATCHES else crop)
            saliency.append(grid)
            cells.append(np.insert(at, 0, position, axis=1))
            boxes.append(box)
            units += names
            glyphs.append(np.insert(places, 0, position, axis=1))
            glyph_names += parts
        yield ScriptBatch(
            np.stack(pixels),
            np.stack(saliency),
            np.concatenate(cells),
            np.concatenate(boxes),
            tuple(units),
            np.concatenate(glyphs),
            tuple(glyph_names),
        )
