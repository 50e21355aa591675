"""What figures and whole pages are told from: statistics of the coarse pass, of the words found, and of the colours."""

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
"""Chances of words and figures are looked at in so many rows and columns."""
SAMPLED_PX = 128
"""Colours are looked at in about as many places across and down."""
HUES = ((345, 15), (15, 42), (42, 68), (68, 165), (165, 258), (258, 300), (300, 345))
"""Degrees of the colour circle from and to, one for each colour of `concepts.PAINTED`."""
COLOURED, BRIGHT, DARK, PALE = 0.35, 0.25, 0.3, 0.92
"""Least saturation and brightness of a colour, greatest brightness of what is dark, least of what is white."""
SHADES = 3
EVERY_ROW, EVERY_COLUMN = 5, 7
"""Tones are looked at in some rows only."""
HEIGHT_STEPS = (5, 25, 50, 75, 95, 100)
PAGE_STATISTICS = 3 * STEM[-1] + 2 * GRID * GRID + len(HUES) + SHADES + 3 + 2 * len(HEIGHT_STEPS) + 6
COLOUR_AT = 3 * STEM[-1] + 2 * GRID * GRID
"""Where among a page's statistics the shares of colours begin."""
FIGURE_CELLS = 2
"""Figures are told in blocks of so many cells of the coarse pass a side."""
NEAR, FAR = 3, 5
"""Blocks a side that are looked at around a block."""
BLOCK_STATISTICS = 7 * STEM[-1] + 3


class Pass(NamedTuple):
    """What the network makes of a picture of `size` width and height, px, the part of a page that begins at `corner`:
    `features` (1, C, h, w), `vectors` (1, 128, h, w) and `boxes` (1, 4, h, w) as its heads give them, and the chances
    (h, w) of `words` and of `figures` in its cells.
    """

    features: Tensor
    vectors: Tensor
    words: Tensor
    figures: Tensor
    boxes: Tensor
    size: tuple[int, int]
    corner: tuple[int, int] = (0, 0)


