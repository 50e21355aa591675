"""The trained network, made ready to look at pages: in 8-bit integers on CPUs that multiply in them, else in floats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ...records import U8
from ..device import compute_dtype
from . import eight_bits
from .folding import folded
from .network import PixelNetwork


class Looking(Protocol):
    """A network that looks at pages; PixelNetwork tells what the heads are. It computes in `arithmetic`: "int8",
    "bfloat16" or "float32".
    """

    @property
    def arithmetic(self) -> str: ...

    def features(self, pixels: U8) -> Tensor:
        """A grey page (H, W), both multiples of 16, to features (1, C, H/16, W/16)."""

    def heads(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Vectors, words, figures and boxes in cells with `features`."""


@dataclass(frozen=True)
class FloatNetwork:
    """The network in the device's own floats."""

    network: PixelNetwork
    device: torch.device
    dtype: torch.dtype

    @property
    def arithmetic(self) -> str:
        """What it computes in."""
        return str(self.dtype).removeprefix("torch.")

    def features(self, pixels: U8) -> Tensor:
        """A grey page (H, W), both multiples of 16, to features (1, C, H/16, W/16)."""
        return self.network.features(as_input(pixels, self.device, self.dtype))

    def heads(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Vectors, words, figures and boxes in cells with `features`."""
        return self.network.heads(features)


def ready(network: PixelNetwork, device: torch.device) -> Looking:
    """The trained `network`, which is used up, on a device."""
    network = folded(network).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if device.type == "cpu" and network.ranges.any() and eight_bits.works():
        return eight_bits.IntegerNetwork(network)
    dtype = compute_dtype(device)
    return FloatNetwork(network.to(dtype), device, dtype)


def as_input(pixels: U8, device: torch.device, dtype: torch.dtype) -> Tensor:
    """A grey page (H, W) as the network in floats takes it, (1, 1, H, W) in -1..1."""
    values = torch.from_numpy(pixels).to(device, dtype)[None, None] / 127.5 - 1
    return values.contiguous(memory_format=torch.channels_last)
