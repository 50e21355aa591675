"""Properties of synthetic whole pages: every layout draws its kind, in colour, and depends only on the seed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from itertools import accumulate

import numpy as np
import pymupdf
import pytest

from docsearch.training.synthetic import document_terms, scans
from docsearch.training.synthetic.layouts import page_kinds
from docsearch.training.synthetic.pages import Fonts
from docsearch.training.synthetic.vocabulary import Language

KINDS = {
    "cover", "slide", "title slide", "poster", "letter", "invoice", "receipt", "form", "certificate", "article",
    "newsletter", "contents", "references", "timetable", "menu", "plan", "tabular", "list", "handwritten",
    "typewritten", "scan", "photo page", "text", "small print", "manual", "blank",
}  # fmt: skip
ENGLISH = (
    "a",
    "on",
    "rate",
    "growth",
    "market",
    "figures",
    "consumption",
    "straße",
    "internationalisation",
    "🙂",
    "it",
)
LANGUAGES = {"en": Language(ENGLISH, tuple(accumulate([1.0] * len(ENGLISH))), "latin")}
FONTS = Fonts({"latin": [pymupdf.Font(name) for name in ("helv", "hebo", "tiro", "tiit", "cour")]})


def drawn(layout: str, seed: int) -> tuple[np.ndarray, tuple[str, ...]]:
    with pymupdf.open() as document:
        kinds = page_kinds.draw_whole_page(document, FONTS, LANGUAGES, random.Random(seed), layout=layout)
        return page_kinds.render_rgb(document[-1], 40), kinds


@pytest.mark.parametrize("layout", page_kinds.LAYOUTS)
def test_every_layout_draws_its_kind_with_ink(layout: str) -> None:
    for seed in range(3):
        pixels, kinds = drawn(layout, seed)
        assert kinds[0] == layout
        assert set(kinds) <= KINDS
        spread = int(pixels.max()) - int(pixels.min())
        assert layout == "blank" or spread > 60, seed


def test_the_layouts_and_the_scan_are_all_the_kinds() -> None:
    assert {*page_kinds.LAYOUTS, page_kinds.SCAN} == KINDS


def test_the_seed_determines_the_page_and_its_scan() -> None:
    def picture(seed: int) -> tuple[bytes, tuple[str, ...]]:
        pixels, kinds = page_kinds.page_with_kinds(FONTS, LANGUAGES, random.Random(seed), layout="receipt")
        return pixels.tobytes(), kinds

    assert all(picture(seed) == picture(seed) for seed in range(5))
    assert picture(1) != picture(2)


def test_a_page_is_a_colour_picture_at_60_to_110_dpi() -> None:
    coloured = 0
    for seed in range(6):
        pixels, _ = page_kinds.page_with_kinds(FONTS, LANGUAGES, random.Random(seed), layout="title slide")
        assert pixels.dtype == np.uint8
        assert pixels.shape[2] == 3
        widths = {wide for wide, _ in page_kinds.LAYOUTS["title slide"].page_sizes}
        assert any(wide * 60 / 72 - 2 <= pixels.shape[1] <= wide * 110 / 72 + 2 for wide in widths)
        coloured += int(np.ptp(pixels.astype(int), axis=2).max()) > 30
    assert coloured >= 3


@pytest.mark.parametrize("look", [scans.scanned, scans.photographed])
def test_a_scan_keeps_the_size_and_the_dark_words_of_the_page(
    look: Callable[[np.ndarray, random.Random], np.ndarray],
) -> None:
    page = np.full((300, 220, 3), 255, np.uint8)
    page[140:160, 60:160] = 0
    for seed in range(12):
        seen = look(page, random.Random(seed))
        assert seen.shape == page.shape
        assert seen.dtype == np.uint8
        assert not np.array_equal(seen, page)
        rows = seen[70:230, 95:125].mean(axis=(1, 2))
        # Wherever the bar was moved to, it is darker than the paper.
        assert rows.min() < np.median(rows) - 40, seed


def test_every_term_has_a_column_for_every_language() -> None:
    for name, row in document_terms.TERMS.items():
        assert len(row) == len(document_terms.CODES), name
        assert all(way.strip() for ways in row for way in ways), name
    assert document_terms.term("months", "en", random.Random(0)).split(",")[0] == "January"
    assert re.search("[а-я]", document_terms.term("contents", "ru", random.Random(0)))
    assert document_terms.term("closing", "fi", random.Random(0)) in document_terms.TERMS["closing"][0]
