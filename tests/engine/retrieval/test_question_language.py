"""The language of a question, and the pages that are in another one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import toy_words
from docsearch.engine.query.languages import CODES
from docsearch.engine.retrieval.question_language import document_languages
from docsearch.engine.retrieval.text_evidence import TextSearch
from docsearch.engine.store import open_snapshot

TEXTS = {
    "en.pdf": ["the annual report of the company with its revenue and what they say of it, this year"] * 2,
    "de.pdf": ["der Bericht und die Zahlen der Firma nicht mit dem Umsatz, und was sie für das Jahr Ellery sagen"] * 2,
    "zh.pdf": ["公司的年度报告 和 收入"],
    "codes.pdf": ["4711 0815"],
}
PATHS = np.array([path for path, pages in TEXTS.items() for _ in pages])


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TextSearch]:
    directory = tmp_path_factory.mktemp("languages") / "index"
    toy_words.write(directory, {path: [[1] for _ in pages] for path, pages in TEXTS.items()}, texts=TEXTS)
    with open_snapshot(directory) as snapshot:
        yield TextSearch(snapshot)


@pytest.mark.parametrize(
    ("question", "foreign"),
    [
        ("revenue", {"de.pdf", "zh.pdf"}),  # a word of English pages only
        ("Umsatz", {"en.pdf", "zh.pdf"}),
        ("what does the company say about its debts", {"de.pdf", "zh.pdf"}),  # function words
        ("收入", {"en.pdf", "de.pdf"}),  # letters
        ("ingresos", {"en.pdf", "de.pdf", "zh.pdf"}),  # no page has it, but it is known to be Spanish
        ("ingresos anuales de la planta Ellery", {"en.pdf", "de.pdf", "zh.pdf"}),  # a name makes no language
        ("Zusammenfassung Ellery", {"en.pdf", "zh.pdf"}),
        ("Ellery Xyzzy", set(TEXTS)),  # no page has all of it, and it is of no language
    ],
)
def test_foreign_pages_are_those_in_another_known_language(texts: TextSearch, question: str, foreign: set[str]) -> None:
    assert set(PATHS[texts.foreign_pages(question)]) == foreign


def test_a_page_that_does_not_tell_its_language_has_that_of_most_pages_of_its_document() -> None:
    german, english = CODES.index("de"), CODES.index("en")
    told = np.array([0, german, english, german, 0, 0, english], np.uint8)
    first = np.array([0, 0, 0, 0, 0, 5, 6])
    found = document_languages(told, first)
    assert found.tolist() == [german, german, english, german, german, 0, english]
    assert told[0] == 0
