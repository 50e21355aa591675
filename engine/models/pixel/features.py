"""Statistics of the vision network's features, from which the heads classify figures and whole pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...records import F32, I64, U8
from .architecture import STEM, STRIDE_PX

GRID = 4
"""Rows and columns of the grid in which the probabilities of words and figures are averaged over a page."""
SAMPLED_PX = 128
"""Colours are sampled at about this many places across and down the page."""
HUES = ((345, 15), (15, 42), (42, 68), (68, 165), (165, 258), (258, 300), (300, 345))
"""The hues of `concepts.COLOUR_CONCEPTS`, from and to, in degrees of the colour circle."""
MIN_SATURATION, MIN_VALUE, MAX_DARK, MIN_WHITE = 0.35, 0.25, 0.3, 0.92
"""Least saturation and value (HSV) of a colour, greatest value of a dark pixel, least channel of a white one."""
SHADES = 3
EVERY_ROW, EVERY_COLUMN = 5, 7
"""Steps at which a page is sampled for its tones."""
PAPER_QUANTILE, PAPER_REACH = 0.9, 25.5
"""Quantile of the grey values of a page that is taken for its paper, and how far the paper's may differ from that."""
MIN_HALF_TONE, MAX_HALF_TONE = 38, 215
"""Grey values between these are half-tones: neither ink nor paper."""
PERCENTILES = (5, 25, 50, 75, 95, 100)
PAGE_STATISTICS = 3 * STEM[-1] + 2 * GRID * GRID + len(HUES) + SHADES + 3 + 2 * len(PERCENTILES) + 6
COLOURS_START = 3 * STEM[-1] + 2 * GRID * GRID
"""Index of the first colour among a page's statistics."""
FIGURE_CELLS = 2
"""Side of a block, the unit in which figures are classified, in cells of the coarse pass."""
NEAR, FAR = 3, 5
"""Sides, in blocks, of the two neighbourhoods that a block's statistics include."""
BLOCK_STATISTICS = 7 * STEM[-1] + 3


class PassOutput(NamedTuple):
    """The outputs of the network for an image, which is a page or the part of a page that begins at `corner`.

    `features` (h, w, C) float32; the probabilities (h, w) of `words` and `figures` in its cells; the `vectors` (T, 128)
    and `boxes` (T, 4) of the T cells with a word, as from `inference.PageNetwork.heads`, in the order of their `cells`,
    rows and columns (T,) each; `size` and `corner`, width and height, x and y, in px.
    """

    features: F32
    words: F32
    figures: F32
    cells: tuple[I64, I64]
    vectors: F32
    boxes: F32
    size: tuple[int, int]
    corner: tuple[int, int] = (0, 0)


