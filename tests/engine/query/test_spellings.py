"""One value, many spellings: what is printed in one is found by another, and nothing else is."""

from __future__ import annotations

import pytest

from docsearch.engine.query.characters import clean
from docsearch.engine.query.dates import month_numbers
from docsearch.engine.query.numerals import of_numeral, readings
from docsearch.engine.query.spellings import forms
from docsearch.engine.query.terms import page_terms, question_terms

AMOUNTS = ["1,234.56", "1.234,56", "1 234,56", "1'234.56", "1\u202f234,56", "1234.56", "1234,56"]
DATES = [
    "2023-03-05",
    "5 March 2023",
    "March 5, 2023",
    "5th of March 2023",
    "05.03.2023",
    "5. März 2023",
    "5 mars 2023",
    "5 de marzo de 2023",
    "5 марта 2023",
    "2023年3月5日",
    "5-3-2023",
]
TIMES = ["15:45", "3:45 pm", "3:45 P.M.", "15h45", "15.45 Uhr", "15.45"]


def finds(question: str, page: str) -> float:
    """How surely a page has everything that a question asks for, 0 to 1."""
    text = page_terms(page)
    every = {**dict.fromkeys(text.terms, 1.0), **dict.fromkeys(text.forms, 1.0)}
    asked = question_terms(question)
    values = [
        max((strength for term, strength in value.spelled if term in every), default=0.0) for value in asked.values
    ]
    spelled = {word for value, found in zip(asked.values, values, strict=True) if found for word in value.words}
    words = [
        max((strength for term, strength in ((word.term, 1.0), *word.others) if term in every), default=0.0)
        for word in asked.words
        if word.term not in spelled
    ]
    return min([*words, *(found for found in values if found)], default=0.0)


@pytest.mark.parametrize("spellings", [AMOUNTS, DATES], ids=["amounts", "dates"])
def test_every_spelling_finds_every_other(spellings: list[str]) -> None:
    for question in spellings:
        for page in spellings:
            assert finds(question, f"Signed {page} by both") > 0, (question, page)


@pytest.mark.parametrize("question", TIMES)
@pytest.mark.parametrize("page", TIMES[:-1])
def test_times(question: str, page: str) -> None:
    assert finds(question, f"Departure at {page} from platform 9") >= 0.5


@pytest.mark.parametrize(
    ("question", "page"),
    [
        ("AB1047X", "gasket AB-1047-X fits"),
        ("AB-1047-X", "gasket AB1047X fits"),
        ("ab 1047 x", "gasket AB-1047-X fits"),
        ("$1,200", "USD 1200"),
        ("USD 1200", "$1,200"),
        ("1.200 EUR", "€1,200.00"),
        ("10km", "range 10 km"),
        ("10 km", "range 10km"),
        ("0.35mm", "gap 0,35 mm"),
        ("5 um", "at 5 μm"),
        ("17,5 %", "rose to 17.5 percent"),
        ("FBI", "The F.B.I. opened"),
        ("F.B.I.", "The FBI opened"),
        ("email", "send an e-mail"),
        ("e-mail", "send an email"),
        ("photosynthesis", "depend on photo-\nsynthesis and"),
        ("get customer address", "Call getCustomerAddress() before"),
        ("max retry count", "Set max_retry_count = 5"),
        ("billing desk", "to billing.desk@northwind.org"),
        ("XX12345678901234567890", "IBAN XX12 3456 7890 1234 5678 90"),
        ("XX12 3456 7890 1234 5678 90", "IBAN XX12345678901234567890"),
        ("03055501234", "Telephone +49 30 5550 1234"),
        ("+49 30 5550 1234", "Telephone (030) 5550-1234"),
        ("9781402894626", "ISBN 978-1-4028-9462-6"),
        ("2.10.3", "Firmware v2.10.3"),
        ("chapter 4", "Chapter IV: the siege"),
        ("24 horses", "Twenty-four horses"),
        ("twelve dogs", "12 dogs"),
        ("third edition", "the 3rd edition"),
        ("administrative", "A D M I N I S T R A T I V E"),
        ("H2SO4", "Dilute H₂SO₄ slowly"),
        ("alpha particles", "The α-particles decay"),
        ("efficient", "an eﬃcient office"),
        ("wolf", "The wolves and geese"),
        ("goose", "The wolves and geese"),
        ("companies", "a company"),
        ("Jaeger", "Frau Jäger"),
        ("Jäger", "Frau Jaeger"),
        ("Strasse", "Gräfestraße, Straße"),
        ("학교", "우리 학교에서"),
        ("كتاب", "قرأت الكتاب"),
        ("ספר", "קראתי הספר"),
        ("paragraph 823", "§ 823 BGB"),
        ("١٢٣٤", "1234"),
    ],
)
def test_other_spellings_are_found_but_count_less(question: str, page: str) -> None:
    assert 0 < finds(question, page) <= 1
    assert finds(question, question) == 1 or finds(question, page) == finds(question, question)


