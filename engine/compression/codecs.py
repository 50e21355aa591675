"""Patch vectors to stored bytes and back: float16 as it is, or 8, 4 or 1 bits a number with one scale a vector; or one
bit a number of what is left of a visual word (residual.py).

Numbers of b < 8 bits stand for the odd whole numbers from 1 - 2^b to 2^b - 1, so binary keeps the signs. Their scale is
such that a vector's inner product with its own decoded form is what it is with itself: shrinking it, as the nearest
scale would, moves every good match down. Gao and Long, "RaBitQ", 2024, do this for one bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..kernels.exact import F64
from ..records import F16, F32, I64, U8, U16
from . import residual
from .residual import Codebook

CODECS = ("int8", "float16", "int4", "binary", "residual")
"""The first is the one of a new index."""
INT8_MAX = 127
PACKED_BITS = {"int4": 4, "binary": 1, "residual": 1}
"""Codecs with less than a byte a number: the first number of a byte has its lowest bits."""
CLIPPING = (1.0, 0.9, 0.8, 0.72, 0.64, 0.56, 0.5)
"""Shares of a vector's largest number that are tried as the border of the codes; what is beyond gets the last code."""


@dataclass(frozen=True, slots=True)
class Coded:
    """T stored vectors of `dim` D: `values` (T, D) int8 or float16, or (T, W) uint8 where numbers share bytes, W of
    `stored_width`; `scales` (T,) float16, None for float16. Those of residual have their visual `words` (T,) in a
    `codebook`, and two codes each in `scales`, (T, 2) uint8.
    """

    codec: str
    values: NDArray[np.int8] | F16 | U8
    scales: F16 | U8 | None
    dim: int
    words: U16 | None = None
    codebook: Codebook | None = None

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice | I64) -> Coded:
        return replace(
            self,
            values=self.values[rows],
            scales=None if self.scales is None else self.scales[rows],
            words=None if self.words is None else self.words[rows],
        )


def stored_dtype(codec: str) -> str:
    """How numpy names the type of a codec's stored values."""
    return {"float16": "<f2", "int8": "|i1"}.get(codec, "|u1")


def stored_width(codec: str, dim: int) -> int:
    """How many stored values a vector of `dim` dimensions has."""
    return -(-dim * PACKED_BITS[codec] // 8) if codec in PACKED_BITS else dim


def stored_scales(codec: str, count: int) -> tuple[str, tuple[int, ...]] | None:
    """The dtype and shape of the scales of so many vectors; None where there are none."""
    if codec == "float16":
        return None
    return ("|u1", (count, 2)) if codec == "residual" else ("<f2", (count,))


def vector_bytes(codec: str, dim: int) -> int:
    """Bytes of one stored vector, its scale included, and its visual word where it cannot be decoded without."""
    beside = {"float16": 0, "residual": 4}.get(codec, 2)
    return stored_width(codec, dim) * np.dtype(stored_dtype(codec)).itemsize + beside


def encode(codec: str, values: F16, words: U16 | None = None, codebook: Codebook | None = None) -> Coded:
    """Encode vectors (T, D) float16. An int8 value differs from the input by at most half a scale, max|x| / 254.

    `words` (T,) and their `codebook` are for residual alone. Raises ValueError for a codec that is none of CODECS.
    """
    if codec == "residual":
        if words is None or codebook is None:
            raise ValueError("the codec residual needs the visual words of the vectors, and their codebook")
        signs, codes = residual.encode(values.astype(np.float32), words, codebook)
        return Coded(codec, signs, codes, values.shape[1], words, codebook)
    if codec == "float16":
        return Coded(codec, np.ascontiguousarray(values, np.float16), None, values.shape[1])
    if codec in PACKED_BITS:
        return _encode_packed(codec, values.astype(np.float32))
    if codec != "int8":
        raise ValueError(f"codec {codec!r} is not one of {', '.join(CODECS)}")
    exact = values.astype(np.float32)
    peak = np.abs(exact).max(axis=1, initial=0.0)
    scales = (np.where(peak > 0, peak, 1.0) / INT8_MAX).astype(np.float16)
    steps = np.rint(exact / scales.astype(np.float32)[:, None])
    return Coded(codec, np.clip(steps, -INT8_MAX, INT8_MAX).astype(np.int8), scales, values.shape[1])


def decode(coded: Coded) -> F32:
    """Decode to (T, D) float32."""
    values = numbers(coded)
    if coded.codec == "residual":
        assert coded.words is not None
        assert coded.codebook is not None
        return residual.decode(values, cast("U8", coded.scales), coded.words, coded.codebook)
    if coded.scales is not None:
        values *= coded.scales.astype(np.float32)[:, None]
    return values


def numbers(coded: Coded) -> F32:
    """What is stored, (T, D) float32, without the scales: whole numbers, but for float16."""
    return coded.values.astype(np.float32) if coded.codec not in PACKED_BITS else _unpacked(coded)


def wide_numbers(coded: Coded) -> F64:
    """The same in float64; from float16 in half the time."""
    return (coded.values if coded.codec not in PACKED_BITS else _unpacked(coded)).astype(np.float64)


def _unpacked(coded: Coded) -> F32:
    levels = _levels_of_bytes(PACKED_BITS[coded.codec])
    unpacked: F32 = np.take(levels, cast("U8", coded.values), axis=0)
    return unpacked.reshape(len(coded), coded.values.shape[1] * levels.shape[1])[:, : coded.dim]


def _encode_packed(codec: str, exact: F32) -> Coded:
    """The codes whose decoded vector has the smallest angle to (T, D), among those of each of CLIPPING."""
    bits, (count, dim) = PACKED_BITS[codec], exact.shape
    best = np.ones(exact.shape, np.float32)
    product = np.abs(exact).sum(axis=1)
    cosine = np.full(count, -1.0, np.float32)
    peak = np.abs(exact).max(axis=1, initial=0.0)
    top = 2**bits - 1
    for share in CLIPPING if bits > 1 else CLIPPING[:1]:
        step = np.where(peak > 0, peak, 1.0) * np.float32(share * 2 / (top + 1))
        levels = np.clip(2 * np.floor(exact / step[:, None]) + 1, -top, top)
        along = (exact * levels).sum(axis=1)
        own = along / np.linalg.norm(levels, axis=1)
        better = own > cosine
        best[better], product[better], cosine[better] = levels[better], along[better], own[better]
    squared = (exact * exact).sum(axis=1)
    scales = np.divide(squared, product, out=np.zeros_like(squared), where=squared > 0).astype(np.float16)
    codes = ((best + top) / 2).astype(np.uint8)
    return Coded(codec, _pack(codes, bits), scales, dim)


def _pack(codes: U8, bits: int) -> U8:
    """Codes (T, D) of `bits` bits side by side in bytes, (T, ceil(D · bits / 8)), zeros behind the last."""
    apart = np.unpackbits(codes[:, :, None], axis=2, bitorder="little", count=bits)
    return np.packbits(apart.reshape(len(codes), codes.shape[1] * bits), axis=1, bitorder="little")


@cache
def _levels_of_bytes(bits: int) -> F32:
    """The numbers that each byte stands for, (256, 8 / bits)."""
    apart = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little").reshape(256, -1, bits)
    codes = (apart << np.arange(bits, dtype=np.uint8)).sum(axis=2, dtype=np.int64)
    levels: F32 = (2 * codes - (2**bits - 1)).astype(np.float32)
    return levels
