"""The language of a text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from docsearch.engine.models.pixel.function_words import HOMOGRAPHS, by_language
from docsearch.engine.models.pixel.spec import EARLIER, SPEC
from docsearch.engine.query.languages import CODES, LETTERS, SAMPLES, by_letters, language_of, languages_not_read
from docsearch.engine.query.terms import terms_of
from docsearch.engine.query.translations import notions


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The margin of the year was higher than that of the year before, and it is to grow by ten percent."),
        ("de", "Die Rechnung ist nicht bezahlt worden, weil der Kunde sie für falsch hielt."),
        ("fr", "Le locataire doit payer le loyer dans les huit jours qui suivent."),
        ("ru", "Арендатор не может расторгнуть договор, если он не уведомил об этом."),
        ("ja", "売上高は前年と比べて増加しました。"),
        ("zh", "公司的收入比去年增长了百分之十。"),
        ("ko", "매출은 작년보다 증가했습니다."),
        ("ar", "ارتفعت إيرادات الشركة مقارنة بالعام الماضي"),
        ("he", "ההכנסות עלו לעומת השנה שעברה"),
        ("th", "รายได้ของบริษัทเพิ่มขึ้น"),
        ("", "Uttoxeter 4821 AB-1047-X"),
        ("", ""),
    ],
)
def test_language_of(language: str, text: str) -> None:
    assert language_of(text, set(terms_of(text))) == language


def test_languages_not_read_follow_the_scripts_of_a_model() -> None:
    assert languages_not_read(SPEC.unread_letters) == frozenset()
    assert languages_not_read(EARLIER["8"].unread_letters) == LETTERS.keys()
    only_chinese = replace(SPEC, scripts=("LATIN", "CJK"))
    assert languages_not_read(only_chinese.unread_letters) == LETTERS.keys() - {"zh"}
    assert {code: by_letters(letter) for code, letter in SAMPLES.items()} == {code: code for code in LETTERS}


def test_every_language_has_a_place_that_stays() -> None:
    assert CODES[:4] == ("", "en", "de", "fr")
    assert len(set(CODES)) == len(CODES) < 256
    assert (by_language().keys() - {HOMOGRAPHS} | LETTERS.keys()) <= set(CODES)
    assert {code for notion in notions() for code in notion} <= set(CODES)
