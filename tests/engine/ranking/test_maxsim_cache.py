"""Laws of the maxima of words that are kept from question to question."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import toy_words
from docsearch.engine.ranking import rerank
from docsearch.engine.ranking.maxsim_cache import WordMaxima
from docsearch.engine.records import F32, I64
from docsearch.engine.searcher import open_index
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
    """How many vectors met how many pages, in each call."""
    calls: list[tuple[int, int]] = []
    compute = rerank.token_maxima

    def counted(pages: rerank.Pages, vectors: F32, rows: I64 | None) -> F32:
        found = compute(pages, vectors, rows)
        calls.append((len(vectors), len(found)))
        return found

    monkeypatch.setattr(rerank, "token_maxima", counted)
    return calls


def kept(snapshot: Snapshot, **options: int) -> WordMaxima:
    return WordMaxima(len(snapshot), partial(rerank.token_maxima, snapshot), **options)


def words(*numbers: int) -> F32:
    return toy_words.directions()[list(numbers)].astype(np.float32)


def test_maxima_are_those_of_maxsim(snapshot: Snapshot) -> None:
    known = kept(snapshot)
    for asked in (words(3, 7), words(7, 9, 7, 3, 3), words(2)):
        for rows in (SOME, None, SOME):
            np.testing.assert_array_equal(known.of(asked, rows), rerank.token_maxima(snapshot, asked, rows))


def test_a_word_meets_the_pages_once(snapshot: Snapshot, computed: list[tuple[int, int]]) -> None:
    known = kept(snapshot)
    known.of(words(3, 7, 3), None)
    known.of(words(7, 9, 3), None)
    known.of(words(9, 7), SOME)
    assert computed == [(2, COUNT), (1, COUNT)]


def test_what_met_some_pages_only_is_not_kept(snapshot: Snapshot, computed: list[tuple[int, int]]) -> None:
    known = kept(snapshot)
    known.of(words(3), SOME)
    known.of(words(3), None)
    assert computed == [(1, len(SOME)), (1, COUNT)]


def test_the_words_asked_for_last_are_kept(snapshot: Snapshot, computed: list[tuple[int, int]]) -> None:
    known = kept(snapshot, bytes_max=2 * 4 * COUNT, words_min=0)
    known.of(words(1, 2), None)
    known.of(words(1), None)
    known.of(words(3), None)
    known.of(words(1, 3), None)
    assert computed == [(2, COUNT), (1, COUNT)]
    known.of(words(2), None)
    assert computed[2:] == [(1, COUNT)]


def test_a_question_is_answered_alike_whatever_was_asked_before(
    directory: Path, computed: list[tuple[int, int]]
) -> None:
    with open_index(directory, encoder=ToyEncoder(pairs=True)) as searcher:
        searcher.search("w3 w9", k=COUNT)
        searcher.search("w7 w12", k=COUNT)
        assert [met for _, met in computed] == [COUNT, COUNT]
        warm = searcher.search("w9 w7", k=COUNT)
        assert len(computed) == 2
    with open_index(directory, encoder=ToyEncoder(pairs=True)) as fresh:
        assert fresh.search("w9 w7", k=COUNT) == warm
