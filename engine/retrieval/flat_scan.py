"""The largest inner products of one vector with many stored ones, exact or guessed, scanned by FAISS on every core.

Vectors are read where they lie, as float16 or as one bit a number with two factors (IndexRaBitQ's codes). FAISS's own
indexes scan with one thread for one query, and copy what they are given.
Gao and Long, "RaBitQ: Quantizing High-Dimensional Vectors with a Theoretical Error Bound", 2024.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

import faiss
import numpy as np

from .. import threads
from ..kernels.maxsim.cpu import pool
from ..records import F16, F32, I64, U8, Candidates

swig: Any = faiss
"""FAISS without its type stubs, which leave out scanners."""
QUERY_BITS = 6
"""Of each number of a query that is multiplied with codes; 8 find no more, 4 lose 0.006 of the first 200."""
LEAST_PIECE = 4096
"""Fewer vectors than this are not worth a thread."""


class Coding(Protocol):
    """How vectors of some dimensions are stored."""

    def scanner(self, vector: F32, allowed: faiss.IDSelector | None) -> AbstractContextManager[Any]:
        """FAISS's scanner of such vectors for the query `vector` (S,), for as long as the block lasts."""


class Float16:
    """Numbers of `dim` dimensions as they are."""

    def __init__(self, dim: int) -> None:
        self._coder = swig.ScalarQuantizer(dim, swig.ScalarQuantizer.QT_fp16)

    def scanner(self, vector: F32, allowed: faiss.IDSelector | None) -> AbstractContextManager[Any]:
        found = self._coder.select_InvertedListScanner(faiss.METRIC_INNER_PRODUCT, None, False, allowed)
        return _ready(found, vector)

    def decode(self, values: F16) -> F32:
        """The same (n, S) in float32; numpy takes ten times as long."""
        decoded: F32 = self._coder.decode(np.ascontiguousarray(values).view(np.uint8))
        return decoded


class OneBit:
    """Codes of one bit a number of what a vector has more than `centre` (S,), from which inner products are guessed."""

    def __init__(self, centre: F32) -> None:
        self.centre = centre
        dim, metric = len(centre), faiss.METRIC_INNER_PRODUCT
        self._coder = swig.IndexRaBitQ(dim, metric)
        # Its mean is the centre; to write that there fails once pymupdf is loaded, whose types SWIG takes for FAISS's.
        self._coder.train(np.ascontiguousarray(centre[None], np.float32))
        self.code_bytes = int(self._coder.code_size)
        self._only_list = faiss.IndexFlatIP(dim)
        self._only_list.add(centre[None])
        self._scanned = swig.IndexIVFRaBitQ(self._only_list, dim, 1, metric)
        self._parameters = swig.IVFRaBitQSearchParameters(nprobe=1, qb=QUERY_BITS)

    def encode(self, vectors: F32) -> U8:
        """The codes of vectors (n, S), (n, code_bytes)."""
        codes: U8 = self._coder.sa_encode(vectors)
        return codes

    def scanner(self, vector: F32, allowed: faiss.IDSelector | None) -> AbstractContextManager[Any]:
        return _ready(self._scanned.get_InvertedListScanner(False, allowed, self._parameters), vector)


@contextmanager
def _ready(scanner: Any, vector: F32) -> Iterator[Any]:
    scanner.set_query(swig.swig_ptr(vector))
    scanner.set_list(0, 0.0)
    try:
        yield scanner
    finally:  # Python does not own it, and to give it the object spoils SWIG's table of types (faiss-cpu 1.15)
        swig.InvertedListScanner.__swig_destroy__(scanner)


@dataclass(frozen=True, eq=False)
class Stretch:
    """Vectors that lie together: `values` (n, S) float16 or (n, W) uint8 in their `coding`, and the row of the page of
    each, `rows` (n,) int64.
    """

    coding: Coding
    values: F16 | U8
    rows: I64


def selector(allowed: I64, pages: int) -> faiss.IDSelector:
    """What lets the rows `allowed` (n,) through, of `pages` and one behind them."""
    is_allowed = np.zeros(pages + 1, np.bool_)
    is_allowed[allowed] = True
    found: faiss.IDSelector = swig.IDSelectorBitmap(np.packbits(is_allowed, bitorder="little"))
    return found


def largest(
    vector: F32, stretches: Sequence[Stretch], count: int, allowed: faiss.IDSelector | None = None
) -> Candidates:
    """The `count` pages whose stored vectors have the largest inner products with `vector` (S,), ties by lower row;
    only those that are `allowed`.
    """
    vector = np.ascontiguousarray(vector, np.float32)

    def scan(piece: list[Stretch]) -> tuple[F32, I64]:
        scores, rows = np.full(count, -np.inf, np.float32), np.full(count, -1, np.int64)
        for coding, together in groupby(piece, lambda stretch: stretch.coding):
            with coding.scanner(vector, allowed) as scanner:
                for stretch in together:
                    arrays = stretch.values.view(np.uint8), stretch.rows, scores, rows
                    scanner.scan_codes(len(stretch.rows), *map(swig.swig_ptr, arrays), count)
        return scores, rows

    pieces = list(_pieces(stretches)) if count else []
    found = [scan(pieces[0])] if len(pieces) == 1 else list(pool().map(scan, pieces))
    scores = np.concatenate([np.zeros(0, np.float32), *(scores for scores, _ in found)])
    rows = np.concatenate([np.zeros(0, np.int64), *(rows for _, rows in found)])
    return first(scores[rows >= 0], rows[rows >= 0], count)


def first(scores: F32, rows: I64, count: int) -> Candidates:
    """The `count` of `rows` (n,) with the largest `scores` (n,), best first, ties by lower row."""
    order = np.lexsort((rows, -scores))[:count]
    return Candidates(rows[order], scores[order])


def _pieces(stretches: Sequence[Stretch]) -> Iterator[list[Stretch]]:
    """Stretches in as many pieces of about the same number of vectors as there are cores, cut where need be."""
    total = sum(len(stretch.rows) for stretch in stretches)
    size = max(LEAST_PIECE, -(-total // threads.available()))
    piece: list[Stretch] = []
    room = size
    for stretch in stretches:
        start = 0
        while start < len(stretch.rows):
            stop = min(len(stretch.rows), start + room)
            piece.append(Stretch(stretch.coding, stretch.values[start:stop], stretch.rows[start:stop]))
            room -= stop - start
            start = stop
            if not room:
                yield piece
                piece, room = [], size
    if piece:
        yield piece
