"""The places of a page's words, as its document has them: for marking matches of the text layer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from PIL import Image

from docsearch.engine.records import PageWords
from docsearch.indexer.render.process import RenderProcess, RenderSettings


@pytest.fixture(params=["mupdf", "pdfium"])
def process(request: pytest.FixtureRequest) -> Iterator[RenderProcess]:
    """A render process with each renderer."""
    if request.param == "pdfium":
        pytest.importorskip("pypdfium2")
    process = RenderProcess(RenderSettings(72.0, 2_000_000, renderer=request.param))
    yield process
    process.stop()


def words_of(process: RenderProcess, file: Path, page: int = 1) -> PageWords:
    process.render(file, page)
    return process.words()


@pytest.mark.parametrize("rotation", [0, 180])
def test_words_have_boxes_in_fractions_of_the_page(process: RenderProcess, tmp_path: Path, rotation: int) -> None:
    document = pymupdf.open()
    page = document.new_page(width=200, height=400)
    page.insert_text((20, 100), "net income", fontsize=20)
    page.set_rotation(rotation)
    document.save(tmp_path / "a.pdf")
    words = words_of(process, tmp_path / "a.pdf")
    assert words.texts == ("net", "income")
    assert words.boxes.shape == (2, 4)
    x0, y0, x1, y1 = words.boxes[0].tolist()
    if rotation:
        x0, y0, x1, y1 = 1 - x1, 1 - y1, 1 - x0, 1 - y0
    assert x0 == pytest.approx(0.1, abs=0.02)
    assert x0 < x1 < 0.35
    assert 0.18 < y0 < 100 / 400 < y1 < 0.28


def test_words_that_nobody_can_see_have_no_place(process: RenderProcess, tmp_path: Path) -> None:
    document = pymupdf.open()
    page = document.new_page(width=300, height=400)
    page.insert_text((20, 40), "printed", fontsize=12)
    page.insert_text((20, 80), "hidden", fontsize=12, color=(1, 1, 1))
    document.save(tmp_path / "a.pdf")
    assert words_of(process, tmp_path / "a.pdf").texts == ("printed",)


def test_pictures_and_empty_pages_have_no_words(process: RenderProcess, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(tmp_path / "a.png")
    assert words_of(process, tmp_path / "a.png").texts == ()
    document = pymupdf.open()
    document.new_page()
    document.save(tmp_path / "a.pdf")
    empty = words_of(process, tmp_path / "a.pdf")
    assert (empty.texts, empty.boxes.shape) == ((), (0, 4))


def test_a_process_that_rendered_nothing_tells_no_words(process: RenderProcess) -> None:
    assert process.words().texts == ()
