"""The skew of a page is told from its lines of print, and words found on the page turned have their old places."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from docsearch.engine.records import U8
from docsearch.indexer.render import ocr, skew, tesseract
from docsearch.indexer.render.backend import OpenDocument
from docsearch.indexer.render.ocr import Ocr
from docsearch.indexer.render.visible_text import Word

LINES = 24
needs_tesseract = pytest.mark.skipif(tesseract.program() is None, reason="needs the program tesseract")


def printed(*, ink: int = 20, paper: int = 240) -> U8:
    """A page (1100, 850) of lines of print."""
    image = Image.new("L", (850, 1100), paper)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(24)
    for number in range(LINES):
        draw.text((80, 80 + 38 * number), f"Line {number} of a letter about the harbour, {number * 7}", ink, font)
    return np.asarray(image)


def aslant(pixels: U8, degrees: float) -> U8:
    """The page as a scanner draws it that got it aslant: its lines run downhill by `degrees`."""
    paper = int(np.median(pixels))
    turned = Image.fromarray(pixels).rotate(-degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=paper)
    return np.asarray(turned)


@pytest.mark.parametrize("degrees", [-10.0, -3.0, -1.3, 1.5, 2.0, 7.0, 11.0])
@pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
def test_the_angle_of_lines_of_print_is_found(degrees: float, quarter_turns: int) -> None:
    page = np.ascontiguousarray(np.rot90(printed(), quarter_turns))
    assert skew.angle(aslant(page, degrees)) == pytest.approx(degrees, abs=0.21)


def test_the_angle_of_light_print_on_a_dark_page_is_found() -> None:
    assert skew.angle(aslant(printed(ink=250, paper=30), 4.0)) == pytest.approx(4.0, abs=0.21)


@pytest.mark.parametrize("degrees", [-8.0, 2.0, 4.0, 11.0])
def test_the_dark_frame_that_a_scanner_leaves_is_no_print(degrees: float) -> None:
    dark = Image.fromarray(printed()).rotate(-degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=5)
    framed = np.pad(aslant(printed(), degrees), 20, constant_values=5)
    gutter = np.pad(aslant(printed(), degrees), ((0, 0), (60, 0)), constant_values=5)
    for page in (np.asarray(dark), framed, gutter):
        assert skew.angle(page) == pytest.approx(degrees, abs=0.21)


def wave() -> U8:
    image = Image.new("L", (900, 700), 255)
    points = [(x, 350 + 200 * np.sin(x / 90)) for x in range(900)]
    ImageDraw.Draw(image).line(points, fill=0, width=5)
    return np.asarray(image)


def rings() -> U8:
    image = Image.new("L", (900, 700), 255)
    for radius in range(40, 340, 50):
        ImageDraw.Draw(image).ellipse((450 - radius, 350 - radius, 450 + radius, 350 + radius), outline=0, width=8)
    return np.asarray(image)


@pytest.mark.parametrize(
    "page",
    [
        printed(),
        np.full((900, 700), 255, np.uint8),
        np.random.default_rng(1).integers(0, 256, (900, 700), dtype=np.uint8),
        np.tile(np.linspace(0, 255, 700, dtype=np.uint8), (900, 1)),
        wave(),
        rings(),
        np.array([[0, 255]], np.uint8),
        np.zeros((1, 1), np.uint8),
    ],
    ids=["print", "empty", "noise", "gradient", "wave", "rings", "two pixels", "one pixel"],
)
def test_a_page_without_lines_that_are_aslant_is_not_turned(page: U8) -> None:
    assert skew.angle(page) == 0.0


def box_of(pixels: U8) -> list[float]:
    y, x = np.nonzero(pixels < 128)
    return [float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1)]


@pytest.mark.parametrize("degrees", [-8.0, 3.0, 11.0])
def test_a_word_has_the_place_that_it_had_before_its_page_was_turned(degrees: float) -> None:
    page = np.full((600, 900), 255, np.uint8)
    page[100:120, 640:660] = 0
    scan = aslant(page, degrees)
    turned = skew.level(scan, degrees)
    ((word,),) = skew.places_before([[(*box_of(turned), "net")]], degrees, scan.shape, turned.shape)
    assert word[4] == "net"
    # Boxes lie level: that of a square which was turned twice is larger than the square by what its corners need.
    np.testing.assert_allclose(word[:4], box_of(scan), atol=5)


class Scan(OpenDocument):
    """A document of one page, drawn as it was given."""

    def __init__(self, pixels: U8) -> None:
        self.pixels = pixels

    def own_dpi(self) -> float:
        return 110.0

    def detail(self, *, dpi: float, max_pixels: int) -> Scan:
        return self

    @property
    def dpi(self) -> float:
        return 110.0


def test_a_page_that_is_aslant_is_read_level(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[U8] = []

    def read(pixels: U8, dpi: float, **_: object) -> list[list[Word]]:
        asked.append(pixels)
        return [[(0.0, 0.0, float(pixels.shape[1]), float(pixels.shape[0]), "letter")]]

    monkeypatch.setattr(tesseract, "read", read)
    for page in (printed(), aslant(printed(), 5.0)):
        text, words = ocr.read(Scan(page), "", Ocr("tesseract", "eng"), page_dpi=72, timeout_s=60)
        assert text == "letter"
        assert words == [(0.0, 0.0, 1.0, 1.0, "letter")]
    assert asked[0].shape == printed().shape
    assert skew.angle(asked[1]) == 0.0


@needs_tesseract
@pytest.mark.slow
def test_tesseract_reads_a_page_that_is_aslant_as_well_as_a_level_one() -> None:
    text, words = ocr.read(Scan(aslant(printed(), 7.0)), "", Ocr("tesseract", "eng"), page_dpi=110, timeout_s=600)
    assert text.lower().count("harbour") >= LINES - 1
    places = [(x0 + x1) / 2 for x0, _, x1, _, word in words if word.lower().startswith("harbour")]
    assert max(places) - min(places) < 0.2


@needs_tesseract
@pytest.mark.slow
@pytest.mark.parametrize("degrees", [0.0, 5.0])
def test_tesseract_reads_faint_print(degrees: float) -> None:
    faint = aslant(printed(ink=150, paper=213), degrees)
    text, _ = ocr.read(Scan(faint), "", Ocr("tesseract", "eng"), page_dpi=110, timeout_s=600)
    assert text.lower().count("harbour") >= LINES - 1
