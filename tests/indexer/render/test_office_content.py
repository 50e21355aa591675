"""Speaker notes belong to the text of a slide, and hidden sheets are told; a damaged document costs its notes only."""

from __future__ import annotations

import shutil
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import outlook_files as ole
import pytest

pytest.importorskip("pymupdf", reason="draws what was converted")

from docsearch.engine.store import open_snapshot
from docsearch.engine.store.unread import PARTIAL
from docsearch.indexer import pipeline
from docsearch.indexer.discover import Document
from docsearch.indexer.render import libreoffice, producer
from docsearch.indexer.render.office_content import SPEAKER_NOTES, BesidePages, beside_pages, with_notes
from docsearch.indexer.render.renderer import DocumentOpened, PageRendered, Renderer
from docsearch.indexer.render.unread import Unread
from fake_encoder import FakeEncoder

needs_libreoffice = pytest.mark.skipif(libreoffice.program() is None, reason="needs LibreOffice")
HIDDEN = (Unread(PARTIAL, 0, "without 2 hidden sheets (Data, Lists)"),)


@pytest.fixture
def slides(tmp_path: Path) -> Path:
    """Three slides, of which the first and the last have notes."""
    pptx = pytest.importorskip("pptx", reason="makes the documents")
    deck = pptx.Presentation()
    for number in range(3):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = f"Slide {number + 1}"
        if number != 1:
            slide.notes_slide.notes_text_frame.text = f"Mention the dividend of harbour {number}\nand pause"
    (tmp_path / "docs").mkdir()
    deck.save(tmp_path / "docs" / "a.pptx")
    return tmp_path / "docs" / "a.pptx"


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    """A sheet, a hidden one, and one that only programs can show."""
    openpyxl = pytest.importorskip("openpyxl", reason="makes the documents")
    book = openpyxl.Workbook()
    book.active["A1"] = "turbine"
    for name, state in (("Data", "hidden"), ("Lists", "veryHidden")):
        sheet = book.create_sheet(name)
        sheet["A1"], sheet.sheet_state = "secretword", state
    book.save(tmp_path / "b.xlsx")
    return tmp_path / "b.xlsx"


def odf(file: Path, body: str, styles: str = "") -> Path:
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "style", "table", "text", "presentation")
    )
    drawing = 'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
    content = f"<office:document-content {names} {drawing}>{styles}<office:body>{body}</office:body>"
    with zipfile.ZipFile(file, "w") as document:
        document.writestr("content.xml", f"{content}</office:document-content>")
    return file


def converted(file: Path, folder: Path) -> Iterator[DocumentOpened | PageRendered]:
    with Renderer(dpi=40, max_pixels=1_000_000, page_timeout_s=300) as renderer:
        renderer._converter._timeout_s = 600  # LibreOffice takes its time to start on a busy machine
        for event in renderer.render([(Document(file.name, file, 0, 0), frozenset())]):
            if isinstance(event, (DocumentOpened, PageRendered)):
                yield event


def test_notes_of_slides_are_read(slides: Path) -> None:
    first, second, third = beside_pages(slides).notes
    assert (first, second) == ("Mention the dividend of harbour 0\nand pause", "")
    assert "harbour 2" in third


