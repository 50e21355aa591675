"""What OCR read is kept with the words' places, goes with its page, and tells which documents it has not read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from docsearch.engine.ocr_text import OcrText
from docsearch.engine.records import BOX_SCALE, PageRef, PagesToStore, PageVectors, PageWords, Ragged
from docsearch.engine.store import SegmentBuilder, layout, open_combined, open_snapshot, open_writer
from docsearch.engine.store.writer import IndexWriter

FINGERPRINT = {"name": "toy", "dim": 4}
WORDS = PageWords(("net", "income"), np.array([[0, 0.1, 0.25, 0.2], [0.3, 0.1, 1, 0.2]], np.float32))
TESSERACT = OcrText("Tesseract 5.3.0, deu+eng", WORDS)
NOTHING = OcrText("Tesseract 5.3.0, deu+eng", PageWords((), np.zeros((0, 4), np.float32)))


def to_store(doc_id: str, path: str, texts: list[str], ocr: list[OcrText | None]) -> PagesToStore:
    count = len(texts)
    vectors = PageVectors(
        tuple(PageRef(doc_id, path, number) for number in range(1, count + 1)),
        Ragged(np.ones((count, 4), np.float16), np.arange(count + 1)),
        np.zeros((count, 4), np.uint16),
        np.zeros((count, 0), np.float16),
    )
    return PagesToStore(vectors, texts, np.full((count, 2), 100.0), ocr=ocr)


def add(writer: IndexWriter, path: str, texts: list[str], ocr: list[OcrText | None]) -> None:
    doc_id = writer.begin_document(path, path, 1, 1).doc_id
    writer.add_pages(to_store(doc_id, path, texts, ocr))
    writer.finish_document(doc_id, len(texts))


@pytest.fixture
def index(tmp_path: Path) -> Path:
    with open_writer(tmp_path / "index", fingerprint=FINGERPRINT) as writer:
        add(writer, "a.pdf", ["net income", "", "text layer"], [TESSERACT, NOTHING, None])
        add(writer, "b.pdf", ["text layer"], [None])
    return tmp_path / "index"


def tables(index: Path) -> set[str]:
    with closing(sqlite3.connect(index / layout.CATALOG)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


def test_pages_tell_what_read_them_and_where_their_words_are(index: Path) -> None:
    with open_snapshot(index) as snapshot:
        assert snapshot.ocr_engines(range(4)) == [TESSERACT.engine, TESSERACT.engine, "", ""]
        found = snapshot.ocr_words(0)
        assert found is not None
        assert found.texts == WORDS.texts
        np.testing.assert_allclose(found.boxes, WORDS.boxes, atol=1 / BOX_SCALE)
        assert [snapshot.ocr_words(row) for row in (1, 2, 3)] == [None] * 3
        assert snapshot.verify() == []


def test_several_indexes_tell_it_as_each_does(index: Path, tmp_path: Path) -> None:
    with open_writer(tmp_path / "other", fingerprint=FINGERPRINT) as writer:
        add(writer, "c.pdf", ["text layer"], [None])
    with open_combined({"other": tmp_path / "other", "index": index}) as snapshot:
        assert snapshot.ocr_engines([0, 1]) == ["", TESSERACT.engine]
        assert snapshot.ocr_words(0) is None
        assert (words := snapshot.ocr_words(1)) is not None
        assert words.texts == WORDS.texts


def test_an_index_without_ocr_has_no_table_for_it(tmp_path: Path) -> None:
    with open_writer(tmp_path / "index", fingerprint=FINGERPRINT) as writer:
        add(writer, "a.pdf", [""], [None])
    assert not {name for name in tables(tmp_path / "index") if "ocr" in name}
    with open_snapshot(tmp_path / "index") as snapshot:
        assert snapshot.ocr_engines([0]) == [""]
        assert snapshot.ocr_words(0) is None


def test_what_ocr_read_goes_with_its_page(index: Path) -> None:
    with open_writer(index, fingerprint=None) as writer:
        writer.remove(["a.pdf"])
    with closing(sqlite3.connect(index / layout.CATALOG)) as connection:
        assert connection.execute("SELECT count(*) FROM page_ocr").fetchone() == (0,)


def test_places_that_are_damaged_are_none(index: Path) -> None:
    with closing(sqlite3.connect(index / layout.CATALOG)) as connection:
        connection.execute("UPDATE page_ocr SET boxes = x'00'")
        connection.commit()
    with open_snapshot(index) as snapshot:
        assert snapshot.ocr_words(0) is None


def test_words_that_are_no_text_are_stored_as_such(tmp_path: Path) -> None:
    odd = replace(TESSERACT, words=PageWords(("a\udcff", "b"), WORDS.boxes))
    with open_writer(tmp_path / "index", fingerprint=FINGERPRINT) as writer:
        add(writer, "a.pdf", ["a b"], [odd])
    with open_snapshot(tmp_path / "index") as snapshot:
        assert (words := snapshot.ocr_words(0)) is not None
        assert words.texts == ("a?", "b")


@pytest.mark.parametrize(
    ("reader", "expected"),
    [
        ("Tesseract, deu+eng", {"d.pdf"}),
        ("Tesseract, eng", {"a.pdf", "d.pdf"}),
        ("RapidOCR", {"a.pdf", "d.pdf"}),
    ],
)
def test_documents_with_pages_that_were_not_read_or_by_another_engine_are_known(
    index: Path, reader: str, expected: set[str]
) -> None:
    with open_writer(index, fingerprint=None) as writer:
        add(writer, "c.pdf", ["text layer"], [None])
        add(writer, "d.pdf", ["text layer", " \n\t"], [None, None])
        assert writer.documents_for_ocr(reader) == expected
    with open_snapshot(index) as snapshot:
        assert snapshot.documents_for_ocr(reader) == expected


def test_a_new_version_of_an_engine_reads_nothing_again(index: Path) -> None:
    with closing(sqlite3.connect(index / layout.CATALOG)) as connection:
        connection.execute("UPDATE page_ocr SET engine = replace(engine, '5.3.0', '4.1.1')")
        connection.commit()
    with open_snapshot(index) as snapshot:
        assert snapshot.documents_for_ocr("Tesseract, deu+eng") == set()


def test_segments_of_other_processes_bring_what_ocr_read(tmp_path: Path) -> None:
    builder = SegmentBuilder("int8")
    builder.add_pages(to_store("", "a.pdf", ["net income", "x"], [TESSERACT, None]))
    segment = builder.write(tmp_path / "built")
    with open_writer(tmp_path / "index", fingerprint=FINGERPRINT) as writer:
        doc_id = writer.begin_document("a.pdf", "a", 1, 1).doc_id
        pages = tuple(replace(page, ref=replace(page.ref, doc_id=doc_id)) for page in segment.pages)
        writer.add_segment(replace(segment, pages=pages), tmp_path / "built")
        writer.finish_document(doc_id, 2)
        assert writer.ocr_engine(doc_id) == TESSERACT.engine
    with open_snapshot(tmp_path / "index") as snapshot:
        assert snapshot.ocr_engines([0, 1]) == [TESSERACT.engine, ""]
