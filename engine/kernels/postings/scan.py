"""Posting lists: patches filed under their visual words in 22 bytes each, and how near a query vector comes to a page.

A patch is kept as in the codec residual: its share of the word, and a step and one bit a number of what is left. So a
query vector that knows its product with the word needs sums of its own numbers for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ...compression.residual import LEVELS, Codebook
from ...records import F32, I64, U8, U16
from ..exact import query_numbers
from ..jit.compiler import ADDRESS, FLOAT, LONG, Machine, compiled, machine

BLOCK = 32
"""Patches of a list that lie together, as `postings_code` reads them."""
HEAD_BYTES = 6
HALF_BYTE_NUMBERS = 4
SUM_MAX = 127
"""The largest sum of four numbers as a byte: two of them still fit one."""
DIMENSIONS_MAX = 2048
"""Sums of more would not fit 16 bits."""

I32 = np.ndarray[Any, np.dtype[np.int32]]


@dataclass(frozen=True, eq=False)
class Postings:
    """T patches of P pages under the V visual words of `codebook`: those of a word are the `starts[w]`-th to the
    `starts[w + 1]`-th, in `lists` (bytes,). BLOCK of them, or the last ones of a list, lie together: n pages as uint32,
    n codes of their share, n codes of their step, and for each byte of their signs n bytes; BLOCK bytes follow all.
    """

    lists: U8
    starts: I64
    codebook: Codebook

    @property
    def patch_bytes(self) -> int:
        """Bytes of a patch."""
        return patch_bytes(self.codebook.centroids.shape[1])

    def raise_pages(self, vector: F32, words: I64, products: F32, floor: float, places: I32, best: F32) -> None:
        """Raise `best[places[p]]` for each page p to its similarity with `vector` (D,), if that is above `floor`, going
        by the patches of some `words` (n,), whose `products` (n,) with the vector are known.
        """
        begins, ends = self.starts[words], self.starts[words + 1]
        run = _scan(len(vector))
        if run is None:
            asked = query_numbers(vector)
            for word, product in zip(words.tolist(), products.tolist(), strict=True):
                pages, shares, steps, signs = self.patches(word)
                similarities = shares * np.float32(product) + steps * (signs @ asked).astype(np.float32)
                near = (similarities > floor) & (pages < len(places))
                np.maximum.at(best, places[pages[near]], similarities[near])
            return
        table, step, start = half_byte_sums(vector)
        products = np.ascontiguousarray(products, np.float32)
        run(
            self.lists.ctypes.data, begins.ctypes.data, ends.ctypes.data, products.ctypes.data, len(words),
            table.ctypes.data, step, start, floor, places.ctypes.data, len(places), best.ctypes.data,
        )  # fmt: skip

    def patches(self, word: int) -> tuple[I64, F32, F32, F32]:
        """The pages of a word's patches (n,), their shares (n,), steps (n,) and signs (n, D), -1 or 1."""
        first, last = self.starts[word : word + 2].tolist()
        dim = self.codebook.centroids.shape[1]
        pages, codes, signs = [np.zeros(0, np.int64)], [np.zeros((2, 0), np.uint8)], [np.zeros((0, dim), np.uint8)]
        for begin in range(first, last, BLOCK):
            size = min(BLOCK, last - begin)
            block = self.lists[begin * self.patch_bytes :][: size * self.patch_bytes]
            head, bits = np.split(block, [HEAD_BYTES * size])
            pages.append(head[: 4 * size].copy().view("<u4").astype(np.int64))
            codes.append(head[4 * size :].reshape(2, size))
            signs.append(np.unpackbits(bits.reshape(-1, size).T, axis=1, count=dim, bitorder="little"))
        shares, steps = LEVELS[np.concatenate(codes, axis=1)]
        return np.concatenate(pages), shares, steps, np.concatenate(signs) * np.float32(2) - 1


class Filing:
    """Writes posting lists: how many patches each word has is known before the first comes."""

    def __init__(self, lists: U8, counts: I64, dim: int) -> None:
        """`counts` (V,) patches of each word, of `dim` dimensions; `lists` of `file_bytes`."""
        self._lists = lists
        self._patch_bytes = patch_bytes(dim)
        self.starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self._filed = np.zeros(len(counts), np.int64)

    def add(self, pages: I64, words: U16, signs: U8, codes: U8) -> None:
        """File patches: their `pages` (n,), `words` (n,), `signs` (n, D / 8), and `codes` (n, 2) of share and step."""
        order = np.argsort(words, kind="stable")
        pages, words, signs, codes = pages[order], words[order], signs[order], codes[order]
        new = np.bincount(words, minlength=len(self._filed))
        before = np.concatenate([[0], np.cumsum(new)[:-1]])
        number = np.arange(len(words)) - before[words] + self._filed[words]
        self._filed += new
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
    """Bytes of a filed patch."""
    return HEAD_BYTES + -(-dim // 8)


def file_bytes(patches: int, dim: int) -> int:
    """Bytes of the lists of so many patches."""
    return patches * patch_bytes(dim) + BLOCK


def half_byte_sums(vector: F32) -> tuple[U8, float, float]:
    """The sums of four numbers each of `vector` (D,), added or taken away as the bits of 0 to 15 say, as bytes
    (D / 4, 16); the step between bytes, and what all zeros together stand for.
    """
    groups = vector.reshape(-1, HALF_BYTE_NUMBERS)
    sums = groups @ _HALF_BYTES.T
    reach = float(np.abs(groups).sum(axis=1).max(initial=0)) or 1.0
    step = 2 * reach / SUM_MAX
    return np.rint((sums + reach) / step).astype(np.uint8), step, -reach * len(groups)


_HALF_BYTES: F32 = (
    np.unpackbits(np.arange(16, dtype=np.uint8)[:, None], axis=1, bitorder="little", count=4) * np.float32(2) - 1
)
"""The signs that the bits of 0 to 15 stand for, (16, 4)."""


def _scan(dim: int) -> Any | None:
    """The compiled function; None where numpy has to do."""
    here = machine()
    return None if here is None or dim % 8 or not 0 < dim <= DIMENSIONS_MAX else _compiled(dim, here)


@lru_cache(maxsize=8)
def _compiled(dim: int, target: Machine) -> Any:
    from . import llvm_ir

    arguments = [*[ADDRESS] * 4, LONG, ADDRESS, *[FLOAT] * 3, ADDRESS, LONG, ADDRESS]
    return compiled(llvm_ir.module(dim), llvm_ir.NAME, arguments, target)
