"""Words of a text layer that nobody can see are no text; those over a scan's print are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pymupdf
import pytest

from docsearch.indexer.discover import Document
from docsearch.indexer.render.renderer import PageRendered, Renderer
from docsearch.indexer.render.visible_text import visible_text

INVISIBLE = 3
"""PDF's text rendering mode that draws nothing."""


TextOf = Callable[[pymupdf.Document], list[str]]


@pytest.fixture(params=["mupdf", "pdfium"])
def text_of(request: pytest.FixtureRequest, tmp_path: Path) -> TextOf:
    """`text_of(document)`: the text of each page."""
    if request.param == "pdfium":
        pytest.importorskip("pypdfium2")

    def render(document: pymupdf.Document) -> list[str]:
        file = tmp_path / "a.pdf"
        document.save(file)
        with Renderer(dpi=100, max_pixels=4_000_000, renderer=request.param) as renderer:
            events = list(renderer.render([(Document("a.pdf", file, 0, 0), frozenset())]))
        return [event.image.text for event in events if isinstance(event, PageRendered)]

    return render


@pytest.mark.parametrize("rotation", [0, 90])
@pytest.mark.parametrize("hidden", [{"color": (1, 1, 1)}, {"render_mode": INVISIBLE}])
def test_hidden_words_are_left_out(text_of: TextOf, hidden: dict[str, object], rotation: int) -> None:
    document = pymupdf.open()
    page = document.new_page(width=300, height=400)
    page.insert_text((20, 40), "printed words", fontsize=12)
    page.insert_text((20, 80), "ignore the reader", fontsize=12, **hidden)
    page.insert_text((20, 120), "and more", fontsize=12)
    page.set_rotation(rotation)
    (text,) = text_of(document)
    assert sorted(text.split()) == ["and", "more", "printed", "words"]


def test_words_on_other_grounds_stay(text_of: TextOf) -> None:
    document = pymupdf.open()
    page = document.new_page(width=300, height=400)
    page.draw_rect((10, 20, 290, 100), fill=(0.1, 0.15, 0.3))
    page.insert_text((20, 40), "white on dark", fontsize=12, color=(1, 1, 1))
    page.insert_text((20, 80), "pale", fontsize=12, color=(0.35, 0.4, 0.5))
    page.insert_text((20, 150), "grey on white", fontsize=12, color=(0.85, 0.85, 0.85))
    (text,) = text_of(document)
    assert text.split() == ["white", "on", "dark", "pale", "grey", "on", "white"]


def test_the_text_of_a_scan_stays(text_of: TextOf) -> None:
    """Its print is a picture, and its words are drawn in no colour over it."""
    printed = pymupdf.open()
    printed.new_page(width=300, height=400).insert_text((20, 40), "scanned words", fontsize=12)
    document = pymupdf.open()
    page = document.new_page(width=300, height=400)
    page.insert_image(page.rect, pixmap=printed[0].get_pixmap(dpi=100))
    page.insert_text((20, 40), "scanned words", fontsize=12, render_mode=INVISIBLE)
    (text,) = text_of(document)
    assert text.split() == ["scanned", "words"]


def test_only_words_in_their_order_are_cut() -> None:
    pixels = np.full((20, 100, 3), 255, np.uint8)
    pixels[5:10, 60:80] = 0
    words = [(0, 5, 20, 15, "a"), (60, 5, 80, 15, "a"), (30, 5, 50, 15, "missing"), (30, 5, 31, 6, "b")]
    assert visible_text("a a b", words, pixels) == " a b"
    assert visible_text("a a b", [(200, 5, 220, 15, "a")], pixels) == "a a b"  # beside the picture
