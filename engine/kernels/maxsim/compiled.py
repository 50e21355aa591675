"""MaxSim compiled from C: prepares queries and pages for `maxsim.c`.

Stored codes are multiplied as integers with a query rounded to 16 bits. Integer sums are exact, so the maxima of a page
are the same bits whatever its position, the number of threads and the instruction set. float16 vectors are multiplied
in float32.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ...compression.codecs import INT8_MAX, PACKED_BITS, Coded
from ...compression.residual import LEVELS
from ...records import F32, I64
from ..native.library import ADDRESS, LONG, SCALAR, SWITCH, InstructionSet, current, function

QUERY_MAX = 2**15 - 1
"""Largest absolute value of a query number in 16 bits."""
SUM_MAX = 2**31 - 1
"""Largest sum that an accumulator holds."""
DIMENSIONS, DIMENSIONS_MAX = 32, 4096
"""Vectors whose dimension is no multiple of the first, or above the second, are scored by numpy."""
LANES_MAX = 16
"""Query vectors in the widest register."""
CACHE_LINE = 64
"""Bytes."""
CODECS = {"float16": 0, "int8": 1, "int4": 2, "binary": 3, "residual": 4}
"""The codecs' numbers in C."""


Part = tuple[Coded, I64, I64]
"""Vectors (T, D), and of n pages among them: where they begin (n,), and how many each has (n,)."""


class QueryInC(ctypes.Structure):
    """`Query` of maxsim.c."""

    _fields_ = (
        *((name, LONG) for name in ("codec", "dim", "count", "width")),
        *((name, ADDRESS) for name in ("rows", "lanes", "high", "starts", "radii", "steps", "table", "levels")),
    )


class PagesInC(ctypes.Structure):
    """`Pages` of maxsim.c."""

    _fields_ = tuple((name, ADDRESS) for name in ("values", "scales", "words", "lengths"))


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """The functions in C for an instruction set. Instances compare by identity."""

    pack: Any
    maxima: Any
    products: Any


@dataclass(frozen=True, slots=True)
class PackedQuery:
    """Q query vectors as the kernel reads them: `in_c` holds the addresses of `arrays`."""

    in_c: QueryInC
    count: int
    arrays: Sequence[np.ndarray]


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

    def in_c(self) -> PagesInC:
        """The addresses of the four arrays."""
        return PagesInC(*(each.ctypes.data for each in (self.values, self.scales, self.words, self.lengths)))


def kernel(dim: int) -> Kernel | None:
    """The kernel for vectors of `dim` dimensions; None where numpy has to do the work (see `library.current`).

    numpy multiplies matrices faster than plain C, which is used for MaxSim only where SWITCH names it.
    """
    instructions = current()
    if instructions is None or dim % DIMENSIONS or not 0 < dim <= DIMENSIONS_MAX:
        return None
    if instructions.name == SCALAR and os.environ.get(SWITCH) != SCALAR:
        return None
    return _kernel(instructions)


@lru_cache(maxsize=8)
def _kernel(instructions: InstructionSet) -> Kernel:
    score = [ADDRESS, ADDRESS, LONG, LONG, ADDRESS]
    return Kernel(
        function("maxsim_pack", [ADDRESS], instructions),
        function("maxsim", score, instructions),
        function("maxsim_products", score, instructions),
    )


def pack(kernel: Kernel, query: F32, codec: str, centroid_products: F32 | None = None) -> PackedQuery:
    """`query` (Q, D) in the kernel's layout; for the codec residual with its products (V, Q) with all centroids.

    As integers, each number of a vector q is off by at most half a step; at 128 dimensions a step is max|q| / 32767.
    """
    count, dim = query.shape
    steps = np.ones(count, np.float32)
    rows: np.ndarray = np.ascontiguousarray(query, np.float32)
    if codec != "float16":
        code_max = INT8_MAX if codec == "int8" else 2 ** PACKED_BITS[codec] - 1
        number_max = min(QUERY_MAX, SUM_MAX // (code_max * dim))
        peak = np.abs(query).max(axis=1, initial=0)
        steps = np.where(peak > 0, peak / number_max, 1).astype(np.float32)
        rows = np.rint(query / steps[:, None]).astype(np.int16)
    width = -(-count // LANES_MAX) * LANES_MAX
    table = np.zeros((0, width), np.float32)
    if centroid_products is not None:
        table = np.zeros((len(centroid_products), width), np.float32)
        table[:, :count] = centroid_products / steps
    lanes, high = _aligned(width * dim * rows.itemsize), _aligned(width * dim)
    starts, radii = np.empty(width, np.int32), np.empty(width, np.float32)
    arrays = (rows, lanes, high, starts, radii, steps, table, LEVELS)
    in_c = QueryInC(CODECS[codec], dim, count, width, *(each.ctypes.data for each in arrays))
    kernel.pack(ctypes.addressof(in_c))
    return PackedQuery(in_c, count, arrays)


def _aligned(size: int) -> np.ndarray:
    """An array of bytes that begins with a cache line."""
    whole = np.empty(size + CACHE_LINE, np.uint8)
    return whole[-whole.ctypes.data % CACHE_LINE :][:size]


def page_table(parts: Sequence[Part]) -> PageTable:
    """Where the pages of `parts` lie."""
    arrays = [
        [None if array is None else np.ascontiguousarray(array) for array in (part.values, part.scales, part.words)]
        for part, _, _ in parts
    ]
    values, scales, words = (
        np.concatenate([addresses(own[i], begins) for own, (_, begins, _) in zip(arrays, parts, strict=True)])
        for i in range(3)
    )
    return PageTable(values, scales, words, np.concatenate([lengths for _, _, lengths in parts]), arrays)


def addresses(array: np.ndarray | None, begins: I64) -> np.ndarray:
    """The addresses (n,) uint64 of the pages that begin with the rows `begins` (n,) of an array; 0 without an array."""
    if array is None:
        return np.zeros(len(begins), np.uint64)
    base: int = array.__array_interface__["data"][0]
    return (base + begins * array.strides[0]).astype(np.uint64)


def score_block(score: Any, query: PackedQuery, pages: PageTable, rows: tuple[int, int], out: F32) -> None:
    """Fill the rows of `out` (N, Q) from `rows[0]` up to `rows[1]` by `score`, a function of a Kernel."""
    in_c = pages.in_c()
    score(ctypes.addressof(query.in_c), ctypes.addressof(in_c), *rows, out.ctypes.data)
