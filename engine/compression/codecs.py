"""Codecs of stored patch vectors: float16, scalar quantisation (8, 4 or 1 bits per number), residual quantisation.

int8, int4 and binary have one scale a vector. Codes of b < 8 bits stand for the odd integers from 1 - 2^b to 2^b - 1,
so binary keeps the signs. Their scale is chosen so that ⟨v, decode(encode(v))⟩ = ⟨v, v⟩: the scale with the least
squared error would shrink every good match. Gao and Long, "RaBitQ", 2024, do this for one bit. The codec residual has
one bit per number for the difference from a centroid (`residual`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..records import F16, F32, F64, I64, U8, U16
from . import residual
from .residual import Codebook

CODECS = ("int8", "float16", "int4", "binary", "residual")
"""The first is the default of a new index."""
INT8_MAX = 127
"""Largest int8 code; -128 is not used."""
PACKED_BITS = {"int4": 4, "binary": 1, "residual": 1}
"""Bits per number of codecs that pack several numbers into a byte, the first into its lowest bits."""
CLIPPING = (1.0, 0.9, 0.8, 0.72, 0.64, 0.56, 0.5)
"""Clipping ranges that int4 tries, as shares of a vector's largest number; numbers beyond get the outermost code."""


@dataclass(frozen=True, slots=True)
class Coded:
    """T encoded vectors of dimension D (`dim`).

    `values` are (T, D) int8 or float16, or (T, W) uint8 for packed codecs, with W of `stored_width`; `scales` are (T,)
    float16, None for float16. For the codec residual, `words` (T,) are the visual words of the vectors in `codebook`,
    and `scales` are (T, 2) uint8, codes of a coefficient and a step.
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
        scales = None if self.scales is None else self.scales[rows]
        words = None if self.words is None else self.words[rows]
        # Not dataclasses.replace: a query slices hundreds of pages, which it does four times as slowly.
        return Coded(self.codec, self.values[rows], scales, self.dim, words, self.codebook)


def stored_dtype(codec: str) -> str:
    """The numpy dtype string of a codec's stored values."""
    return {"float16": "<f2", "int8": "|i1"}.get(codec, "|u1")


def stored_width(codec: str, dim: int) -> int:
    """The number of stored values of a vector of `dim` dimensions."""
    return -(-dim * PACKED_BITS[codec] // 8) if codec in PACKED_BITS else dim


def stored_scales(codec: str, count: int) -> tuple[str, tuple[int, ...]] | None:
    """The dtype string and shape of the scales of `count` vectors; None for float16."""
    if codec == "float16":
        return None
    return ("|u1", (count, 2)) if codec == "residual" else ("<f2", (count,))


def vector_bytes(codec: str, dim: int) -> int:
    """Bytes of one stored vector with its scale, and with its visual word if decoding needs it."""
    extra = {"float16": 0, "residual": 4}.get(codec, 2)
    return stored_width(codec, dim) * np.dtype(stored_dtype(codec)).itemsize + extra


def joined(parts: Sequence[Coded]) -> Coded:
    """Vectors of one codec and codebook end to end."""
    first = parts[0]
    scales = [each.scales for each in parts if each.scales is not None]
    words = [each.words for each in parts if each.words is not None]
    return replace(
        first,
        values=np.concatenate([each.values for each in parts]),
        scales=cast("F16 | U8", np.concatenate(scales)) if scales else None,
        words=np.concatenate(words) if words else None,
    )


def encode(codec: str, values: F16, words: U16 | None = None, codebook: Codebook | None = None) -> Coded:
    """Encode vectors (T, D) float16. An int8 number is off by at most half a scale, max|x| / 254.

    `words` (T,) and their `codebook` are for the codec residual. Raises ValueError for an unknown codec, and for
    residual without them.
    """
    if codec == "residual":
        if words is None or codebook is None:
            raise ValueError("the codec residual needs the visual words of the vectors and their codebook")
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
    scales = np.maximum(scales, np.finfo(np.float16).smallest_subnormal)  # that of tiny numbers may be rounded to 0
    steps = np.rint(exact / scales.astype(np.float32)[:, None])
    return Coded(codec, np.clip(steps, -INT8_MAX, INT8_MAX).astype(np.int8), scales, values.shape[1])


def decode(coded: Coded) -> F32:
    """Decode to (T, D) float32. Raises IndexDamaged for an unknown visual word."""
    values = unscaled(coded)
    if coded.codec == "residual":
        assert coded.words is not None
        assert coded.codebook is not None
        return residual.decode(values, cast("U8", coded.scales), coded.words, coded.codebook)
    if coded.scales is not None:
        values *= coded.scales.astype(np.float32)[:, None]
    return values


def unscaled(coded: Coded) -> F32:
    """The stored numbers without their scales, (T, D) float32: integers, except for float16."""
    return coded.values.astype(np.float32) if coded.codec not in PACKED_BITS else _unpacked(coded)


def unscaled_f64(coded: Coded) -> F64:
    """`unscaled` in float64, for float16 in half the time."""
    return (coded.values if coded.codec not in PACKED_BITS else _unpacked(coded)).astype(np.float64)


def _unpacked(coded: Coded) -> F32:
    levels = _levels_of_bytes(PACKED_BITS[coded.codec])
    unpacked: F32 = np.take(levels, cast("U8", coded.values), axis=0)
    return unpacked.reshape(len(coded), coded.values.shape[1] * levels.shape[1])[:, : coded.dim]


def _encode_packed(codec: str, exact: F32) -> Coded:
    """Encode (T, D): of the codes with each of CLIPPING, those whose decoded vector has the smallest angle to the
    input.
    """
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
    """Codes (T, D) of `bits` bits packed into bytes, (T, ceil(D · bits / 8)), padded with zeros."""
    apart = np.unpackbits(codes[:, :, None], axis=2, bitorder="little", count=bits)
    return np.packbits(apart.reshape(len(codes), codes.shape[1] * bits), axis=1, bitorder="little")


@cache
def _levels_of_bytes(bits: int) -> F32:
    """The odd integers that each byte decodes to, (256, 8 / bits)."""
    apart = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little").reshape(256, -1, bits)
    codes = (apart << np.arange(bits, dtype=np.uint8)).sum(axis=2, dtype=np.int64)
    levels: F32 = (2 * codes - (2**bits - 1)).astype(np.float32)
    return levels
