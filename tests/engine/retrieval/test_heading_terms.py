"""Words in headings count more than the same words in running text; indexes without headings are scored as before."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import numpy as np

import toy_words
from docsearch.engine.retrieval.heading_terms import HEADING_WEIGHT, HEADINGS_OF_TERM, with_headings
from docsearch.engine.retrieval.text_index import TextIndex
from docsearch.engine.store import open_snapshot

TEXTS = ["debt was paid to banks", "banks were paid, and no debt"]


def scores(index: Path, term: str) -> np.ndarray:
    with open_snapshot(index) as snapshot:
        texts = TextIndex(snapshot)
        return texts.scores([texts.look_up(term)])


def test_a_term_in_a_heading_counts_as_often_as_its_weight() -> None:
    counted = with_headings(Counter(debt=2, paid=1), "Long-term debt\nDebts")
    assert counted == {"debt": 2 + 2 * (HEADING_WEIGHT - 1), "paid": 1}
    assert list(with_headings(Counter(b=1, a=1), "a")) == ["b", "a"]


def test_a_term_counts_in_no_more_headings_than_the_text_has_it() -> None:
    assert with_headings(Counter(debt=1), "debt\ndebt\ndebt") == {"debt": HEADING_WEIGHT}
    assert with_headings(Counter(debt=1), "hidden") == {"debt": 1}
    often = "\n".join(["debt"] * 9)
    assert with_headings(Counter(debt=9), often) == {"debt": 9 + HEADINGS_OF_TERM * (HEADING_WEIGHT - 1)}


def test_the_page_with_the_word_in_its_heading_comes_first(tmp_path: Path) -> None:
    pages = {"a.pdf": [[1], [1]]}
    toy_words.write(tmp_path / "plain", pages, texts={"a.pdf": TEXTS})
    toy_words.write(tmp_path / "with", pages, texts={"a.pdf": TEXTS}, headings={"a.pdf": ["", "Debt"]})
    first, second = scores(tmp_path / "plain", "debt")
    assert first >= second
    first, second = scores(tmp_path / "with", "debt")
    assert second > first
    np.testing.assert_array_equal(scores(tmp_path / "with", "bank"), scores(tmp_path / "plain", "bank"))


def test_an_index_of_an_earlier_version_has_no_headings_and_is_scored_as_before(tmp_path: Path) -> None:
    pages = {"a.pdf": [[1], [1]]}
    toy_words.write(tmp_path, pages, texts={"a.pdf": TEXTS})
    before = scores(tmp_path, "debt")
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as connection, connection:
        connection.execute("DROP TRIGGER headings_page_deleted")
        connection.execute("DROP TABLE page_headings")
    with open_snapshot(tmp_path) as snapshot:
        assert snapshot.headings([1, 0]) == ["", ""]
    np.testing.assert_array_equal(scores(tmp_path, "debt"), before)
