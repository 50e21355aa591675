"""Patch vectors to stored bytes and back: float16 as it is, or int8 with one scale a vector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..records import F16, F32

CODECS = ("int8", "float16")
INT8_MAX = 127


@dataclass(frozen=True, slots=True)
class Coded:
    """T stored vectors: `values` (T, D) int8 or float16, and `scales` (T,) float16 for int8, else None."""

    codec: str
    values: NDArray[np.int8] | F16
    scales: F16 | None

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Coded:
        return Coded(self.codec, self.values[rows], None if self.scales is None else self.scales[rows])


def encode(codec: str, values: F16) -> Coded:
    """Encode vectors (T, D) float16. An int8 value differs from the input by at most half a scale, max|x| / 254."""
    if codec == "float16":
        return Coded(codec, np.ascontiguousarray(values, np.float16), None)
    if codec != "int8":
        raise ValueError(f"codec {codec!r} is not one of {', '.join(CODECS)}")
    exact = values.astype(np.float32)
    peak = np.abs(exact).max(axis=1, initial=0.0)
    scales = (np.where(peak > 0, peak, 1.0) / INT8_MAX).astype(np.float16)
    steps = np.rint(exact / scales.astype(np.float32)[:, None])
    return Coded(codec, np.clip(steps, -INT8_MAX, INT8_MAX).astype(np.int8), scales)


def decode(coded: Coded) -> F32:
    """Decode to (T, D) float32."""
    values: F32 = coded.values.astype(np.float32)
    if coded.scales is not None:
        values *= coded.scales.astype(np.float32)[:, None]
    return values
