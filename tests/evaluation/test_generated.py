"""Synthetic questions: each names one page, and the same seed gives the same ones."""

from __future__ import annotations

from pathlib import Path

import pytest

import toy_words
from docsearch.engine.query.terms import terms_of
from docsearch.engine.store import open_snapshot
from docsearch.evaluation import generated

FILLER = "The company reports its results once a year to all shareholders."
TEXTS = {
    "a.pdf": [
        f"Annual review of the northern ferries\n{FILLER}\nThe Halvorsen lighthouse keeper retired last autumn.",
        f"{FILLER}\nDredging and towage\n1,204\n(87)\nHarbour dues 310 295 288\nTotal 12",
        FILLER,
    ],
    "copy.pdf": ["Copied title of a brochure", "second page of the brochure with plenty of words"],
    "also/copy.pdf": ["Copied title of a brochure", "second page of the brochure with plenty of words"],
    "empty.pdf": [""],
}


@pytest.fixture
def index(tmp_path: Path) -> Path:
    pages = {path: [[1]] * len(texts) for path, texts in TEXTS.items()}
    toy_words.write(tmp_path / "index", pages, sha256=lambda path: path.rpartition("/")[2], texts=TEXTS)
    return tmp_path / "index"


def test_a_question_names_one_page(index: Path) -> None:
    with open_snapshot(index) as snapshot:
        found = generated.questions(snapshot, 100)
    assert {row["kind"] for row in found} == {"phrase", "title", "table row"}
    texts = {(path, page): terms_of(text) for path, pages in TEXTS.items() for page, text in enumerate(pages, 1)}
    for row in found:
        assert row["synthetic"] is True
        holding = {place for place, terms in texts.items() if set(terms_of(str(row["query"]))) <= set(terms)}
        assert {(path.rpartition("/")[2], page) for path, page in holding} == {
            (str(row["path"]).rpartition("/")[2], row["page"])
        }


def test_copies_are_asked_for_once_and_pages_without_words_never(index: Path) -> None:
    with open_snapshot(index) as snapshot:
        found = generated.questions(snapshot, 100)
    assert [(row["path"], row["page"]) for row in found] == [
        ("a.pdf", 1), ("a.pdf", 2), ("also/copy.pdf", 1), ("also/copy.pdf", 2),
    ]  # fmt: skip


def test_the_seed_decides(index: Path) -> None:
    with open_snapshot(index) as snapshot:
        same = [generated.questions(snapshot, 2, seed=3) for _ in range(2)]
        others = [generated.questions(snapshot, 2, seed=seed) for seed in range(8)]
    assert same[0] == same[1]
    assert any(other != same[0] for other in others)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("Net revenue 1,204 (87)", ["Net revenue"]),
        ("Harbour dues\n310\n295\n288", ["Harbour dues"]),
        ("Paid on time\n12\nyes", []),
        ("Total 12 13", []),
        ("and the rest of it 12 13", []),
        ("in 2023, 4 of 5 agreed", []),
    ],
)
def test_table_rows_have_a_label_and_numbers(text: str, labels: list[str]) -> None:
    assert list(generated._labels(text.splitlines())) == labels
