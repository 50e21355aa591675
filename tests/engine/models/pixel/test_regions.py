"""The parts of a page that have ink; only these are read, and what is found on them is what the whole page shows."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from docsearch.engine.models.pixel.detections import detect_words
from docsearch.engine.models.pixel.pages import PixelPages
from docsearch.engine.models.pixel.regions import Region, ink_cells, ink_corner, runs, xy_cut

PX = 16


def cells_of(*rows: str) -> np.ndarray:
    return np.array([[cell == "#" for cell in row] for row in rows])


def test_an_xy_cut_finds_tight_rectangles() -> None:
    cells = cells_of(
        "..........",
        ".##....#..",
        ".##....##.",
        "..........",
        "..........",
        "...####...",
    )
    found = sorted(xy_cut(cells, 3, 1), key=lambda region: (region.top, region.left))
    assert found == [Region(1, 3, 1, 3, 4), Region(1, 3, 7, 9, 3), Region(5, 6, 3, 7, 4)]
    assert list(xy_cut(cells, 3, 9)) == [Region(1, 6, 1, 9, 11)]
    assert list(xy_cut(np.zeros((3, 3), bool), 3, 1)) == []


def test_runs_bridge_gaps() -> None:
    flags = np.array([0, 1, 1, 0, 1, 0, 0, 1], bool)
    assert runs(flags, 0) == [(1, 3), (4, 5), (7, 8)]
    assert runs(flags, 1) == [(1, 5), (7, 8)]
    assert runs(flags, 2) == [(1, 8)]


@pytest.mark.parametrize(
    ("paper", "ink", "found"), [(255, 200, True), (255, 240, False), (20, 90, True), (128, 0, True)]
)
def test_ink_differs_from_the_paper(paper: int, ink: int, found: bool) -> None:
    page = np.full((5 * PX, 4 * PX), paper, np.uint8)
    page[3 * PX + 5, 2 * PX + 15] = ink
    expected = np.zeros((5, 4), bool)
    expected[3, 2] = found
    np.testing.assert_array_equal(ink_cells(page, paper), expected)
    corner = ink_corner(page)
    assert (corner is not None) == found
    if corner is not None:
        assert (2 * PX + 14, 3 * PX + 4) <= corner <= (2 * PX + 15, 3 * PX + 5)


def sparse_page() -> Image.Image:
    """A page with a word in three corners, and a line in the middle."""
    image = Image.new("L", (1280, 960), 255)
    font = ImageFont.load_default(30)
    places = ((40, 30), "Harbour"), ((1100, 40), "Revenue"), ((60, 900), "Quarterly"), ((500, 470), "Council minutes")
    for place, word in places:
        ImageDraw.Draw(image).text(place, word, fill=0, font=font)
    return image


def test_blank_parts_are_not_read_and_words_are_found_as_on_the_whole_page(vision: PixelPages) -> None:
    image = sparse_page()
    whole = detect_words(vision.run_pass(np.asarray(image)), image.size)
    outputs = vision.read_inked(image)
    blank, *read = outputs
    assert not len(blank.vectors)
    assert sum(output.words.size for output in read) < 0.3 * image.width * image.height / PX**2
    parts = [detect_words(output, image.size) for output in outputs]
    boxes, vectors = (np.concatenate([getattr(part, name) for part in parts]) for name in ("boxes", "vectors"))
    sure = whole.saliency > 0.6
    assert sure.sum() >= 4
    for box, vector in zip(whole.boxes[sure], whole.vectors[sure], strict=True):
        nearest = np.abs(boxes - box).sum(axis=1).argmin()
        np.testing.assert_allclose(boxes[nearest], box, atol=0.01)
        assert vectors[nearest] @ vector > 0.98


def test_a_page_without_ink_is_not_read(vision: PixelPages) -> None:
    assert vision.read_inked(Image.new("L", (640, 480), 230)) == []
