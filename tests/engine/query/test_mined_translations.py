"""Mined translations: the file, and how words of questions are found in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from docsearch.engine.query.characters import folded
from docsearch.engine.query.mined_translations import (
    FILE,
    MinedWords,
    compound_parts,
    known_form,
    language_of_words,
    mined_names,
    unspaced_names,
)
from docsearch.engine.query.terms import terms_of
from docsearch.engine.query.translations import translate

MOST_BYTES = 4_000_000


def lines() -> list[str]:
    return FILE.read_text("utf-8").splitlines()


def test_the_file_is_sorted_by_its_bytes_and_small() -> None:
    assert lines() == sorted(lines(), key=str.encode)
    assert len(lines()) > 50_000
    assert FILE.stat().st_size < MOST_BYTES


def test_every_line_has_a_folded_word_a_language_and_names_with_terms() -> None:
    for line in lines()[::50]:
        word, language, names = line.split("\t")
        assert word == folded(word)
        assert len(language) == 2
        cells = [cell.partition(":") for cell in names.split("|")] if language == "en" else [("en", ":", names)]
        assert all(code.isalpha() and each and each != word for code, _, its in cells for each in its.split("/"))
        assert terms_of(word)


def test_lookups_find_the_first_the_last_and_no_other_line(tmp_path: Path) -> None:
    file = tmp_path / "words.tsv"
    file.write_text("auto\tde\tcar\nhaus\tde\thouse\nhaus\tnl\thome\nzug\tde\ttrain\n", "utf-8")
    mined = MinedWords(file)
    assert mined.lines("auto") == [("auto", "de", "car")]
    assert mined.lines("haus") == [("haus", "de", "house"), ("haus", "nl", "home")]
    assert mined.lines("zug") == [("zug", "de", "train")]
    assert [mined.lines(word) for word in ("", "a", "hau", "hausen", "zzz", "зуб")] == [[]] * 6
    assert [line[0] for line in mined.beginning_with("ha")] == ["haus", "haus"]


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("prix de la valise de transport", "fr"),
        ("price of the transport case", "en"),
        ("grietas en el registrador gris", "es"),
        ("производство железной руды", "ru"),
        ("Schutzbrille und Schürze", "de"),
        ("vérification des antécédents", "fr"),
        ("儿童票价", "zh"),
        ("ウェブアプリケーションの脆弱性", "ja"),
        ("Regenschirmfabrik", "de"),
        ("xyzzy", ""),
    ],
)
def test_the_language_of_a_question_is_that_of_most_of_its_words(question: str, language: str) -> None:
    words = question.lower().split()
    assert language_of_words(words, [folded(word) for word in words]) == language


@pytest.mark.parametrize(
    ("question", "language", "name"),
    [
        ("Regenschirm", "en", "umbrella"),
        ("umbrellas", "de", "regenschirm"),
        ("umbrella", "sv", "paraply"),  # a language without vectors
        ("bibliothèque", "de", "bibliothek"),  # by way of English
        ("железо", "en", "iron"),
        ("飞机", "en", "plane"),
        ("Finland", "fi", "suomi"),
    ],
)
def test_words_that_name_no_notion_are_translated(question: str, language: str, name: str) -> None:
    found = translate(question, [language]).get(language, [])
    assert name in [each for translation in found if translation.is_mined for each in translation.names]


def test_words_of_the_question_s_own_language_and_names_are_not_translated() -> None:
    assert translate("the umbrella in Uttoxeter", ["en"]) == {}
    assert translate("Uttoxeter", ["en", "fr"]) == {}
    assert mined_names("umbrella", "en", ["en"]) == {}


def test_an_english_word_that_another_language_has_is_english_in_an_english_question() -> None:
    assert translate("the rat that we saw", ["en"]) == {}


def test_compounds_and_runs_without_spaces_are_cut() -> None:
    assert compound_parts("flugzeugfabrik", "de") == ["flugzeug", "fabrik"]
    assert compound_parts("flugzeugxyz", "de") == []
    assert compound_parts("avionusine", "fr") == []
    assert unspaced_names("飞机医院", "zh") == ["飞机", "医院"]
    assert known_form("regenschirms", "de") == "regenschirm"
    assert known_form("xqzw", "de") == ""
