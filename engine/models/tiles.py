"""Models that cut a page into tiles, as ColModernVBERT: its prompts, and where on the page each vector lies.

Each tile is announced by a token `<row_R_col_C>` and read as a square of image tokens; a last square shows the page
whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isqrt
from typing import Any

import numpy as np
from transformers import BatchFeature, ColModernVBertProcessor

from ..records import I64, U16
from .grid import grid_boxes

TILE = re.compile(r"<row_(\d+)_col_(\d+)>")


class PromptedProcessor(ColModernVBertProcessor):
    """Puts the published prompts around pictures and questions when it is called as other models' processors are.

    transformers' own does so in `process_images` and `process_queries` only, which sentence-transformers does not call.
    """

    def __call__(
        self, images: Sequence[Any] | None = None, text: Sequence[str] | None = None, **kwargs: Any
    ) -> BatchFeature:
        """Pictures without text, or questions without pictures, to the network's inputs."""
        if text is None and images is not None:
            text = [self.visual_prompt_prefix] * len(images)
        elif images is None and text is not None:
            buffer = self.query_augmentation_token * 10
            text = [f"{self.query_prefix}{question}{buffer}" for question in text]
        inputs: BatchFeature = super().__call__(images=images, text=text, **kwargs)
        return inputs


def tile_tokens(vocabulary: Mapping[str, int]) -> dict[int, tuple[int, int]]:
    """The row and the column, from 0, that each token of a `vocabulary` announces; empty for models without tiles."""
    found = ((TILE.fullmatch(token), number) for token, number in vocabulary.items())
    return {number: (int(match[1]) - 1, int(match[2]) - 1) for match, number in found if match}


def tile_boxes(ids: I64, image_token: int, tiles: Mapping[int, tuple[int, int]]) -> tuple[I64, U16]:
    """Which of a page's tokens `ids` (T,) are parts of it, (P,), and their boxes (P, 4) in page fractions · BOX_SCALE.

    Raises ValueError where a tile is no square of tokens, or none is announced.
    """
    seen = np.flatnonzero(ids == image_token)
    runs = np.split(seen, np.flatnonzero(np.diff(seen) > 1) + 1) if len(seen) else []
    if runs and not runs[0][0]:
        raise ValueError("tiles without the tokens that announce them")
    places = [tiles.get(int(ids[run[0] - 1])) for run in runs]
    rows, columns = (1 + max((place[axis] for place in places if place), default=0) for axis in (0, 1))
    boxes = []
    for run, place in zip(runs, places, strict=True):
        side = isqrt(len(run))
        if side * side != len(run):
            raise ValueError(f"a tile of {len(run)} tokens is no square")
        if place is None:
            boxes.append(grid_boxes(side, side))
        else:
            squares = grid_boxes(rows * side, columns * side).reshape(rows, side, columns, side, 4)
            boxes.append(squares[place[0], :, place[1]].reshape(-1, 4))
    return seen, np.concatenate(boxes) if boxes else np.zeros((0, 4), np.uint16)
