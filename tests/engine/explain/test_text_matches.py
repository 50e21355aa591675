"""Where texts have the words of a question: the same terms and forms that search counts, at their places."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docsearch.engine.explain import text_matches
from docsearch.engine.query.terms import page_terms, question_terms
from docsearch.engine.records import SoughtWord


def sought(question: str) -> list[SoughtWord]:
    """The words of a question, and its values in the place of those that spell them."""
    asked = question_terms(question)
    spelling = {word for value in asked.values for word in value.words}
    words = [SoughtWord((word.term,), 1.0, dict(word.others)) for word in asked.words if word.term not in spelling]
    return words + [SoughtWord(value.words, 1.0, dict(value.spelled)) for value in asked.values]


def marked(text: str, question: str) -> list[str]:
    found = text_matches.find(text, sought(question))
    return list(dict.fromkeys(text[match.start : match.end] for match in found))


@pytest.mark.parametrize(
    ("text", "question", "expected"),
    [
        ("Operating margins rose; the MARGIN fell", "margin", ["margins", "MARGIN"]),
        ("Société Générale", "societe generale", ["Société", "Générale"]),
        ("The F.B.I. said so", "FBI", ["F.B.I"]),
        ("of $1,577.50 million", "1577.5", ["1,577.50"]),
        ("on 14 May 2023, at noon", "2023-05-14", ["14 May 2023"]),
        ("使用数据库系统", "数据库", ["数据", "据库"]),
        ("bio\u00adlumi\u00adnes\u00adcence here", "bioluminescence", ["bio\u00adlumi\u00adnes\u00adcence"]),
        ("½ cup of milk", "milk", ["milk"]),
        ("photo-\nsynthesis of plants", "photosynthesis", ["photo-\nsynthesis"]),
        ("marginal, submargin", "margin", []),
        ("", "margin", []),
    ],
)
def test_words_are_found_in_the_spellings_that_search_counts(text: str, question: str, expected: list[str]) -> None:
    assert marked(text, question) == expected


def test_another_spelling_counts_less() -> None:
    (match,) = text_matches.find("the F.B.I.", sought("FBI"))
    assert 0 < match.strength < 1
    (match,) = text_matches.find("the FBI", sought("FBI"))
    assert match.strength == 1


def test_nothing_is_sought() -> None:
    assert text_matches.find("some text", []) == []


@given(st.text(st.sampled_from("ab Sé½\u00ad\n.,-数据ก'1"), max_size=40))
def test_every_term_that_a_text_is_indexed_by_is_found_as_often(drawn: str) -> None:
    text = unicodedata.normalize("NFC", drawn)
    terms = page_terms(text).terms
    found = text_matches.find(text, [SoughtWord((term,), 1.0, {}) for term in dict.fromkeys(terms)])
    for place, term in enumerate(dict.fromkeys(terms)):
        its = [match for match in found if match.word == place]
        assert len(its) == len({(match.start, match.end) for match in its})
        assert its
        assert len(its) <= terms.count(term)
    assert all(0 <= match.start < match.end <= len(text) for match in found)
