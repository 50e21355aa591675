"""Posting lists: patches under their visual words, in 22 bytes each at 128 dimensions, and the scan that scores them.

A patch is stored as in the codec residual: a coefficient of its centroid, and a step and one sign bit per dimension for
the residual. A scan knows the query vector's products with the centroids, so for each patch it only adds up numbers of
the query by the patch's signs: four signs select one of 16 precomputed sums.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ...compression.residual import LEVELS, Codebook
from ...records import F32, I64, U8, U16
from ..exact_products import round_query
from ..native.library import ADDRESS, FLOAT, INSTRUCTION_SETS, LONG, InstructionSet, current, function

BLOCK = 32
"""Patches of a list that are stored and scored together."""
HEAD_BYTES = 6
"""Bytes of a patch before its signs: its page in 4, and a code each for its coefficient and its step."""
GROUP = 4
"""Query numbers, one per dimension, whose signed sums are looked up together: half a byte of signs."""
SUM_MAX = 127
"""The largest entry of the lookup table: two of them still fit a byte."""
READ_BYTES = 1 << 18
"""Bytes of a list that are read from a file at a time."""
CODE_MAX = 255
"""The largest code of a similarity in a byte."""
DIMENSIONS_MAX = 2048
"""Sums over more dimensions would not fit 16 bits."""

I32 = np.ndarray[Any, np.dtype[np.int32]]


class SourceInC(ctypes.Structure):
    """`Source` of postings.c."""

    _fields_ = (
        ("lists", ADDRESS),
        *((name, LONG) for name in ("descriptor", "offset")),
        ("buffer", ADDRESS),
        ("buffer_bytes", LONG),
    )


@dataclass(frozen=True, eq=False)
class Postings:
    """T patches of P pages in posting lists, one for each of the V visual words of `codebook`.

    The list of word w has the patches from `starts[w]` up to `starts[w + 1]`, `starts` (V + 1,). In `lists` (bytes,)
    uint8 a list is a sequence of blocks of n = BLOCK patches, fewer in the last one. A block holds n pages as uint32, n
    codes of coefficients, n codes of steps, and for each byte of a patch's signs n bytes. BLOCK bytes follow the last
    list, so that a whole block can be read anywhere.

    With an open file `descriptor`, of which `lists` is a map from byte `offset` on, the file is read: what a map brings
    in counts as this process's memory, and mapping it takes longer than copying it.
    """

    lists: U8
    starts: I64
    codebook: Codebook
    descriptor: int = -1
    offset: int = 0

    @property
    def patch_bytes(self) -> int:
        """Bytes of a patch."""
        return patch_bytes(self.codebook.centroids.shape[1])

    def update_maxima(self, vector: F32, words: I64, products: F32, floor: float, page_rows: I32, best: F32) -> None:
        """`reference.update_maxima`: raise `best[page_rows[p]]` to the similarity of `vector` (D,) with each patch of
        p.

        `words` (n,) are the lists to scan, `products` (n,) the vector's products with their centroids. Only
        similarities above `floor` count. Compiled code is off by the rounding of the lookup table, and by 0.2 % in a
        patch's numbers.
        """
        run = _compiled_scan(len(vector), "scan")
        if run is None:
            for pages, similarities in self._similarities(vector, words, products):
                counted = (similarities > floor) & (pages < len(page_rows))
                np.maximum.at(best, page_rows[pages[counted]], similarities[counted])
            return
        self._run(run, vector, words, products, [floor, page_rows.ctypes.data, len(page_rows), best.ctypes.data])

    def update_codes(self, vector: F32, words: I64, products: F32, floor: float, scale: float, codes: U8) -> None:
        """Raise `codes[p]` (P,) to the similarity of `vector` (D,) with each patch of page p, in steps above `floor`.

        There are `scale` steps to a unit; those begun count, CODE_MAX at most. Else as `update_maxima`.
        """
        run = _compiled_scan(len(vector), "codes")
        if run is None:
            for pages, similarities in self._similarities(vector, words, products):
                counted = (similarities > floor) & (pages < len(codes))
                steps = (similarities[counted] - np.float32(floor)) * np.float32(scale)
                np.maximum.at(codes, pages[counted], np.ceil(np.minimum(steps, CODE_MAX)).astype(np.uint8))
            return
        self._run(run, vector, words, products, [floor, scale, len(codes), codes.ctypes.data])

    def _run(self, run: Any, vector: F32, words: I64, products: F32, results: Sequence[float]) -> None:
        """Call a compiled function; `results` are its arguments after the vector. Raises OSError."""
        begins, ends = self.starts[words], self.starts[words + 1]
        table, step, offset = lookup_table(vector)
        products = np.ascontiguousarray(products, np.float32)
        buffer, is_read = _buffer(self.patch_bytes), np.ones(1, np.int64)
        source = SourceInC(self.lists.ctypes.data, self.descriptor, self.offset, buffer.ctypes.data, len(buffer))
        run(
            ctypes.addressof(source), begins.ctypes.data, ends.ctypes.data, products.ctypes.data, len(words),
            table.ctypes.data, len(vector) // 8, step, offset, *results, is_read.ctypes.data,
        )  # fmt: skip
        if not is_read[0]:
            raise OSError("posting lists could not be read")

    def _similarities(self, vector: F32, words: I64, products: F32) -> Iterator[tuple[I64, F32]]:
        """The page (n,) of each patch in the lists `words`, and its similarity (n,), list by list, in numpy."""
        rounded = round_query(vector)
        for word, product in zip(words.tolist(), products.tolist(), strict=True):
            pages, coefficients, steps, signs = self.decode(word)
            yield pages, coefficients * np.float32(product) + steps * (signs @ rounded).astype(np.float32)

    def decode(self, word: int) -> tuple[I64, F32, F32, F32]:
        """Pages (n,), coefficients (n,), steps (n,) and signs (n, D), -1 or 1, of the patches of one visual word."""
        first, last = self.starts[word : word + 2].tolist()
        dim = self.codebook.centroids.shape[1]
        pages, codes, signs = [np.zeros(0, np.int64)], [np.zeros((2, 0), np.uint8)], [np.zeros((0, dim), np.uint8)]
        stored = self._stored(first, last)
        for begin in range(0, last - first, BLOCK):
            size = min(BLOCK, last - first - begin)
            block = stored[begin * self.patch_bytes :][: size * self.patch_bytes]
            head, bits = np.split(block, [HEAD_BYTES * size])
            pages.append(head[: 4 * size].copy().view("<u4").astype(np.int64))
            codes.append(head[4 * size :].reshape(2, size))
            signs.append(np.unpackbits(bits.reshape(-1, size).T, axis=1, count=dim, bitorder="little"))
        coefficients, steps = LEVELS[np.concatenate(codes, axis=1)]
        return np.concatenate(pages), coefficients, steps, np.concatenate(signs) * np.float32(2) - 1

    def _stored(self, first: int, last: int) -> U8:
        """The bytes of the patches from `first` up to `last`."""
        begin, end = first * self.patch_bytes, last * self.patch_bytes
        if sys.platform != "win32" and self.descriptor >= 0:
            return np.frombuffer(os.pread(self.descriptor, end - begin, self.offset + begin), np.uint8)
        return self.lists[begin:end]


class PostingsBuilder:
    """Writes posting lists from patches in any order; only the length of each list must be known beforehand."""

    def __init__(self, lists: U8, counts: I64, dim: int) -> None:
        """`counts` (V,) patches of each visual word, of `dim` dimensions; `lists` has `lists_bytes`."""
        self._lists = lists
        self._patch_bytes = patch_bytes(dim)
        self.starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self._written = np.zeros(len(counts), np.int64)

    def add(self, pages: I64, words: U16, signs: U8, codes: U8) -> None:
        """Append patches to their lists.

        `pages` (n,), `words` (n,), packed `signs` (n, D / 8), and `codes` (n, 2) of coefficients and steps.
        """
        order = np.argsort(words, kind="stable")
        pages, words, signs, codes = pages[order], words[order], signs[order], codes[order]
        new = np.bincount(words, minlength=len(self._written))
        before = np.concatenate([[0], np.cumsum(new)[:-1]])
        number = np.arange(len(words)) - before[words] + self._written[words]
        self._written += new
        length = np.diff(self.starts)[words]
        within = number % BLOCK
        first = number - within
        size = np.minimum(BLOCK, length - first)
        block = (self.starts[words] + first) * self._patch_bytes
        as_bytes = pages.astype("<u4").view(np.uint8).reshape(-1, 4)
        for i in range(4):
            self._lists[block + 4 * within + i] = as_bytes[:, i]
        for i, column in enumerate(np.concatenate([codes, signs], axis=1).T):
            self._lists[block + (4 + i) * size + within] = column


def patch_bytes(dim: int) -> int:
    """Bytes of a patch of `dim` dimensions in a posting list."""
    return HEAD_BYTES + -(-dim // 8)


def lists_bytes(patches: int, dim: int) -> int:
    """Bytes of the posting lists of this many patches."""
    return patches * patch_bytes(dim) + BLOCK


def lookup_table(vector: F32) -> tuple[U8, float, float]:
    """The signed sums of each GROUP of numbers of `vector` (D,): a table (D / 4, 16) uint8, its step and its offset.

    Entry b of a group is the sum of its numbers, each added where its bit of b is set and subtracted where it is not. A
    sum of entries, one of each group, stands for that many steps above the offset.
    """
    groups = vector.reshape(-1, GROUP)
    sums = groups @ _GROUP_SIGNS.T
    reach = float(np.abs(groups).sum(axis=1).max(initial=0)) or 1.0
    step = 2 * reach / SUM_MAX
    return np.rint((sums + reach) / step).astype(np.uint8), step, -reach * len(groups)


_GROUP_SIGNS: F32 = (
    np.unpackbits(np.arange(16, dtype=np.uint8)[:, None], axis=1, bitorder="little", count=4) * np.float32(2) - 1
)
"""The signs that the bits of 0 to 15 stand for, (16, 4)."""


def _compiled_scan(dim: int, name: str) -> Any | None:
    """The compiled function of a name in `_ARGUMENTS`; None where numpy has to do the work."""
    instructions = current()
    return None if instructions is None or dim % 8 or not 0 < dim <= DIMENSIONS_MAX else _function(name, instructions)


_ARGUMENTS = {
    "scan": [*[ADDRESS] * 4, LONG, ADDRESS, LONG, *[FLOAT] * 3, ADDRESS, LONG, ADDRESS, ADDRESS],
    "codes": [*[ADDRESS] * 4, LONG, ADDRESS, LONG, *[FLOAT] * 4, LONG, ADDRESS, ADDRESS],
}
_local = threading.local()


def _buffer(patch_bytes: int) -> U8:
    """Memory that this thread reads parts of lists into, and uses again: it stays in the core's cache."""
    size = max(READ_BYTES, BLOCK * patch_bytes + BLOCK)
    found: U8 | None = getattr(_local, "buffer", None)
    if found is None or len(found) < size:
        found = _local.buffer = np.zeros(size, np.uint8)
    return found


@lru_cache(maxsize=2 * len(INSTRUCTION_SETS))
def _function(name: str, instructions: InstructionSet) -> Any:
    return function(f"postings_{name}", _ARGUMENTS[name], instructions)
