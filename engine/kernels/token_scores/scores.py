"""`scoring.score_tokens` for very many pages: compiled C, or numpy where it could not be compiled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from ... import threads
from ...records import F32, I64, U8, QueryVectors
from ...scoring import FIRST_PAGE_WEIGHT, match
from ..native.library import ADDRESS, FLOAT, INSTRUCTION_SETS, LONG, InstructionSet, current, function

BLOCK_PAGES = 32_768
"""Pages that one thread scores at a time."""
MIN_PAGES = 16
"""Fewest pages that the compiled function scores: as many as its largest register holds numbers."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Scores of N pages by the tokens that were added so far.

    `totals` (N,) float32 are the sums of weighted matches, `best` (N,) float32 each page's largest match of its own,
    without its document's first page: a page that has none scores 0.
    """

    totals: F32
    best: F32

    @staticmethod
    def of_none(pages: int) -> Sums:
        """Before the first token."""
        return Sums(np.zeros(pages, np.float32), np.zeros(pages, np.float32))

    @property
    def scores(self) -> F32:
        """The scores (N,)."""
        return np.where(self.best > 0, self.totals, np.float32(0))


def token_scores(maxima: Sequence[F32], first_pages: I64, query: QueryVectors) -> F32:
    """The scores (N,) float32 of N pages by tokens alone, as `scoring.score_tokens` defines them.

    `maxima` holds an array (N,) for each of `query.every`; `first_pages` (N,) is the row of the first page of each
    page's document.
    """
    return add_tokens(Sums.of_none(len(first_pages)), maxima, first_pages, query).scores


def add_tokens(before: Sums, maxima: Sequence[F32], first_pages: I64, query: QueryVectors) -> Sums:
    """The sums with the tokens of `query`, a part of a query whose other tokens come before or after.

    Parts give the bits that the whole query would. For the rest as `token_scores`.
    """
    instructions = current()
    if instructions is None or len(first_pages) < MIN_PAGES:
        return _add_in_numpy(before, maxima, first_pages, query)
    columns = [np.ascontiguousarray(each, np.float32) for each in maxima]
    floors = query.every_floor
    slopes = (1 / (query.every_ceiling - floors)).astype(np.float32)
    return _add_compiled(_compiled_scores(instructions), before, columns, [floors, slopes], first_pages, query)


def add_codes(before: Sums, codes: Sequence[U8], units: F32, first_pages: I64, query: QueryVectors) -> Sums:
    """As `add_tokens`, for matches in a byte each: `codes` holds an array (N,) for each of `query.every`.

    A code times its number of `units` (Q + A,), at most 1, is a match.
    """
    instructions = current()
    if instructions is None or len(first_pages) < MIN_PAGES:
        tokens, terms = len(query.vectors), query.expansion
        as_they_are = replace(
            query,
            floor=np.zeros(tokens, np.float32),
            ceiling=np.ones(tokens, np.float32),
            expansion=None if terms is None else replace(terms, floor=np.zeros(len(terms.tokens), np.float32)),
        )
        return _add_in_numpy(before, codes, first_pages, as_they_are, units)
    columns = [np.ascontiguousarray(each, np.uint8) for each in codes]
    return _add_compiled(_compiled_code_scores(instructions), before, columns, [units], first_pages, query)


def _add_compiled(
    run: Any, before: Sums, columns: Sequence[np.ndarray], numbers: Sequence[F32], first_pages: I64, query: QueryVectors
) -> Sums:
    """Add tokens by a compiled function, from `columns` (N,) for each of `query.every`.

    `numbers` (Q + A,) are what it takes for each of them after the weights (Q,).
    """
    table = np.array([each.ctypes.data for each in columns], np.uint64)
    after = Sums(np.empty_like(before.totals), np.empty_like(before.best))
    tokens, pages = len(query.vectors), len(first_pages)
    rows, term_weights = np.zeros(0, np.int64), np.zeros(0, np.float32)
    begins = np.zeros(tokens + 1, np.int64)
    if query.expansion is not None:
        order = np.argsort(query.expansion.tokens, kind="stable")
        rows, term_weights = tokens + order, query.expansion.weights[order].astype(np.float32)
        begins[1:] = np.cumsum(np.bincount(query.expansion.tokens, minlength=tokens))
    of_tokens = [np.ascontiguousarray(each, np.float32) for each in (query.weights, *numbers)]
    firsts = np.ascontiguousarray(first_pages, np.int64)
    arrays: list[np.ndarray] = [*of_tokens, begins, rows, term_weights, firsts]
    sums: list[np.ndarray] = [before.totals, before.best, after.totals, after.best]
    first_page_weight = 0.0 if query.contextual else FIRST_PAGE_WEIGHT

    def score_block(first: int) -> None:
        last = min(first + BLOCK_PAGES, pages)
        first = max(0, min(first, last - MIN_PAGES))
        pointers, results = ([each.ctypes.data for each in group] for group in (arrays, sums))
        run(table.ctypes.data, tokens, *pointers, first_page_weight, first, last, *results)

    list(threads.shared_pool().map(score_block, range(0, pages, BLOCK_PAGES)))
    return after


def _add_in_numpy(
    before: Sums, columns: Sequence[F32 | U8], first_pages: I64, query: QueryVectors, units: F32 | None = None
) -> Sums:
    """`add_tokens` or, with `units`, `add_codes`, BLOCK_PAGES at a time, which bounds what is allocated."""

    def maxima(count: int, pages: slice | I64) -> F32:
        found: F32 = np.stack([np.asarray(column[pages], np.float32) for column in columns[:count]], axis=1)
        return found if units is None else np.minimum(found * units[:count], np.float32(1)).astype(np.float32)

    totals, best = before.totals.copy(), before.best.copy()
    own_tokens = replace(query, expansion=None)
    for first in range(0, len(first_pages), BLOCK_PAGES):
        block = slice(first, first + BLOCK_PAGES)
        own = match(maxima(len(columns), block), query)
        matches = own
        if not query.contextual:
            rows = first_pages[block]
            on_first_page = match(maxima(len(query.vectors), rows), own_tokens)
            matches = np.maximum(own, np.float32(FIRST_PAGE_WEIGHT) * on_first_page)
        for token, weight in enumerate(query.weights):  # in the order of `scoring.weighted_sum`
            totals[block] += matches[:, token] * weight
        best[block] = np.maximum(best[block], own.max(axis=1, initial=0))
    return Sums(totals, best)


@lru_cache(maxsize=len(INSTRUCTION_SETS))
def _compiled_scores(instructions: InstructionSet) -> Any:
    """The compiled function, which scores at least MIN_PAGES pages."""
    arguments = [ADDRESS, LONG, *[ADDRESS] * 7, FLOAT, LONG, LONG, *[ADDRESS] * 4]
    return function("token_scores", arguments, instructions)


@lru_cache(maxsize=len(INSTRUCTION_SETS))
def _compiled_code_scores(instructions: InstructionSet) -> Any:
    """The same for matches in a byte each."""
    arguments = [ADDRESS, LONG, *[ADDRESS] * 6, FLOAT, LONG, LONG, *[ADDRESS] * 4]
    return function("code_scores", arguments, instructions)
