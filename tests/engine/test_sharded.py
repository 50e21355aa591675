"""A divided index searched in one process: hits, scores and ties are those of the undivided one, bit for bit."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_combined import QUESTIONS
from toy_sentences import HashedWords

from docsearch import open_index
from docsearch.engine.hits import Hits
from docsearch.engine.models import sentences
from docsearch.engine.retrieval import first_stage
from docsearch.engine.searcher import Searcher
from docsearch.engine.store import open_writer, sharding


@pytest.fixture(scope="module")
def searchers(segmented_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Searcher, Searcher]]:
    """The searcher of the index, and that of a copy in three shards."""
    divided = tmp_path_factory.mktemp("divided") / "index"
    sharding.divide_copy(segmented_index, divided, 3)
    with open_index(segmented_index) as one, open_index(divided) as several:
        yield one, several


def answer(hits: Hits) -> tuple[object, ...]:
    return [(hit.ref, hit.score, hit.also) for hit in hits], hits.as_dict(), hits.confidence


@pytest.mark.parametrize("mode", ["hybrid", "visual", "text"])
def test_answers_are_those_of_the_undivided_index(searchers: tuple[Searcher, Searcher], mode: str) -> None:
    one, several = searchers
    for question in QUESTIONS:
        assert answer(several.search(question, k=60, mode=mode)) == answer(one.search(question, k=60, mode=mode))


def test_questions_by_meaning_find_the_same(
    segmented_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentences, "load_sentence_encoder", lambda name: HashedWords())
    whole, divided = tmp_path / "whole", tmp_path / "divided"
    shutil.copytree(segmented_index, whole)
    with open_writer(whole, fingerprint=None) as writer:
        writer.set_cross_language(HashedWords.spec.name)
    sharding.divide_copy(whole, divided, 3)
    with open_index(whole) as one, open_index(divided) as several:
        by_words = [answer(one.search(question, k=60, mode="hybrid"))[0] for question in QUESTIONS]
        wanted = [answer(one.search(question, k=60, mode="semantic")) for question in QUESTIONS]
        assert [answer(several.search(question, k=60, mode="semantic")) for question in QUESTIONS] == wanted
        assert [hits for hits, *_ in wanted] != by_words


def test_two_stages_find_the_same(searchers: tuple[Searcher, Searcher], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_stage, "EXACT_VECTORS", 0)
    one, several = searchers
    for question in QUESTIONS:
        assert answer(several.search(question, candidates=5)) == answer(one.search(question, candidates=5))
