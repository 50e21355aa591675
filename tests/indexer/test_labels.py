"""Labels of pages: their numbers as their documents have them, beside those that count from 1."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pymupdf
import pytest

from docsearch import open_index
from docsearch.engine.store import open_snapshot
from docsearch.indexer import pipeline
from fake_encoder import FakeEncoder

RULES = [
    {"startpage": 0, "style": "r", "firstpagenum": 4},
    {"startpage": 2, "prefix": "A-", "style": "D", "firstpagenum": 1},
    {"startpage": 4, "style": "D", "firstpagenum": 5},
]


def write(file: Path, pages: int, rules: list[dict[str, object]]) -> None:
    file.parent.mkdir(exist_ok=True)
    document = pymupdf.open()
    for number in range(pages):
        document.new_page(width=200, height=260).insert_text((20, 40), f"revenue {number}")
    document.set_page_labels(rules)
    document.save(file)


def labels(index: Path) -> dict[tuple[str, int], str]:
    with open_snapshot(index) as snapshot:
        refs = snapshot.refs(range(len(snapshot)))
        return {(ref.path, ref.page): snapshot.label(row) for row, ref in enumerate(refs)}


@pytest.mark.parametrize("renderer", ["mupdf", "pdfium"])
def test_pages_have_the_labels_of_their_document(tmp_path: Path, renderer: str) -> None:
    if renderer == "pdfium":
        pytest.importorskip("pypdfium2")
    write(tmp_path / "docs/a.pdf", 6, RULES)
    write(tmp_path / "docs/plain.pdf", 2, [])
    pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", encoder=FakeEncoder(), renderer=renderer)
    found = labels(tmp_path / "index")
    assert [found["a.pdf", page] for page in range(1, 7)] == ["iv", "v", "A-1", "A-2", "", ""]
    assert found["plain.pdf", 1] == ""
    with open_index(tmp_path / "index", encoder=FakeEncoder()) as index:
        hit = next(hit for hit in index.search("revenue", k=20) if (hit.ref.path, hit.ref.page) == ("a.pdf", 3))
        assert hit.label == "A-1"


def test_labels_change_with_their_document(tmp_path: Path) -> None:
    write(tmp_path / "docs/a.pdf", 3, RULES)
    pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", encoder=FakeEncoder())
    write(tmp_path / "docs/a.pdf", 2, [{"startpage": 0, "prefix": "B-", "style": "D", "firstpagenum": 1}])
    pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", encoder=FakeEncoder())
    assert labels(tmp_path / "index") == {("a.pdf", 1): "B-1", ("a.pdf", 2): "B-2"}
    with sqlite3.connect(tmp_path / "index/catalog.sqlite") as catalog:
        assert catalog.execute("SELECT count(*) FROM page_labels").fetchone() == (2,)
    catalog.close()


def test_an_index_without_the_table_has_no_labels(tmp_path: Path) -> None:
    write(tmp_path / "docs/a.pdf", 3, RULES)
    pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", encoder=FakeEncoder())
    with sqlite3.connect(tmp_path / "index/catalog.sqlite") as catalog:
        catalog.execute("DROP TABLE page_labels")
        catalog.execute("DROP TRIGGER IF EXISTS label_page_deleted")
    catalog.close()
    assert set(labels(tmp_path / "index").values()) == {""}
    (tmp_path / "docs/b.pdf").write_bytes((tmp_path / "docs/a.pdf").read_bytes())
    pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", encoder=FakeEncoder())
    assert labels(tmp_path / "index")["b.pdf", 3] == "A-1"