def block_statistics(coarse: Pass, base: Pass, scale: int) -> Tensor:
    """What tells the kind of a figure in each block of FIGURE_CELLS cells of the coarse pass a side, (rows, columns,
    BLOCK_STATISTICS): what both passes see in it, the coarse one around it, and on the page.

    The base pass has `scale` times as many cells a side, and what is smaller than a cell of the coarse pass.
    """
    height, width = coarse.features.shape[2:]
    rows, columns = -(-height // FIGURE_CELLS), -(-width // FIGURE_CELLS)
    mean, highest, chances = _blocks(coarse, rows, columns, FIGURE_CELLS)
    fine_mean, fine_highest, fine_chances = _blocks(base, rows, columns, FIGURE_CELLS * scale)
    page = coarse.features.float().mean((0, 2, 3)).expand_as(mean)
    around = [_around(mean, blocks) for blocks in (NEAR, FAR)]
    return torch.cat([mean, highest, *around, page, fine_mean, fine_highest, chances, fine_chances[..., :1]], 2)


def _blocks(seen: Pass, rows: int, columns: int, cells: int) -> tuple[Tensor, Tensor, Tensor]:
    """The means (rows, columns, C) and maxima of features, and the means (rows, columns, 2) of chances, in blocks of
    `cells` a side of the page; 0 where the pass did not look.
    """
    left, top = (round(offset / STRIDE_PX) for offset in seen.corner)
    height, width = rows * cells, columns * cells

    def held(of_cells: Tensor) -> Tensor:
        part = of_cells[..., : height - top, : width - left]
        whole = torch.zeros(1, part.shape[1], height, width, dtype=part.dtype, device=part.device)
        whole = whole.contiguous(memory_format=torch.channels_last)  # pooling is many times as fast so
        whole[..., top : top + part.shape[2], left : left + part.shape[3]] = part
        return whole

    features = held(seen.features)
    chances = functional.avg_pool2d(held(torch.stack([seen.words, seen.figures])[None]), cells)
    found = functional.avg_pool2d(features, cells), functional.max_pool2d(features, cells), chances
    mean, highest, of_chances = (each[0].permute(1, 2, 0).float() for each in found)
    return mean, highest, of_chances


def _around(blocks: Tensor, side: int) -> Tensor:
    """Means of blocks (rows, columns, C) over `side` a side; outside the page there is nothing."""
    return functional.avg_pool2d(blocks.permute(2, 0, 1)[None], side, 1, side // 2)[0].permute(1, 2, 0)


def page_statistics(features: Tensor, words: Tensor, figures: Tensor, pixels: U8, boxes: F32) -> F32:
    """What tells the kind of a page, (PAGE_STATISTICS,).

    From `features` (C, h, w) of the coarse pass, the chances (h, w) of `words` and of `figures` in its cells, the
    page's `pixels` (H, W, 3), and its words' `boxes` (T, 4), page fractions.
    """
    flat = features.float().flatten(1)
    pooled = [flat.mean(1), flat.amax(1), flat.std(1, unbiased=False)]
    pooled += [functional.adaptive_avg_pool2d(chance[None].float(), GRID).flatten() for chance in (words, figures)]
    seen = torch.cat(pooled).cpu().numpy()
    return np.concatenate([seen, colour_shares(pixels), tones(pixels), layout(boxes), shape(pixels, boxes)]).astype(
        np.float32
    )


def colour_shares(pixels: U8) -> F32:
    """Shares of a page (H, W, 3) that have each of the HUES, are dark, white, and grey, (7 + 3,)."""
    step = max(1, max(pixels.shape[:2]) // SAMPLED_PX)
    small = pixels[step // 2 :: step, step // 2 :: step].reshape(-1, 3).astype(np.float32) / 255
    bright, least = small.max(axis=1), small.min(axis=1)
    chroma = bright - least
    coloured = (chroma > COLOURED * bright) & (bright > BRIGHT) & (chroma > COLOURED / 2)
    red, green, blue = small.T
    spread = np.maximum(chroma, 1e-6)
    sixth = np.where(
        bright == red,
        (green - blue) / spread % 6,
        np.where(bright == green, (blue - red) / spread + 2, (red - green) / spread + 4),
    )
    hue = 60 * sixth
    shares = []
    for begin, end in HUES:
        within = (hue >= begin) & (hue < end) if begin < end else (hue >= begin) | (hue < end)
        shares.append((within & coloured).mean())
    grey = ~coloured & (bright < PALE)
    return np.array([*shares, (bright < DARK).mean(), (least > PALE).mean(), grey.mean()], np.float32)


def tones(pixels: U8) -> F32:
    """Paper's brightness, its roughness, and the share of half-tones of a page (H, W, 3): what tells a scan, (3,)."""
    grey = np.asarray(Image.fromarray(pixels[::EVERY_ROW]).convert("L"), np.float32) / 255
    paper = np.quantile(grey[:, ::EVERY_COLUMN], 0.9)
    on_paper = np.abs(grey[:, 1:] - paper) < 0.1
    roughness = np.abs(np.diff(grey, axis=1))[on_paper].mean() if on_paper.any() else 0.0
    return np.array([paper, np.log1p(1000 * roughness), ((grey > 0.15) & (grey < 0.85)).mean()], np.float32)


def layout(boxes: F32) -> F32:
    """How high words are and where they begin: quantiles of both over the words' boxes (T, 4), (12,)."""
    if not len(boxes):
        return np.zeros(2 * len(HEIGHT_STEPS), np.float32)
    heights = np.log(np.maximum(boxes[:, 3] - boxes[:, 1], 1e-4))
    return np.concatenate([np.percentile(heights, HEIGHT_STEPS), np.percentile(boxes[:, 0], HEIGHT_STEPS)])


def shape(pixels: U8, boxes: F32) -> F32:
    """The page's shape, how many words it has, what they cover, and how far down they reach, (6,)."""
    tall, wide = pixels.shape[:2]
    area = float(((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sum()) if len(boxes) else 0.0
    top, bottom = (float(boxes[:, 1].min()), float(boxes[:, 3].max())) if len(boxes) else (0.0, 0.0)
    starts = np.histogram(boxes[:, 0], bins=40, range=(0, 1))[0] / max(len(boxes), 1)
    return np.array([np.log(wide / tall), np.log1p(len(boxes)), area, top, bottom, starts.max()], np.float32)
