"""The trained network, made ready to look at pages: in 8-bit integers on CPUs that multiply in them, else in floats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ...errors import UsageError
from ...records import U8
from ..device import ARITHMETIC, BFLOAT16, FLOAT32, INT8, SWITCH, asked_arithmetic, compute_dtype, computes_bf16
from . import eight_bits
from .batchnorm_fusion import folded
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
        return name_of(self.dtype)

    def features(self, pixels: U8) -> Tensor:
        """A grey page (H, W), both multiples of 16, to features (1, C, H/16, W/16)."""
        return self.network.features(as_input(pixels, self.device, self.dtype))

    def heads(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Vectors, words, figures and boxes in cells with `features`."""
        return self.network.heads(features)


def ready(network: PixelNetwork, device: torch.device) -> Looking:
    """The trained `network`, which is used up, on a device, in the arithmetic that the environment asks for, or in the
    fastest that both can do; UsageError if it asks for another.
    """
    chosen = arithmetic_of(device, has_ranges=bool(network.ranges.any()))
    network = folded(network).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if chosen == INT8:
        return eight_bits.IntegerNetwork(network)
    dtype: torch.dtype = getattr(torch, chosen)
    return FloatNetwork(network.to(dtype), device, dtype)


def arithmetic_of(device: torch.device, *, has_ranges: bool) -> str:
    """What the embedded model computes in on a device; 8-bit integers need the ranges of its layers."""
    asked = asked_arithmetic()
    if asked != INT8 and asked is not None:
        return name_of(compute_dtype(device))
    missing = ""
    if device.type != "cpu":
        missing = "integers are for CPUs alone"
    elif not has_ranges:
        missing = "the ranges of this model's layers were never measured, which newer versions do when they export one"
    elif not eight_bits.works():
        missing = "this CPU, or this version of torch, does not multiply in 8-bit integers"
    if missing and asked == INT8:
        best = name_of(compute_dtype(device))
        raise UsageError(f"{SWITCH}={asked}: {missing}; use {best}, or leave it out")
    return name_of(compute_dtype(device)) if missing else INT8


def name_of(dtype: torch.dtype) -> str:
    """As the environment names it: "float32"."""
    return str(dtype).removeprefix("torch.")


def works_here() -> list[str]:
    """What the embedded model can compute in on this CPU, if the environment asks for nothing that is slower: fastest
    first, and float32 always.
    """
    can = {INT8: eight_bits.works(), BFLOAT16: computes_bf16(), FLOAT32: True}
    return [name for name in ARITHMETIC[ARITHMETIC.index(asked_arithmetic() or INT8) :] if can[name]]


def as_input(pixels: U8, device: torch.device, dtype: torch.dtype) -> Tensor:
    """A grey page (H, W) as the network in floats takes it, (1, 1, H, W) in -1..1."""
    values = torch.from_numpy(pixels).to(device, dtype)[None, None] / 127.5 - 1
    return values.contiguous(memory_format=torch.channels_last)
