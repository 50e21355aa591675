"""Verification finds any flipped byte of a segment's files, missing files, and a catalog that contradicts itself."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from docsearch.engine import store
from docsearch.engine.errors import IndexDamaged
from docsearch.engine.records import PagesToStore
from docsearch.engine.store import layout

FILES = [layout.VECTORS, layout.SCALES, layout.OFFSETS, layout.BOXES, layout.DENSE, layout.WORDS]


@pytest.fixture
def with_words(index: Path, synthetic: ModuleType) -> Path:
    """An index with every kind of segment file."""
    with store.open_writer(index, fingerprint={"name": "any"}) as writer:
        begun = writer.begin_document("a.pdf", "0" * 64, 1, 1)
        pages = synthetic.pages(begun.doc_id, "a.pdf", "0" * 64, [1, 2])
        writer.add_pages(PagesToStore(pages, ["", ""], np.ones((2, 2)), np.arange(5, dtype=np.uint16)))
    return index


def problems(index: Path) -> list[str]:
    with store.open_snapshot(index) as snapshot:
        return snapshot.verify()


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_byte_anywhere_in_a_file_is_found(with_words: Path, name: str) -> None:
    path = with_words / layout.SEGMENTS / "00000001" / name
    whole = path.read_bytes()
    for position in {0, len(whole) - 1, *random.Random(name).sample(range(len(whole)), 10)}:
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :])
        assert problems(with_words) == [f"{path}: its checksum is not the committed one"]
    path.write_bytes(whole)
    assert problems(with_words) == []


def test_a_short_or_missing_file_is_found(with_words: Path) -> None:
    folder = with_words / layout.SEGMENTS / "00000001"
    path = folder / layout.BOXES
    path.write_bytes(path.read_bytes()[:-3])
    assert "were committed" in problems(with_words)[0]
    with store.open_snapshot(with_words) as snapshot, pytest.raises(IndexDamaged, match="docsearch verify"):
        snapshot.boxes(0)
    shutil.rmtree(folder)
    assert len(problems(with_words)) == len(FILES)
    with store.open_snapshot(with_words) as snapshot, pytest.raises(IndexDamaged, match="docsearch verify"):
        list(snapshot.blocks())


def test_a_file_of_another_segment_is_not_read(filled: Path) -> None:
    one, two = (filled / layout.SEGMENTS / name / layout.VECTORS for name in ("00000001", "00000002"))
    array = np.load(one)
    np.save(two, array[:-1])
    with store.open_snapshot(filled) as snapshot, pytest.raises(IndexDamaged, match=r"the catalog says \|i1 \(15, 8\)"):
        list(snapshot.blocks())


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE pages SET vectors = vectors + 1 WHERE number = 2", "1 pages have another length"),
        ("UPDATE pages SET segment = 7 WHERE number = 2", "1 pages in a segment the catalog does not name"),
        ("DELETE FROM page_text WHERE rowid = 1", "1 pages without a row for their text"),
        ("DELETE FROM documents", "2 pages of a document the catalog does not name"),
        ("UPDATE documents SET state = 'done', page_count = 3", "1 finished documents with a page neither"),
    ],
)
def test_a_catalog_that_contradicts_itself_is_found(with_words: Path, statement: str, problem: str) -> None:
    connection = sqlite3.connect(with_words / layout.CATALOG)
    connection.execute(statement)
    connection.commit()
    connection.close()
    assert any(problem in each for each in problems(with_words))


def test_a_broken_catalog_page_is_damage_not_a_crash(filled: Path) -> None:
    path = filled / layout.CATALOG
    data = bytearray(path.read_bytes())
    for start in range(4096, len(data), 4096):
        data[start : start + 512] = bytes(512)
    path.write_bytes(data)
    with pytest.raises(IndexDamaged, match="docsearch index"):
        store.open_snapshot(filled)
