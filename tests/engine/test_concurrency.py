"""Threads sharing a Searcher each get the answer they would get alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import toy_words
from docsearch.engine.records import Query, QueryVectors
from docsearch.engine.searcher import Searcher, open_searcher
from toy_words import ToyEncoder

pytestmark = pytest.mark.usefixtures("instructions")

THREADS = 8
ROUNDS = 12
QUESTIONS = [f"w{a} w{b} w{c}" for a, b, c in np.random.default_rng(4).integers(0, 60, (16, 3)).tolist()]


class OneCaller(ToyEncoder):
    """A model that fails if two threads use it at once."""

    def __init__(self) -> None:
        super().__init__(pairs=True)
        self._inside = threading.Lock()

    def encode_query(self, text: str) -> QueryVectors:
        assert self._inside.acquire(blocking=False), "two threads use the encoder"
        try:
            return super().encode_query(text)
        finally:
            self._inside.release()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    pages = {f"{i}.pdf": [rng.choice(60, 20, replace=False).tolist() for _ in range(15)] for i in range(20)}
    index = tmp_path_factory.mktemp("threads") / "index"
    toy_words.write(index, pages)
    return index


def ask_exact(searcher: Searcher, text: str) -> object:
    return list(searcher.search(text, k=20))


def ask_staged(searcher: Searcher, text: str) -> object:
    return list(searcher.search(text, k=20, candidates=60, path="*1.pdf"))


def ask_batch(searcher: Searcher, text: str) -> object:
    return [hits for _, hits in searcher.search_many([Query("a", text), Query("b", "w5 w6")])]


def ask_marks(searcher: Searcher, text: str) -> object:
    ref = searcher.search(text, k=1)[0].ref
    return searcher.word_marks(text, ref), searcher.overlay(text, ref, (40, 30)).tobytes()


@pytest.mark.parametrize("ask", [ask_exact, ask_staged, ask_batch, ask_marks])
def test_answers_do_not_depend_on_other_threads(directory: Path, ask: Callable[[Searcher, str], object]) -> None:
    wanted = {}
    for text in QUESTIONS:  # each with a new searcher
        with open_searcher(directory, encoder=OneCaller()) as alone:
            wanted[text] = ask(alone, text)
    together = threading.Barrier(THREADS)

    def ask_repeatedly(searcher: Searcher, thread: int) -> list[str]:
        together.wait()  # so that the first queries, which open and cache things, come at once
        mine = [QUESTIONS[(thread * 5 + i) % len(QUESTIONS)] for i in range(ROUNDS)]
        return [text for text in mine if ask(searcher, text) != wanted[text]]

    with open_searcher(directory, encoder=OneCaller()) as shared, ThreadPoolExecutor(THREADS) as pool:
        wrong = list(pool.map(lambda thread: ask_repeatedly(shared, thread), range(THREADS)))
    assert not any(wrong)
