"""`scoring.score_tokens` for very many pages: compiled where the CPU allows it, numpy elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ... import threads
from ...records import F32, I64, QueryVectors
from ...scoring import FIRST_PAGE_WEIGHT, score_tokens
from ..jit.compiler import ADDRESS, FLOAT, LONG, Target, compile_function, current_target

BLOCK_PAGES = 32_768
"""Pages that one thread scores at a time."""


def token_scores(maxima: Sequence[F32], first_pages: I64, query: QueryVectors) -> F32:
    """The scores (N,) float32 of N pages by tokens alone, as `scoring.score_tokens` defines them.

    `maxima` holds an array (N,) for each of `query.every`; `first_pages` (N,) is the row of the first page of each
    page's document.
    """
    columns = [np.ascontiguousarray(each, np.float32) for each in maxima]
    table = np.array([each.ctypes.data for each in columns], np.uint64)
    target = current_target()
    out = np.zeros(len(first_pages), np.float32)
    if target is None or len(out) < target.lanes:
        stacked = np.stack(maxima, axis=1)
        return score_tokens(stacked, stacked[first_pages], query)[1]
    run, lanes = _compiled_scores(target), target.lanes
    tokens = len(query.vectors)
    rows, term_weights = np.zeros(0, np.int64), np.zeros(0, np.float32)
    begins = np.zeros(tokens + 1, np.int64)
    if query.expansion is not None:
        order = np.argsort(query.expansion.tokens, kind="stable")
        rows, term_weights = tokens + order, query.expansion.weights[order].astype(np.float32)
        begins[1:] = np.cumsum(np.bincount(query.expansion.tokens, minlength=tokens))
    weights, floors = query.weights.astype(np.float32), query.floors
    slopes = (1 / (query.ceilings - floors)).astype(np.float32)
    firsts = np.ascontiguousarray(first_pages, np.int64)
    arrays: list[np.ndarray] = [weights, floors, slopes, begins, rows, term_weights, firsts]
    first_page_weight = 0.0 if query.contextual else FIRST_PAGE_WEIGHT

    def score_block(first: int) -> None:
        last = min(first + BLOCK_PAGES, len(out))
        first = max(0, min(first, last - lanes))
        pointers = [each.ctypes.data for each in arrays]
        run(table.ctypes.data, tokens, *pointers, first_page_weight, first, last, out.ctypes.data)

    list(threads.shared_pool().map(score_block, range(0, len(out), BLOCK_PAGES)))
    return out


@lru_cache(maxsize=2)
def _compiled_scores(target: Target) -> Any:
    """The compiled function, which scores at least as many pages as the target has lanes."""
    from . import llvm_ir

    arguments = [ADDRESS, LONG, *[ADDRESS] * 7, FLOAT, LONG, LONG, ADDRESS]
    return compile_function(llvm_ir.module(target.lanes), llvm_ir.NAME, arguments, target)
