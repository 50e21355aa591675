"""Speaker notes belong to the text of a slide, and hidden sheets are told; a damaged document costs its notes only."""

from __future__ import annotations

import shutil
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import outlook_files as ole
import pytest
from PIL import Image

pytest.importorskip("pymupdf", reason="draws what was converted")

from docsearch.engine.store import open_snapshot
from docsearch.engine.store.unread import PARTIAL
from docsearch.indexer import pipeline
from docsearch.indexer.discover import Document
from docsearch.indexer.render import libreoffice, producer
from docsearch.indexer.render.office_content import BesidePages, beside_pages
from docsearch.indexer.render.renderer import DocumentOpened, PageRendered, Renderer
from docsearch.indexer.render.undrawn import COMMENTS, DESCRIPTIONS, SPEAKER_NOTES, Undrawn, with_undrawn
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


def notes(file: Path) -> list[str]:
    return [each.notes for each in beside_pages(file).undrawn]


def converted(file: Path, folder: Path) -> Iterator[DocumentOpened | PageRendered]:
    with Renderer(dpi=40, max_pixels=1_000_000, page_timeout_s=300) as renderer:
        renderer._converter._timeout_s = 600  # LibreOffice takes its time to start on a busy machine
        for event in renderer.render([(Document(file.name, file, 0, 0), frozenset())]):
            if isinstance(event, (DocumentOpened, PageRendered)):
                yield event


def test_notes_of_slides_are_read(slides: Path) -> None:
    first, second, third = notes(slides)
    assert (first, second) == ("Mention the dividend of harbour 0\nand pause", "")
    assert "harbour 2" in third


