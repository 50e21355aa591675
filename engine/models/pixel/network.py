"""The vision network: for each cell of 16 x 16 px a vector, the logits of a word's centre and of a figure, and a box.

A stem of 3 x 3 convolutions down to stride 16, then blocks of a wide depthwise convolution, which gathers a whole word
at its centre, and a pointwise MLP. Batch normalisation throughout; `batchnorm_fusion` removes it for inference.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

STRIDE_PX = 16
"""Side of a cell, in pixels of the image that the network is given."""
DIM = 128
STEM = (32, 48, 96, 192)
"""Channels of the stem at strides 2, 4, 8 and 16; the last also of the blocks and of the features."""
BLOCKS = 5
WIDE_KERNEL = (3, 9)
MLP_RATIO = 3
BOX_FIELDS = 4
STEM_RANGES, BLOCK_RANGES = 6, 3
"""Activations with a measured range, for 8-bit inference. In the stem: the outputs of the first four convolutions, of
the first one in the residual, and of the residual. In each block: its input, and the outputs of `gather` and `widen`.
"""


def conv(cin: int, cout: int, *, stride: int = 1) -> nn.Sequential:
    """3 x 3 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(inplace=True)
    )


class Residual(nn.Module):
    """Two 3 x 3 convolutions with a skip connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(channels, channels), nn.Conv2d(channels, channels, 3, padding=1, bias=False))
        self.norm: nn.Module = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.norm(self.body(x)))


class WideBlock(nn.Module):
    """Depthwise 3 x 9 convolution, then a pointwise MLP, with a skip connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        kh, kw = WIDE_KERNEL
        hidden = channels * MLP_RATIO
        self.gather = nn.Conv2d(channels, channels, WIDE_KERNEL, padding=(kh // 2, kw // 2), groups=channels)
        self.widen = nn.Conv2d(channels, hidden, 1)
        self.narrow = nn.Conv2d(hidden, channels, 1, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.norm(self.narrow(torch.relu(self.widen(self.gather(x)))))
        return out


class PixelNetwork(nn.Module):
    """Grey pages (N, 1, H, W) in -1..1, H and W multiples of 16, to features (N, C, H/16, W/16) and heads on them."""

    ranges: Tensor

    def __init__(self) -> None:
        super().__init__()
        c2, c4, c8, c16 = STEM
        self.stem = nn.Sequential(
            conv(1, c2, stride=2),
            conv(c2, c4, stride=2),
            conv(c4, c4),
            conv(c4, c8, stride=2),
            Residual(c8),
            conv(c8, c16, stride=2),
        )
        self.blocks = nn.Sequential(*(WideBlock(c16) for _ in range(BLOCKS)))
        self.embed = nn.Conv2d(c16, DIM, 1, bias=False)
        # Without centring, all word vectors begin in one direction and stay there for much of the training.
        self.centre = nn.BatchNorm1d(DIM, affine=False)
        self.saliency = nn.Conv2d(c16, 1, 1)
        self.figure = nn.Conv2d(c16, 1, 1)
        self.box = nn.Conv2d(c16, BOX_FIELDS, 1)
        # Minimum and maximum of activations on pages, measured after training; zeros before.
        self.register_buffer("ranges", torch.zeros(STEM_RANGES + BLOCKS * BLOCK_RANGES, 2))

    def layers(self) -> tuple[list[nn.Sequential], Residual, nn.Sequential, list[WideBlock]]:
        """The stem's convolutions before its residual, the residual, the convolution after it, and the blocks."""
        stem: list[Any] = [*self.stem]
        blocks: list[Any] = [*self.blocks]
        return stem[:-2], stem[-2], stem[-1], blocks

    def features(self, pages: Tensor) -> Tensor:
        """Features (N, C, H/16, W/16), the input of the heads."""
        out: Tensor = self.blocks(self.stem(pages))
        return out

    def heads(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Vectors, word logits, figure logits and boxes, from features (N, C, h, w).

        Vectors (N, 128, h, w) are neither centred nor normalised. Logits (N, h, w) are of "the centre of a word" and of
        "inside a figure". A box, of (N, 4, h, w), is (dx, dy, log w, log h): the offset of its centre from the cell's,
        and its size, in cells of 16 px.
        """
        return self.embed(features), self.saliency(features)[:, 0], self.figure(features)[:, 0], self.box(features)

    def forward(self, pages: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return self.heads(self.features(pages))
