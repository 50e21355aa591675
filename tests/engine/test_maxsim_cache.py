"""The MaxSim cache: gives what MaxSim gives, and computes no cached token again."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import toy_words
from docsearch.engine import page_maxima
from docsearch.engine.maxsim_cache import MaxSimCache
from docsearch.engine.records import F32, I64
from docsearch.engine.searcher import open_searcher
from docsearch.engine.store import Snapshot, open_snapshot
from toy_words import ToyEncoder

pytestmark = pytest.mark.usefixtures("instructions")

PAGES = {f"{i}.pdf": [[3 * i + j for j in range(20)], [], [7, 2 * i, 9]] for i in range(8)}
COUNT = 24
SOME = np.array([1, 5, 22])


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    toy_words.write(tmp_path / "index", PAGES)
    return tmp_path / "index"


@pytest.fixture
def snapshot(directory: Path) -> Iterator[Snapshot]:
    with open_snapshot(directory) as opened:
        yield opened


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """For each call of MaxSim, the number of vectors and of pages."""
    calls: list[tuple[int, int]] = []
    compute, compute_known = page_maxima.token_maxima, page_maxima.KnownPages.maxima

    def counted(pages: page_maxima.Pages, vectors: F32, rows: I64 | None) -> F32:
        found = compute(pages, vectors, rows)
        calls.append((len(vectors), len(found)))
        return found

    def counted_known(pages: page_maxima.KnownPages, vectors: F32) -> F32:
        found = compute_known(pages, vectors)
        calls.append((len(vectors), len(found)))
        return found

    monkeypatch.setattr(page_maxima, "token_maxima", counted)
    monkeypatch.setattr(page_maxima.KnownPages, "maxima", counted_known)
    return calls


def new_cache(snapshot: Snapshot, **options: int) -> MaxSimCache:
    return MaxSimCache(len(snapshot), partial(page_maxima.token_maxima, snapshot), **options)


def tokens(*numbers: int) -> F32:
    return toy_words.directions()[list(numbers)].astype(np.float32)


def test_cached_maxima_equal_maxsim(snapshot: Snapshot) -> None:
    cache = new_cache(snapshot)
    for vectors in (tokens(3, 7), tokens(7, 9, 7, 3, 3), tokens(2)):
        for rows in (SOME, None, SOME):
            np.testing.assert_array_equal(cache.of(vectors, rows), page_maxima.token_maxima(snapshot, vectors, rows))


def test_a_token_is_scored_against_the_pages_once(snapshot: Snapshot, computed: list[tuple[int, int]]) -> None:
    cache = new_cache(snapshot)
    cache.of(tokens(3, 7, 3), None)
    cache.of(tokens(7, 9, 3), None)
    cache.of(tokens(9, 7), SOME)
    assert computed == [(2, COUNT), (1, COUNT)]


def test_maxima_with_some_pages_are_not_cached(snapshot: Snapshot, computed: list[tuple[int, int]]) -> None:
    cache = new_cache(snapshot)
    cache.of(tokens(3), SOME)
    cache.of(tokens(3), None)
    assert computed == [(1, len(SOME)), (1, COUNT)]


def test_the_most_recently_used_tokens_are_cached(snapshot: Snapshot, computed: list[tuple[int, int]]) -> None:
    cache = new_cache(snapshot, bytes_max=2 * 4 * COUNT)
    cache.of(tokens(1, 2), None)
    cache.of(tokens(1), None)
    cache.of(tokens(3), None)
    cache.of(tokens(1, 3), None)
    assert computed == [(2, COUNT), (1, COUNT)]
    cache.of(tokens(2), None)
    assert computed[2:] == [(1, COUNT)]


def test_a_question_reads_the_pages_once(directory: Path, computed: list[tuple[int, int]]) -> None:
    """Document frequencies, levels and ranking take their maxima from one pass over all pages."""
    with open_searcher(directory, encoder=ToyEncoder(pairs=True)) as searcher:
        searcher.search("w3 w9 w12", k=COUNT)
    assert computed == [(3, COUNT)]


def test_known_pages_equal_those_that_are_looked_up_again(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = page_maxima.token_maxima(snapshot, tokens(3, 7, 9), None)
    for most in (page_maxima.PLACED_VECTORS, 0):  # mapped, and copied as those of a large collection are
        monkeypatch.setattr(page_maxima, "PLACED_VECTORS", most)
        maxima = page_maxima.PageMaxima(snapshot)
        known = maxima.of(SOME)
        for _ in range(2):
            np.testing.assert_array_equal(maxima(tokens(3, 7, 9), None), wanted)
            np.testing.assert_array_equal(known.maxima(tokens(3, 7, 9)), wanted[SOME])
        maxima.forget()
        np.testing.assert_array_equal(maxima(tokens(3, 7, 9), None), wanted)


def test_hits_do_not_depend_on_earlier_queries(directory: Path, computed: list[tuple[int, int]]) -> None:
    with open_searcher(directory, encoder=ToyEncoder(pairs=True)) as searcher:
        searcher.search("w3 w9", k=COUNT)
        searcher.search("w7 w12", k=COUNT)
        assert [pages for _, pages in computed] == [COUNT, COUNT]
        warm = searcher.search("w9 w7", k=COUNT)
        assert len(computed) == 2
    with open_searcher(directory, encoder=ToyEncoder(pairs=True)) as fresh:
        assert fresh.search("w9 w7", k=COUNT) == warm
