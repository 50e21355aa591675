"""Terms of texts, questions and names: the same word has the same term everywhere."""

from __future__ import annotations

import pytest

from docsearch.engine.query.terms import joined_terms, name_terms, page_terms, question_terms, terms_of


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Net margins, 1,577.5 %", ["net", "margin", "1,577.5"]),
        ("Société Générale", ["societe", "generale"]),
        ("Übergrößen", ["ubergrossen"]),
        ("数据库", ["数据", "据库"]),
        ("网", ["网"]),
        ("iPhone数据2023年", ["iphone", "数据", "2023", "年"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("Go\u0308teborg", ["goteborg"]),
        ("smørrebrød Łódź", ["smorrebrod", "lodz"]),
        ("أَحْمَد كتـــاب مدرسة", ["احمد", "كتاب", "مدرسه"]),
        ("שָׁלוֹם", ["שלום"]),
        ("ｐｌａｔｙｐｕｓ ４２", ["platypus", "42"]),
        ("bio\u00adluminescence\u200b", ["bioluminescence"]),
        ("ราคา", ["รา", "าค", "คา"]),
        ("Μονάδα", ["μονάδα"]),
        ("", []),
        ("— • —", []),
    ],
)
def test_terms_of_a_text(text: str, terms: list[str]) -> None:
    assert terms_of(text) == terms


@pytest.mark.parametrize("word", ["Société", "SOCIETE", "société"])
def test_spellings_of_a_word_are_one_term(word: str) -> None:
    assert terms_of(word) == ["societe"]


def query_terms(question: str) -> list[str]:
    return [word.term for word in question_terms(question).words]


def test_a_question_asks_for_each_term_once() -> None:
    assert query_terms("margin, Margins or MARGIN?") == ["margin", "or"]


def test_function_words_stay_alone() -> None:
    assert query_terms("was ist der") == ["was", "ist", "der"]
    assert query_terms("Wie hoch ist der Umsatz?") == ["hoch", "umsatz"]


def test_words_in_capitals_are_no_function_words() -> None:
    assert query_terms("Wer IT und die Abteilung wie") == ["it", "abteilung"]
    assert question_terms("who is it").values == ()


def test_forms_of_a_page_that_are_its_words_are_left_out() -> None:
    assert page_terms("1577.5 10km fbi").forms == {}
    assert page_terms("as photo- \nsynthesis, F.B.I.").forms == {"=photosynthesis": 1, "=fbi": 3}


def test_single_ideographs_are_found() -> None:
    assert dict(question_terms("数").words[0].others)["=数"] > 0
    assert "=数" in page_terms("数据库").forms


def test_function_words_of_a_language_that_the_other_words_tell_are_left_out() -> None:
    assert [word.term for word in question_terms("grietas en el registrador gris").words] == [
        "grieta",
        "registrador",
        "gris",
    ]
    assert [word.term for word in question_terms("the cracks in the logger").words] == ["the", "crack", "in", "logger"]


def test_names_in_one_word() -> None:
    assert ("bankofchina", ("bank", "of", "china")) in joined_terms("the Bank of China")


@pytest.mark.parametrize(
    ("path", "terms"),
    [
        ("AcmeGroup_10K.pdf", {"acmegroup", "acme", "group", "10k", "10", "k"}),
        ("taxes 2021/Müller.scan.pdf", {"taxe", "2021", "muller", "scan"}),
        ("报告.pdf", {"报告"}),
        ("README", {"readme"}),
        ("acme_4Q22.pdf", {"acme", "4q22", "4", "q", "22", "2022"}),
        ("FY2021-22.pdf", {"fy2021", "fy", "2021", "22", "2022"}),
        ("1999-00.pdf", {"1999", "00", "2000"}),
        ("2005-06-12.pdf", {"2005", "06", "12"}),
    ],
)
def test_terms_of_a_name(path: str, terms: set[str]) -> None:
    assert name_terms(path) == terms
