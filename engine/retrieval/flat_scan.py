"""Maximum inner product search over stored vectors: a flat scan by FAISS's scanners, on every core.

Vectors are read in place, as float16 or as RaBitQ codes of one bit per dimension. FAISS's own indexes would copy them,
and scan with a single thread for a single query. Gao and Long, "RaBitQ: Quantizing high-dimensional vectors with a
theoretical error bound", 2024.
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
from ..records import F16, F32, I64, U8, Candidates

swig: Any = faiss
"""FAISS without its type stubs, which leave out scanners."""
threads.keep_to_one_openmp_thread(swig.omp_set_num_threads)
QUERY_BITS = 6
"""Bits of each query number that is multiplied with codes; 8 find no more, 4 lose 0.006 of the first 200."""
MIN_PIECE_VECTORS = 4096
"""Fewer vectors than this are not worth a thread."""


TIES_GROWTH = 8
"""How many times as many vectors are looked at when equal ones do not all fit among those wanted."""


class Coding(Protocol):
    """A representation of stored vectors of one dimension."""

    def scanner(self, vector: F32, allowed: faiss.IDSelector | None) -> AbstractContextManager[Any]:
        """FAISS's scanner of such vectors for the query `vector` (S,), valid inside a `with` block."""


class Float16:
    """Vectors of `dim` dimensions in float16: exact inner products."""

    def __init__(self, dim: int) -> None:
        self._quantizer = swig.ScalarQuantizer(dim, swig.ScalarQuantizer.QT_fp16)

    def scanner(self, vector: F32, allowed: faiss.IDSelector | None) -> AbstractContextManager[Any]:
        found = self._quantizer.select_InvertedListScanner(faiss.METRIC_INNER_PRODUCT, None, False, allowed)
        return _prepared(found, vector)

    def decode(self, values: F16) -> F32:
        """Vectors (n, S) in float32; numpy takes ten times as long."""
        decoded: F32 = self._quantizer.decode(np.ascontiguousarray(values).view(np.uint8))
        return decoded


class RaBitQ:
    """RaBitQ codes, one bit per dimension and two factors, of vectors less their `centre` (S,): estimated products."""

    def __init__(self, centre: F32) -> None:
        self.centre = centre
        dim, metric = len(centre), faiss.METRIC_INNER_PRODUCT
        self._encoder = swig.IndexRaBitQ(dim, metric)
        # Trained on the centre alone, whose mean it is. Assigning it fails once pymupdf is loaded: both are made with
        # SWIG, which takes pymupdf's types for FAISS's.
        self._encoder.train(np.ascontiguousarray(centre[None], np.float32))
        self.code_bytes = int(self._encoder.code_size)
        self._only_list = faiss.IndexFlatIP(dim)
        self._only_list.add(centre[None])
        self._scanned = swig.IndexIVFRaBitQ(self._only_list, dim, 1, metric)
        self._parameters = swig.IVFRaBitQSearchParameters(nprobe=1, qb=QUERY_BITS)

    def encode(self, vectors: F32) -> U8:
        """The codes (n, code_bytes) of vectors (n, S)."""
        codes: U8 = self._encoder.sa_encode(vectors)
        return codes

    def scanner(self, vector: F32, allowed: faiss.IDSelector | None) -> AbstractContextManager[Any]:
        return _prepared(self._scanned.get_InvertedListScanner(False, allowed, self._parameters), vector)


@contextmanager
def _prepared(scanner: Any, vector: F32) -> Iterator[Any]:
    scanner.set_query(swig.swig_ptr(vector))
    scanner.set_list(0, 0.0)
    try:
        yield scanner
    finally:  # Python does not own the scanner, and making it the owner breaks SWIG's table of types (faiss-cpu 1.15)
        swig.InvertedListScanner.__swig_destroy__(scanner)


@dataclass(frozen=True, eq=False)
class VectorBlock:
    """Vectors that are contiguous in memory.

    `values` (n, S) float16 or (n, W) uint8 in their `coding`; `rows` (n,) int64, the row of each one's page.
    """

    coding: Coding
    values: F16 | U8
    rows: I64


def row_selector(allowed: I64, pages: int) -> faiss.IDSelector:
    """A FAISS selector of the rows `allowed` (n,) of `pages` pages; it never selects the row one past the last."""
    is_allowed = np.zeros(pages + 1, np.bool_)
    is_allowed[allowed] = True
    found: faiss.IDSelector = swig.IDSelectorBitmap(np.packbits(is_allowed, bitorder="little"))
    return found


def search(
    vector: F32,
    blocks: Sequence[VectorBlock],
    count: int,
    page_order: I64,
    allowed: faiss.IDSelector | None = None,
) -> Candidates:
    """The `count` pages whose stored vectors have the largest inner products with `vector` (S,).

    Ties go by `page_order` (N,), the place of each row. Only rows that are `allowed`; None allows all.
    """
    wanted, stored = count, sum(len(block.rows) for block in blocks)
    while True:
        scores, rows = _largest(vector, blocks, wanted + 1 if count else 0, allowed)
        found = best_rows(scores, rows, count, page_order)
        # FAISS keeps any of those with the lowest score. Where that is the last one wanted, more are needed to choose.
        if len(rows) <= wanted or wanted >= stored or found.scores[-1] > np.partition(scores, -wanted - 1)[-wanted - 1]:
            return found
        wanted *= TIES_GROWTH


def _largest(
    vector: F32, blocks: Sequence[VectorBlock], count: int, allowed: faiss.IDSelector | None
) -> tuple[F32, I64]:
    """At least the `count` largest inner products of stored vectors with `vector` (S,), with their rows, unordered."""
    vector = np.ascontiguousarray(vector, np.float32)

    def scan(piece: list[VectorBlock]) -> tuple[F32, I64]:
        scores, rows = np.full(count, -np.inf, np.float32), np.full(count, -1, np.int64)
        for coding, together in groupby(piece, lambda block: block.coding):
            with coding.scanner(vector, allowed) as scanner:
                for block in together:
                    arrays = block.values.view(np.uint8), block.rows, scores, rows
                    scanner.scan_codes(len(block.rows), *map(swig.swig_ptr, arrays), count)
        return scores, rows

    pieces = list(_pieces(blocks)) if count else []
    found = [scan(pieces[0])] if len(pieces) == 1 else list(threads.shared_pool().map(scan, pieces))
    scores = np.concatenate([np.zeros(0, np.float32), *(scores for scores, _ in found)])
    rows = np.concatenate([np.zeros(0, np.int64), *(rows for _, rows in found)])
    return scores[rows >= 0], rows[rows >= 0]


def best_rows(scores: F32, rows: I64, count: int, page_order: I64) -> Candidates:
    """The `count` of `rows` (n,) with the largest `scores` (n,), best first, ties by `page_order` (N,)."""
    order = np.lexsort((page_order[rows], -scores))[:count]
    return Candidates(rows[order], scores[order])


def _pieces(blocks: Sequence[VectorBlock]) -> Iterator[list[VectorBlock]]:
    """The blocks in as many pieces as there are cores, of about equal numbers of vectors; blocks are cut if needed."""
    total = sum(len(block.rows) for block in blocks)
    size = max(MIN_PIECE_VECTORS, -(-total // threads.available()))
    piece: list[VectorBlock] = []
    room = size
    for block in blocks:
        start = 0
        while start < len(block.rows):
            stop = min(len(block.rows), start + room)
            piece.append(VectorBlock(block.coding, block.values[start:stop], block.rows[start:stop]))
            room -= stop - start
            start = stop
            if not room:
                yield piece
                piece, room = [], size
    if piece:
        yield piece
