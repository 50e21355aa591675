"""What documents tell of questions: yearly reports of one company are told apart by the year that is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

import toy_words
from docsearch.engine.query.terms import question_terms
from docsearch.engine.retrieval import document_shares
from docsearch.engine.retrieval.document_shares import DocumentShares
from docsearch.engine.retrieval.name_index import NameIndex
from docsearch.engine.retrieval.text_index import TextIndex
from docsearch.engine.store import open_snapshot

STATEMENT = "Net revenue for the years 2023 2022 2021 2020 in millions"


def shares(directory: Path, texts: dict[str, list[str]], question: str) -> dict[str, float]:
    """The share that each document tells, by its path; all of its pages have the same."""
    toy_words.write(directory, {path: [[1]] * len(pages) for path, pages in texts.items()}, texts=texts)
    with open_snapshot(directory) as snapshot:
        words = question_terms(question).words
        search = DocumentShares(snapshot, NameIndex(snapshot))
        found = search.shares(question, words, TextIndex(snapshot).look_up_all(words))
        own: dict[str, set[float]] = {}
        for ref, share in zip(snapshot.refs(range(len(snapshot))), found.tolist(), strict=True):
            own.setdefault(ref.path, set()).add(round(share, 4))
        return {path: each.pop() for path, each in own.items() if len(each) == 1}


NAMED = {
    "HARLOWSTEEL_2021_10K.pdf": ["Harlow Steel, as of February 2022", STATEMENT],
    "harlow-fy22.pdf": ["Harlow Steel, as of February 2023", STATEMENT],
    "Harlow Steel_4q23.pdf": ["Harlow Steel, as of February 2024", STATEMENT],
    "Castell_2022.pdf": ["Castell Pharma", STATEMENT],
}


@pytest.mark.parametrize(
    ("question", "best"),
    [
        ("revenue of Harlow Steel in FY2021", "HARLOWSTEEL_2021_10K.pdf"),
        ("revenue of Harlow Steel in 2022", "harlow-fy22.pdf"),
        ("Harlow Steel revenue FY22", "harlow-fy22.pdf"),
        ("Harlow Steel revenue in 4Q23", "Harlow Steel_4q23.pdf"),
        ("growth of Harlow Steel's revenue from 2021 to 2022", "harlow-fy22.pdf"),
        ("revenue of Castell in 2022", "Castell_2022.pdf"),
    ],
)
def test_the_report_of_the_year_comes_before_its_siblings(tmp_path: Path, question: str, best: str) -> None:
    found = shares(tmp_path, NAMED, question)
    assert len(found) == len(NAMED)
    others = [share for path, share in found.items() if path != best]
    assert found[best] > max(others) + 0.1


def test_without_a_year_in_its_name_a_document_is_of_the_first_year_in_its_text(tmp_path: Path) -> None:
    texts = {
        f"{year}.{name}"[5:]: [f"Harlow Steel report, year ended May 31, {year}; filed July {year + 1}", STATEMENT]
        for year, name in ((2021, "a.pdf"), (2022, "b.pdf"), (2023, "c.pdf"))
    }
    found = shares(tmp_path, texts, "revenue of Harlow Steel in 2022")
    assert max(found, key=found.__getitem__) == "b.pdf"
    assert found["a.pdf"] == found["c.pdf"]


def test_where_many_documents_begin_with_the_year_their_texts_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_shares, "READ_OPENINGS", 1)
    texts = {f"{name}.pdf": [f"Harlow Steel {first} and 2022", STATEMENT] for name, first in (("a", 2021), ("b", 2022))}
    found = shares(tmp_path, texts, "revenue of Harlow Steel in 2022")
    assert found["a.pdf"] == found["b.pdf"] > 0


def test_a_year_that_no_document_is_of_prefers_none(tmp_path: Path) -> None:
    texts = {path: pages for path, pages in NAMED.items() if "arlow" in path or "ARLOW" in path}
    found = shares(tmp_path, texts, "revenue of Harlow Steel in 2019")
    assert len(set(found.values())) == 1
    assert min(found.values()) > 0


def test_a_year_alone_finds_the_documents_of_that_year(tmp_path: Path) -> None:
    found = shares(tmp_path, NAMED, "2022")
    assert {path for path, share in found.items() if share} == {"harlow-fy22.pdf", "Castell_2022.pdf"}
