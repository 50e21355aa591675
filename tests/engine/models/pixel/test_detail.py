"""Pages with detail: tiles cover the page once, and words are found at every size, where they stand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from docsearch.engine.models.pixel import pages
from docsearch.engine.models.pixel.detail import OVERLAP_PX, TILE_PX, read_tiles, tiles
from docsearch.engine.models.pixel.detections import Detections
from docsearch.engine.models.pixel.pages import PixelPages
from docsearch.engine.models.pixel.text import PixelText
from docsearch.engine.records import BOX_SCALE, U8, PageImage, PageRef

ENLARGED = 4
WORDS = {
    "Lighthouse": ((TILE_PX - 40, 900), 22),
    "Telescope": ((2300, TILE_PX - 12), 22),
    "Umbrella": ((600, 1500), 160),
}
"""Words, where they stand on the detail, and their sizes in px: two at the edges of tiles, and a title."""


def sheet() -> Image.Image:
    """A large sheet in grey: the detail of a page."""
    image = Image.new("L", (3200, 2400), 255)
    draw = ImageDraw.Draw(image)
    for word, (place, size) in WORDS.items():
        draw.text(place, word, fill=0, font=ImageFont.load_default(size))
    for i in range(30):
        draw.text((300, 200 + 20 * i), "levels in metres above datum", fill=0, font=ImageFont.load_default(16))
    return image


def page(*, detail: bool) -> PageImage:
    image = sheet()
    small = image.resize((image.width // ENLARGED, image.height // ENLARGED), Image.Resampling.BOX)
    pixels = np.array(small.convert("RGB"))
    return PageImage(PageRef("d", "d.pdf", 1), pixels, 41, detail=np.array(image) if detail else None)


@pytest.mark.parametrize("size", [(5, 7), (TILE_PX, TILE_PX), (2 * TILE_PX + 1, TILE_PX - 1), (700, 3000)])
def test_cores_cover_the_page_once(size: tuple[int, int]) -> None:
    detail = np.random.default_rng(0).integers(0, 255, size).astype(np.uint8)
    covered = np.zeros(size, int)
    for tile in tiles(detail):
        height, width = tile.pixels.shape
        assert max(height, width) <= TILE_PX + 2 * OVERLAP_PX
        np.testing.assert_array_equal(tile.pixels, detail[tile.y : tile.y + height, tile.x : tile.x + width])
        left, top, right, bottom = tile.core
        covered[top:bottom, left:right] += 1
    assert (covered == 1).all()


def test_each_mark_is_read_once_and_in_its_place() -> None:
    detail = np.full((2500, 3000), 255, np.uint8)
    marks = [(x, y) for x in (0, 1000, TILE_PX - 3, TILE_PX + 10, 2040, 2995) for y in (0, TILE_PX, 2030, 2494)]
    for x, y in marks:
        detail[y : y + 5, x : x + 5] = 0

    def read(tile: U8) -> Detections:
        height, width = tile.shape
        ys, xs = np.nonzero((tile == 0) & (np.roll(tile, 1, 0) != 0) & (np.roll(tile, 1, 1) != 0))
        whole = [(x, y) for x, y in zip(xs, ys, strict=True) if (tile[y : y + 5, x : x + 5] == 0).all()]
        boxes = np.array([[x / width, y / height, (x + 5) / width, (y + 5) / height] for x, y in whole], np.float32)
        ones = np.ones(len(whole), np.float32)
        return Detections(np.zeros((len(whole), 128), np.float32), boxes.reshape(-1, 4), ones, ones, ones > 1)

    found = read_tiles(detail, read)
    corners = np.rint(found.boxes[:, :2] * np.array([3000, 2500])).astype(int)
    assert sorted(map(tuple, corners.tolist())) == sorted(marks)


def test_words_of_every_size_are_found_where_they_stand(vision: PixelPages) -> None:
    names = list(WORDS)
    wanted = PixelText.load().embed([name.lower() for name in names])[0]
    found = vision.read(page(detail=True))
    cosines = found.vectors @ wanted.T
    assert (cosines.max(axis=0) > 0.6).all()
    for name, row in zip(names, cosines.argmax(axis=0), strict=True):
        (x, y), size = WORDS[name]
        x0, y0, _, y1 = found.boxes[row] * np.array([3200, 2400] * 2)
        assert x - size < x0 < x + size
        assert y - size < y0 < y1 < y + 2.5 * size
    without = vision.read(page(detail=False)).vectors @ wanted.T
    assert (without.max(axis=0)[:2] < 0.5).all(), "too small without"


def test_an_upside_down_sheet_is_turned_over(vision: PixelPages) -> None:
    upright = page(detail=True)
    assert upright.detail is not None
    turned = PageImage(upright.ref, upright.pixels[::-1, ::-1], upright.dpi, detail=upright.detail[::-1, ::-1])
    found = vision.read(upright)
    assert len(found.heights) > 100
    boxes, vectors, _, _ = vision.encode_counted(turned)
    assert len(boxes) == len(vectors)
    assert boxes.max() <= BOX_SCALE


def test_words_beyond_the_bound_are_left_out_and_counted(vision: PixelPages, monkeypatch: pytest.MonkeyPatch) -> None:
    every, left_out = vision.read_counted(page(detail=True))
    assert left_out == 0
    monkeypatch.setattr(pages, "MAX_PATCHES", 20)
    monkeypatch.setattr(pages, "PATCHES_PER_PIXEL", 50 / (3200 * 2400))
    fewer, left_out = vision.read_counted(page(detail=True))
    assert len(fewer.heights) + left_out == len(every.heights)
    assert 50 <= len(fewer.heights) <= 60, "and the concepts of the page"
    assert vision.encode_pages([page(detail=True), page(detail=False)]).left_out[0] == left_out
