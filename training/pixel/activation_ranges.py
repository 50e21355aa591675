"""Between which numbers the values of the vision network's layers lie on pages, for its inference in 8-bit integers."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch import Tensor, nn

from ...engine.models.pixel import spec
from ...engine.models.pixel.batchnorm_fusion import folded
from ...engine.models.pixel.inference import as_input
from ...engine.models.pixel.network import BLOCK_RANGES, STEM_RANGES, PixelNetwork
from ...engine.models.pixel.pages import COARSE_FACTOR, trained_network
from ...engine.models.pixel.pictures import read_grey, resized, whole_cells
from ...engine.records import U8

CPU = torch.device("cpu")


def export(pages: Iterable[U8]) -> None:
    """Measure the ranges of the network in the package on `pages` (H, W, 3), and write them beside its weights."""
    weights = load_file(spec.VISION_FILE)
    ranges = measured(trained_network(), pages).numpy().astype(np.float16)
    save_file({**weights, "ranges": ranges}, spec.VISION_FILE)


def measured(network: PixelNetwork, pages: Iterable[U8]) -> Tensor:
    """The ranges (L, 2) float32 of the trained `network`, which is used up, in the base and the coarse pass over
    `pages` (H, W, 3), each with 0.
    """
    network = folded(network)
    ranges = torch.zeros_like(network.ranges)
    for place, layer in enumerate(layers_of(network)):
        watch(layer, ranges[place])
    for pixels in pages:
        grey, scale = read_grey(pixels)
        picture = resized(grey, scale)
        for seen in (picture, resized(picture, 1 / COARSE_FACTOR)):
            with torch.inference_mode():
                network.features(as_input(whole_cells(seen), CPU, torch.float32))
    ranges[STEM_RANGES + 2 :: BLOCK_RANGES, 0] = 0  # what has been widened is cut off below 0
    return ranges


def layers_of(network: PixelNetwork) -> list[nn.Module]:
    """The modules of a folded network whose outputs have ranges, in the order of `PixelNetwork.ranges`."""
    convs, residual, last, blocks = network.layers()
    of_blocks = [(given, block.gather, block.widen) for given, block in zip([last, *blocks], blocks, strict=False)]
    return [*convs, residual.body[0], residual, *chain(*of_blocks)]


def watch(layer: nn.Module, ends: Tensor) -> None:
    """Widen `ends` (2,) by all that `layer` gives out from now on."""

    def widen(_: nn.Module, __: object, out: Tensor) -> None:
        ends[0] = torch.minimum(ends[0], out.min())
        ends[1] = torch.maximum(ends[1], out.max())

    layer.register_forward_hook(widen)