def test_damaged_notes_cost_those_of_their_slide_alone(slides: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(slides) as whole, zipfile.ZipFile(tmp_path / "damaged.pptx", "w") as damaged:
        for name in whole.namelist():
            damaged.writestr(name, b"<p:notes" if name == "ppt/notesSlides/notesSlide1.xml" else whole.read(name))
    assert notes(tmp_path / "damaged.pptx") == ["", "", notes(slides)[2]]


def test_notes_of_an_open_document_are_read(tmp_path: Path) -> None:
    written = (
        '<presentation:notes><draw:page-thumbnail/><draw:frame presentation:class="notes"><draw:text-box>'
        "<text:p>Mention<text:s/>the <text:span>dividend</text:span><text:line-break/>and pause</text:p>"
        "<text:list><text:list-item><text:p>one more</text:p></text:list-item></text:list></draw:text-box></draw:frame>"
        '<draw:frame presentation:class="footer"><draw:text-box><text:p>page 1</text:p></draw:text-box></draw:frame>'
        "</presentation:notes>"
    )
    body = f"<office:presentation><draw:page>{written}</draw:page><draw:page/></office:presentation>"
    assert notes(odf(tmp_path / "a.odp", body)) == ["Mention the dividend\nand pause\none more", ""]


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


def test_what_is_not_drawn_follows_the_text_of_its_page() -> None:
    assert with_undrawn("Title\n", Undrawn("first")) == f"Title\n\n{SPEAKER_NOTES}\nfirst\n"
    assert with_undrawn("", Undrawn("first")) == f"{SPEAKER_NOTES}\nfirst\n"
    assert with_undrawn("Title\n", Undrawn()) == "Title\n"
    every = with_undrawn("Title", Undrawn("first", ("Kim: why?", "two"), ("a map",)))
    assert every == f"Title\n\n{SPEAKER_NOTES}\nfirst\n\n{COMMENTS}\nKim: why?\ntwo\n\n{DESCRIPTIONS}\na map\n"
    assert [BesidePages((Undrawn("first"), Undrawn())).of_page(page).notes for page in (1, 2, 3)] == ["first", "", ""]


def test_notes_whose_slides_are_not_the_pages_are_left_out_and_told() -> None:
    other = BesidePages((Undrawn("first"), Undrawn("second"))).of_pages(3)
    assert other.undrawn == ()
    assert "without the speaker notes" in other.unread[0].detail
    assert BesidePages((Undrawn(), Undrawn())).of_pages(3).unread == ()


def test_notes_stay_with_their_slides_where_hidden_ones_are_no_pages() -> None:
    three = (Undrawn("first"), Undrawn("second"), Undrawn("third"))
    beside = BesidePages(three, hidden=(False, True, False))
    assert beside.of_pages(3) == beside
    without = beside.of_pages(2)
    assert without.undrawn == (three[0], three[2])
    assert without.unread == (Unread(PARTIAL, 0, "without 1 hidden slide"),)
    assert "without the speaker notes" in beside.of_pages(1).unread[0].detail


def record(kind: int, content: bytes, *, version: int = 0, instance: int = 0) -> bytes:
    return struct.pack("<HHI", instance << 4 | version, kind, len(content)) + content


def container(kind: int, *parts: bytes, instance: int = 0) -> bytes:
    return record(kind, b"".join(parts), version=0xF, instance=instance)


def notes_record(slide: int, text: str, *, kind: int = 2, wide: bool = True) -> bytes:
    chars = record(0x0FA0, text.encode("utf-16-le")) if wide else record(0x0FA8, text.encode("latin-1"))
    box = record(0xF00D, record(0x0F9F, struct.pack("<I", kind)) + chars)
    shapes = container(0x040C, container(0xF002, container(0xF004, box)))
    return container(0x03F0, record(0x03F1, struct.pack("<IHH", slide, 0, 0), version=1), shapes)


def presentation(*slides: int) -> bytes:
    places = [record(0x03F3, struct.pack("<IIIII", 7, 0, 0, slide, 0)) for slide in slides]
    return container(0x03E8, container(0x0FF0, *places), container(0x0FF0, *places[:1], instance=2))


def test_notes_of_old_presentations_are_read_in_the_order_of_the_slides(tmp_path: Path) -> None:
    parts = [
        presentation(256),
        notes_record(0, "Click to edit the notes"),  # of the master
        notes_record(257, "an earlier version"),
        notes_record(256, "Mention the dividend\rof Köln\vand pause", wide=False),
        notes_record(258, "page 3", kind=4),  # no notes, but a number
        presentation(257, 258, 256),
        notes_record(257, "after saving  again – €"),
        notes_record(999, "of a slide that is gone"),
    ]
    file = ole.write(tmp_path / "a.ppt", {"PowerPoint Document": b"".join(parts) + b"\x0f\x00\xf0\x03\xff\xff\xff"})
    assert notes(file) == ["after saving again – €", "", "Mention the dividend\nof Köln\nand pause"]


@pytest.mark.parametrize("suffix", [".pptx", ".odp", ".xlsx", ".ods", ".xls", ".ppt", ".docx"])
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
        assert beside_pages(file) == beside_pages(file, by_library=True) == BesidePages()


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


MAIN = "http://schemas.openxmlformats.org/presentationml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MODERN = "http://schemas.microsoft.com/office/powerpoint/2018/8/main"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"


def with_parts(file: Path, parts: dict[str, str], relations: dict[str, tuple[str, str]]) -> Path:
    """Add parts to a document, and to each of the `relations` parts one of a kind to a target."""
    added = file.with_name(f"with-parts{file.suffix}")
    with zipfile.ZipFile(file) as whole, zipfile.ZipFile(added, "w") as changed:
        for name in whole.namelist():
            content = whole.read(name).decode("utf-8", "surrogateescape")
            if name in relations:
                kind, target = relations[name]
                one = f'<Relationship Id="added" Type="{RELATIONS}/{kind}" Target="{target}"/></Relationships>'
                content = content.replace("</Relationships>", one)
            changed.writestr(name, content.encode("utf-8", "surrogateescape"))
        for name, content in parts.items():
            changed.writestr(name, content)
    return Path(shutil.move(added, file))


@pytest.mark.parametrize("is_modern", [False, True])
def test_comments_on_slides_and_descriptions_of_pictures_are_read(slides: Path, is_modern: bool) -> None:
    pptx = pytest.importorskip("pptx", reason="makes the documents")
    deck = pptx.Presentation(slides)
    title = deck.slides[1].shapes.title
    title._element.nvSpPr.cNvPr.set("descr", "a map of the harbour\n\nDescription automatically generated")
    deck.save(slides)
    author, authors = ("{A}", "authors") if is_modern else ("0", "commentAuthors")
    people = f'<p:authors xmlns:p="{MODERN}"><p:author id="{author}" name="Kim"/></p:authors>'
    text = f'<a:p xmlns:a="{DRAWING}"><a:r><a:t>wrong</a:t></a:r><a:r><a:t> year</a:t></a:r></a:p>'
    said = f"<p:txBody>{text}</p:txBody>" if is_modern else "<p:text>wrong year</p:text>"
    reply = f'<p:replyLst><p:reply authorId="x">{said.replace("wrong", "which")}</p:reply></p:replyLst>' * is_modern
    comments = (
        f'<p:cmLst xmlns:p="{MODERN if is_modern else MAIN}"><p:cm authorId="{author}">{reply}{said}</p:cm></p:cmLst>'
    )
    with_parts(
        slides,
        {"ppt/people.xml": people, "ppt/comments/one.xml": comments},
        {
            "ppt/slides/_rels/slide2.xml.rels": ("comments", "../comments/one.xml"),
            "ppt/_rels/presentation.xml.rels": (authors, "people.xml"),
        },
    )
    beside = beside_pages(slides)
    assert beside.of_page(2).descriptions == ("a map of the harbour",)
    assert beside.of_page(2).comments == ("Kim: wrong year", *(["which year"] if is_modern else []))
    assert beside.has_comments
    assert beside.of_page(1).comments == ()


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    """A .docx file with a comment, and a picture that is described, on its second page."""
    docx = pytest.importorskip("docx", reason="makes the documents")
    Image.new("RGB", (90, 60), "red").save(tmp_path / "p.png")
    letter = docx.Document()
    letter.add_paragraph("first page").runs[0].add_break(docx.enum.text.WD_BREAK.PAGE)
    words = letter.add_paragraph().add_run("second page")
    letter.add_comment([words], text="the dividend is wrong", author="Kim")
    letter.add_picture(str(tmp_path / "p.png"))
    letter.inline_shapes[0]._inline.docPr.set("descr", "a röd square")
    letter.save(tmp_path / "letter.docx")
    return tmp_path / "letter.docx"


@needs_libreoffice
@pytest.mark.parametrize("renderer", ["mupdf", "pdfium"])
def test_comments_and_descriptions_are_on_their_page_and_not_drawn(letter: Path, renderer: str) -> None:
    if renderer == "pdfium":
        pytest.importorskip("pypdfium2")
    with Renderer(dpi=60, max_pixels=1_000_000, renderer=renderer) as opened:
        events = list(opened.render([(Document(letter.name, letter, 0, 0), frozenset())]))
    first, second = (event for event in events if isinstance(event, PageRendered))
    assert first.image.text.strip() == "first page"
    shown, _, beside = second.image.text.partition(f"\n\n{COMMENTS}\n")
    assert shown.strip() == "second page"
    assert beside.startswith("Kim")
    described = f"\n{DESCRIPTIONS}\na röd square\n" if renderer == "mupdf" else ""
    assert beside.endswith(f": the dividend is wrong\n{described}")
    assert not first.unread
    assert not second.unread
    red, green, blue = (second.image.pixels[..., channel].astype(int) for channel in range(3))
    is_yellow = (red - blue > 80) & (green - blue > 80)  # as the marks of comments are
    assert not is_yellow.any()


@needs_libreoffice
def test_comments_of_cells_are_read(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="makes the documents")
    book = openpyxl.Workbook()
    book.active["B2"] = 7
    book.active["B2"].comment = openpyxl.comments.Comment("the dividend of 2021", "Kim")
    book.save(tmp_path / "a.xlsx")
    (page,) = (event for event in converted(tmp_path / "a.xlsx", tmp_path) if isinstance(event, PageRendered))
    assert page.image.text.endswith(f"{COMMENTS}\nB2: the dividend of 2021\n")


def test_without_libreoffice_it_is_told_what_is_not_read(
    letter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("office2pdf", reason="converts where LibreOffice does not")
    openpyxl = pytest.importorskip("openpyxl", reason="makes the documents")
    monkeypatch.setattr(libreoffice, "program", lambda: None)
    book = openpyxl.Workbook()
    for cell in ("A1", "B2"):
        book.active[cell].comment = openpyxl.comments.Comment("why?", "Kim")
    book.save(tmp_path / "a.xlsx")
    main = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    text = "<w:p><w:r><w:t>see above</w:t></w:r></w:p>"
    notes = f'<w:footnotes xmlns:w="{main}"><w:footnote w:type="separator">{text}</w:footnote>'
    notes += f"<w:footnote>{text}</w:footnote><w:footnote><w:p/></w:footnote></w:footnotes>"
    with_parts(letter, {"word/footnotes.xml": notes}, {"word/_rels/document.xml.rels": ("footnotes", "footnotes.xml")})
    for file, told in ((tmp_path / "a.xlsx", "without 2 comments"), (letter, "without 1 footnote, 1 comment")):
        opened = next(event for event in converted(file, tmp_path) if isinstance(event, DocumentOpened))
        assert told in [part for each in opened.unread for part in each.detail.split("; ")]
