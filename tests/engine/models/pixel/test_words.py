from __future__ import annotations

from dataclasses import replace

import pytest

from docsearch.engine.models.pixel import spec
from docsearch.engine.models.pixel.words import BUCKETS, normal_form, split_words, word_features


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Revenue, net (FY2022): $1,577.5m", ["revenue", "net", "fy2022", "1,577.5m"]),
        ("year-over-year/quarter", ["year", "over", "year", "quarter"]),
        ("the company’s Margins", ["the", "company", "margin"]),
        ("AT&T's R&D 12.5%", ["at&t", "r&d", "12.5"]),
        ("Größe ŁÓDŹ Прибыль Έσοδα", ["größe".casefold(), "łódź", "прибыль", "έσοδα"]),
        ("… — !", []),
    ],
)
def test_words_of_a_text(text: str, words: list[str]) -> None:
    assert split_words(text) == words


def test_composed_and_decomposed_accents_are_one_word() -> None:
    assert normal_form("café") == normal_form("cafe\u0301")


def test_features_fit_the_table_and_tell_words_apart() -> None:
    assert (word_features("revenue") < BUCKETS).all()
    assert set(word_features("revenue")) != set(word_features("revenues"))
    assert set(word_features("2022")) != set(word_features("2202"))


def test_one_letter_words_have_features() -> None:
    assert len(word_features("a")) > 3


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("Ångström 5 µm, рубли, ευρώ, 1ª nº", ""),
        ("revenue 报告", "报"),
        ("売上", "売"),
        ("التقرير", "ا"),
        ("2023 %", ""),
    ],
)
def test_the_first_letter_of_a_script_that_the_model_does_not_read_is_named(text: str, letter: str) -> None:
    assert spec.SPEC.first_unreadable_letter(text) == letter
    assert replace(spec.SPEC, scripts=()).first_unreadable_letter(text) == ""
