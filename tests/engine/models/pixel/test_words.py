from __future__ import annotations

from dataclasses import replace

import pytest

from docsearch.engine.models.pixel import spec
from docsearch.engine.models.pixel.text import PixelText
from docsearch.engine.models.pixel.words import BUCKETS, normal_form, split_words, stated_year, with_year, word_features


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


@pytest.mark.parametrize(
    ("word", "year"),
    [
        *[(word, "2022") for word in ("fy2022", "cy22", "fy22", "fy'22", "2022q4", "4q22", "4q2022", "2h22", "2022h1")],
        ("fy98", "1998"),
        *[(word, None) for word in ("2022", "22", "q4", "5q22", "m22", "fy1", "fy222", "2022q5", "22q4")],
    ],
)
def test_the_year_that_a_word_states(word: str, year: str | None) -> None:
    assert stated_year(word) == year
    assert with_year(word) == ((word,) if year is None else (word, year))


def test_composed_and_decomposed_accents_are_one_word() -> None:
    assert normal_form("café") == normal_form("cafe\u0301")


def test_features_fit_the_table_and_tell_words_apart() -> None:
    assert (word_features("revenue") < BUCKETS).all()
    assert set(word_features("revenue")) != set(word_features("revenues"))
    assert set(word_features("2022")) != set(word_features("2202"))


def test_one_letter_words_have_features() -> None:
    assert len(word_features("a")) > 3


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("Ångström 5 µm, рубли, ευρώ, 1ª nº", ""),
        ("revenue ბანკი ბ", "ბანკი"),
        ("ლარი", "ლარი"),
        ("આવક", "આવક"),
        ("收入 売上ゲーム々 수익 الإيرادات הכנסות आय আয় வருமானம் รายได้", ""),
        ("2023 %", ""),
    ],
)
def test_letters_of_scripts_that_the_model_does_not_read_are_named_each_once(text: str, letters: str) -> None:
    assert set(spec.SPEC.unread_letters(text)) == set(letters)
    assert len(spec.SPEC.unread_letters(text)) == len(set(spec.SPEC.unread_letters(text)))
    assert replace(spec.SPEC, scripts=()).unread_letters(text) == ""


@pytest.mark.parametrize(
    ("text", "nothing"),
    [("ბანკი", True), ("ბანკი ლ?", True), ("ბანკი 2023", False), ("ბანკი 数据", False), ("?", False), ("ευρώ", False)],
)
def test_a_text_is_not_read_at_all_if_it_has_neither_letters_nor_digits_that_are(text: str, nothing: bool) -> None:
    assert spec.SPEC.reads_nothing_of(text) is nothing


def test_the_words_of_a_query_are_shown_as_it_spells_them() -> None:
    query = PixelText.load().encode_query("Margins of the Company’s FY2022 budgets")
    assert query.words == ("Margins", "Company’s", "FY2022", "2022", "budgets")
    assert query.tokens == ("margin", "company", "fy2022", "2022", "budget")
