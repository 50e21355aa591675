"""Statistics of the vision network's features, from which the heads classify figures and whole pages."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from ...records import F32, U8
from .network import STEM, STRIDE_PX

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

    `features` (1, C, h, w), `vectors` (1, 128, h, w) and `boxes` (1, 4, h, w) as from the network; the probabilities
    (h, w) of `words` and `figures` in its cells; `size` and `corner`, width and height, x and y, in px.
    """

    features: Tensor
    vectors: Tensor
    words: Tensor
    figures: Tensor
    boxes: Tensor
    size: tuple[int, int]
    corner: tuple[int, int] = (0, 0)


def block_statistics(coarse: PassOutput, base: PassOutput, scale: int) -> Tensor:
    """Inputs (rows, columns, BLOCK_STATISTICS) of the head for figures, one row for each block of a page.

    They are the features of both passes in the block, those of the coarse pass around it and on the whole page, and the
    probabilities of words and figures. The base pass has `scale` times as many cells per side as the coarse pass, and
    sees what is smaller than a cell of that.
    """
    height, width = coarse.features.shape[2:]
    rows, columns = -(-height // FIGURE_CELLS), -(-width // FIGURE_CELLS)
    mean, highest, probabilities = _blocks(coarse, rows, columns, FIGURE_CELLS)
    fine_mean, fine_highest, fine_probabilities = _blocks(base, rows, columns, FIGURE_CELLS * scale)
    page = coarse.features.float().mean((0, 2, 3)).expand_as(mean)
    around = [_around(mean, blocks) for blocks in (NEAR, FAR)]
    words = fine_probabilities[..., :1]
    return torch.cat([mean, highest, *around, page, fine_mean, fine_highest, probabilities, words], 2)


def _blocks(output: PassOutput, rows: int, columns: int, cells: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pools a pass in blocks of `cells` a side: features, mean and maximum (rows, columns, C) each, and the mean
    probabilities of words and figures (rows, columns, 2). Where the pass did not read the page, they are 0.
    """
    left, top = (round(offset / STRIDE_PX) for offset in output.corner)
    height, width = rows * cells, columns * cells

    def on_page(of_cells: Tensor) -> Tensor:
        part = of_cells[..., : height - top, : width - left]
        whole = torch.zeros(1, part.shape[1], height, width, dtype=part.dtype, device=part.device)
        whole = whole.contiguous(memory_format=torch.channels_last)  # makes pooling many times as fast
        whole[..., top : top + part.shape[2], left : left + part.shape[3]] = part
        return whole

    features = on_page(output.features)
    probabilities = functional.avg_pool2d(on_page(torch.stack([output.words, output.figures])[None]), cells)
    pooled = functional.avg_pool2d(features, cells), functional.max_pool2d(features, cells), probabilities
    mean, highest, mean_probabilities = (each[0].permute(1, 2, 0).float() for each in pooled)
    return mean, highest, mean_probabilities


def _around(blocks: Tensor, side: int) -> Tensor:
    """Means over the `side` x `side` blocks around each of (rows, columns, C), with zeros outside the page."""
    return functional.avg_pool2d(blocks.permute(2, 0, 1)[None], side, 1, side // 2)[0].permute(1, 2, 0)


def page_statistics(features: Tensor, words: Tensor, figures: Tensor, pixels: U8, boxes: F32) -> F32:
    """The input (PAGE_STATISTICS,) of the head for pages.

    From `features` (C, h, w) of the coarse pass, the probabilities (h, w) of `words` and `figures` in its cells, the
    page's `pixels` (H, W, 3), and its words' `boxes` (T, 4), page fractions.
    """
    flat = features.float().flatten(1)
    pooled = [flat.mean(1), flat.amax(1), flat.std(1, unbiased=False)]
    pooled += [functional.adaptive_avg_pool2d(each[None].float(), GRID).flatten() for each in (words, figures)]
    of_network = torch.cat(pooled).cpu().numpy()
    of_pixels = [colour_shares(pixels), tones(pixels), layout(boxes), shape(pixels, boxes)]
    return np.concatenate([of_network, *of_pixels]).astype(np.float32)


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


def tones(pixels: U8) -> F32:
    """Brightness and roughness of the paper, and the share of half-tones, of a page (H, W, 3): (3,), to tell scans."""
    grey = np.asarray(Image.fromarray(pixels[::EVERY_ROW]).convert("L"), np.float32) / 255
    paper = np.quantile(grey[:, ::EVERY_COLUMN], 0.9)
    on_paper = np.abs(grey[:, 1:] - paper) < 0.1
    roughness = np.abs(np.diff(grey, axis=1))[on_paper].mean() if on_paper.any() else 0.0
    return np.array([paper, np.log1p(1000 * roughness), ((grey > 0.15) & (grey < 0.85)).mean()], np.float32)


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
