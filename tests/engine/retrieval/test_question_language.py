"""The language of a question, and the pages that are in another one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import toy_words
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
        ("ingresos", set(TEXTS)),  # no page has it, so no page can match it by its words
        ("ingresos anuales de la planta Ellery", set(TEXTS)),  # a name alone makes no language
    ],
)
def test_foreign_pages_are_those_in_another_known_language(texts: TextSearch, question: str, foreign: set[str]) -> None:
    assert set(PATHS[texts.foreign_pages(question)]) == foreign
