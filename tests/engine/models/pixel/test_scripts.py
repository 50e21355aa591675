"""Pages in other scripts: where the second network reads, and that what it reads is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pymupdf
import pytest

from docsearch.engine.models.pixel import scripts, spec
from docsearch.engine.models.pixel.detections import Detections
from docsearch.engine.models.pixel.features import PassOutput
from docsearch.engine.models.pixel.inference import PageNetwork
from docsearch.engine.models.pixel.pages import PixelPages
from docsearch.engine.models.pixel.scripts import OtherPrint, ScriptPages, is_covered, within, without_copies
from docsearch.engine.models.pixel.text import PixelText
from docsearch.engine.records import F32, U8, PageImage, PageRef

CHINESE = ("公司的收入增长了", "本年度财务报告", "合同编号和日期", "董事会主席声明")
FONT = "china-s"
"""A font that MuPDF has built in."""


def page(lines: tuple[str, ...], *, size: float = 14) -> PageImage:
    """A page at the resolution of the index with lines of text."""
    with pymupdf.open() as document:
        sheet = document.new_page(width=400, height=300)
        for i, line in enumerate(lines):
            sheet.insert_text((40, 50 + i * size * 2), line, fontname="helv" if line.isascii() else FONT, fontsize=size)
        pix = sheet.get_pixmap(dpi=round(spec.SPEC.render_dpi), alpha=False)
        pixels = np.frombuffer(pix.samples, np.uint8).reshape(pix.height, pix.width, 3)
        return PageImage(PageRef("d", "d.pdf", 1), pixels, spec.SPEC.render_dpi)


def detections(boxes: list[list[float]]) -> Detections:
    count = len(boxes)
    ones = np.ones(count, np.float32)
    return Detections(np.zeros((count, 128), np.float32), np.array(boxes, np.float32), ones, ones, ones > 1)


@pytest.fixture(scope="module")
def pages() -> PixelPages:
    return PixelPages.load()


def best_cosines(pages: PixelPages, image: PageImage, query: str) -> F32:
    cosines: F32 = (PixelText.load().encode_query(query).vectors @ pages.read(image).vectors.T).max(axis=1)
    return cosines


def test_chinese_print_is_found(pages: PixelPages) -> None:
    image = page(CHINESE)
    on_page = np.concatenate([best_cosines(pages, image, query) for query in CHINESE])
    absent = best_cosines(pages, image, "天气预报显示明天有雨")
    assert (on_page > spec.FLOOR).mean() >= 0.8
    assert (absent > spec.FLOOR).mean() <= 0.34
    assert np.median(on_page) > np.median(absent) + 0.2


def test_words_in_latin_letters_among_them_are_found(pages: PixelPages) -> None:
    image = page((*CHINESE, "Toyota 2024 Nissan"))
    assert (best_cosines(pages, image, "toyota nissan 2024") > spec.FLOOR).all()


def test_a_latin_page_is_read_by_the_first_network_alone(pages: PixelPages, monkeypatch: pytest.MonkeyPatch) -> None:
    second = pages.scripts.network
    plain = PageNetwork.features

    def features(self: PageNetwork, pixels: U8) -> tuple[F32, F32]:
        assert self is not second
        return plain(self, pixels)

    monkeypatch.setattr(PageNetwork, "features", features)
    lines = ("Revenue of the harbour rose in 2023", "The margin was 12.5 %", "Staff costs fell", "Auditor's report")
    assert len(pages.read(page(lines)).vectors)
    with pytest.raises(AssertionError):
        pages.read(page(CHINESE))


def test_parts_of_a_page_that_are_read_again() -> None:
    cells = np.zeros((40, 60), bool)
    cells[2:5, 3:20] = cells[20:30, 30:50] = True
    cells[38, 58] = True
    boxes = OtherPrint(cells, (7, 9)).boxes()
    assert boxes == [
        (7 + 3 * 16, 9 + 2 * 16, 7 + 20 * 16, 9 + 5 * 16),
        (7 + 30 * 16, 9 + 20 * 16, 7 + 50 * 16, 9 + 30 * 16),
    ]
    assert OtherPrint(np.zeros_like(cells), (0, 0)).boxes() == []


def test_words_in_another_script_are_told_from_others() -> None:
    cells = np.zeros((10, 10), bool)
    cells[2, 3] = True
    x, y = (16 + 3.5 * 16) / 200, (8 + 2.5 * 16) / 160
    words = detections([[x - 0.01, y - 0.01, x + 0.01, y + 0.01], [0.9, 0.9, 0.95, 0.95], [0, 0, 0.01, 0.01]])
    assert OtherPrint(cells, (16, 8)).holds(words, (200, 160)).tolist() == [True, False, False]
    units = detections([[x - 0.02, y - 0.02, x, y + 0.02], [0, 0, 0.2, 0.005]])
    assert is_covered(words, units).tolist() == [True, False, True]
    assert not is_covered(words, units.select(np.array([], int))).any()
    assert within(words, np.array([0.8, 0.8, 1, 1])).boxes.tolist() == words.boxes[1:2].tolist()


def test_the_detector_sees_all_parts_of_a_page(pages: PixelPages) -> None:
    weight = np.zeros(4, np.float32)
    weight[0] = 1
    none = np.zeros(0, np.int64)

    def output(rows: int, columns: int, corner: tuple[int, int], value: float) -> PassOutput:
        features = np.full((rows, columns, 4), value, np.float32)
        flat = np.zeros((rows, columns), np.float32)
        empty = np.zeros((0, 4), np.float32)
        return PassOutput(features, flat, flat, (none, none), empty, empty, (columns * 16, rows * 16), corner)

    scripts: ScriptPages = replace(pages.scripts, weight=weight, bias=0.0)
    found = scripts.find([output(10, 12, (5, 6), -9), output(4, 5, (5 + 3 * 16, 6 + 2 * 16), 9)])
    assert found.corner == (5, 6)
    inner = np.zeros((10, 12), bool)
    inner[2:6, 3:8] = True
    inner[[2, 2, 5, 5], [3, 7, 3, 7]] = False  # corners have fewer such neighbours than others
    assert np.array_equal(found.cells, inner)


@pytest.mark.parametrize(("most", "kept"), [(4, [0.9, 0.7, 0.6, 0.5]), (3, [0.9, 0.7, 0.6]), (1, [0.9, 0.7, 0.6])])
def test_a_full_page_keeps_a_unit_once(monkeypatch: pytest.MonkeyPatch, most: int, kept: list[float]) -> None:
    vectors = np.zeros((4, 128), np.float32)
    vectors[[0, 2], 0], vectors[1, 1], vectors[3, :2] = 1, 1, (0.6, 0.8)
    saliency = np.array([0.5, 0.7, 0.9, 0.6], np.float32)
    units = detections([[0.1 * i, 0, 0.1 * i + 0.05, 1] for i in range(4)])._replace(vectors=vectors, saliency=saliency)
    monkeypatch.setattr(scripts, "UNITS", most)
    assert without_copies(units).saliency.tolist() == pytest.approx(kept)
    assert len(without_copies(units.select(np.zeros(0, int))).heights) == 0
