"""Function words of a query's language are left out of it, and no other words are."""

from __future__ import annotations

import pytest

from docsearch.engine.models.pixel.function_words import by_language, function_words
from docsearch.engine.models.pixel.text import PixelText
from docsearch.engine.models.pixel.words import split_query


@pytest.fixture(scope="module")
def text() -> PixelText:
    return PixelText.load()


@pytest.mark.parametrize(
    ("query", "tokens"),
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
def test_a_query_keeps_its_content_words(text: PixelText, query: str, tokens: tuple[str, ...]) -> None:
    assert text.encode_query(query).tokens == tokens


@pytest.mark.parametrize(
    "query",
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
def test_a_query_that_is_english_or_only_names_things_has_no_function_words(query: str) -> None:
    assert not function_words(split_query(query))


def test_a_query_of_function_words_alone_keeps_some(text: PixelText) -> None:
    assert text.encode_query("was ist das").tokens


def test_every_language_has_interrogatives_and_other_words() -> None:
    languages = by_language()
    assert len(languages) > 25
    for language, words in languages.items():
        assert set(words.values()) >= ({1} if language == "homographs" else {1, 2}), language
