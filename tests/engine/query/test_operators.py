"""Operators in questions, and what only looks like them."""

from __future__ import annotations

import pytest

from docsearch.engine.query.operators import parse
from docsearch.engine.records import Operators


@pytest.mark.parametrize(
    ("question", "text", "operators"),
    [
        ('"net sales"', "net sales", Operators(phrases=("net sales",))),
        ("“silent orchard” keeper", "silent orchard keeper", Operators(phrases=("silent orchard",))),
        ("„stille Post“", "stille Post", Operators(phrases=("stille Post",))),
        ("silent -orchard", "silent", Operators(excluded=("orchard",))),
        ("-orchard", "", Operators(excluded=("orchard",))),
        ("sales -europe -asia", "sales", Operators(excluded=("europe", "asia"))),
        ("distribut* center", "distribut center", Operators(beginnings=("distribut",))),
        ('the "best" one', "the best one", Operators(phrases=("best",))),
    ],
)
def test_operators(question: str, text: str, operators: Operators) -> None:
    assert parse(question) == (text, operators)


@pytest.mark.parametrize(
    "question",
    [
        "year-over-year change",
        "-7.25 points",
        "(4,310) - 20",
        "5 * 3",
        'a 3" pipe and a 4" pipe',
        '""',
        "the company's debt",
        "C* algebra",
    ],
)
def test_prose_stays_as_it_is(question: str) -> None:
    assert parse(question) == (question, Operators())


@pytest.mark.parametrize(
    "question",
    [
        'What does "net sales" mean?',
        'the page that says "the merger was approved by all of them" and also lists what shareholders received then',
    ],
)
def test_quotes_in_a_sentence_ask_for_nothing(question: str) -> None:
    text, operators = parse(question)
    assert not operators
    assert text.replace('"', "") == question.replace('"', "")
