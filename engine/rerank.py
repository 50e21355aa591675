"""Stage 2: the exact weighted MaxSim of pages, read block by block from the index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .kernels import maxsim
from .records import F32, I64, QueryVectors, Ranking
from .store import Snapshot


def rank(snapshot: Snapshot, queries: Sequence[QueryVectors], *, rows: I64 | None, k: int) -> list[Ranking]:
    """The best `k` pages of each query among `rows`, or among all; every page's score is exact.

    The vectors are read once for all queries. Pages that match nothing (score 0) are not ranked.
    """
    asked = np.arange(len(snapshot)) if rows is None else np.unique(rows)
    scores = np.empty((len(queries), len(asked)), np.float32)
    done = 0
    for block_rows, maxima in token_maxima(snapshot, queries, rows):
        at = slice(done, done + len(block_rows))
        start = 0
        for i, query in enumerate(queries):
            own = maxima[:, start : start + len(query.vectors)]
            scores[i, at] = maxsim.score(own, query.weights, floor=query.floor, ceiling=query.ceiling)
            start += len(query.vectors)
        done += len(block_rows)
    return [best(asked, row, k) for row in scores]


def token_maxima(snapshot: Snapshot, queries: Sequence[QueryVectors], rows: I64 | None) -> list[tuple[I64, F32]]:
    """For each block of pages its rows (n,) and its token maxima (n, ΣQ), the queries' vectors side by side."""
    stacked = np.concatenate([query.vectors for query in queries])
    return [
        (block.rows, maxsim.token_maxima(stacked, block.coded, block.offsets)) for block in snapshot.blocks(rows=rows)
    ]


def best(rows: I64, scores: F32, k: int) -> Ranking:
    """The `k` best of `rows` (n,) by `scores` (n,), ties by lower row, pages without any match left out."""
    if len(rows) > 4 * k > 0:
        # Everything that can reach the first k, ties at the border included.
        border = np.partition(scores, len(scores) - k)[len(scores) - k]
        reach = scores >= border
        rows, scores = rows[reach], scores[reach]
    order = np.lexsort((rows, -scores))[:k]
    order = order[scores[order] > 0]
    return Ranking(rows[order], scores[order])
