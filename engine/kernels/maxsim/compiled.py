"""MaxSim in this processor's own instructions, compiled by LLVM in a few hundredths of a second when first used.

Stored codes are multiplied as whole numbers with a query rounded to 16 bits: exact sums, so a page's maxima are the
same bits wherever it stands and however many threads there are. float16 is multiplied as float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ...compression.codecs import INT8_MAX, PACKED_BITS, Coded
from ...compression.residual import LEVELS
from ...records import F32, I64
from ..jit.compiler import ADDRESS, LONG, Machine, machine
from ..jit.compiler import compiled as compiled_function
from .reference import EMPTY

if TYPE_CHECKING:
    from .llvm_ir import Shape

QUERY_MAX = 2**15 - 1
SUM_MAX = 2**31 - 1
DIMENSIONS = 32
"""Vectors whose dimensions are no multiple of it are left to numpy."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A compiled function, and what it was made for."""

    shape: Shape
    run: Any


@dataclass(frozen=True, slots=True)
class PackedQuery:
    """Q vectors as the kernel reads them: blocks of registers in `numbers`, and the `steps` (Q,) their whole numbers
    stand for. `table` (V, lanes) holds the products of visual words with them, counted in steps, for residual alone.
    """

    numbers: np.ndarray
    steps: F32
    wide: int
    single: int
    table: F32 | None = None


@dataclass(frozen=True, slots=True)
class PageTable:
    """N pages in memory: the addresses (N,) uint64 of each one's `values`, `scales` and `words`, 0 where the codec has
    none, and how many patches it has, `lengths` (N,) int64. `kept` are the arrays that they lie in.
    """

    values: np.ndarray
    scales: np.ndarray
    words: np.ndarray
    lengths: I64
    kept: object


def kernel(codec: str, dim: int, *, tile: int | None = None) -> Kernel | None:
    """The kernel for a codec and dimensions; None where numpy has to do: without llvmlite, or on another processor.
    `tile` is for pages that have fewer patches than there are otherwise scored together.
    """
    here = machine()
    if here is None or dim % DIMENSIONS or not dim:
        return None
    return compiled(codec, dim, here, tile or here.lanes // 2)


@lru_cache(maxsize=32)
def compiled(codec: str, dim: int, target: Machine, tile: int) -> Kernel:
    """Compile for a machine; it may be another than this one, if this one has its instructions."""
    from . import llvm_ir

    shape = llvm_ir.Shape(codec, dim, target.lanes, tile)
    arguments = [ADDRESS, ADDRESS, ADDRESS, LONG, LONG, ADDRESS, LONG, LONG, ADDRESS]
    arguments += [ADDRESS, ADDRESS, ADDRESS] if codec == "residual" else []
    return Kernel(shape, compiled_function(llvm_ir.module(shape), llvm_ir.NAME, arguments, target))


def pack(query: F32, shape: Shape) -> PackedQuery:
    """`query` (Q, D) for a kernel; with whole numbers off by at most half of max|q| / 32767 each, at 128 dimensions."""
    count, dim = query.shape
    steps = np.ones(count, np.float32)
    numbers = query
    if shape.codec != "float16":
        highest = INT8_MAX if shape.codec == "int8" else 2 ** PACKED_BITS[shape.codec] - 1
        most = min(QUERY_MAX, SUM_MAX // (highest * dim))
        peak = np.abs(query).max(axis=1, initial=0)
        steps = np.where(peak > 0, peak / most, 1).astype(np.float32)
        numbers = np.rint(query / steps[:, None])
    registers = -(-count // shape.lanes)
    padded = np.zeros((registers, shape.lanes, dim // shape.together, shape.together), np.float32)
    padded.reshape(-1, dim)[:count] = numbers
    wide = registers // 2
    blocks = padded[: 2 * wide].reshape(wide, 2, *padded.shape[1:]).transpose(0, 3, 1, 2, 4)
    rest = padded[2 * wide :].transpose(0, 2, 1, 3)
    flat = np.concatenate([blocks.ravel(), rest.ravel()])
    return PackedQuery(flat.astype(np.float32 if shape.codec == "float16" else np.int16), steps, wide, registers % 2)


def with_words(query: PackedQuery, products: F32, shape: Shape) -> PackedQuery:
    """A query that knows its `products` (V, Q) with the visual words."""
    table = np.zeros((len(products), (2 * query.wide + query.single) * shape.lanes), np.float32)
    table[:, : products.shape[1]] = products / query.steps
    return replace(query, table=table)


def table(parts: Sequence[tuple[Coded, I64]]) -> PageTable:
    """Where the pages of `parts` lie: vectors, and where each page begins among them and the last ends, (n + 1,)."""
    kept = [
        [None if array is None else np.ascontiguousarray(array) for array in (part.values, part.scales, part.words)]
        for part, _ in parts
    ]
    values, scales, words = (
        np.concatenate([addresses(arrays[i], offsets) for arrays, (_, offsets) in zip(kept, parts, strict=True)])
        for i in range(3)
    )
    return PageTable(values, scales, words, np.concatenate([np.diff(offsets) for _, offsets in parts]), kept)


def addresses(array: np.ndarray | None, offsets: I64) -> np.ndarray:
    """Where the rows of pages begin that begin at `offsets` (n + 1,), (n,) uint64; 0 without an array."""
    if array is None:
        return np.zeros(len(offsets) - 1, np.uint64)
    base: int = array.__array_interface__["data"][0]
    return (base + offsets[:-1] * array.strides[0]).astype(np.uint64)


def score_block(kernel: Kernel, query: PackedQuery, pages: PageTable, rows: tuple[int, int], out: F32) -> None:
    """Fill `out` (N, Q) for the pages `rows[0]` to `rows[1]`."""
    first, last = rows
    best = np.full((last - first, (2 * query.wide + query.single) * kernel.shape.lanes), EMPTY, np.float32)
    values, scales, words, lengths = (
        each[first:last].ctypes.data for each in (pages.values, pages.scales, pages.words, pages.lengths)
    )
    more = []
    if kernel.shape.codec == "residual":
        assert query.table is not None
        more = [words, query.table.ctypes.data, LEVELS.ctypes.data]
    numbers = query.numbers.ctypes.data
    kernel.run(values, scales, lengths, 0, last - first, numbers, query.wide, query.single, best.ctypes.data, *more)
    out[first:last] = best[:, : out.shape[1]] * query.steps
