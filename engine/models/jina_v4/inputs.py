"""Texts and pictures go in; what the network reads comes out: token ids, their positions, and patches of pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil, smart_resize

from ...errors import UsageError
from ...records import BOX_SCALE, F32, I64, U8, U16
from ..grid import grid_boxes
from . import checkpoint, spec

TEXT_TOKENS_MAX = 32768
IMAGE_PROMPT = "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Describe the image.<|im_end|>\n"
"""What stands around a picture; the pad is repeated for each visual token."""
PREFIXES = {"query": "Query", "passage": "Passage"}
SYMMETRIC_TASK = "text-matching"
"""Its two sides are alike: both get the prefix of queries."""


@dataclass(frozen=True, slots=True)
class Item:
    """One text or picture of T tokens: `ids` (T,) int64, `positions` (3, T) int64 (time, row, column), and the tokens
    `pooled` from, to (excluded) of which the single vector is the mean. `pixels` (H, W, 3) of a picture become `grid`
    rows and columns of patches of 14 px; `patches` from, to (excluded) are the tokens that stand for its parts.
    """

    ids: I64
    positions: I64
    pooled: tuple[int, int]
    pixels: U8 | None = None
    grid: tuple[int, int] = (0, 0)
    patches: tuple[int, int] = (0, 0)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Reader:
    """The tokenizer and the picture settings of a checkpoint. Its methods may run in many threads at once."""

    tokenizer: Tokenizer
    images: Qwen2VLImageProcessorPil
    image_ids: tuple[I64, I64]
    """The ids before and after the visual tokens."""
    image_pad: int
    max_pixels: int

    @staticmethod
    def load(folder: Path, config: Mapping[str, Any], *, max_pixels: int) -> Reader:
        """Read the files of a checkpoint's folder."""
        tokenizer = Tokenizer.from_file(str(folder / checkpoint.TOKENIZER))
        tokenizer.no_padding()
        tokenizer.enable_truncation(TEXT_TOKENS_MAX)
        image_pad = int(config.get("image_token_id", 151655))
        prompt = np.array(tokenizer.encode(IMAGE_PROMPT).ids, np.int64)
        at = np.flatnonzero(prompt == image_pad)
        if len(at) != 1:
            raise UsageError(f"{folder}: the tokenizer does not know the token {image_pad} of pictures; copy it again")
        tokenizer.encode_special_tokens = True  # from here on: "<|image_pad|>" in a text is text
        file = folder / checkpoint.PREPROCESSOR
        given = checkpoint.read_json(file) if file.is_file() else {}
        known = {key: given[key] for key in ("image_mean", "image_std") if key in given}
        size = {"shortest_edge": spec.MIN_PIXELS, "longest_edge": max_pixels}
        images = Qwen2VLImageProcessorPil(size=size, **known)
        return Reader(tokenizer, images, (prompt[: at[0]], prompt[at[0] + 1 :]), image_pad, max_pixels)

    def text(self, text: str, prompt: str, task: str) -> Item:
        """A text behind its prefix, "query" or "passage"; at most `TEXT_TOKENS_MAX` tokens of it are read."""
        prefix = PREFIXES["query" if task == SYMMETRIC_TASK else prompt]
        ids = np.array(self.tokenizer.encode(f"{prefix}: {text}").ids, np.int64)
        return Item(ids, np.tile(np.arange(len(ids)), (3, 1)), (0, len(ids)))

    def picture(self, pixels: U8) -> Item:
        """A picture (H, W, 3) in its prompt: 11 tokens and one for each square of 28 px of it as it will be read.

        The single vector is the mean from the token that begins the picture to the one that ends it. Raises ValueError
        for a ribbon, more than 200 times as long as wide.
        """
        height, width = smart_resize(
            pixels.shape[0], pixels.shape[1], spec.TOKEN_PX, min_pixels=spec.MIN_PIXELS, max_pixels=self.max_pixels
        )
        rows, columns = height // spec.TOKEN_PX, width // spec.TOKEN_PX
        before, after = self.image_ids
        first, count = len(before), rows * columns
        ids = np.concatenate([before, np.full(count, self.image_pad), after])
        # Visual tokens have the place of their row and column; text goes on behind the longer side.
        positions = np.tile(np.arange(len(ids)), (3, 1))
        positions[0, first : first + count] = first
        positions[1, first : first + count] = first + np.repeat(np.arange(rows), columns)
        positions[2, first : first + count] = first + np.tile(np.arange(columns), rows)
        positions[:, first + count :] += max(rows, columns) - count
        # The picture's own tokens have one that begins it before them, and one that ends it behind them.
        pooled = first - 1, first + count + 1
        return Item(ids, positions, pooled, pixels, (2 * rows, 2 * columns), (first, first + count))

    def patches(self, item: Item) -> F32:
        """The pixels of a picture as the network reads them, (4 R C, 1176) float32 for R rows of C visual tokens."""
        assert item.pixels is not None, "asked for pictures only"
        read = self.images(item.pixels, return_tensors="np", input_data_format="channels_last")
        patches: F32 = read["pixel_values"].astype(np.float32, copy=False)
        assert tuple(read["image_grid_thw"][0, 1:].tolist()) == item.grid
        return patches

    def words(self, item: Item) -> tuple[str, ...]:
        """What each token of a text stands for."""
        return tuple(self.tokenizer.decode([token], skip_special_tokens=False) for token in item.ids.tolist())


def boxes(item: Item) -> U16:
    """Where on the page the tokens of a picture lie, (T, 4) uint16 in page fractions times BOX_SCALE.

    Tokens of the prompt stand for no place: theirs is the whole page.
    """
    rows, columns = item.grid[0] // 2, item.grid[1] // 2
    out = np.tile(np.array([0, 0, BOX_SCALE, BOX_SCALE], np.uint16), (len(item), 1))
    out[slice(*item.patches)] = grid_boxes(rows, columns)
    return out
