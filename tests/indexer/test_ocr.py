"""`index_documents(ocr=…)`: what an index gets of scans, which documents are read again, and that it is remembered."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from PIL import Image

import fake_tesseract
from docsearch.engine.errors import UsageError
from docsearch.engine.records import PageWords
from docsearch.engine.searcher import open_searcher
from docsearch.engine.store import layout, open_snapshot
from docsearch.engine.where.documents import DocumentFilter
from docsearch.indexer import pipeline
from docsearch.indexer.discover import Document
from docsearch.indexer.plan import plan
from docsearch.indexer.report import IndexReport, Progress
from docsearch.indexer.settings import IndexSettings
from docsearch.indexer.update import update_index
from fake_encoder import FakeEncoder
from fake_tesseract import WORDS, FakeTesseract

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
ENGINE = "Tesseract 9.8.7, deu+eng"


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTesseract]:
    yield fake_tesseract.install(tmp_path / "bin", monkeypatch)
    fake_tesseract.forget()


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """Two documents: a scan, and a PDF with a text layer."""
    docs = tmp_path / "docs"
    docs.mkdir()
    scan(docs / "scan.png", 1)
    document = pymupdf.open()
    document.new_page().insert_text((72, 72), "The text layer of a page is exact, and has all of its words.")
    document.save(docs / "text.pdf")
    return docs


def scan(file: Path, seed: int) -> None:
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (60, 80, 3), np.uint8)).save(file)


def run(docs: Path, ocr: str | None = None, **options: object) -> IndexReport:
    return pipeline.index_documents(
        [docs],
        docs.parent / "index",
        encoder=FakeEncoder(),
        ocr=ocr,
        **options,  # type: ignore[arg-type]
    )


def texts(index: Path) -> dict[str, str]:
    with open_snapshot(index) as snapshot:
        assert snapshot.verify() == []
        refs = snapshot.refs(range(len(snapshot)))
        return {ref.path: snapshot.text(row).strip() for row, ref in enumerate(refs)}


def info(index: Path) -> object:
    with open_snapshot(index) as snapshot:
        return snapshot.info()["ocr"]


def test_scans_get_a_text_and_others_keep_theirs(fake: FakeTesseract, docs: Path, tmp_path: Path) -> None:
    report = run(docs, "auto")
    assert (report.pages, report.ocr_pages, len(fake.calls)) == (2, 1, 1)
    assert texts(tmp_path / "index")["scan.png"] == "turbine hall"
    assert texts(tmp_path / "index")["text.pdf"].startswith("The text layer")
    with open_snapshot(tmp_path / "index") as snapshot:
        rows = {ref.path: row for row, ref in enumerate(snapshot.refs(range(2)))}
        assert snapshot.ocr_engines([rows["scan.png"], rows["text.pdf"]]) == [ENGINE, ""]
        found = DocumentFilter(snapshot)
        assert found.paths(None, "ocr_engine like 'tesseract%' and has_text") == frozenset({"scan.png"})
        assert found.paths(None, "ocr_engine is null") == frozenset({"text.pdf"})


def test_hits_say_that_ocr_read_their_text(fake: FakeTesseract, docs: Path, tmp_path: Path) -> None:
    run(docs, "auto")
    with open_searcher(tmp_path / "index", encoder=FakeEncoder()) as searcher:
        details = {hit.ref.path: hit.details for hit in searcher.search("turbine", k=2)}
    assert details["scan.png"].as_dict()["ocr_engine"] == ENGINE
    assert details["scan.png"].snippet is not None
    assert "ocr_engine" not in details["text.pdf"].as_dict()


def test_matches_are_marked_where_ocr_found_the_words(
    fake: FakeTesseract, docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(docs, "auto")
    with open_searcher(tmp_path / "index", encoder=FakeEncoder()) as searcher:
        asked: list[PageWords | None] = []
        monkeypatch.setattr(searcher, "printed_matches", lambda text, query, words: asked.append(words))
        (ref,) = (ref for ref in searcher.snapshot.refs(range(2)) if ref.path == "scan.png")
        none = PageWords((), np.zeros((0, 4), np.float32))
        searcher.word_marks("turbine", ref, words=none)
        searcher.word_marks("turbine", ref)
    assert asked[0] is not None
    assert asked[0].texts == ("turbine", "hall")
    assert asked[1] is None  # by the picture alone, as asked


def test_an_index_remembers_it(fake: FakeTesseract, docs: Path, tmp_path: Path) -> None:
    run(docs, "tesseract", ocr_languages="eng")
    assert info(tmp_path / "index") == "tesseract eng"
    scan(docs / "b.png", 2)
    assert update_index(tmp_path / "index", encoder=FakeEncoder()).ocr_pages == 1
    scan(docs / "c.png", 3)
    added = Document("c.png", docs / "c.png", 1, 1)
    assert pipeline.add(added, tmp_path / "index", encoder=FakeEncoder()).ocr_pages == 1
    assert run(docs).ocr_pages == 0
    assert {call.split(" --psm")[0] for call in fake.calls} == {"stdin stdout -l eng"}


def test_turning_it_on_reads_the_documents_again_that_have_scans_and_only_once(
    fake: FakeTesseract, docs: Path, tmp_path: Path
) -> None:
    run(docs)
    assert texts(tmp_path / "index")["scan.png"] == ""
    planned = plan([docs], tmp_path / "index", settings=IndexSettings(ocr="auto"))
    assert [(each.path, each.why) for each in planned.to_read] == [("scan.png", "compare")]
    report = run(docs, "auto")
    assert (report.documents, report.pages, report.ocr_pages, report.skipped) == (1, 1, 1, 1)
    assert texts(tmp_path / "index")["scan.png"] == "turbine hall"
    assert plan([docs], tmp_path / "index").to_read == ()
    assert run(docs, "auto").skipped == 2
    assert len(fake.calls) == 1


def test_a_scan_without_words_is_read_once(fake: FakeTesseract, docs: Path, tmp_path: Path) -> None:
    fake.answer(())
    assert run(docs, "auto").ocr_pages == 1
    assert run(docs, "auto").skipped == 2
    assert len(fake.calls) == 1
    with open_snapshot(tmp_path / "index") as snapshot:
        assert DocumentFilter(snapshot).paths(None, "ocr_engine is not null") == frozenset()


def test_another_language_reads_scans_again(fake: FakeTesseract, docs: Path, tmp_path: Path) -> None:
    run(docs, "auto")
    fake.answer((("Turbinenhalle", 90.0),))
    assert run(docs, "auto", ocr_languages="deu").ocr_pages == 1
    assert texts(tmp_path / "index")["scan.png"] == "Turbinenhalle"


def test_what_was_read_stays_when_it_is_turned_off(fake: FakeTesseract, docs: Path, tmp_path: Path) -> None:
    run(docs, "auto")
    assert run(docs, "off").skipped == 2
    assert info(tmp_path / "index") == "off"
    scan(docs / "b.png", 2)
    assert run(docs).ocr_pages == 0
    found = texts(tmp_path / "index")
    assert (found["scan.png"], found["b.png"]) == ("turbine hall", "")
    assert run(docs, "auto").ocr_pages == 1  # of the one that was added meanwhile


def test_an_interrupted_run_goes_on_with_it(fake: FakeTesseract, docs: Path, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.pages:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(docs, "auto", on_progress=stop)
    assert info(tmp_path / "index") == "tesseract deu+eng"
    run(docs)
    assert texts(tmp_path / "index")["scan.png"] == "turbine hall"


def test_pages_that_could_not_be_read_are_counted(fake: FakeTesseract, docs: Path, tmp_path: Path) -> None:
    fake.answer((), then="exit 1")
    report = run(docs, "auto")
    assert (report.failed, report.unread["partial"], report.pages) == ((), 1, 2)
    with open_snapshot(tmp_path / "index") as snapshot:
        (reason,) = (each.reason for each in snapshot.unread.all() if each.kind == "partial")
    assert reason == "read in part: a page without a text layer, by OCR: Tesseract failed: exit code 1"


def test_pages_that_could_not_be_read_are_tried_again_only_when_it_is_asked_for(
    fake: FakeTesseract, docs: Path, tmp_path: Path
) -> None:
    fake.answer((), then="exit 1")
    assert run(docs, "auto").ocr_pages == 0
    fake.answer(WORDS)
    assert run(docs).skipped == 2
    assert plan([docs], tmp_path / "index").unchanged == 2
    assert [each.path for each in plan([docs], tmp_path / "index", settings=IndexSettings(ocr="auto")).to_read] == [
        "scan.png"
    ]
    report = run(docs, "auto")
    assert (report.ocr_pages, dict(report.unread)) == (1, {})
    assert texts(tmp_path / "index")["scan.png"] == "turbine hall"
    assert run(docs, "auto").skipped == 2


def test_without_the_program_nothing_changes(
    fake: FakeTesseract, docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(docs, "auto")
    before = (tmp_path / "index" / layout.CATALOG).read_bytes()
    fake_tesseract.uninstall(monkeypatch)
    scan(docs / "b.png", 2)
    with pytest.raises(UsageError, match=r"needs the program tesseract.*--no-ocr"):
        run(docs)
    assert (tmp_path / "index" / layout.CATALOG).read_bytes() == before
    assert run(docs, "off").pages == 1


def test_without_it_an_index_is_as_before(fake: FakeTesseract, docs: Path, tmp_path: Path) -> None:
    run(docs)
    assert fake.calls == []
    with closing(sqlite3.connect(tmp_path / "index" / layout.CATALOG)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        settings = {name for (name,) in connection.execute("SELECT name FROM meta")}
    assert not {name for name in tables | settings if "ocr" in name}


def test_progress_counts_the_pages_of_a_document_that_is_being_read(
    fake: FakeTesseract, docs: Path, tmp_path: Path
) -> None:
    document = pymupdf.open()
    for _ in range(80):
        document.new_page()
    document.save(docs / "text.pdf")
    size = (docs / "text.pdf").stat().st_size
    seen: list[Progress] = []
    run(docs, on_progress=seen.append)
    within = [each.bytes - (docs / "scan.png").stat().st_size for each in seen if 1 < each.pages < 81]
    assert any(0 < each < size for each in within)
    assert [each.bytes for each in seen] == sorted(each.bytes for each in seen)
    assert seen[-1].bytes == seen[-1].bytes_total