def test_damaged_notes_cost_those_of_their_slide_alone(slides: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(slides) as whole, zipfile.ZipFile(tmp_path / "damaged.pptx", "w") as damaged:
        for name in whole.namelist():
            damaged.writestr(name, b"<p:notes" if name == "ppt/notesSlides/notesSlide1.xml" else whole.read(name))
    assert beside_pages(tmp_path / "damaged.pptx").notes == ("", "", beside_pages(slides).notes[2])


def test_notes_of_an_open_document_are_read(tmp_path: Path) -> None:
    notes = (
        '<presentation:notes><draw:page-thumbnail/><draw:frame presentation:class="notes"><draw:text-box>'
        "<text:p>Mention<text:s/>the <text:span>dividend</text:span><text:line-break/>and pause</text:p>"
        "<text:list><text:list-item><text:p>one more</text:p></text:list-item></text:list></draw:text-box></draw:frame>"
        '<draw:frame presentation:class="footer"><draw:text-box><text:p>page 1</text:p></draw:text-box></draw:frame>'
        "</presentation:notes>"
    )
    body = f"<office:presentation><draw:page>{notes}</draw:page><draw:page/></office:presentation>"
    assert beside_pages(odf(tmp_path / "a.odp", body)).notes == ("Mention the dividend\nand pause\none more", "")


def test_hidden_sheets_are_told(tmp_path: Path, workbook: Path) -> None:
    assert beside_pages(workbook) == BesidePages(unread=HIDDEN)
    styles = (
        '<office:automatic-styles><style:style style:name="t2"><style:table-properties table:display="false"/>'
        "</style:style></office:automatic-styles>"
    )
    sheets = "".join(
        f'<table:table table:name="{name}" table:style-name="{style}"/>'
        for name, style in (("Shown", "t1"), ("Data", "t2"), ("Lists", "t2"))
    )
    assert beside_pages(odf(tmp_path / "b.ods", sheets, styles)).unread == HIDDEN
    records = [(0x0809, bytes(16))]
    for name, state in (("Shown", 0), ("Data", 1), ("Lists", 2)):
        records.append((0x0085, struct.pack("<IBBBB", 0, state, 0, len(name), 0) + name.encode()))
    content = b"".join(struct.pack("<HH", number, len(data)) + data for number, data in [*records, (0x000A, b"")])
    assert beside_pages(ole.write(tmp_path / "b.xls", {"Workbook": content})).unread == HIDDEN


def test_a_visible_workbook_reports_nothing(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="makes the documents")
    openpyxl.Workbook().save(tmp_path / "a.xlsx")
    assert beside_pages(tmp_path / "a.xlsx") == BesidePages()


def test_notes_follow_the_text_of_their_page() -> None:
    assert with_notes("Title\n", "first") == f"Title\n\n{SPEAKER_NOTES}\nfirst\n"
    assert with_notes("", "first") == f"{SPEAKER_NOTES}\nfirst\n"
    assert with_notes("Title\n", "") == "Title\n"
    assert [BesidePages(("first", "")).notes_of(page) for page in (1, 2, 3)] == ["first", "", ""]


def test_notes_whose_slides_are_not_the_pages_are_left_out_and_told() -> None:
    other = BesidePages(("first", "second")).of_pages(3)
    assert other.notes == ()
    assert "without the speaker notes" in other.unread[0].detail
    assert BesidePages(("", "")).of_pages(3).unread == ()


@pytest.mark.parametrize("suffix", [".pptx", ".odp", ".xlsx", ".ods", ".xls"])
def test_what_cannot_be_read_has_nothing_beside_its_pages(tmp_path: Path, slides: Path, suffix: str) -> None:
    bomb = "<!DOCTYPE a [<!ENTITY b '{}'>{}]><a>&z9;</a>".format(
        "x" * 10_000, "".join(f"<!ENTITY z{n} '{f'&z{n - 1};' * 10 if n else '&b;' * 10}'>" for n in range(10))
    )
    names = ("_rels/.rels", "content.xml", "ppt/presentation.xml", "xl/workbook.xml")
    for content in (b"", slides.read_bytes()[:3000], b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), None):
        file = tmp_path / f"a{suffix}"
        if content is None:
            with zipfile.ZipFile(file, "w") as document:
                for name in names:
                    document.writestr(name, bomb)
        else:
            file.write_bytes(content)
        assert beside_pages(file) == BesidePages()


@needs_libreoffice
def test_a_question_finds_a_slide_by_its_notes(slides: Path, tmp_path: Path) -> None:
    report = pipeline.index_documents([slides.parent], tmp_path / "index", encoder=FakeEncoder())
    assert report.pages == 3
    with open_snapshot(tmp_path / "index") as snapshot:
        texts = [snapshot.text(row) for row in range(3)]
        assert snapshot.producers()["a.pptx"].endswith(f"layout {producer.NOTED_LAYOUT}")
    assert ["dividend" in text for text in texts] == [True, False, True]
    assert texts[0].startswith("Slide 1")
    assert texts[1].strip() == "Slide 2"


@needs_libreoffice
def test_hidden_sheets_are_no_pages_and_told(workbook: Path, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    shutil.move(workbook, tmp_path / "docs")
    report = pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", encoder=FakeEncoder())
    assert (report.pages, report.unread) == (1, {PARTIAL: 1})
    with open_snapshot(tmp_path / "index") as snapshot:
        (told,) = snapshot.unread.all()
    assert told.reason == "read in part: without 2 hidden sheets (Data, Lists)"


def test_without_libreoffice_notes_are_read_too(
    slides: Path, workbook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("office2pdf", reason="converts where LibreOffice does not")
    monkeypatch.setattr(libreoffice, "program", lambda: None)
    texts = [event.image.text for event in converted(slides, tmp_path) if isinstance(event, PageRendered)]
    assert ["dividend" in text for text in texts] == [True, False, True]
    opened, *pages = converted(workbook, tmp_path)
    assert isinstance(opened, DocumentOpened)
    assert any(each.detail == HIDDEN[0].detail for each in opened.unread)
    assert not any("secretword" in page.image.text for page in pages if isinstance(page, PageRendered))
