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


@pytest.mark.parametrize("name", ["text", "path"])
def test_any_flipped_bit_of_a_text_layer_or_a_path_is_found(index: Path, synthetic: ModuleType, name: str) -> None:
    """In a word, in a space, in the case of a letter: neither SQLite nor its full-text index notices those."""
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        synthetic.add(writer, "the document.pdf")
    path = index / layout.CATALOG
    whole = path.read_bytes()
    wanted = b"the document.pdf version 0 page 5" if name == "text" else b"the document.pdf" + b"0" * 0
    places = [at for at in range(len(whole)) if whole.startswith(wanted, at)]
    assert places
    at = places[0] if name == "text" else next(at for at in places if whole[at - 16 : at].isalnum())
    for offset in range(len(wanted)):
        for bit in (0x01, 0x20):
            damaged = bytearray(whole)
            damaged[at + offset] ^= bit
            path.write_bytes(damaged)
            found = problems(index)
            assert any("not what was committed" in each for each in found), (offset, bit, found)
    path.write_bytes(whole)
    assert problems(index) == []


def test_a_text_that_is_exchanged_for_another_is_found_with_its_page(filled: Path) -> None:
    connection = sqlite3.connect(filled / layout.CATALOG)
    connection.execute("UPDATE page_text SET text = 'b.pdf version 0 page 3' WHERE rowid = 9")
    connection.execute("UPDATE pages SET width = 9 WHERE key = 2")
    connection.commit()
    connection.close()
    assert [each.partition(": ")[2] for each in problems(filled)] == [
        "page 2 of a.pdf or its text is not what was committed",
        "page 2 of b.pdf or its text is not what was committed",
    ]


def test_a_removed_page_takes_its_damage_with_it(filled: Path, synthetic: ModuleType) -> None:
    connection = sqlite3.connect(filled / layout.CATALOG)
    connection.execute("UPDATE page_text SET text = 'other' WHERE rowid = 9")
    connection.commit()
    connection.close()
    assert len(problems(filled)) == 1
    with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer:
        synthetic.add(writer, "b.pdf", version=1)
        writer.move_document("c.pdf", "d.pdf", 3, 4)
        writer.fail_document("e.pdf", "broken")
    assert problems(filled) == []


EARLIER_TABLES = ("page_checksums", "document_checksums")
EARLIER_TRIGGERS = ("page_deleted", "document_deleted", "document_changed")


def make_earlier(index: Path) -> None:
    """Make the catalog one that a version without checksums of rows wrote."""
    connection = sqlite3.connect(index / layout.CATALOG)
    for name in EARLIER_TRIGGERS:
        connection.execute(f"DROP TRIGGER {name}")
    for name in EARLIER_TABLES:
        connection.execute(f"DROP TABLE {name}")
    connection.commit()
    connection.close()


def checksums(index: Path) -> list[int]:
    connection = sqlite3.connect(index / layout.CATALOG)
    found = [connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in EARLIER_TABLES]
    connection.close()
    return found


def test_an_index_of_an_earlier_version_gets_checksums_as_it_changes(filled: Path, synthetic: ModuleType) -> None:
    make_earlier(filled)
    assert problems(filled) == []
    with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer:
        synthetic.add(writer, "d.pdf")
    assert checksums(filled) == [7, 1]
    with store.open_writer(filled, fingerprint=None) as writer:
        writer.compact()
    assert checksums(filled) == [28, 4]
    assert problems(filled) == []


def test_a_change_by_an_earlier_version_is_not_taken_for_damage(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its statements are those of today, without the checksums."""
    connection = sqlite3.connect(filled / layout.CATALOG)
    connection.execute("UPDATE documents SET path = 'moved.pdf', mtime_ns = 8 WHERE path = 'a.pdf'")
    connection.execute("DELETE FROM page_text WHERE rowid IN (SELECT key FROM pages WHERE document = 3)")
    connection.execute("DELETE FROM pages WHERE document = 3")
    connection.execute("DELETE FROM documents WHERE key = 3")
    connection.execute("INSERT INTO documents VALUES (3, 'x', 'x.pdf', '0', 1, 1, 1, 'done', NULL)")
    connection.execute("INSERT INTO pages VALUES (15, 3, 1, 3, 0, 1.0, 1.0, 2)")
    connection.execute("INSERT INTO page_text (rowid, text) VALUES (15, 'x')")
    connection.commit()
    connection.close()
    assert problems(filled) == []
