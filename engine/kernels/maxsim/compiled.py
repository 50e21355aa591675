"""MaxSim compiled for this CPU: compiles the kernel of `llvm_ir` and prepares queries and pages for it.

Stored codes are multiplied as integers with a query rounded to 16 bits. Integer sums are exact, so the maxima of a page
are the same bits whatever its position and the number of threads. float16 vectors are multiplied in float32.
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
from ..jit.compiler import ADDRESS, LONG, Target, compile_function, current_target
from .reference import EMPTY

if TYPE_CHECKING:
    from .llvm_ir import Shape

QUERY_MAX = 2**15 - 1
"""Largest absolute value of a query number in 16 bits."""
SUM_MAX = 2**31 - 1
"""Largest sum that an accumulator holds."""
DIMENSIONS = 32
"""Vectors whose dimension is no multiple of this are scored by numpy."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A compiled function, and the shape it was compiled for."""

    shape: Shape
    run: Any


@dataclass(frozen=True, slots=True)
class PackedQuery:
    """Q query vectors in the kernel's layout.

    `numbers` are `wide` blocks of two registers, then `single` (0 or 1) blocks of one; a number stands for that many
    `steps` (Q,) of its vector. `table` (V, lanes) holds the products of all centroids with the vectors, in steps, for
    the codec residual alone.
    """

    numbers: np.ndarray
    steps: F32
    wide: int
    single: int
    table: F32 | None = None


@dataclass(frozen=True, slots=True)
class PageTable:
    """Where N pages lie in memory.

    `values`, `scales` and `words` (N,) uint64 are the addresses of each page's arrays, 0 where the codec has none;
    `lengths` (N,) int64 are the patches of each page. `arrays` keeps the arrays alive.
    """

    values: np.ndarray
    scales: np.ndarray
    words: np.ndarray
    lengths: I64
    arrays: object


def kernel(codec: str, dim: int, *, tile: int | None = None) -> Kernel | None:
    """The kernel for a codec and dimension; None where numpy has to do the work (see `compiler.current_target`).

    `tile` is how many patches are scored together, by default half as many as a register has lanes.
    """
    target = current_target()
    if target is None or dim % DIMENSIONS or not dim:
        return None
    return compile_kernel(codec, dim, target, tile or target.lanes // 2)


@lru_cache(maxsize=32)
def compile_kernel(codec: str, dim: int, target: Target, tile: int) -> Kernel:
    """Compile the kernel for a target, which this CPU must be able to run."""
    from . import llvm_ir

    shape = llvm_ir.Shape(codec, dim, target.lanes, tile)
    arguments = [ADDRESS, ADDRESS, ADDRESS, LONG, LONG, ADDRESS, LONG, LONG, ADDRESS]
    arguments += [ADDRESS, ADDRESS, ADDRESS] if codec == "residual" else []
    return Kernel(shape, compile_function(llvm_ir.module(shape), llvm_ir.NAME, arguments, target))


def pack(query: F32, shape: Shape) -> PackedQuery:
    """`query` (Q, D) in the kernel's layout.

    As integers, each number of a vector q is off by at most half a step; at 128 dimensions a step is max|q| / 32767.
    """
    count, dim = query.shape
    steps = np.ones(count, np.float32)
    numbers = query
    if shape.codec != "float16":
        code_max = INT8_MAX if shape.codec == "int8" else 2 ** PACKED_BITS[shape.codec] - 1
        number_max = min(QUERY_MAX, SUM_MAX // (code_max * dim))
        peak = np.abs(query).max(axis=1, initial=0)
        steps = np.where(peak > 0, peak / number_max, 1).astype(np.float32)
        numbers = np.rint(query / steps[:, None])
    registers = -(-count // shape.lanes)
    padded = np.zeros((registers, shape.lanes, dim // shape.packed, shape.packed), np.float32)
    padded.reshape(-1, dim)[:count] = numbers
    wide = registers // 2
    blocks = padded[: 2 * wide].reshape(wide, 2, *padded.shape[1:]).transpose(0, 3, 1, 2, 4)
    last = padded[2 * wide :].transpose(0, 2, 1, 3)
    flat = np.concatenate([blocks.ravel(), last.ravel()])
    return PackedQuery(flat.astype(np.float32 if shape.codec == "float16" else np.int16), steps, wide, registers % 2)


def with_centroid_products(query: PackedQuery, products: F32, shape: Shape) -> PackedQuery:
    """The query with its `products` (V, Q) with all centroids, as the codec residual needs them."""
    table = np.zeros((len(products), (2 * query.wide + query.single) * shape.lanes), np.float32)
    table[:, : products.shape[1]] = products / query.steps
    return replace(query, table=table)


def page_table(parts: Sequence[tuple[Coded, I64]]) -> PageTable:
    """Where the pages of `parts` lie: vectors (T, D), and the offsets (n + 1,) of the pages among them."""
    arrays = [
        [None if array is None else np.ascontiguousarray(array) for array in (part.values, part.scales, part.words)]
        for part, _ in parts
    ]
    values, scales, words = (
        np.concatenate([addresses(own[i], offsets) for own, (_, offsets) in zip(arrays, parts, strict=True)])
        for i in range(3)
    )
    return PageTable(values, scales, words, np.concatenate([np.diff(offsets) for _, offsets in parts]), arrays)


def addresses(array: np.ndarray | None, offsets: I64) -> np.ndarray:
    """The addresses (n,) uint64 of the pages with `offsets` (n + 1,) in an array (T, …); 0 without an array."""
    if array is None:
        return np.zeros(len(offsets) - 1, np.uint64)
    base: int = array.__array_interface__["data"][0]
    return (base + offsets[:-1] * array.strides[0]).astype(np.uint64)


def score_block(kernel: Kernel, query: PackedQuery, pages: PageTable, rows: tuple[int, int], out: F32) -> None:
    """Fill `out` (N, Q) for the pages from `rows[0]` up to `rows[1]`."""
    first, last = rows
    best = np.full((last - first, (2 * query.wide + query.single) * kernel.shape.lanes), EMPTY, np.float32)
    values, scales, words, lengths = (
        each[first:last].ctypes.data for each in (pages.values, pages.scales, pages.words, pages.lengths)
    )
    residual = []
    if kernel.shape.codec == "residual":
        assert query.table is not None
        residual = [words, query.table.ctypes.data, LEVELS.ctypes.data]
    numbers = query.numbers.ctypes.data
    kernel.run(values, scales, lengths, 0, last - first, numbers, query.wide, query.single, best.ctypes.data, *residual)
    out[first:last] = best[:, : out.shape[1]] * query.steps
