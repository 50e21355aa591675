"""Questions with operators, or of function words alone: what is refused, and the confidence in the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from docsearch.engine.errors import UsageError
from docsearch.engine.records import Query
from docsearch.engine.searcher import open_searcher

REFUSED = r"besides what is left out \(-invoice -letter\)"


def test_a_question_of_left_out_words_alone_is_refused(sample_index: Path) -> None:
    with open_searcher(sample_index) as searcher:
        with pytest.raises(UsageError, match=REFUSED):
            searcher.search("-invoice -letter")
        with pytest.raises(UsageError, match=REFUSED):
            searcher.encode("-invoice -letter")
        assert [hit.ref.path for hit in searcher.search("total -invoice") if "invoice" in hit.ref.path] == []


def test_among_other_questions_it_has_no_hits(sample_index: Path) -> None:
    with open_searcher(sample_index) as searcher:
        nothing, some = (hits for _, hits in searcher.search_many([Query("", "-invoice"), Query("", "invoice")]))
    assert (list(nothing), nothing.no_good_match) == ([], True)
    assert some


def test_the_beginning_of_words_that_a_page_prints_is_trusted(sample_index: Path) -> None:
    with open_searcher(sample_index) as searcher:
        beginning, none = (searcher.search(text) for text in ("prob*", "qzxv*"))
    assert beginning.confidence is not None
    assert beginning.confidence > 0.5
    assert not beginning.no_good_match
    assert none.no_good_match


def test_function_words_alone_are_no_good_match(sample_index: Path) -> None:
    with open_searcher(sample_index) as searcher:
        nothing, probe = (searcher.search(text) for text in ("the of and", "the probe"))
        quoted = searcher.search('"of the"')
    assert nothing.no_good_match
    assert not probe.no_good_match
    assert not quoted.no_good_match
