"""Both renderers show PDF pages as a viewer does: rotated, cropped, annotated, decrypted, within bounds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf
import pytest

from docsearch.engine.errors import UsageError
from docsearch.indexer.discover import Document
from docsearch.indexer.render.renderer import (
    DocumentDone,
    DocumentFailed,
    DocumentOpened,
    PageRendered,
    Renderer,
    RenderEvent,
)

MakePdf = Callable[..., Path]
renderers = pytest.mark.parametrize("renderer", ["mupdf", "pdfium"])
RED, WHITE = (255, 0, 0), (255, 255, 255)


@pytest.fixture(scope="module", autouse=True)
def _close_shared_renderers() -> Iterator[None]:
    yield
    while shared:
        shared.popitem()[1].__exit__(None, None, None)


shared: dict[str, Renderer] = {}


def shared_renderer(**options: Any) -> Renderer:
    if str(options) not in shared:
        shared[str(options)] = Renderer(**options).__enter__()
    return shared[str(options)]


def render(
    file: Path,
    *,
    renderer: str = "mupdf",
    dpi: float = 72,
    max_pixels: int = 1_000_000,
    passwords: tuple[str, ...] = (),
) -> list[RenderEvent]:
    if renderer == "pdfium":
        pytest.importorskip("pypdfium2")
    opened = shared_renderer(dpi=dpi, max_pixels=max_pixels, renderer=renderer, passwords=passwords)
    return list(opened.render([(Document(file.name, file, 0, 0), frozenset())]))


def pages(events: list[RenderEvent]) -> list[PageRendered]:
    return [event for event in events if isinstance(event, PageRendered)]


def reason(events: list[RenderEvent]) -> str:
    [event] = events
    assert isinstance(event, DocumentFailed)
    return event.reason


def marked_page(document: pymupdf.Document, width: float = 300, height: float = 400) -> pymupdf.Page:
    """Add a page whose upper left corner is red."""
    page = document.new_page(width=width, height=height)
    page.draw_rect((0, 0, 100, 100), color=None, fill=(1, 0, 0))
    return page


@renderers
def test_pages_come_in_order_with_their_text(tmp_path: Path, make_pdf: MakePdf, renderer: str) -> None:
    events = render(make_pdf(tmp_path / "a.pdf", ["first page", "Größe", ""]), renderer=renderer)
    assert [type(event) for event in events] == [DocumentOpened, PageRendered, PageRendered, PageRendered, DocumentDone]
    assert [page.image.text.strip() for page in pages(events)] == ["first page", "Größe", ""]
    assert [page.image.ref.page for page in pages(events)] == [1, 2, 3]
    first = pages(events)[0]
    assert first.image.pixels.shape == (260, 200, 3)
    assert first.image.pixels.dtype == np.uint8
    assert first.size_pt == (200, 260)
    assert 0 < (first.image.pixels < 128).mean() < 0.1


@renderers
@pytest.mark.parametrize(("rotation", "corner"), [(0, (0, 0)), (90, (0, -1)), (180, (-1, -1)), (270, (-1, 0))])
def test_a_page_is_rotated_as_the_document_says(
    tmp_path: Path, renderer: str, rotation: int, corner: tuple[int, int]
) -> None:
    document = pymupdf.open()
    marked_page(document).set_rotation(rotation)
    document.save(tmp_path / "a.pdf")
    [page] = pages(render(tmp_path / "a.pdf", renderer=renderer))
    assert page.image.pixels.shape[:2] == ((300, 400) if rotation in (90, 270) else (400, 300))
    found = {at: tuple(page.image.pixels[at]) for at in ((0, 0), (0, -1), (-1, 0), (-1, -1))}
    assert found == {at: RED if at == corner else WHITE for at in found}


@renderers
def test_content_outside_the_crop_box_is_in_neither_image_nor_text(tmp_path: Path, renderer: str) -> None:
    document = pymupdf.open()
    page = marked_page(document, 600, 800)
    page.insert_text((120, 150), "inside")
    page.insert_text((20, 350), "outside")
    page.set_cropbox(pymupdf.Rect(50, 50, 350, 340))
    document.save(tmp_path / "a.pdf")
    [rendered] = pages(render(tmp_path / "a.pdf", renderer=renderer))
    assert rendered.image.pixels.shape == (290, 300, 3)
    assert tuple(rendered.image.pixels[0, 0]) == RED
    assert tuple(rendered.image.pixels[60, 60]) == WHITE
    if renderer == "mupdf":  # PDFium keeps text outside the crop box
        assert rendered.image.text.split() == ["inside"]


@renderers
def test_annotations_and_form_fields_are_rendered(tmp_path: Path, renderer: str) -> None:
    document = pymupdf.open()
    page = document.new_page(width=300, height=400)
    square = page.add_rect_annot((10, 10, 60, 60))
    square.set_colors(stroke=(1, 0, 0), fill=(1, 0, 0))
    square.update()
    widget = pymupdf.Widget()
    widget.field_type, widget.field_name, widget.field_value = pymupdf.PDF_WIDGET_TYPE_TEXT, "name", "filled in"
    widget.rect = pymupdf.Rect(100, 200, 280, 230)
    page.add_widget(widget)
    document.save(tmp_path / "a.pdf")
    [rendered] = pages(render(tmp_path / "a.pdf", renderer=renderer))
    assert tuple(rendered.image.pixels[30, 30]) == RED
    assert (rendered.image.pixels[205:225, 105:270] < 128).any()


@renderers
def test_a_password_is_found_among_those_given(tmp_path: Path, make_pdf: MakePdf, renderer: str) -> None:
    file = make_pdf(tmp_path / "a.pdf", ["secret"], password="pässwört")
    events = render(file, renderer=renderer, passwords=("wrong", "", "pässwört"))
    assert [page.image.text.strip() for page in pages(events)] == ["secret"]


@renderers
def test_an_encrypted_document_says_what_to_do(tmp_path: Path, make_pdf: MakePdf, renderer: str) -> None:
    file = make_pdf(tmp_path / "a.pdf", ["secret"], password="right")
    assert "it needs a password; pass the right one with --password" in reason(render(file, renderer=renderer))
    wrong = reason(render(file, renderer=renderer, passwords=("a", "b")))
    assert "none of the 2 passwords given opens it" in wrong
    assert "--password" in wrong


@renderers
def test_both_renderers_clamp_a_huge_page_to_the_same_size(tmp_path: Path, renderer: str) -> None:
    document = pymupdf.open()
    document.new_page(width=14400, height=7200)
    document.new_page(width=14400, height=3)
    document.save(tmp_path / "a.pdf")
    huge, ribbon = pages(render(tmp_path / "a.pdf", renderer=renderer, dpi=165, max_pixels=2_000_000))
    assert huge.image.pixels.shape == (1000, 2000, 3)
    assert huge.image.dpi == pytest.approx(10)
    assert ribbon.image.pixels.shape[1] == 8192


@renderers
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"just words\n" * 9, "not a PDF"),
        (b"%PDF-1.7\n", "cannot be opened"),
        (b"PK\x03\x04" + bytes(999), "not a PDF"),
    ],
)
def test_a_file_that_is_not_a_document_fails_with_the_reason(
    tmp_path: Path, renderer: str, content: bytes, says: str
) -> None:
    (tmp_path / "a.pdf").write_bytes(content)
    assert says in reason(render(tmp_path / "a.pdf", renderer=renderer))


@renderers
def test_a_file_that_vanished_fails_with_the_reason(tmp_path: Path, renderer: str) -> None:
    assert reason(render(tmp_path / "a.pdf", renderer=renderer)) == "the file cannot be read: No such file or directory"


def test_a_truncated_document_yields_its_remaining_pages(tmp_path: Path, make_pdf: MakePdf) -> None:
    file = make_pdf(tmp_path / "a.pdf", ["one", "two", "three"])
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 9 // 10])
    assert [page.image.text.strip() for page in pages(render(file))] == ["one", "two", "three"]


def test_pages_missing_from_the_page_tree_are_found(tmp_path: Path, make_pdf: MakePdf) -> None:
    file = make_pdf(tmp_path / "a.pdf", ["one", "two"])
    content = file.read_bytes()
    assert b"/Count 2" in content
    file.write_bytes(content.replace(b"/Count 2", b"/Count 0"))
    assert [page.image.text.strip() for page in pages(render(tmp_path / "a.pdf"))] == ["one", "two"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems reject such names")
@renderers
def test_a_file_name_that_is_not_valid_utf8_opens(tmp_path: Path, make_pdf: MakePdf, renderer: str) -> None:
    file = make_pdf(tmp_path / "a.pdf", ["one"]).rename(tmp_path / "caf\udce9.pdf")
    assert len(pages(render(file, renderer=renderer))) == 1


def test_an_unknown_renderer_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="mupdf, pdfium"):
        Renderer(dpi=72, max_pixels=1000, renderer="poppler")


def test_a_page_is_the_same_whichever_pages_were_rendered_before_it(tmp_path: Path, make_pdf: MakePdf) -> None:
    file = make_pdf(tmp_path / "a.pdf", ["one", "two", "three"])
    together = pages(render(file))[2].image.pixels
    with Renderer(dpi=72, max_pixels=1_000_000) as renderer:
        alone = pages(list(renderer.render([(Document("a.pdf", file, 0, 0), frozenset({1, 2}))])))[0].image.pixels
    assert np.array_equal(together, alone)


def test_a_range_of_pages_is_rendered_alone(tmp_path: Path, make_pdf: MakePdf) -> None:
    file = make_pdf(tmp_path / "a.pdf", [str(page) for page in range(1, 12)])
    opened = shared_renderer(dpi=72, max_pixels=1_000_000)
    documents = [(Document("a.pdf", file, 0, 0), frozenset({5}))]
    events = list(opened.render(documents, first=3, last=8))
    assert [page.image.ref.page for page in pages(events)] == [3, 4, 6, 7, 8]
    assert [event.page_count for event in events if isinstance(event, DocumentOpened)] == [11]
    assert isinstance(events[-1], DocumentDone)
    assert [page.image.ref.page for page in pages(list(opened.render(documents, first=10, last=20)))] == [10, 11]
    assert pages(list(opened.render(documents, first=12, last=20))) == []
