"""The memory of a search is bounded by what the docs say, however many pages and tokens there are."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import toy_words
from docsearch.engine import maxsim_cache
from docsearch.engine.maxsim_cache import MaxSimCache
from docsearch.engine.query import weighting
from docsearch.engine.ranking import rerank
from docsearch.engine.records import F32, I64, Query
from docsearch.engine.retrieval import first_stage
from docsearch.engine.searcher import Searcher, open_searcher
from toy_words import ToyEncoder

BUDGET = 1 << 20
QUERIES, WORDS = 32, 60
PAGES = (1000, 4000)


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
