"""Words that tell nothing are left out of questions in the language that they are in, and of no others."""

from __future__ import annotations

import pytest

from docsearch.engine.models.pixel.function_words import by_language, function_words
from docsearch.engine.models.pixel.text import PixelText
from docsearch.engine.models.pixel.words import split_query


@pytest.fixture(scope="module")
def text() -> PixelText:
    return PixelText.load()


@pytest.mark.parametrize(
    ("question", "tokens"),
    [
        ("Wie hoch war der Umsatz im Jahr 2022?", ("hoch", "umsatz", "jahr", "2022")),
        ("Quel est le montant total en 2021 ?", ("montant", "total", "2021")),
        ("Quali sono gli obiettivi della strategia?", ("obiettivi", "strategia")),
        ("Quais são as conclusões do relatório?", ("conclusõe", "relatório")),
        ("Wat zijn de oorzaken van de stijging?", ("oorzaken", "stijging")),
        ("Jaké jsou hlavní cíle?", ("hlavní", "cíle")),
        ("Какие основные показатели приведены в отчёте?", ("основные", "показатели", "приведены", "отчёте")),
        ("Ποιοι είναι οι στόχοι του έργου;", ("στόχοι", "έργου")),
        ("Hangi önlemler alınmıştır?", ("önlemler", "alınmıştır")),
    ],
)
def test_a_question_keeps_what_it_is_about(text: PixelText, question: str, tokens: tuple[str, ...]) -> None:
    assert text.encode_query(question).tokens == tokens


@pytest.mark.parametrize(
    "question",
    [
        "die casting in the war",
        "who was Otto von Bismarck",
        "sin tax revenue per capita",
        "MIT research",
        "chi square of the data",
        "Umsatz und Gewinn",
        "carte de crédit",
        "la la land",
        "What was the revenue of Van der Berg?",
        "",
    ],
)
def test_what_is_english_or_only_names_things_loses_no_word(question: str) -> None:
    assert not function_words(split_query(question))


def test_a_question_of_function_words_still_asks_for_something(text: PixelText) -> None:
    assert text.encode_query("was ist das").tokens


def test_every_language_has_words_that_ask_and_others() -> None:
    languages = by_language()
    assert len(languages) > 25
    for language, words in languages.items():
        assert set(words.values()) >= ({1} if language == "homographs" else {1, 2}), language