@pytest.mark.parametrize(
    ("question", "page"),
    [
        ("1,234.56", "1,243.56"),
        ("1234.56", "1,234.65"),
        ("AB-1047-X", "AB-1074-X"),
        ("2.10.3", "2.1.03"),
        ("15:45", "15:54"),
        ("20231107004815162342", "20231107004815162324"),
        ("10 kg", "10 km"),
        ("email", "male"),
        ("getCustomerAddress", "the customer"),
        ("2022", "a table of 2,022 rows"),
    ],
)
def test_near_misses_are_not_found(question: str, page: str) -> None:
    assert finds(question, page) == 0


@pytest.mark.parametrize(
    ("question", "form"),
    [("C++", "c++"), ("C#", "c#"), (".NET", ".net"), ("IT", "^it"), ("19:19", "19:19"), ("5 kg", "5kg")],
)
def test_values_that_are_more_than_their_words(question: str, form: str) -> None:
    (value,) = question_terms(question).values
    assert value.spelled[0][0] == f"={form}"


@pytest.mark.parametrize("question", ["vitamin C", "it is", "year-over-year", "the 'best' one", "and/or", "2019-2020"])
def test_prose_has_no_values(question: str) -> None:
    assert question_terms(question).values == ()


@pytest.mark.parametrize(
    ("number", "values"),
    [
        ("1,234", {"1234", "1.234"}),
        ("0,5", {"0.5"}),
        ("1.234.567,8", {"1234567.8"}),
        ("12,34,567.50", {"1234567.5"}),
        ("1,234.00", {"1234"}),
        ("4.0", {"4.0"}),
        ("192.168.1.1", set()),
        ("1,23,4", set()),
        ("7", set()),
    ],
)
def test_readings_of_numbers(number: str, values: set[str]) -> None:
    assert {value for value, _ in readings(number)} == values


def test_ambiguous_dates_are_both_less_surely() -> None:
    found = {form.form: form.strength for form in forms("03/11/2022")}
    assert found == {"2022-11-03": 0.5, "2022-03-11": 0.5}
    assert {form.form: form.strength for form in forms("14/05/2023")} == {"2023-05-14": 0.9}


@pytest.mark.parametrize("word", ["II", "IV", "IX", "XIV", "XXXIX"])
def test_numerals(word: str) -> None:
    assert of_numeral(word) == {"II": "2", "IV": "4", "IX": "9", "XIV": "14", "XXXIX": "39"}[word]


@pytest.mark.parametrize("word", ["I", "V", "IIII", "IC", "MIX", "it", ""])
def test_words_that_are_no_numerals(word: str) -> None:
    assert of_numeral(word) == ""


def test_every_month_has_names() -> None:
    numbers = {number for found in month_numbers().values() for number in found}
    assert numbers == {str(month) for month in range(1, 13)}
    assert month_numbers()["january"] == ["1"]


@pytest.mark.parametrize(
    "text", ["", "\u0000", "a" * 100_000, "1" * 5000, "1,234 " * 3000, "-" * 5000, "A1 " * 3000, "99/99/9999"]
)
def test_any_text_has_forms_in_time(text: str) -> None:
    assert all(form.start < form.end <= len(text) for form in forms(clean(text)))
