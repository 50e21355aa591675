"""The folded network goes in; the same function comes out in 8-bit integers, for CPUs that multiply in them.

Weights are int8 with a scale a channel, activations uint8 with a scale a layer, which was measured on pages once
(`PixelNetwork.ranges`). What blocks add to, and the heads, stay float32. The convolutions are oneDNN's, by the
operations that torch compiles quantised networks to.
"""

from __future__ import annotations

import logging
import platform
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ...records import U8
from .batchnorm_fusion import FIELD, FieldConv
from .network import BLOCK_RANGES, STEM_RANGES, PixelNetwork, WideBlock

log = logging.getLogger(__name__)

LEVELS = 255
WEIGHT_MAX = 127
HEADROOM = 1.1
"""How much further than what was measured the activations of other pages may reach."""
GREY_STEP, GREY_MIDDLE, GREY_ZERO = 1 / 127.5, 127.5, 128
"""A pixel p is (p - 127.5) / 127.5 to the network, and (p - 128) / 127.5 in integers; the first bias holds the rest."""
TINY = 1e-6
EXPECTED_CELLS = (32, 32)
"""Height and width for which oneDNN lays out the weights; without any it takes a layout several times as slow."""
TRIAL_CHANNELS, TRIAL_SIZE = 16, 8


class Scale(NamedTuple):
    """What the integers q from 0 to 255 of a layer stand for: `(q - zero) * step`."""

    step: float
    zero: int

    def of(self, values: Tensor) -> Tensor:
        """Float32 as uint8 of the same shape."""
        return (values * (1 / self.step)).add_(self.zero + 0.5).clamp_(0, LEVELS).to(torch.uint8)


PIXELS = Scale(GREY_STEP, GREY_ZERO)
"""What a grey pixel stands for."""


def scales_of(ranges: Tensor) -> list[Scale]:
    """The scales of layers whose values lie in `ranges` (L, 2), and a little around them."""
    scales = []
    for lowest, highest in (ranges.double() * HEADROOM).tolist():
        step = max(highest - lowest, TINY) / LEVELS
        scales.append(Scale(step, round(-lowest / step)))
    return scales


class IntegerConv:
    """A convolution of uint8 (1, C, H, W), channels last, to uint8 at the scale `to`, or else to float32."""

    def __init__(self, conv: nn.Conv2d, scale: Scale, to: Scale | None, *, relu: bool = False) -> None:
        weight = conv.weight.detach().float()
        self._scale, self._to = scale, to
        self._steps = (weight.abs().amax((1, 2, 3)) / WEIGHT_MAX).clamp_min(TINY)
        self._zeros = torch.zeros(len(weight), dtype=torch.int32)
        self._bias = None if conv.bias is None else conv.bias.detach().float()
        self._geometry: tuple[Any, ...] = ([*conv.stride], [*conv.padding], [*conv.dilation], conv.groups)
        self._activation = "relu" if relu else "none"
        whole = (weight / self._steps[:, None, None, None]).round().to(torch.int8)
        shape = [1, conv.in_channels, *EXPECTED_CELLS]
        self._weight = torch.ops.onednn.qconv_prepack(whole, self._steps, *scale, *self._geometry, shape)

    def __call__(self, x: Tensor) -> Tensor:
        """The convolution of `x`."""
        out: Tensor = torch.ops.onednn.qconv2d_pointwise(*self._given(x), *self._wanted(), self._activation, [], "")
        return out

    def added(self, x: Tensor, to: Tensor, scale: Scale) -> Tensor:
        """The convolution of `x` and `to`, uint8 at `scale`, together, below 0 cut off; `to` is overwritten."""
        beside: tuple[Any, ...] = (*scale, "sum", 1.0, "relu", [], "")
        out: Tensor = torch.ops.onednn.qconv2d_pointwise.binary(*self._given(x, to), *self._wanted(), *beside)
        return out

    def _given(self, *inputs: Tensor) -> tuple[Any, ...]:
        x, *others = inputs
        return (x, *self._scale, self._weight, self._steps, self._zeros, *others, self._bias, *self._geometry)

    def _wanted(self) -> tuple[float, int, torch.dtype]:
        return (1.0, 0, torch.float32) if self._to is None else (*self._to, torch.uint8)


class IntegerBlock:
    """A WideBlock."""

    def __init__(self, block: WideBlock, scales: Sequence[Scale]) -> None:
        self._taken, gathered, widened = scales
        taken = self._taken
        self._gather = IntegerConv(block.gather, taken, gathered)
        self._widen = IntegerConv(block.widen, gathered, widened, relu=True)
        self._narrow = IntegerConv(block.narrow, widened, None)

    def __call__(self, x: Tensor) -> Tensor:
        """(1, C, h, w) float32 to the same."""
        return self._narrow(self._widen(self._gather(self._taken.of(x)))).add_(x)


