"""A question's notions in other languages."""

from __future__ import annotations

import pytest

from docsearch.engine.query.terms import terms_of
from docsearch.engine.query.translated import MINED_WEIGHT, TRANSLATION_WEIGHT, translated_words
from docsearch.engine.query.translations import FILE, is_name, notions, translate


def names(question: str, language: str) -> list[str]:
    return [name for each in translate(question, [language]).get(language, ()) for name in each.names]


def test_every_line_of_the_lexicon_has_at_most_as_many_columns_as_the_head() -> None:
    head, *lines = [line for line in FILE.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    languages = head.split("|")
    assert languages[0] == "en"
    assert len(set(languages)) == len(languages) == 28
    for line in lines:
        assert line.split("|")[0], line
        assert len(line.split("|")) in (15, 28), line
        assert not any(
            name.strip() != name or name == "" for cell in line.split("|") if cell for name in cell.split("/")
        )
    assert len(notions()) == len(lines) > 600


def test_every_name_has_terms() -> None:
    assert all(terms_of(name) for notion in notions() for names in notion.values() for name in names)


@pytest.mark.parametrize(
    ("question", "language", "name"),
    [
        ("unpaid invoice", "de", "Rechnung"),
        ("annual report", "fr", "rapport annuel"),
        ("facturas impagadas", "en", "invoice"),
        ("договоры аренды", "en", "contract"),
        ("договоры аренды", "de", "Miete"),
        ("売上高 2022", "en", "revenue"),
        ("数据库管理系统", "en", "database"),
        ("수입 통계", "en", "statistics"),
        ("πωλήσεις ανά τρίμηνο", "en", "quarter"),
        ("decision trees", "zh", "决策树"),
    ],
)
def test_notions_are_translated(question: str, language: str, name: str) -> None:
    assert name in names(question, language)


@pytest.mark.parametrize(
    ("compound", "parts"),
    [
        ("Stromrechnung", {"electricity", "invoice"}),
        ("Krankenversicherungsbeitrag", {"insurance", "premium"}),
        ("Mietverträge", {"lease", "contract"}),
    ],
)
def test_compounds_are_translated_by_their_parts(compound: str, parts: set[str]) -> None:
    assert set(names(compound, "en")) & parts


def test_a_notion_is_not_translated_into_the_language_that_names_it() -> None:
    assert names("bank", "de") == []  # it is called so there, too
    assert names("balance sheet", "en") == []


def test_the_longest_name_counts() -> None:
    (found,) = translate("interest rate", ["de"])["de"]
    assert found.words == ("interest", "rate")
    assert found.names == ("Zinssatz",)


def test_names_and_numbers_have_no_translation() -> None:
    assert translate("Uttoxeter 4821093377", ["de", "fr"]) == {}


def test_a_word_of_the_lexicon_is_known_in_any_form() -> None:
    assert is_name("rechnungen")
    assert is_name("выручки")
    assert not is_name("margni")


def test_words_of_other_languages_stand_for_tokens_of_the_question() -> None:
    found = translated_words("interest rate of the loan", ["de", "es"], ["interest", "rate", "loan"])
    assert found["zinssatz"] == (TRANSLATION_WEIGHT, {"interest", "rate"})
    assert found["darlehen"] == (TRANSLATION_WEIGHT, {"loan"})
    assert "de" not in found, "a small word of a name of several"


def test_mined_translations_count_for_less() -> None:
    found = translated_words("Regenschirm", ["en"], ["regenschirm"])
    assert found["umbrella"] == (MINED_WEIGHT, {"regenschirm"})
    assert MINED_WEIGHT < TRANSLATION_WEIGHT


def test_words_that_build_the_sentences_of_a_question_name_nothing() -> None:
    found = translate("side effects of the medicine", ["de"])["de"]
    assert [each.words for each in found] == [("side", "effect"), ("medicine",)]  # "thé" is tea in French


def test_an_english_question_is_not_translated_into_english() -> None:
    assert translate("total cost of the rate agreement", ["en"]) == {}
    assert names("Stromrechnung of the house in winter", "en") == ["electricity", "power", "invoice", "bill"]


def test_words_in_scripts_without_spaces_are_the_units_of_the_model() -> None:
    assert translated_words("revenue", ["zh"], ["revenue"])["收入"] == (TRANSLATION_WEIGHT, {"revenue"})
    asked = translated_words("公司收入", ["en"], ["公司", "司收", "收入"])
    assert asked["revenue"] == (TRANSLATION_WEIGHT, {"公司", "司收", "收入"})
    assert all(
        len(word) <= 2 for word in translated_words("invoice account balance sheet", ["zh"], ["invoice", "account"])
    )
