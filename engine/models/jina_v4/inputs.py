"""Preprocessing for jina-embeddings-v4: texts and images to token ids, positions and patches of pixels."""

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
from ..grid_boxes import grid_boxes
from . import checkpoint, spec

TEXT_TOKENS_MAX = 32768
IMAGE_PROMPT = "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Describe the image.<|im_end|>\n"
"""The published prompt for images; the image pad is repeated for each visual token."""
PREFIXES = {"query": "Query", "passage": "Passage"}
SYMMETRIC_TASK = "text-matching"
"""The task that compares texts of one kind: both sides have the prefix of queries."""


@dataclass(frozen=True, slots=True)
class Item:
    """A text or an image of T tokens, ready for the network.

    `ids` (T,) int64; `positions` (3, T) int64: time, row and column; `pooling_span`, the first token and the one after
    the last of those whose mean is the single vector. Of an image also `pixels` (H, W, 3), its rows and columns of
    14 px patches in `grid`, and `image_span`, the tokens that stand for parts of it, as in `pooling_span`.
    """

    ids: I64
    positions: I64
    pooling_span: tuple[int, int]
    pixels: U8 | None = None
    grid: tuple[int, int] = (0, 0)
    image_span: tuple[int, int] = (0, 0)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Processor:
    """The tokenizer and the image processor of a checkpoint. Its methods may run in several threads at once."""

    tokenizer: Tokenizer
    image_processor: Qwen2VLImageProcessorPil
    image_ids: tuple[I64, I64]
    """Token ids of the prompt before and after the visual tokens."""
    image_pad: int
    max_pixels: int

    @staticmethod
    def load(folder: Path, config: Mapping[str, Any], *, max_pixels: int) -> Processor:
        """Read the files of a checkpoint's folder. Raises UsageError if its tokenizer lacks the token of images."""
        tokenizer = Tokenizer.from_file(str(folder / checkpoint.TOKENIZER))
        tokenizer.no_padding()
        tokenizer.enable_truncation(TEXT_TOKENS_MAX)
        image_pad = int(config.get("image_token_id", 151655))
        prompt = np.array(tokenizer.encode(IMAGE_PROMPT).ids, np.int64)
        at = np.flatnonzero(prompt == image_pad)
        if len(at) != 1:
            raise UsageError(f"{folder}: the tokenizer lacks the image token {image_pad}; copy the checkpoint again")
        tokenizer.encode_special_tokens = True  # from here on, "<|image_pad|>" in a text is read as text
        file = folder / checkpoint.PREPROCESSOR
        given = checkpoint.read_json(file) if file.is_file() else {}
        normalisation = {key: given[key] for key in ("image_mean", "image_std") if key in given}
        size = {"shortest_edge": spec.MIN_PIXELS, "longest_edge": max_pixels}
        images = Qwen2VLImageProcessorPil(size=size, **normalisation)
        return Processor(tokenizer, images, (prompt[: at[0]], prompt[at[0] + 1 :]), image_pad, max_pixels)

    def text(self, text: str, prompt: str, task: str) -> Item:
        """A text with the prefix of `prompt`, "query" or "passage", cut to TEXT_TOKENS_MAX tokens."""
        prefix = PREFIXES["query" if task == SYMMETRIC_TASK else prompt]
        ids = np.array(self.tokenizer.encode(f"{prefix}: {text}").ids, np.int64)
        return Item(ids, np.tile(np.arange(len(ids)), (3, 1)), (0, len(ids)))

    def picture(self, pixels: U8) -> Item:
        """An image (H, W, 3) in its prompt: 11 tokens, and one for each square of 28 px of the image as it is resized.

        The single vector is the mean from the token that begins the image to the one that ends it. Raises ValueError
        for an image more than 200 times as long as wide.
        """
        height, width = smart_resize(
            pixels.shape[0], pixels.shape[1], spec.TOKEN_PX, min_pixels=spec.MIN_PIXELS, max_pixels=self.max_pixels
        )
        rows, columns = height // spec.TOKEN_PX, width // spec.TOKEN_PX
        before, after = self.image_ids
        first, count = len(before), rows * columns
        ids = np.concatenate([before, np.full(count, self.image_pad), after])
        # M-RoPE of Qwen2-VL: a visual token has the position of its row and column; text continues after the larger.
        positions = np.tile(np.arange(len(ids)), (3, 1))
        positions[0, first : first + count] = first
        positions[1, first : first + count] = first + np.repeat(np.arange(rows), columns)
        positions[2, first : first + count] = first + np.tile(np.arange(columns), rows)
        positions[:, first + count :] += max(rows, columns) - count
        # The tokens that begin and end the image stand right before and after the visual tokens.
        pooling_span = first - 1, first + count + 1
        return Item(ids, positions, pooling_span, pixels, (2 * rows, 2 * columns), (first, first + count))

    def patches(self, item: Item) -> F32:
        """The pixels of an image as the network reads them, (4 R C, 1176) float32 for R rows of C visual tokens."""
        assert item.pixels is not None, "only images have patches"
        read = self.image_processor(item.pixels, return_tensors="np", input_data_format="channels_last")
        patches: F32 = read["pixel_values"].astype(np.float32, copy=False)
        assert tuple(read["image_grid_thw"][0, 1:].tolist()) == item.grid
        return patches

    def words(self, item: Item) -> tuple[str, ...]:
        """The text of each token of an item."""
        return tuple(self.tokenizer.decode([token], skip_special_tokens=False) for token in item.ids.tolist())


def boxes(item: Item) -> U16:
    """Where on the page the tokens of an image lie, (T, 4) uint16 in page fractions times BOX_SCALE.

    Tokens of the prompt have the whole page as their box.
    """
    rows, columns = item.grid[0] // 2, item.grid[1] // 2
    out = np.tile(np.array([0, 0, BOX_SCALE, BOX_SCALE], np.uint16), (len(item), 1))
    out[slice(*item.image_span)] = grid_boxes(rows, columns)
    return out
