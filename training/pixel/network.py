"""The vision network as it is trained, in torch; see `engine.models.pixel.architecture`.

Batch normalisation throughout; `batchnorm_fusion` removes it for measuring the ranges of activations.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ...engine.models.pixel import spec
from ...engine.models.pixel.architecture import (
    BATCH_NORM_EPS,
    BLOCK_RANGES,
    BLOCKS,
    BOX_FIELDS,
    DIM,
    MLP_RATIO,
    STEM,
    STEM_RANGES,
    WIDE_KERNEL,
)
from ...engine.records import U8


def conv(cin: int, cout: int, *, stride: int = 1) -> nn.Sequential:
    """3 x 3 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(cout, BATCH_NORM_EPS),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """Two 3 x 3 convolutions with a skip connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(channels, channels), nn.Conv2d(channels, channels, 3, padding=1, bias=False))
        self.norm: nn.Module = nn.BatchNorm2d(channels, BATCH_NORM_EPS)

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
        self.norm: nn.Module = nn.BatchNorm2d(channels, BATCH_NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.norm(self.narrow(torch.relu(self.widen(self.gather(x)))))
        return out


class PixelNetwork(nn.Module):
    """Grey pages (N, 1, H, W) in -1..1, H and W multiples of 16, to features (N, C, H/16, W/16) and heads on them."""

    ranges: Tensor

    def __init__(self, stem: tuple[int, int, int, int] = STEM, blocks: int = BLOCKS, dim: int = DIM) -> None:
        super().__init__()
        c2, c4, c8, c16 = stem
        self.stem = nn.Sequential(
            conv(1, c2, stride=2),
            conv(c2, c4, stride=2),
            conv(c4, c4),
            conv(c4, c8, stride=2),
            Residual(c8),
            conv(c8, c16, stride=2),
        )
        self.blocks = nn.Sequential(*(WideBlock(c16) for _ in range(blocks)))
        self.embed = nn.Conv2d(c16, dim, 1, bias=False)
        # Without centring, all word vectors begin in one direction and stay there for much of the training.
        self.centre = nn.BatchNorm1d(dim, BATCH_NORM_EPS, affine=False)
        self.saliency = nn.Conv2d(c16, 1, 1)
        self.figure = nn.Conv2d(c16, 1, 1)
        self.box = nn.Conv2d(c16, BOX_FIELDS, 1)
        # Minimum and maximum of activations on pages, measured after training; zeros before.
        self.register_buffer("ranges", torch.zeros(STEM_RANGES + blocks * BLOCK_RANGES, 2))

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


def load_network(folder: Path | None = None) -> PixelNetwork:
    """The trained network in float32, with the weights that ship with the package or those in `folder`."""
    network = PixelNetwork()
    weights = {name: value.float() for name, value in load_file((folder or spec.FOLDER) / spec.FILES[0]).items()}
    weights.setdefault("ranges", network.ranges)  # older versions wrote none
    network.load_state_dict(weights)
    return network


def state_arrays(network: PixelNetwork) -> dict[str, np.ndarray]:
    """The state of a network as float32 arrays, as they are saved."""
    return {name: value.detach().cpu().float().numpy() for name, value in network.state_dict().items()}


def as_input(pixels: U8, device: torch.device) -> Tensor:
    """A grey page (H, W) as input of the network: (1, 1, H, W) in -1..1."""
    values = torch.from_numpy(pixels).to(device, torch.float32)[None, None] / 127.5 - 1
    return values.contiguous(memory_format=torch.channels_last)