def block_statistics(coarse: PassOutput, base: Sequence[PassOutput], scale: int) -> F32:
    """Inputs (rows, columns, BLOCK_STATISTICS) of the head for figures, one row for each block of a page.

    They are the features of both passes in the block, those of the coarse pass around it and on the whole page, and the
    probabilities of words and figures. The base pass, over parts of the page, has `scale` times as many cells per side
    as the coarse pass, and sees what is smaller than a cell of that.
    """
    height, width = coarse.words.shape
    rows, columns = -(-height // FIGURE_CELLS), -(-width // FIGURE_CELLS)
    mean, highest, probabilities = _blocks([coarse], rows, columns, FIGURE_CELLS)
    fine_mean, fine_highest, fine_probabilities = _blocks(base, rows, columns, FIGURE_CELLS * scale)
    page = np.broadcast_to(coarse.features.mean(axis=(0, 1)), mean.shape)
    around = [_around(mean, blocks) for blocks in (NEAR, FAR)]
    words = fine_probabilities[..., :1]
    return np.concatenate([mean, highest, *around, page, fine_mean, fine_highest, probabilities, words], axis=2)


def _blocks(outputs: Sequence[PassOutput], rows: int, columns: int, cells: int) -> tuple[F32, F32, F32]:
    """Pools passes over parts of a page in blocks of `cells` a side: features, mean and maximum (rows, columns, C), and
    the mean probabilities of words and figures (rows, columns, 2). Where no pass read the page, they are 0.
    """
    height, width = rows * cells, columns * cells
    features = np.zeros((height, width, outputs[0].features.shape[2]), np.float32)
    probabilities = np.zeros((height, width, 2), np.float32)
    for output in outputs:
        left, top = (round(offset / STRIDE_PX) for offset in output.corner)
        part = (slice(top, top + output.words.shape[0]), slice(left, left + output.words.shape[1]))
        of_part = np.stack([output.words, output.figures], axis=2)
        for whole, values in ((features, output.features), (probabilities, of_part)):
            within = whole[part]
            within[...] = values[: within.shape[0], : within.shape[1]]

    def pooled(of_cells: F32, pool: np.ufunc) -> F32:
        of_rows = pool.reduce(of_cells.reshape(rows, cells, width, -1), axis=1)
        out: F32 = pool.reduce(of_rows.reshape(rows, columns, cells, -1), axis=2)
        return out

    area = np.float32(cells * cells)
    return pooled(features, np.add) / area, pooled(features, np.maximum), pooled(probabilities, np.add) / area


def _around(blocks: F32, side: int) -> F32:
    """Means over the `side` x `side` blocks around each of (rows, columns, C), with zeros outside the page."""
    rows, columns = blocks.shape[:2]
    padded = np.pad(blocks, ((side // 2, side // 2), (side // 2, side // 2), (0, 0)))
    down: F32 = np.add.reduce([padded[i : i + rows] for i in range(side)])
    across: F32 = np.add.reduce([down[:, i : i + columns] for i in range(side)])
    return across / np.float32(side * side)


def page_statistics(coarse: PassOutput, pixels: U8, grey: U8, boxes: F32) -> F32:
    """The input (PAGE_STATISTICS,) of the head for pages.

    From the coarse pass, the page's `pixels` (H, W, 3), the same in `grey` (H, W), and its words' `boxes` (T, 4), page
    fractions.
    """
    flat = coarse.features.reshape(-1, coarse.features.shape[2])
    of_network = [flat.mean(axis=0), flat.max(axis=0), flat.std(axis=0)]
    of_network += [grid_means(each) for each in (coarse.words, coarse.figures)]
    of_pixels = [colour_shares(pixels), tones(grey), layout(boxes), shape(pixels, boxes)]
    return np.concatenate([*of_network, *of_pixels]).astype(np.float32)


def grid_means(cells: F32) -> F32:
    """The means (GRID * GRID,) of cells (h, w) over a grid of GRID x GRID parts, which overlap where they must."""
    parts = [[(side * i // GRID, -(-side * (i + 1) // GRID)) for i in range(GRID)] for side in cells.shape]
    means = [cells[top:bottom, left:right].mean() for top, bottom in parts[0] for left, right in parts[1]]
    return np.array(means, np.float32)


def colour_shares(pixels: U8) -> F32:
    """Shares of a page (H, W, 3) that have each of the HUES, and that are dark, white and grey, (7 + 3,)."""
    step = max(1, max(pixels.shape[:2]) // SAMPLED_PX)
    small = pixels[step // 2 :: step, step // 2 :: step].reshape(-1, 3).astype(np.float32) / 255
    value, least = small.max(axis=1), small.min(axis=1)
    chroma = value - least
    coloured = (chroma > MIN_SATURATION * value) & (value > MIN_VALUE) & (chroma > MIN_SATURATION / 2)
    red, green, blue = small.T
    divisor = np.maximum(chroma, 1e-6)
    sixth = np.where(
        value == red,
        (green - blue) / divisor % 6,
        np.where(value == green, (blue - red) / divisor + 2, (red - green) / divisor + 4),
    )
    hue = 60 * sixth
    shares = []
    for begin, end in HUES:
        within = (hue >= begin) & (hue < end) if begin < end else (hue >= begin) | (hue < end)
        shares.append((within & coloured).mean())
    grey = ~coloured & (value < MIN_WHITE)
    return np.array([*shares, (value < MAX_DARK).mean(), (least > MIN_WHITE).mean(), grey.mean()], np.float32)


def tones(grey: U8) -> F32:
    """Brightness and roughness of the paper and the share of half-tones of a grey page (H, W): (3,), to tell scans."""
    sampled = grey[::EVERY_ROW]
    paper = np.quantile(sampled[:, ::EVERY_COLUMN], PAPER_QUANTILE)
    on_paper = np.abs(np.arange(256) - paper) < PAPER_REACH
    left, right = sampled[:, :-1], sampled[:, 1:]
    counted = on_paper[right]
    steps = np.maximum(left, right) - np.minimum(left, right)
    count = np.count_nonzero(counted)
    roughness = steps.sum(where=counted, dtype=np.int64) / (255 * count) if count else 0.0
    half_tones = np.count_nonzero((sampled > MIN_HALF_TONE) & (sampled < MAX_HALF_TONE)) / sampled.size
    return np.array([paper / 255, np.log1p(1000 * roughness), half_tones], np.float32)


def layout(boxes: F32) -> F32:
    """PERCENTILES of the log heights of words, and of their left edges, from their boxes (T, 4): (12,)."""
    if not len(boxes):
        return np.zeros(2 * len(PERCENTILES), np.float32)
    heights = np.log(np.maximum(boxes[:, 3] - boxes[:, 1], 1e-4))
    return np.concatenate([np.percentile(heights, PERCENTILES), np.percentile(boxes[:, 0], PERCENTILES)])


def shape(pixels: U8, boxes: F32) -> F32:
    """Shape of the page and spread of its words, (6,).

    The log aspect ratio, the log number of words, the area that they cover, the top of the first and the bottom of the
    last, and the share of words that begin at the most frequent left edge.
    """
    tall, wide = pixels.shape[:2]
    area = float(((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sum()) if len(boxes) else 0.0
    top, bottom = (float(boxes[:, 1].min()), float(boxes[:, 3].max())) if len(boxes) else (0.0, 0.0)
    starts = np.histogram(boxes[:, 0], bins=40, range=(0, 1))[0] / max(len(boxes), 1)
    return np.array([np.log(wide / tall), np.log1p(len(boxes)), area, top, bottom, starts.max()], np.float32)
