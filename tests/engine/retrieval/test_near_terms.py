"""Synonyms and the words of other languages in text layers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import toy_words
from docsearch.engine.query.terms import question_terms
from docsearch.engine.retrieval.near_terms import NearTerms
from docsearch.engine.retrieval.spelling import Spelling
from docsearch.engine.retrieval.term_pages import TermPages
from docsearch.engine.retrieval.text_evidence import TextSearch
from docsearch.engine.retrieval.text_index import TextIndex
from docsearch.engine.store import open_snapshot

GERMAN = "Diese Rechnungen sind nicht bezahlt worden, weil der Kunde sie noch nicht hat"
ENGLISH = "The invoices of the year were paid by the client and are with the bank"
FRENCH = "Le locataire doit payer le loyer dans les huit jours, et les charges avec"
CHINESE = "公司的收入比去年增长了百分之十"
OTHER = "Gasket torque wrench settings"
PAGES = [GERMAN, ENGLISH, FRENCH, CHINESE, OTHER, ""]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TextIndex]:
    directory = tmp_path_factory.mktemp("near") / "index"
    toy_words.write(directory, {"a.pdf": [[1]] * len(PAGES)}, texts={"a.pdf": PAGES})
    with open_snapshot(directory) as snapshot:
        yield TextIndex(snapshot)


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TextSearch]:
    directory = tmp_path_factory.mktemp("near_search") / "index"
    toy_words.write(directory, {"a.pdf": [[1]] * len(PAGES)}, texts={"a.pdf": PAGES})
    with open_snapshot(directory) as snapshot:
        yield TextSearch(snapshot, {"ja", "zh", "ko", "ar", "he", "th", "hi"})


def test_the_index_knows_its_languages(index: TextIndex) -> None:
    assert index.languages == {"de", "en", "fr", "zh"}


def test_shares_of_numbers(tmp_path: Path) -> None:
    toy_words.write(tmp_path / "index", {"a.pdf": [[1]] * 3}, texts={"a.pdf": ["12 and 1,577.5", "none here", ""]})
    with open_snapshot(tmp_path / "index") as snapshot:
        found = TextIndex(snapshot).number_shares
    np.testing.assert_allclose(found, [2 / 3, 0, np.nan], rtol=1e-6)


@pytest.mark.parametrize(
    ("question", "page"),
    [("facture", 0), ("factura", 1), ("Miete", 2), ("revenue", 3), ("売上高", 3), ("Rechnung", 0), ("rent", 2)],
)
def test_pages_in_other_languages_are_found(search: TextSearch, question: str, page: int) -> None:
    assert search.evidence(question).text[page] > 0


def test_the_word_itself_counts_more_than_its_translation(search: TextSearch) -> None:
    text = search.evidence("invoice").text
    assert text[1] > text[0] > 0
    assert not text[[2, 4, 5]].any()


def test_other_forms_of_a_translation_are_found_by_its_beginning(index: TextIndex) -> None:
    near = NearTerms(index, Spelling(index)).of("facture", question_terms("facture").words)
    assert {row for each in near["facture"] for row in each.pages.rows.tolist()} == {0, 1}


def test_nothing_is_near_to_a_name(index: TextIndex) -> None:
    assert NearTerms(index, Spelling(index)).of("Uttoxeter", question_terms("Uttoxeter").words) == {}


def test_pages_in_scripts_that_the_model_does_not_read_are_told(search: TextSearch) -> None:
    assert np.flatnonzero(search.evidence("revenue").is_unread).tolist() == [3]


def test_a_repeated_word_is_looked_up_once(index: TextIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    near = NearTerms(index, Spelling(index))
    look_up = near._pages_of

    def counted(name: str) -> TermPages:
        names.append(name)
        return look_up(name)

    monkeypatch.setattr(near, "_pages_of", counted)
    near.of(question := "facture " * 50, question_terms(question).words)
    assert names
    assert len(names) == len(set(names))
