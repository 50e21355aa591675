"""Pages with the figure that a question describes come first: whole searches in the sample documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from docsearch.engine.records import Mode
from docsearch.engine.searcher import open_searcher


@pytest.mark.parametrize(
    ("query", "mode", "path", "pages"),
    [
        ("handwritten signature", "hybrid", "letter-harbour-master.pdf", {2}),
        ("page full of mathematical formulas", "hybrid", "paper-probe-drift.pdf", {1}),
        ("chart comparing probes and loggers", "visual", "annual-report-2023.pdf", {9, 10}),
    ],
)
def test_a_page_with_the_figure_comes_first(
    sample_index: Path, query: str, mode: Mode, path: str, pages: set[int]
) -> None:
    with open_searcher(sample_index) as searcher:
        best, *_ = searcher.search(query, k=1, mode=mode)
    assert best.ref.path == path
    assert best.ref.page in pages


def test_what_the_figure_gives_is_explained_and_questions_gain_nothing(sample_index: Path) -> None:
    with open_searcher(sample_index) as searcher:
        for query, gains in (("handwritten signature", True), ("What does the signature say?", False)):
            hits = searcher.search(query, k=3)
            best, *_ = searcher.explain(query, hits)
            assert (best.from_kinds > 0) == gains
            parts = best.from_picture + best.from_text + best.from_document + best.prior
            assert parts + best.from_passages + best.from_kinds == pytest.approx(best.score, abs=1e-5)


def test_two_stages_find_the_figure_too(sample_index: Path) -> None:
    with open_searcher(sample_index) as searcher:
        best, *_ = searcher.search("handwritten signature", k=1, candidates=20)
    assert (best.ref.path, best.ref.page) == ("letter-harbour-master.pdf", 2)


def test_in_a_large_collection_the_inverted_index_says_which_pages_have_the_figure(
    sample_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docsearch.engine.retrieval.first_stage.EXACT_VECTORS", 0)
    with open_searcher(sample_index) as searcher:
        assert searcher.first_stage.presence() is not None
        hits = searcher.search("handwritten signature", k=3)
        gains = [each.from_kinds for each in searcher.explain("handwritten signature", hits)]
    assert (hits[0].ref.path, hits[0].ref.page) == ("letter-harbour-master.pdf", 2)
    assert gains[0] > 0
