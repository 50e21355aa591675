"""Calibration of 8-bit inference: the range of activations of each layer of the vision network, measured on pages.

Static quantisation as in Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", 2018.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch import Tensor, nn

from ...engine.models.pixel import spec
from ...engine.models.pixel.architecture import BLOCK_RANGES, STEM_RANGES
from ...engine.models.pixel.page_scaling import pad_to_cells, read_grey, resized
from ...engine.models.pixel.pages import COARSE_FACTOR
from ...engine.records import U8
from .batchnorm_fusion import fuse_batchnorm
from .network import PixelNetwork, as_input, load_network

CPU = torch.device("cpu")


def export(pages: Iterable[U8]) -> None:
    """Measure the ranges of the shipped network on `pages` (H, W, 3), and write them to the file of its weights."""
    weights = load_file(spec.VISION_FILE)
    ranges = measure(load_network(), pages).numpy().astype(np.float16)
    save_file({**weights, "ranges": ranges}, spec.VISION_FILE)


def measure(network: PixelNetwork, pages: Iterable[U8]) -> Tensor:
    """Ranges (L, 2) float32 of activations in the base pass and the coarse pass over `pages` (H, W, 3).

    Every range includes 0. `network` is modified and cannot be used afterwards.
    """
    network = fuse_batchnorm(network)
    ranges = torch.zeros_like(network.ranges)
    for place, layer in enumerate(layers_of(network)):
        record_range(layer, ranges[place])
    for pixels in pages:
        grey, scale = read_grey(pixels)
        picture = resized(grey, scale)
        for seen in (picture, resized(picture, 1 / COARSE_FACTOR)):
            with torch.inference_mode():
                network.features(as_input(pad_to_cells(seen), CPU))
    ranges[STEM_RANGES + 2 :: BLOCK_RANGES, 0] = 0  # a ReLU follows each widening layer
    return ranges


def layers_of(network: PixelNetwork) -> list[nn.Module]:
    """The modules whose outputs have ranges, in the order of `PixelNetwork.ranges`; batch norms are fused already."""
    convs, residual, last, blocks = network.layers()
    in_blocks = [(before, block.gather, block.widen) for before, block in zip([last, *blocks], blocks, strict=False)]
    return [*convs, residual.body[0], residual, *chain(*in_blocks)]


def record_range(layer: nn.Module, ends: Tensor) -> None:
    """From now on, extend `ends` (2,), a minimum and a maximum, by every output of `layer`."""

    def widen(_: nn.Module, __: object, out: Tensor) -> None:
        ends[0] = torch.minimum(ends[0], out.min())
        ends[1] = torch.maximum(ends[1], out.max())

    layer.register_forward_hook(widen)
