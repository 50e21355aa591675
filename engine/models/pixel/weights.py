"""The trained weights of the vision network, read without torch; its batch norms are fused into the convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors.numpy import load_file

from . import spec
from .architecture import BATCH_NORM_EPS, BLOCK_RANGES, STEM_RANGES

Tensors = Mapping[str, np.ndarray]


class Conv(NamedTuple):
    """A convolution with padding that keeps the size: `weight` (out, in / groups, h, w) and `bias` (out,) float64."""

    weight: np.ndarray
    bias: np.ndarray
    stride: int = 1

    @property
    def is_depthwise(self) -> bool:
        return bool(self.weight.shape[1] == 1)


class Block(NamedTuple):
    """A block: the wide depthwise convolution, and the two layers of the pointwise MLP."""

    gather: Conv
    widen: Conv
    narrow: Conv


@dataclass(frozen=True)
class PageWeights:
    """The layers of a network: its `stem` up to the residual, whose convolutions are `inner` and `outer`, the `last`
    convolution of the stem, the `blocks`, and the heads.

    `ranges` (L, 2) float64 are minima and maxima of activations, in the order of `architecture.STEM_RANGES`; zeros if
    they were not measured.
    """

    stem: tuple[Conv, ...]
    inner: Conv
    outer: Conv
    last: Conv
    blocks: tuple[Block, ...]
    embed: Conv
    saliency: Conv
    figure: Conv
    box: Conv
    ranges: np.ndarray

    @property
    def has_ranges(self) -> bool:
        """Whether the ranges of activations were measured, which 8-bit integers need."""
        return bool(self.ranges.any())

    @staticmethod
    def load(folder: Path | None = None) -> PageWeights:
        """The weights that ship with the package, or those in the `folder` of a fine-tuned model."""
        return PageWeights.of(load_file((folder or spec.FOLDER) / spec.FILES[0]))

    @staticmethod
    def of(tensors: Tensors) -> PageWeights:
        """The weights in a state of `training.pixel.network.PixelNetwork`, whose sizes are found from it."""
        blocks = sum(name.endswith(".gather.weight") for name in tensors)
        ranges = tensors.get("ranges", np.zeros((STEM_RANGES + blocks * BLOCK_RANGES, 2)))  # older versions wrote none
        strides = (2, 2, 1, 2)
        return PageWeights(
            tuple(_normed(tensors, f"stem.{i}.0", f"stem.{i}.1", stride) for i, stride in enumerate(strides)),
            _normed(tensors, "stem.4.body.0.0", "stem.4.body.0.1"),
            _normed(tensors, "stem.4.body.1", "stem.4.norm"),
            _normed(tensors, "stem.5.0", "stem.5.1", 2),
            tuple(_block(tensors, f"blocks.{i}") for i in range(blocks)),
            _normed(tensors, "embed", "centre"),
            _plain(tensors, "saliency"),
            _plain(tensors, "figure"),
            _plain(tensors, "box"),
            ranges.astype(np.float64),
        )


def _block(tensors: Tensors, name: str) -> Block:
    return Block(
        _plain(tensors, f"{name}.gather"),
        _plain(tensors, f"{name}.widen"),
        _normed(tensors, f"{name}.narrow", f"{name}.norm"),
    )


def _plain(tensors: Tensors, name: str) -> Conv:
    return Conv(tensors[f"{name}.weight"].astype(np.float64), tensors[f"{name}.bias"].astype(np.float64))


def _normed(tensors: Tensors, name: str, norm: str, stride: int = 1) -> Conv:
    """The convolution `name`, without a bias, and the batch norm after it, as one convolution."""
    mean, variance = (tensors[f"{norm}.running_{part}"].astype(np.float64) for part in ("mean", "var"))
    factor = 1 / np.sqrt(variance + BATCH_NORM_EPS)
    offset = np.zeros_like(mean)
    if f"{norm}.weight" in tensors:  # the norm that centres word vectors has none
        factor *= tensors[f"{norm}.weight"]
        offset = tensors[f"{norm}.bias"].astype(np.float64)
    weight = tensors[f"{name}.weight"].astype(np.float64) * factor[:, None, None, None]
    return Conv(weight, offset - mean * factor, stride)


def over_squares(first: Conv) -> Conv:
    """The first convolution, 3 x 3 on one channel with stride 2, as a 2 x 2 one over squares of 2 x 2 pixels.

    The same sums, and several times faster: convolution libraries are slow with a single input channel. The squares
    have a row and a column of padding at the top and the left.
    """
    channels = len(first.weight)
    # Rows -1, 0, 1 of the 3 x 3 kernel become rows 1, 2, 3 of two squares, whose row 0 has no weight.
    wide = np.pad(first.weight[:, 0], ((0, 0), (1, 0), (1, 0)))  # (C, 4, 4)
    squares = wide.reshape(channels, 2, 2, 2, 2).transpose(0, 2, 4, 1, 3)  # (C, row, column, square row, square column)
    return Conv(squares.reshape(channels, 4, 2, 2), first.bias)