class IntegerNetwork:
    """`network`, folded and in float32, with ranges measured, in 8-bit integers."""

    arithmetic = "int8"

    def __init__(self, network: PixelNetwork) -> None:
        (first, *convs), residual, last, blocks = network.layers()
        *of_convs, inside, together = scales_of(network.ranges[:STEM_RANGES])
        self._first = IntegerConv(over_pixels(first), PIXELS, of_convs[0], relu=True)
        self._convs = [
            IntegerConv(conv, *ends, relu=True)
            for conv, ends in zip(map(convolution, convs), pairwise(of_convs), strict=True)
        ]
        self._beside = of_convs[-1]
        inner, outer = map(convolution, residual.body)
        self._inner = IntegerConv(inner, self._beside, inside, relu=True)
        self._outer = IntegerConv(outer, inside, together)
        self._last = IntegerConv(convolution(last), together, None, relu=True)
        of_blocks = network.ranges[STEM_RANGES:].reshape(len(blocks), BLOCK_RANGES, 2)
        self._blocks = [IntegerBlock(*both) for both in zip(blocks, map(scales_of, of_blocks), strict=True)]
        self.heads = network.heads

    def features(self, pixels: U8) -> Tensor:
        """A grey page (H, W), both multiples of 16, to features (1, C, H/16, W/16) float32."""
        x = self._first(fields_of(pixels))
        for conv in self._convs:
            x = conv(x)
        x = self._last(self._outer.added(self._inner(x), x, self._beside))
        for block in self._blocks:
            x = block(x)
        return x


def convolution(layer: nn.Module) -> nn.Conv2d:
    """`layer`, or what it begins with."""
    conv = layer[0] if isinstance(layer, nn.Sequential) else layer
    assert isinstance(conv, nn.Conv2d)
    return conv


def over_pixels(first: nn.Sequential) -> nn.Conv2d:
    """The first convolution over fields, for pixels from which 128 is taken instead of 127.5."""
    assert isinstance(first[0], FieldConv)
    conv = first[0].conv
    assert conv.bias is not None
    out = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size)  # type: ignore[arg-type]
    out.weight = conv.weight
    out.bias = nn.Parameter(conv.bias + conv.weight.sum((1, 2, 3)) * (GREY_ZERO - GREY_MIDDLE) * GREY_STEP)
    return out


def fields_of(pixels: U8) -> Tensor:
    """A grey page (H, W) as fields of 2 x 2 pixels, (1, 4, H/2 + 1, W/2 + 1), the first row and column grey."""
    height, width = pixels.shape
    pairs = np.ascontiguousarray(pixels).view(np.uint16)
    out = np.full((height // FIELD + 1, width // FIELD + 1, FIELD), GREY_ZERO * 0x0101, np.uint16)
    for row in range(FIELD):
        out[1:, 1:, row] = pairs[row::FIELD]
    return torch.from_numpy(out.view(np.uint8))[None].permute(0, 3, 1, 2)  # channels last in memory


@lru_cache(maxsize=1)
def works() -> bool:
    """Whether this CPU and this torch multiply so. It is tried: where the instructions are missing, sums of 16 bits
    overflow quietly, and the operations are not part of what torch promises to keep.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    try:
        tried = trial()
    except (AttributeError, RuntimeError, TypeError) as err:
        log.info("no convolutions in 8-bit integers: %s", err)
        return False
    return tried


def trial() -> bool:
    """Whether small convolutions of the largest numbers come out as they should."""
    conv = nn.Conv2d(TRIAL_CHANNELS, TRIAL_CHANNELS, 3, padding=1)
    nn.init.constant_(conv.weight, WEIGHT_MAX)
    scale, summed = Scale(1.0, 0), Scale(float(WEIGHT_MAX * LEVELS * TRIAL_CHANNELS), 0)
    x = torch.full((1, TRIAL_CHANNELS, TRIAL_SIZE, TRIAL_SIZE), LEVELS, dtype=torch.uint8)
    x = x.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        expected = conv(x.float())
        plain = IntegerConv(conv, scale, None)(x)
        together = IntegerConv(conv, scale, summed).added(x, torch.ones_like(x), summed)
    close = torch.allclose(plain, expected, rtol=1e-5)
    return close and torch.equal(together.float(), (expected / summed.step).round() + 1)
