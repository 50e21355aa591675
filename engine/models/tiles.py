"""Models that cut a page into tiles, such as ColModernVBERT: their prompts, and the place of each vector on the page.

A token `<row_R_col_C>` precedes the image tokens of each tile, which form a square. The last square is the whole page,
scaled down.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isqrt
from typing import Any

import numpy as np
from transformers import BatchFeature, ColModernVBertProcessor

from ..records import I64, U16
from .grid_boxes import grid_boxes

TILE_TOKEN = re.compile(r"<row_(\d+)_col_(\d+)>")


class PromptedProcessor(ColModernVBertProcessor):
    """Adds the published prompts to images and queries when it is called in the way of other models' processors.

    The processor of transformers adds them only in `process_images` and `process_queries`, which sentence-transformers
    does not call.
    """

    def __call__(
        self, images: Sequence[Any] | None = None, text: Sequence[str] | None = None, **kwargs: Any
    ) -> BatchFeature:
        """The network's inputs for images without text, or for queries without images."""
        if text is None and images is not None:
            text = [self.visual_prompt_prefix] * len(images)
        elif images is None and text is not None:
            buffer = self.query_augmentation_token * 10
            text = [f"{self.query_prefix}{query}{buffer}" for query in text]
        inputs: BatchFeature = super().__call__(images=images, text=text, **kwargs)
        return inputs


def tile_tokens(vocabulary: Mapping[str, int]) -> dict[int, tuple[int, int]]:
    """Row and column, from 0, of the tile that follows each tile token of a vocabulary; empty if it has none."""
    found = ((TILE_TOKEN.fullmatch(token), number) for token, number in vocabulary.items())
    return {number: (int(match[1]) - 1, int(match[2]) - 1) for match, number in found if match}


def tile_boxes(ids: I64, image_token: int, tiles: Mapping[int, tuple[int, int]]) -> tuple[I64, U16]:
    """The image tokens among a page's tokens `ids` (T,), and where they lie on the page.

    Returns their indices (P,) and boxes (P, 4) uint16, page fractions times BOX_SCALE. Raises ValueError if the image
    tokens of a tile do not form a square, or no tile token precedes them.
    """
    image_tokens = np.flatnonzero(ids == image_token)
    gaps = np.flatnonzero(np.diff(image_tokens) > 1) + 1
    runs = np.split(image_tokens, gaps) if len(image_tokens) else []
    if runs and not runs[0][0]:
        raise ValueError("tiles without the tokens that announce them")
    places = [tiles.get(int(ids[run[0] - 1])) for run in runs]
    rows, columns = (1 + max((place[axis] for place in places if place), default=0) for axis in (0, 1))
    boxes = []
    for run, place in zip(runs, places, strict=True):
        side = isqrt(len(run))
        if side * side != len(run):
            raise ValueError(f"the {len(run)} tokens of a tile do not form a square")
        if place is None:  # the whole page
            boxes.append(grid_boxes(side, side))
        else:
            squares = grid_boxes(rows * side, columns * side).reshape(rows, side, columns, side, 4)
            boxes.append(squares[place[0], :, place[1]].reshape(-1, 4))
    return image_tokens, np.concatenate(boxes) if boxes else np.zeros((0, 4), np.uint16)
