"""Pages whose print is too small at the size of an ordinary page come with their detail; others cost nothing more."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from patient_timer import use_faulty_pymupdf
from PIL import Image

from docsearch.engine.records import U8
from docsearch.indexer.discover import Document
from docsearch.indexer.render import renderer as renderer_module
from docsearch.indexer.render.detail import Needed, detail_size, grey_of, needed, strips
from docsearch.indexer.render.renderer import PageRendered, Renderer, pages_of_memory

A0, A4 = (3370.0, 2384.0), (595.0, 842.0)
PIXELS = 4_000_000
LINE = "Pump house: all dimensions in millimetres, levels in metres above datum"


@pytest.fixture(params=["mupdf", "pdfium"])
def rendered(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., PageRendered]:
    """`rendered(document, detail_pixels)`: the first page."""
    if request.param == "pdfium":
        pytest.importorskip("pypdfium2")

    def render(document: pymupdf.Document, detail_pixels: int = 32_000_000) -> PageRendered:
        file = tmp_path / "a.pdf"
        document.save(file)
        options = {"renderer": request.param, "detail_pixels": detail_pixels}
        with Renderer(dpi=165, max_pixels=PIXELS, **options) as renderer:
            events = list(renderer.render([(Document("a.pdf", file, 0, 0), frozenset())]))
        [page] = [event for event in events if isinstance(event, PageRendered)]
        return page

    return render


def sheet(size: tuple[float, float], fontsize: float, lines: int = 40) -> pymupdf.Document:
    document = pymupdf.open()
    page = document.new_page(width=size[0], height=size[1])
    page.draw_rect((size[0] * 0.5, size[1] * 0.5, size[0] * 0.9, size[1] * 0.9), fill=(0.5, 0.5, 0.5))
    for i in range(lines):
        page.insert_text((20, 40 + i * fontsize * 1.5), LINE, fontsize=fontsize)
    return document


@pytest.mark.parametrize(
    ("sizes", "dpi", "own_dpi", "expected"),
    [
        ([(10.0, 3000)], 165, None, Needed(115.2, False)),  # A4
        ([(10.0, 3000)], 144, None, Needed(115.2, False)),  # A3
        ([(7.0, 3000)], 102, None, Needed(72 * 16 / 7, True)),  # A2
        ([(10.0, 3000)], 51, None, Needed(115.2, True)),  # A0
        ([(40.0, 3000)], 51, None, Needed(28.8, False)),  # a poster
        ([(40.0, 3000), (8.0, 100)], 51, None, Needed(28.8, False)),  # and its imprint
        ([(40.0, 3000), (8.0, 200)], 51, None, Needed(144, True)),
        ([(40.0, 100)], 51, None, Needed(165, True)),  # a title block; the rest may be lettered with lines
        ([], 51, None, Needed(165, True)),
        ([], 51, 100.0, Needed(100.0, True)),  # a scan
        ([], 144, None, Needed(165, False)),
        ([], 67, 130.0, Needed(130.0, True)),  # a tall picture
        ([], 160, 96.0, Needed(96.0, False)),  # a picture that was enlarged
        ([(0.0, 50), (1.0, 3000)], 165, None, Needed(660, True)),
    ],
)
def test_resolution_follows_print(
    sizes: list[tuple[float, int]], dpi: float, own_dpi: float | None, expected: Needed
) -> None:
    found = needed(sizes, dpi=dpi, wanted_dpi=165, own_dpi=own_dpi)
    assert (found.dpi, found.detail) == (pytest.approx(expected.dpi), expected.detail)


def test_a_large_drawing_comes_with_its_detail(rendered: Callable[..., PageRendered]) -> None:
    page = rendered(sheet(A0, 10))
    detail = page.image.detail
    assert page.image.pixels.shape[0] * page.image.pixels.shape[1] <= PIXELS
    assert detail is not None
    assert detail.dtype == np.uint8
    assert detail.shape[1] == pytest.approx(A0[0] / 72 * 115, rel=0.15)  # PDFium measures boxes, not font sizes
    assert page.unread == ()
    small = np.asarray(Image.fromarray(detail).resize(page.image.pixels.shape[1::-1], Image.Resampling.BOX))
    assert np.abs(small.astype(int) - grey_of(page.image.pixels)).mean() < 2, "the same page"
    assert pages_of_memory(page) > 2


def test_an_ordinary_page_has_no_detail(rendered: Callable[..., PageRendered]) -> None:
    page = rendered(sheet(A4, 9))
    assert page.image.detail is None
    assert pages_of_memory(page) == 1


def test_tiny_print_on_an_ordinary_page_is_drawn_larger(rendered: Callable[..., PageRendered]) -> None:
    page = rendered(sheet(A4, 3))
    assert page.image.detail is not None
    assert page.unread == ()


def test_what_the_bound_cuts_is_reported(rendered: Callable[..., PageRendered]) -> None:
    page = rendered(sheet(A0, 5), detail_pixels=8_000_000)
    assert page.image.detail is not None
    assert page.image.detail.size <= 8_000_000
    [report] = page.unread
    assert (report.kind, report.detail) == ("small print", "drawn at 72 dpi")


def test_a_model_that_reads_no_detail_gets_none(rendered: Callable[..., PageRendered]) -> None:
    page = rendered(sheet(A0, 5), detail_pixels=0)
    assert page.image.detail is None
    assert [report.detail for report in page.unread] == ["drawn at 51 dpi"]


@pytest.mark.parametrize("fault", ["crash", "hang", "error"])
def test_detail_that_breaks_the_process_does_not_cost_the_page(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_faulty_pymupdf(tmp_path, monkeypatch)
    monkeypatch.setattr(renderer_module, "DETAILS_LOST_MAX", 2)
    file = tmp_path / "a.pdf"
    file.write_text("\n".join(["%PDF", *[f"detail {fault}"] * 4, "ok"]))
    limits = {"page_timeout_s": 1 if fault == "hang" else 300, "memory_limit_mb": 512, "detail_pixels": 1_000_000}
    with Renderer(dpi=72, max_pixels=100_000, **limits) as renderer:
        events = list(renderer.render([(Document("a.pdf", file, 1, 1), frozenset())]))
    pages = [event for event in events if isinstance(event, PageRendered)]
    assert [page.image.text for page in pages] == [*[f"detail {fault}?"] * 4, "ok?"]
    reasons = [each.detail for page in pages[:2] for each in page.unread]
    assert all(reason.startswith("drawn at 128 dpi, because ") for reason in reasons)
    assert len(reasons) == 2
    if fault != "error":
        assert pages[3].unread == (("small print", 100, "drawn at 128 dpi"),), "no further detail of this document"


def test_sizes_and_strips() -> None:
    width, height, dpi = detail_size(1e5, 10, dpi=165, max_pixels=32_000_000)
    assert width <= 1 << 16
    assert height >= 1
    assert dpi < 165
    rows = list(strips(70_000, 100))
    assert rows[0][0] == 0
    assert rows[-1][1] == 100
    assert all(end == following for (_, end), (following, _) in pairwise(rows))


def test_grey_is_that_of_the_model() -> None:
    rgb: U8 = np.random.default_rng(1).integers(0, 256, (40, 50, 3)).astype(np.uint8)
    np.testing.assert_array_equal(grey_of(rgb), np.asarray(Image.fromarray(rgb).convert("L")))
