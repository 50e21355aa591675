"""Maxima of words with pages in, scores of the pages out: as `rerank.of_words` has it, for very many pages at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ...records import F32, I64, QueryVectors
from ..jit.compiler import ADDRESS, FLOAT, LONG, Machine, compiled, machine
from ..maxsim import match, score
from ..maxsim.cpu import pool

PAGES_AT_ONCE = 32_768
"""Pages that one thread scores at a time."""


def word_scores(maxima: Sequence[F32], first_pages: I64, query: QueryVectors, title_share: float) -> F32:
    """The scores (N,) of pages by words alone, from the `maxima` (N,) of each of `query.every`: weighted MaxSim where a
    word counts by its own match, or by `title_share` of that on the first page of the document, `first_pages` (N,). A
    page without a match of its own scores 0.
    """
    rows = [np.ascontiguousarray(each, np.float32) for each in maxima]
    table = np.array([each.ctypes.data for each in rows], np.uint64)
    here = machine()
    out = np.zeros(len(first_pages), np.float32)
    if here is None or len(out) < here.lanes:
        return with_numpy(np.stack(maxima, axis=1), first_pages, query, title_share)
    run, lanes = _function(here), here.lanes
    words = len(query.vectors)
    own, shares, begins = np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(words + 1, np.int64)
    if query.others is not None:
        order = np.argsort(query.others.words, kind="stable")
        own, shares = words + order, query.others.shares[order].astype(np.float32)
        begins[1:] = np.cumsum(np.bincount(query.others.words, minlength=words))
    weights, floors = query.weights.astype(np.float32), query.floors
    slopes = (1 / (query.ceilings - floors)).astype(np.float32)
    titles = np.ascontiguousarray(first_pages, np.int64)
    arrays: list[np.ndarray] = [weights, floors, slopes, begins, own, shares, titles]

    def some(first: int) -> None:
        last = min(first + PAGES_AT_ONCE, len(out))
        first = max(0, min(first, last - lanes))
        pointers = [each.ctypes.data for each in arrays]
        run(table.ctypes.data, words, *pointers, title_share, first, last, out.ctypes.data)

    list(pool().map(some, range(0, len(out), PAGES_AT_ONCE)))
    return out


def with_numpy(maxima: F32, first_pages: I64, query: QueryVectors, title_share: float) -> F32:
    """The same by numpy, from `maxima` (N, Q + A): the law."""
    own = match(maxima, query)
    lent = np.zeros_like(own)
    if title_share:
        vectors = len(query.vectors)
        rising = (maxima[:, :vectors] - query.floors) / (query.ceilings - query.floors)
        lent = np.float32(title_share) * np.clip(rising, 0, 1)[first_pages]
    counted = np.where((own > 0).any(axis=1, keepdims=True), np.maximum(own, lent), 0)
    return score(counted, query.weights)


@lru_cache(maxsize=2)
def _function(target: Machine) -> Any:
    """The compiled function, which needs as many pages as the target has lanes."""
    from . import llvm_ir

    arguments = [ADDRESS, LONG, *[ADDRESS] * 7, FLOAT, LONG, LONG, ADDRESS]
    return compiled(llvm_ir.module(target.lanes), llvm_ir.NAME, arguments, target)
