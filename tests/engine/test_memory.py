"""The memory of a search is bounded by what the docs say, however many pages and tokens there are."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

import toy_words
from docsearch.engine import maxsim_cache, threads
from docsearch.engine.maxsim_cache import MaxSimCache
from docsearch.engine.query import weighting
from docsearch.engine.ranking import rerank
from docsearch.engine.records import F32, I64, U8, Query, QueryExpansion, QueryVectors
from docsearch.engine.retrieval import candidates, first_stage, match_codes
from docsearch.engine.retrieval.candidates import CandidateIndex
from docsearch.engine.retrieval.inverted_index import InvertedIndex
from docsearch.engine.searcher import Searcher, open_searcher
from toy_words import ToyEncoder

BUDGET = 1 << 20
THREADS = 4
QUERIES, WORDS = 32, 60
PAGES = (1000, 4000)


@pytest.fixture(autouse=True)
def _four_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each thread holds some memory: not more of them where there are more cores."""
    with ThreadPoolExecutor(THREADS) as pool:
        monkeypatch.setattr(threads, "available", lambda: THREADS)
        monkeypatch.setattr(threads, "shared_pool", lambda: pool)
        yield


@pytest.fixture(scope="module")
def directories(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    made = [tmp_path_factory.mktemp(f"{pages} pages") / "index" for pages in PAGES]
    for directory, pages in zip(made, PAGES, strict=True):
        contents = np.random.default_rng(0).integers(0, 300, (pages, 4)).tolist()
        toy_words.write(directory, {f"{i}.pdf": contents[i : i + 100] for i in range(0, pages, 100)})
    return made


def batch() -> list[Query]:
    rng = np.random.default_rng(1)
    return [Query("", " ".join(f"w{i}" for i in rng.permutation(300)[:WORDS])) for _ in range(QUERIES)]


def peak(directory: Path, ask: Callable[[Searcher], object]) -> int:
    """The most bytes that were allocated at once while the index was asked."""
    with open_searcher(directory, encoder=ToyEncoder()) as searcher:
        list(searcher.search_many([Query("", "w1")] * 2, candidates=5))  # compiles, and opens files
        tracemalloc.start()
        try:
            ask(searcher)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


@pytest.fixture
def small_budgets(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (rerank, "MAXIMA_BYTES"), (rerank, "SCORES_BYTES"), (maxsim_cache, "BYTES_MAX"), (weighting, "COUNTED_BYTES")
    ):  # fmt: skip
        monkeypatch.setattr(module, name, BUDGET)


@pytest.mark.usefixtures("small_budgets")
def test_an_exact_batch_does_not_hold_all_pages_times_all_tokens(directories: list[Path]) -> None:
    small, large = (
        peak(directory, lambda searcher: list(searcher.search_many(batch(), exact=True))) for directory in directories
    )
    all_maxima = 4 * PAGES[1] * QUERIES * WORDS
    assert all_maxima > 25 * BUDGET
    assert large < all_maxima / 4
    # The page table, the scores of some queries, and a block of decoded vectors that the small index does not fill.
    assert large - small < 200 * (PAGES[1] - PAGES[0]) + BUDGET


@pytest.mark.usefixtures("small_budgets")
def test_counting_the_tokens_of_a_batch_does_not_hold_all_their_maxima(
    directories: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_stage, "EXACT_VECTORS", 0)
    encoded = [ToyEncoder().encode_query(query.text) for query in batch()]
    assert peak(directories[1], lambda searcher: searcher.weigh(encoded)) < 6 * BUDGET < 4 * PAGES[1] * 300 * 2


@pytest.mark.usefixtures("small_budgets")
def test_blocks_of_pages_and_groups_of_queries_do_not_change_scores(
    directories: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_searcher(directories[1], encoder=ToyEncoder(pairs=True)) as searcher:
        in_blocks = [hits for _, hits in searcher.search_many(batch(), exact=True)]
    monkeypatch.undo()
    with open_searcher(directories[1], encoder=ToyEncoder(pairs=True)) as searcher:
        assert [hits for _, hits in searcher.search_many(batch(), exact=True)] == in_blocks


class DrawnMaxima:
    """Stands in for the inverted index of very many pages: maxima that depend on the vector alone."""

    def __init__(self, pages: int) -> None:
        self._pages = pages

    def maxima(self, vectors: F32, floors: F32, *, probes: I64 | None = None, impute_missing: bool = False) -> F32:
        best = np.full((len(vectors), self._pages + 1), -np.inf, np.float32)
        for vector, row in zip(vectors, best, strict=True):
            rng = np.random.default_rng(int(vector.view(np.uint32).sum()))
            row[rng.integers(0, self._pages, 5000)] = rng.uniform(0.3, 1, 5000)
        return best[:, : self._pages].T

    def codes(self, vectors: F32, floors: F32, scales: F32, *, within: F32, probes: I64) -> list[U8]:
        return [
            np.ceil(np.clip((self.maxima(vector[None], floor)[:, 0] - floor) * scale, 0, 255)).astype(np.uint8)
            for vector, floor, scale in zip(vectors, floors, scales, strict=True)
        ]


def long_query(*, contextual: bool) -> QueryVectors:
    """60 tokens with a floor, and 30 expansion terms."""
    rng = np.random.default_rng(1)
    vectors, terms = rng.standard_normal((60, 16)).astype(np.float32), rng.standard_normal((30, 16)).astype(np.float32)
    expansion = QueryExpansion(terms, rng.integers(0, 60, 30), rng.uniform(0.3, 0.9, 30).astype(np.float32))
    floor = np.linspace(0.3, 0.4, 60, dtype=np.float32)
    return QueryVectors(
        vectors, np.full(60, 1 / 60, np.float32), np.zeros(0, np.float32), ("w",) * 60, floor,
        expansion=None if contextual else expansion, contextual=contextual,
    )  # fmt: skip


def drawn_candidates(pages: int) -> CandidateIndex:
    rows = np.arange(pages)
    return CandidateIndex(rows - rows % 10, rows, cast("InvertedIndex", DrawnMaxima(pages)), None)


@pytest.mark.parametrize("contextual", [False, True])
def test_stage_1_of_a_million_pages_holds_the_maxima_of_some_tokens_only(contextual: bool) -> None:
    pages, query = 1_000_000, long_query(contextual=contextual)
    index = drawn_candidates(pages)
    index.scores(replace(query, vectors=-query.vectors))  # compiles, and fills the cache
    tracemalloc.start()
    try:
        index.scores(query)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    vector_bytes = 4 if contextual else 1
    assert vector_bytes * pages * len(query.every) > (3 if contextual else 1) * candidates.MAXIMA_BYTES
    # A group of tokens, what the cache gains of them, and the sums of scores.
    assert peak_bytes < candidates.MAXIMA_BYTES + match_codes.CODES_BYTES + 24 * pages


@pytest.mark.parametrize("contextual", [False, True])
def test_tokens_looked_up_in_groups_give_the_bits_of_all_at_once(
    contextual: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = long_query(contextual=contextual)
    whole = drawn_candidates(2000).scores(query)
    assert np.count_nonzero(whole) > 1000
    for vectors_together in (0, 1, 7, 40):
        monkeypatch.setattr(candidates, "MAXIMA_BYTES", vectors_together * (4 if contextual else 1) * 2000)
        monkeypatch.setattr(match_codes, "CODES_BYTES", vectors_together * 2000)
        index = drawn_candidates(2000)
        for _ in range(2):  # the second time some are cached
            np.testing.assert_array_equal(index.scores(query), whole)


@pytest.mark.parametrize("pages", [100, 10_000, 1_000_000, 100_000_000])
def test_the_cache_stays_within_its_bytes_whatever_the_number_of_pages(pages: int) -> None:
    def maxima_of(vectors: F32, _: I64 | None) -> F32:
        return np.broadcast_to(np.float32(1), (pages, len(vectors)))

    cache = MaxSimCache(pages, maxima_of)
    assert 4 * pages * cache._tokens_max <= maxsim_cache.BYTES_MAX == 64 << 20
    if pages <= 10_000:
        for first in range(0, 3000, 100):
            cache.of_each(np.arange(first, first + 100, dtype=np.float32)[:, None])
        assert sum(each.nbytes for each in cache._cached.values()) <= maxsim_cache.BYTES_MAX
