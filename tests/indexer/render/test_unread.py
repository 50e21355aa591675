"""Both renderers report what a page's picture does not show, or shows too small, and never fail a page over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pymupdf
import pytest
from patient_timer import use_faulty_pymupdf

from docsearch.engine.store.unread import PARTIAL
from docsearch.indexer.discover import Document
from docsearch.indexer.render import process, unread
from docsearch.indexer.render.renderer import DocumentOpened, PageRendered, Renderer
from docsearch.indexer.render.undrawn import COMMENTS
from docsearch.indexer.render.unread import LEGIBLE_PX, Unread, merged, small_print

Reports = tuple[tuple[Unread, ...], list[tuple[Unread, ...]]]


@pytest.fixture(params=["mupdf", "pdfium"])
def reports(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Reports]:
    """`reports(document)`: what is unread of a document as a whole, and of each page."""
    if request.param == "pdfium":
        pytest.importorskip("pypdfium2")

    def render(document: pymupdf.Document, *, dpi: float = 165, max_pixels: int = 4_000_000) -> Reports:
        file = tmp_path / "a.pdf"
        document.save(file)
        with Renderer(dpi=dpi, max_pixels=max_pixels, renderer=request.param) as renderer:
            events = list(renderer.render([(Document("a.pdf", file, 0, 0), frozenset())]))
        (opened,) = (event for event in events if isinstance(event, DocumentOpened))
        return opened.unread, [event.unread for event in events if isinstance(event, PageRendered)]

    return render


def new_document(*texts: str, size: tuple[float, float] = (300, 400), fontsize: float = 12) -> pymupdf.Document:
    document = pymupdf.open()
    for text in texts:
        document.new_page(width=size[0], height=size[1]).insert_text((20, 40), text, fontsize=fontsize)
    return document


def test_a_page_that_shows_everything_reports_nothing(reports: Callable[..., Reports]) -> None:
    document = new_document("a heading", "some text")
    document[0].add_freetext_annot((20, 60, 200, 90), "text that is drawn on the page")
    document[0].add_highlight_annot((20, 30, 80, 45))  # without a comment
    assert reports(document) == ((), [(), ()])


def test_attached_files_are_reported_with_the_names_of_some(reports: Callable[..., Reports]) -> None:
    document = new_document("cover of a portfolio")
    for i in range(5):
        document.embfile_add(f"costs {i}.xlsx", b"content")
    whole, _ = reports(document)
    assert whole == (Unread("attachment", 5, "costs 0.xlsx, costs 1.xlsx, costs 2.xlsx, …"),)


def test_reports_of_one_kind_become_one() -> None:
    cut, hidden, comment = Unread(PARTIAL, 0, "the first 8 MB"), Unread(PARTIAL, 2, "sheets"), Unread("comment", 1)
    assert merged([cut, comment, hidden]) == (Unread(PARTIAL, 2, "the first 8 MB; sheets"), comment)


@pytest.mark.parametrize("has_text", [True, False])
def test_comments_belong_to_the_text_of_a_page_or_are_counted_where_it_has_none(
    reports: Callable[..., Reports], tmp_path: Path, has_text: bool
) -> None:
    document = new_document("first", "second" if has_text else "")
    page = document[1]
    for y in (50, 80):
        page.add_text_annot((100, y), "a sticky note")
    page.add_text_annot((100, 120), "").set_info(title="Kim")  # a note that says nothing
    page.add_highlight_annot((20, 30, 80, 45)).set_info(content="ask the\nlawyers", title="Kim Ü.")
    page.add_file_annot((150, 50), b"content", "table.ods")
    _, (first, second) = reports(document)
    assert first == ()
    unread_comments = [] if has_text else [("comment", 3)]
    assert [(report.kind, report.items) for report in second] == [("attachment", 1), *unread_comments]
    if has_text:
        for renderer in ("mupdf", "pdfium"):
            (_, text) = texts(tmp_path / "a.pdf", renderer)
            comments = ["a sticky note", "a sticky note", "Kim Ü.: ask the lawyers"]
            assert text.split("\n") == ["second", "", COMMENTS, *comments, ""], renderer


def texts(file: Path, renderer: str) -> list[str]:
    with Renderer(dpi=72, max_pixels=100_000, renderer=renderer) as opened:
        events = opened.render([(Document(file.name, file, 0, 0), frozenset())])
        return [event.image.text for event in events if isinstance(event, PageRendered)]


def test_a_form_that_only_a_viewer_can_lay_out_is_reported(reports: Callable[..., Reports]) -> None:
    document = new_document("Please wait...")
    xfa = document.get_new_xref()
    document.update_object(xfa, "<<>>")
    document.update_stream(xfa, b'<xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/"><template/></xdp:xdp>')
    catalog = document.pdf_catalog()
    document.xref_set_key(catalog, "AcroForm", f"<</Fields[]/XFA {xfa} 0 R>>")
    document.xref_set_key(catalog, "NeedsRendering", "true")
    assert reports(document)[0] == (Unread("dynamic form", 1),)


def test_print_that_is_too_small_at_the_resolution_is_reported(reports: Callable[..., Reports]) -> None:
    text = "conditions that nobody is meant to read"
    document = new_document(text, fontsize=2)
    _, ((report,),) = reports(document)
    assert (report.kind, report.detail) == ("small print", "drawn at 165 dpi")
    assert report.items == pytest.approx(len(text.replace(" ", "")), abs=8)  # PDFium counts spaces, too
    assert reports(document, dpi=600) == ((), [()])


def test_a_large_sheet_without_text_may_have_small_print(reports: Callable[..., Reports]) -> None:
    drawing = pymupdf.open()
    drawing.new_page(width=2384, height=3370).draw_line((0, 0), (2000, 3000))  # A0
    _, ((report,),) = reports(drawing)
    assert report == Unread("small print", 0, "drawn at 51 dpi, print below 11 pt")
    sheet = pymupdf.open()
    sheet.new_page(width=842, height=1191).draw_line((0, 0), (800, 1000))  # A3
    assert reports(sheet) == ((), [()])


def test_superscripts_are_no_small_print() -> None:
    assert small_print([(10.0, 1000), (2.0, 30)], dpi=165, wanted_dpi=165) == []
    assert small_print([(10.0, 100), (2.0, 19)], dpi=165, wanted_dpi=165) == []
    assert small_print([(10.0, 100), (2.0, 20)], dpi=165, wanted_dpi=165)[0].items == 20
    just_legible = LEGIBLE_PX * 72 / 165
    assert small_print([(just_legible, 100)], dpi=165, wanted_dpi=165) == []


@pytest.mark.parametrize("how", ["crash", "hang", "error"])
def test_a_search_for_what_is_unread_that_breaks_the_process_costs_neither_page_nor_text(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_faulty_pymupdf(tmp_path, monkeypatch)
    monkeypatch.setattr(process, "TEXT_TIMEOUT_S", 1.0 if how == "hang" else 300.0)
    file = tmp_path / "a.pdf"
    file.write_text(f"%PDF\nunread {how}\nok")
    with Renderer(dpi=72, max_pixels=100_000, page_timeout_s=300, memory_limit_mb=512) as renderer:
        events = list(renderer.render([(Document("a.pdf", file, 1, 1), frozenset())]))
    pages = [event for event in events if isinstance(event, PageRendered)]
    assert [(page.image.text, page.unread) for page in pages] == [(f"unread {how}?", ()), ("ok?", ())]


@pytest.mark.parametrize(
    "sent",
    [
        "attachment",
        [["attachment", 1]],
        [["a kind of its own", 1, ""]],
        [["comment", -1, ""]],
        [["comment", True, 7]],
        [["comment", 1, ""]] * 9,
    ],
)
def test_reports_that_no_renderer_makes_are_refused(sent: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        unread.received(sent)
