"""The fused network in 8-bit integers, for CPUs that multiply in them: post-training static quantisation.

Weights are int8 with a scale per channel, activations uint8 with a scale per layer, from ranges that were measured on
pages (`PixelNetwork.ranges`). The blocks' skip connections and the heads stay in float32. The convolutions are
oneDNN's, called through the operators that torch compiles quantised networks to. Scale and zero point as in Jacob et
al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018.
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
from .batchnorm_fusion import DEPTH_STRIDE, SpaceToDepthConv
from .network import BLOCK_RANGES, STEM_RANGES, PixelNetwork, WideBlock

log = logging.getLogger(__name__)

LEVELS = 255
WEIGHT_MAX = 127
HEADROOM = 1.1
"""Activations of other pages may exceed the measured range by this factor without being clipped."""
PIXEL_STEP, PIXEL_MIDDLE, PIXEL_ZERO = 1 / 127.5, 127.5, 128
"""A pixel p is (p - 127.5) / 127.5 to the network, but (p - 128) / 127.5 here; the first bias makes up for the rest."""
TINY = 1e-6
EXPECTED_CELLS = (32, 32)
"""Height and width for which oneDNN lays out the weights; without them it chooses a layout several times as slow."""
TRIAL_CHANNELS, TRIAL_SIZE = 16, 8


class Scale(NamedTuple):
    """Affine quantisation of a layer: an integer q from 0 to 255 stands for `(q - zero) * step`."""

    step: float
    zero: int

    def quantize(self, values: Tensor) -> Tensor:
        """Float32 values as uint8, in the same shape."""
        return (values * (1 / self.step)).add_(self.zero + 0.5).clamp_(0, LEVELS).to(torch.uint8)


PIXEL_SCALE = Scale(PIXEL_STEP, PIXEL_ZERO)
"""The scale of grey pixels."""


def scales_for(ranges: Tensor) -> list[Scale]:
    """The scales of layers whose values lie in `ranges` (L, 2), each extended by HEADROOM."""
    scales = []
    for lowest, highest in (ranges.double() * HEADROOM).tolist():
        step = max(highest - lowest, TINY) / LEVELS
        scales.append(Scale(step, round(-lowest / step)))
    return scales


class IntegerConv:
    """A convolution of uint8 (1, C, H, W), channels last, to uint8 with the scale `output`, or to float32 if None."""

    def __init__(self, conv: nn.Conv2d, scale: Scale, output: Scale | None, *, relu: bool = False) -> None:
        weight = conv.weight.detach().float()
        self._scale, self._output = scale, output
        self._weight_steps = (weight.abs().amax((1, 2, 3)) / WEIGHT_MAX).clamp_min(TINY)
        self._weight_zeros = torch.zeros(len(weight), dtype=torch.int32)
        self._bias = None if conv.bias is None else conv.bias.detach().float()
        self._geometry: tuple[Any, ...] = ([*conv.stride], [*conv.padding], [*conv.dilation], conv.groups)
        self._activation = "relu" if relu else "none"
        integers = (weight / self._weight_steps[:, None, None, None]).round().to(torch.int8)
        shape = [1, conv.in_channels, *EXPECTED_CELLS]
        self._weight = torch.ops.onednn.qconv_prepack(integers, self._weight_steps, *scale, *self._geometry, shape)

    def __call__(self, x: Tensor) -> Tensor:
        """The convolution of `x`."""
        out: Tensor = torch.ops.onednn.qconv2d_pointwise(
            *self._input_arguments(x), *self._output_arguments(), self._activation, [], ""
        )
        return out

    def add_relu(self, x: Tensor, skip: Tensor, skip_scale: Scale) -> Tensor:
        """ReLU of the convolution of `x` plus `skip`, uint8 with its own scale; `skip` is overwritten."""
        fused: tuple[Any, ...] = (*skip_scale, "sum", 1.0, "relu", [], "")
        out: Tensor = torch.ops.onednn.qconv2d_pointwise.binary(
            *self._input_arguments(x, skip), *self._output_arguments(), *fused
        )
        return out

    def _input_arguments(self, x: Tensor, *skip: Tensor) -> tuple[Any, ...]:
        weight = self._weight, self._weight_steps, self._weight_zeros
        return (x, *self._scale, *weight, *skip, self._bias, *self._geometry)

    def _output_arguments(self) -> tuple[float, int, torch.dtype]:
        return (1.0, 0, torch.float32) if self._output is None else (*self._output, torch.uint8)


class IntegerBlock:
    """A `WideBlock` in 8-bit integers; its skip connection stays in float32."""

    def __init__(self, block: WideBlock, scales: Sequence[Scale]) -> None:
        self._input, gathered, widened = scales
        self._gather = IntegerConv(block.gather, self._input, gathered)
        self._widen = IntegerConv(block.widen, gathered, widened, relu=True)
        self._narrow = IntegerConv(block.narrow, widened, None)

    def __call__(self, x: Tensor) -> Tensor:
        """(1, C, h, w) float32 to the same shape and type."""
        return self._narrow(self._widen(self._gather(self._input.quantize(x)))).add_(x)


class IntegerNetwork:
    """A `PixelNetwork` in 8-bit integers, made from one in float32 with fused batch norms and measured ranges."""

    arithmetic = "int8"

    def __init__(self, network: PixelNetwork) -> None:
        (first, *convs), residual, last, blocks = network.layers()
        *conv_scales, inner_scale, residual_scale = scales_for(network.ranges[:STEM_RANGES])
        self._first = IntegerConv(over_pixels(first), PIXEL_SCALE, conv_scales[0], relu=True)
        self._convs = [
            IntegerConv(conv, *scales, relu=True)
            for conv, scales in zip(map(convolution, convs), pairwise(conv_scales), strict=True)
        ]
        self._skip_scale = conv_scales[-1]
        inner, outer = map(convolution, residual.body)
        self._inner = IntegerConv(inner, self._skip_scale, inner_scale, relu=True)
        self._outer = IntegerConv(outer, inner_scale, residual_scale)
        self._last = IntegerConv(convolution(last), residual_scale, None, relu=True)
        block_ranges = network.ranges[STEM_RANGES:].reshape(len(blocks), BLOCK_RANGES, 2)
        self._blocks = [IntegerBlock(*both) for both in zip(blocks, map(scales_for, block_ranges), strict=True)]
        self.heads = network.heads

    def features(self, pixels: U8) -> Tensor:
        """A grey page (H, W), both multiples of 16, to features (1, C, H/16, W/16) float32."""
        x = self._first(space_to_depth(pixels))
        for conv in self._convs:
            x = conv(x)
        x = self._last(self._outer.add_relu(self._inner(x), x, self._skip_scale))
        for block in self._blocks:
            x = block(x)
        return x


def convolution(layer: nn.Module) -> nn.Conv2d:
    """`layer` itself, or the convolution that it begins with."""
    conv = layer[0] if isinstance(layer, nn.Sequential) else layer
    assert isinstance(conv, nn.Conv2d)
    return conv


def over_pixels(first: nn.Sequential) -> nn.Conv2d:
    """The first convolution, over squares of 2 x 2 pixels, for pixels with the zero point 128 instead of 127.5."""
    assert isinstance(first[0], SpaceToDepthConv)
    conv = first[0].conv
    assert conv.bias is not None
    out = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size)  # type: ignore[arg-type]
    out.weight = conv.weight
    out.bias = nn.Parameter(conv.bias + conv.weight.sum((1, 2, 3)) * (PIXEL_ZERO - PIXEL_MIDDLE) * PIXEL_STEP)
    return out


def space_to_depth(pixels: U8) -> Tensor:
    """A grey page (H, W) as squares of 2 x 2 pixels, (1, 4, H/2 + 1, W/2 + 1), with one row and column of padding."""
    height, width = pixels.shape
    pairs = np.ascontiguousarray(pixels).view(np.uint16)
    shape = (height // DEPTH_STRIDE + 1, width // DEPTH_STRIDE + 1, DEPTH_STRIDE)
    out = np.full(shape, PIXEL_ZERO * 0x0101, np.uint16)
    for row in range(DEPTH_STRIDE):
        out[1:, 1:, row] = pairs[row::DEPTH_STRIDE]
    return torch.from_numpy(out.view(np.uint8))[None].permute(0, 3, 1, 2)  # channels last in memory


@lru_cache(maxsize=1)
def is_supported() -> bool:
    """Whether this CPU and this version of torch compute in 8-bit integers correctly, found out by trying it.

    Without the right instructions, sums in 16 bits overflow silently; and torch may change or drop these operators.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    try:
        return trial_is_correct()
    except (AttributeError, RuntimeError, TypeError) as err:
        log.info("no convolutions in 8-bit integers: %s", err)
        return False


def trial_is_correct() -> bool:
    """Whether small convolutions of the largest numbers have the right results."""
    conv = nn.Conv2d(TRIAL_CHANNELS, TRIAL_CHANNELS, 3, padding=1)
    nn.init.constant_(conv.weight, WEIGHT_MAX)
    scale, sum_scale = Scale(1.0, 0), Scale(float(WEIGHT_MAX * LEVELS * TRIAL_CHANNELS), 0)
    x = torch.full((1, TRIAL_CHANNELS, TRIAL_SIZE, TRIAL_SIZE), LEVELS, dtype=torch.uint8)
    x = x.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        expected = conv(x.float())
        plain = IntegerConv(conv, scale, None)(x)
        with_skip = IntegerConv(conv, scale, sum_scale).add_relu(x, torch.ones_like(x), sum_scale)
    close = torch.allclose(plain, expected, rtol=1e-5)
    return close and torch.equal(with_skip.float(), (expected / sum_scale.step).round() + 1)
