"""What texts say of questions: values, longer words, phrases, and the order of exact and other spellings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import toy_words
from docsearch.engine.records import Operators
from docsearch.engine.retrieval.text_evidence import TextSearch
from docsearch.engine.store import open_snapshot

TEXTS = [
    "Amount due: 1,234.56 USD for the gasket",
    "Amount due: 1.234,56 EUR for the gasket",
    "Amount due: 1,243.56 USD for the gasket",
    "Departure at 15:45 from the main platform",
    "Departure at 3:45 pm from the main platform",
    "Room 15, door 45, main floor, departure lounge",
    "Die Krankenversicherungsnummer steht oben rechts",
    "The silent orchard keeper waits here",
    "The keeper of the orchard is silent here",
    "",
]


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TextSearch]:
    directory = tmp_path_factory.mktemp("texts") / "index"
    toy_words.write(directory, {"a.pdf": [[1]] * len(TEXTS)}, texts={"a.pdf": TEXTS})
    with open_snapshot(directory) as snapshot:
        yield TextSearch(snapshot)


def nothing_shown(_: str) -> np.ndarray:
    return np.zeros(len(TEXTS), bool)


@pytest.mark.parametrize(
    ("question", "pages"),
    [
        ("1,234.56", [0, 1]),
        ("1.234,56", [1, 0]),
        ("1234.56", [0, 1]),
        ("15:45", [3, 4, 5]),
        ("3:45 pm", [4, 3]),
        ("Krankenversicherung", [6]),
        ("Versicherungsnummer", [6]),
    ],
)
def test_exact_spellings_come_first_and_near_misses_not_at_all(
    search: TextSearch, question: str, pages: list[int]
) -> None:
    text = search.evidence(question).text
    found = sorted(np.flatnonzero(text).tolist(), key=lambda row: (-round(float(text[row]), 4), row))
    assert found[: len(pages)] == pages
    assert 2 not in found


def test_a_value_is_stated_or_denied(search: TextSearch) -> None:
    found = search.evidence("15:45")
    assert 0 < found.stated[4] <= found.stated[3] <= 1
    assert found.stated[5] == found.denied[3] == found.denied[4] == 0
    assert (found.denied[[0, 5, 9]] == 1).all()


def test_words_of_prose_are_neither(search: TextSearch) -> None:
    found = search.evidence("where does the keeper of the orchard wait for a departure")
    assert not found.stated.any()
    assert not found.denied.any()


def test_a_short_question_is_stated_by_pages_with_all_its_words(search: TextSearch) -> None:
    found = search.evidence("orchard keeper")
    assert np.flatnonzero(found.stated).tolist() == [7, 8]


def test_beginnings(search: TextSearch) -> None:
    assert np.flatnonzero(search.evidence("orch", ["orch"]).text).tolist() == [7, 8]
    assert not search.evidence("orch").text.any()


@pytest.mark.parametrize(
    ("operators", "pages"),
    [
        (Operators(phrases=("silent orchard",)), [7, 9]),
        (Operators(phrases=("SILENT  Orchard",)), [7, 9]),
        (Operators(phrases=("orchard silent",)), [9]),
        (Operators(phrases=("silent", "main platform")), [9]),
        (Operators(excluded=("departure", "gasket", "steht")), [7, 8, 9]),
        (Operators(phrases=("keeper",), excluded=("waits",)), [8, 9]),
    ],
)
def test_pages_that_operators_allow(search: TextSearch, operators: Operators, pages: list[int]) -> None:
    allowed = search.allowed(operators, nothing_shown)
    assert allowed is not None
    assert np.flatnonzero(allowed).tolist() == pages


def test_pages_that_show_an_excluded_word(search: TextSearch) -> None:
    allowed = search.allowed(Operators(excluded=("departure",)), lambda _: np.arange(len(TEXTS)) == 9)
    assert allowed is not None
    assert not allowed[9]
    assert search.allowed(Operators(), nothing_shown) is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("orhcard", "orchard"),
        ("depature", "departure"),
        ("krankenversicherungsnumer", "krankenversicherungsnummer"),
        ("orcha", None),
        ("onward", None),
        ("15:46", None),
        ("1234", None),
        ("zebra", None),
    ],
)
def test_corrections(search: TextSearch, typed: str, meant: str | None) -> None:
    assert search.spelling.correction(typed) == meant


def test_corrections_prefer_frequent_words(tmp_path: Path) -> None:
    texts = ["marble", "marbel", "marble", "marble"]
    toy_words.write(tmp_path, {"a.pdf": [[1]] * 4}, texts={"a.pdf": texts})
    with open_snapshot(tmp_path) as snapshot:
        assert TextSearch(snapshot).spelling.correction("marbl") == "marble"


def test_terms_that_a_page_has_in_any_spelling(search: TextSearch) -> None:
    assert search.printed("departure 15:45 gasket", 4) == {"departure", "15", "45"}


def test_pages_that_the_model_does_not_read_follow_the_languages_it_reads(tmp_path: Path) -> None:
    texts = [
        "売上高は前年と比べて増加しました",
        "the margin of the year was higher than before",
        "ההכנסות עלו לעומת השנה",
    ]
    toy_words.write(tmp_path / "index", {"a.pdf": [[1]] * 3}, texts={"a.pdf": texts})
    with open_snapshot(tmp_path / "index") as snapshot:
        assert TextSearch(snapshot).evidence("margin").is_unread is None
        assert TextSearch(snapshot, {"ja"}).evidence("margin").is_unread.tolist() == [True, False, False]
        assert TextSearch(snapshot, {"ja", "he"}).evidence("margin").is_unread.tolist() == [True, False, True]
