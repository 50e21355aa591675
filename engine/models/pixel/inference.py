"""The vision network prepared for inference: in 8-bit integers on CPUs that multiply in them, otherwise in floats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ...errors import UsageError
from ...records import U8
from ..device import (
    ARITHMETIC_VARIABLE,
    ARITHMETICS,
    BFLOAT16,
    FLOAT32,
    INT8,
    compute_dtype,
    computes_bf16,
    requested_arithmetic,
)
from . import eight_bits
from .batchnorm_fusion import fuse_batchnorm
from .network import PixelNetwork


class PageNetwork(Protocol):
    """The vision network in one of the arithmetics; see `PixelNetwork.heads` for the outputs."""

    @property
    def arithmetic(self) -> str:
        """The number format that it computes in: "int8", "bfloat16" or "float32"."""

    def features(self, pixels: U8) -> Tensor:
        """A grey page (H, W), both multiples of 16, to features (1, C, H/16, W/16)."""

    def heads(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Vectors, word logits, figure logits and boxes, from features."""


@dataclass(frozen=True)
class FloatNetwork:
    """The vision network in floating point, on any device."""

    network: PixelNetwork
    device: torch.device
    dtype: torch.dtype

    @property
    def arithmetic(self) -> str:
        """The number format that it computes in."""
        return dtype_name(self.dtype)

    def features(self, pixels: U8) -> Tensor:
        """A grey page (H, W), both multiples of 16, to features (1, C, H/16, W/16)."""
        return self.network.features(as_input(pixels, self.device, self.dtype))

    def heads(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Vectors, word logits, figure logits and boxes, from features."""
        return self.network.heads(features)


def prepare_for_inference(network: PixelNetwork, device: torch.device) -> PageNetwork:
    """The trained `network` on a device, in the requested arithmetic or else the fastest that both support.

    `network` is modified and cannot be used afterwards. Raises UsageError if the requested arithmetic is not supported.
    """
    chosen = choose_arithmetic(device, has_ranges=bool(network.ranges.any()))
    network = fuse_batchnorm(network).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if chosen == INT8:
        return eight_bits.IntegerNetwork(network)
    dtype: torch.dtype = getattr(torch, chosen)
    return FloatNetwork(network.to(dtype), device, dtype)


def choose_arithmetic(device: torch.device, *, has_ranges: bool) -> str:
    """The arithmetic of the model on a device; 8-bit integers need the activation ranges of its layers.

    Raises UsageError if the environment requests one that is not supported.
    """
    requested = requested_arithmetic()
    if requested != INT8 and requested is not None:
        return dtype_name(compute_dtype(device))
    missing = ""
    if device.type != "cpu":
        missing = "8-bit integers are for CPUs only"
    elif not has_ranges:
        missing = "the weights have no activation ranges, which newer versions measure when they export a model"
    elif not eight_bits.is_supported():
        missing = "this CPU, or this version of torch, does not compute in 8-bit integers"
    if missing and requested == INT8:
        best = dtype_name(compute_dtype(device))
        raise UsageError(f"{ARITHMETIC_VARIABLE}={requested}: {missing}; set it to {best}, or unset it")
    return dtype_name(compute_dtype(device)) if missing else INT8


def dtype_name(dtype: torch.dtype) -> str:
    """The name of a type without its module: "float32"."""
    return str(dtype).removeprefix("torch.")


def supported_arithmetics() -> list[str]:
    """The arithmetics of the model on this CPU, fastest first, without those faster than the environment requests.

    The last is always float32.
    """
    supported = {INT8: eight_bits.is_supported(), BFLOAT16: computes_bf16(), FLOAT32: True}
    fastest = ARITHMETICS.index(requested_arithmetic() or INT8)
    return [name for name in ARITHMETICS[fastest:] if supported[name]]


def as_input(pixels: U8, device: torch.device, dtype: torch.dtype) -> Tensor:
    """A grey page (H, W) as input of the network in floats: (1, 1, H, W) in -1..1."""
    values = torch.from_numpy(pixels).to(device, dtype)[None, None] / 127.5 - 1
    return values.contiguous(memory_format=torch.channels_last)
