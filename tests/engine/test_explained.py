"""Explanations of hits: the parts of a score add up to it, and words are told with what they matched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import toy_words
from docsearch import open_index
from docsearch.engine.errors import UsageError
from docsearch.engine.ranking.added import WithAdded
from docsearch.engine.ranking.prior import PagePrior
from docsearch.engine.records import Hit, Mode, PageRef
from docsearch.engine.searcher import Searcher, open_searcher
from toy_words import ToyEncoder


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    directory = tmp_path_factory.mktemp("toy") / "index"
    pages = {"w250 report.pdf": [[7], [3, 17, 250], [8, 9]], "scan.pdf": [[3, 17]], "text.pdf": [[100], [3, 9, 11]]}
    texts = {"w250 report.pdf": ["w7", "w3 w17 w250", "w8"], "text.pdf": ["w3 w17 w18", "w3 2023 w11"]}
    toy_words.write(directory, pages, texts=texts)
    with open_searcher(directory, encoder=ToyEncoder(pairs=True)) as opened:
        yield opened


@pytest.mark.parametrize("mode", ["visual", "text", "hybrid"])
@pytest.mark.parametrize("question", ["w3", "w3 w17", "w250 w3", "w18"])
def test_the_parts_of_a_score_add_up_to_it(searcher: Searcher, mode: Mode, question: str) -> None:
    hits = searcher.search(question, mode=mode)
    for hit, its in zip(hits, searcher.explain(question, hits, mode=mode), strict=True):
        parts = its.from_picture + its.from_text + its.from_document + its.prior + its.from_passages + its.from_kinds
        assert parts == pytest.approx(hit.score, abs=1e-5)
        assert its.score == hit.score
        assert min(its.from_picture, its.from_text, its.from_document, its.prior, its.pairs) >= -1e-6


def test_words_are_told_with_what_they_matched(searcher: Searcher) -> None:
    hits = {(hit.ref.path, hit.ref.page): hit for hit in searcher.search("w3 w18", mode="hybrid")}
    hidden, scan = searcher.explain("w3 w18", [hits["text.pdf", 1], hits["scan.pdf", 1]])
    by_word = {word.word: word for word in hidden.words}
    assert (by_word["w18"].picture, by_word["w18"].text, by_word["w18"].times) == (0, 1, 1)
    by_word = {word.word: word for word in scan.words}
    assert (by_word["w3"].picture, by_word["w3"].text, by_word["w3"].times) == (pytest.approx(1), 0, 0)
    assert sum(word.weight for word in scan.words) == pytest.approx(1)
    assert sum(word.text_weight for word in scan.words) == pytest.approx(1)


def test_words_side_by_side_on_a_page_are_told(searcher: Searcher) -> None:
    hits = {(hit.ref.path, hit.ref.page): hit for hit in searcher.search("w3 w17", mode="visual")}
    (beside,) = searcher.explain("w3 w17", [hits["scan.pdf", 1]], mode="visual")
    assert 0.1 < beside.pairs < beside.picture


def test_nothing_is_explained_of_no_hits_and_of_pages_that_are_not_there(searcher: Searcher) -> None:
    assert searcher.explain("w3", []) == []
    with pytest.raises(UsageError, match="not in this index"):
        searcher.explain("w3", [Hit(PageRef("x", "x.pdf", 1), 0.5, 1)])


@pytest.mark.parametrize(
    "question", ["How many instruments were sold in 2023?", "quick ratio", "revenu chart", '"net sales"']
)
def test_the_parts_add_up_with_the_embedded_model(sample_index: Path, question: str) -> None:
    with open_index(sample_index) as index:
        hits = index.search(question, k=5)
        for hit, its in zip(hits, index.explain(question, hits), strict=True):
            parts = (
                its.from_picture + its.from_text + its.from_document + its.prior + its.from_passages + its.from_kinds
            )
            assert parts == pytest.approx(hit.score, abs=1e-5)
        with pytest.raises(UsageError, match="no word"):
            index.explain("?!", hits)


def test_words_that_a_question_implies_are_told_as_such(sample_index: Path) -> None:
    with open_index(sample_index) as index:
        hits = index.search("operating margin 2023", k=3)
        best, *_ = index.explain("operating margin 2023", hits)
    assert best.as_dict()["score"] == round(hits[0].score, 4)
    assert [word.word for word in best.words][:3] == ["operating", "margin", "2023"]
    assert any(word.is_implied for word in best.words)
    assert not any(word.is_implied for word in best.words[:3])


def test_what_the_meaning_of_passages_adds_is_a_part() -> None:
    own = PagePrior(np.array([5, 9])).applied("w3", None, None)
    scores = WithAdded(own, np.array([0.25, 0.0], np.float32), "passages")
    rows = np.arange(2)
    for visual in (0.0, 0.6):
        found = scores.scores(np.full(2, visual, np.float32), rows)
        for row in rows.tolist():
            assert sum(scores.parts(visual, row)) == pytest.approx(found[row], abs=1e-6)
    assert scores.parts(0.6, 0).passages == pytest.approx(0.25)
