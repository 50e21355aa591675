"""Blocks of text rotated by 90° are found and read, and their words have boxes where they stand on the page."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from docsearch.engine.models.pixel import rotation
from docsearch.engine.models.pixel.pages import PixelPages
from docsearch.engine.models.pixel.text import PixelText
from docsearch.engine.records import F32, I64, U8, PageImage, PageRef

WORDS = ("harbour", "revenue", "village", "bridge", "copper", "quarter")
MATCH = 0.6
NO_BOXES = np.zeros((0, 4), np.float32)
UPWARDS, DOWNWARDS, UPSIDE_DOWN = (Image.Transpose[f"ROTATE_{degrees}"] for degrees in (90, 270, 180))


def printed() -> Image.Image:
    """A page with a block of text."""
    image = Image.new("L", (1000, 700), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(26)
    for row in range(14):
        line = " ".join(WORDS[(row + i) % len(WORDS)] for i in range(7))
        draw.text((60, 60 + row * 40), line, fill="black", font=font)
    return image


def places() -> tuple[F32, I64]:
    """The boxes of the words of that page, (98, 4) page fractions, and the index of each in WORDS."""
    font = ImageFont.load_default(26)
    boxes, names = [], []
    for row in range(14):
        line = [WORDS[(row + i) % len(WORDS)] for i in range(7)]
        for i, word in enumerate(line):
            left = 60 + font.getlength(" ".join([*line[:i], ""]))
            boxes.append((left, 60 + row * 40, left + font.getlength(word), 60 + row * 40 + 32))
            names.append(WORDS.index(word))
    return np.array(boxes, np.float32) / np.array([1000, 700] * 2, np.float32), np.array(names)


def upright_again(boxes: F32, way: Image.Transpose | None) -> F32:
    """Boxes (T, 4) on a page that was rotated, as boxes on the page before."""
    x0, y0, x1, y1 = boxes.T
    back = {
        None: (x0, y0, x1, y1),
        UPWARDS: (1 - y1, x0, 1 - y0, x1),
        DOWNWARDS: (y0, 1 - x1, y1, 1 - x0),
        UPSIDE_DOWN: (1 - x1, 1 - y1, 1 - x0, 1 - y0),
    }[way]
    return np.stack(back, axis=1)


def printed_words_found(similar: F32, boxes: F32) -> I64:
    """How many instances of each of WORDS are found: they have a vector on them that is similar to the word."""
    where, names = places()
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    on_word = ((middles > where[:, None, :2]) & (middles < where[:, None, 2:])).all(axis=2)  # (words, vectors)
    found = (on_word & (similar[:, names].T > MATCH)).any(axis=1)
    return np.bincount(names[found], minlength=len(WORDS))


def overlap(box: F32, other: F32) -> float:
    """The share of `box` that lies in `other`."""
    wide, high = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    return float(max(wide, 0) * max(high, 0) / ((box[2] - box[0]) * (box[3] - box[1])))


@pytest.mark.parametrize("way", [UPWARDS, DOWNWARDS])
def test_a_rotated_block_is_a_region(way: Image.Transpose) -> None:
    page = np.array(printed().transpose(way))
    found, lines = rotation.find_regions(page, NO_BOXES)
    assert len(found) == 1
    assert lines == []
    block = found[0]
    ink_box = np.argwhere(page < 128)
    edges = np.array([block.top, block.left, block.bottom, block.right]) * 16
    np.testing.assert_allclose(edges, [*ink_box.min(axis=0), *ink_box.max(axis=0)], atol=48)


@pytest.mark.parametrize("page", [np.array(printed()), np.full((700, 900), 255, np.uint8)])
def test_an_upright_page_has_no_regions(page: U8) -> None:
    assert rotation.find_regions(page, NO_BOXES) == ([], [])


def test_words_that_were_read_upright_are_no_rotated_text() -> None:
    page = np.array(printed().transpose(UPWARDS))
    assert rotation.find_regions(page, np.array([[0, 0, 1, 1]], np.float32)) == ([], [])


@pytest.mark.parametrize("size", [(1, 1), (15, 400), (400, 16), (17, 33)])
def test_odd_sizes_have_no_regions(size: tuple[int, int]) -> None:
    assert rotation.find_regions(np.zeros(size, np.uint8), NO_BOXES) == ([], [])


@pytest.mark.parametrize("upwards", [True, False])
def test_boxes_on_the_sheet_are_boxes_on_the_page(upwards: bool) -> None:
    page = np.full((480, 640), 255, np.uint8)
    marks = {
        rotation.Region(10, 25, 4, 12, 50): (100, 200, 140, 330),
        rotation.Region(0, 8, 22, 32, 50): (400, 50, 460, 60),
    }
    for x0, y0, x1, y1 in marks.values():  # x0, y0, x1, y1
        page[y0:y1, x0:x1] = 0
    ((sheet, strips),) = rotation.upright_sheets(page, list(marks), 255, upwards=upwards)
    assert len(strips) == len(marks)
    for region, strip in strips:
        rows, columns = np.nonzero(sheet[strip.y : strip.y + len(strip.pixels)] == 0)
        box = [columns.min(), rows.min() + strip.y, columns.max() + 1, rows.max() + 1 + strip.y]
        np.testing.assert_array_equal(strip.on_page(np.array([box], np.float32))[0], marks[region])


def test_many_regions_make_several_sheets_of_bounded_size() -> None:
    page = np.full((1600, 800), 255, np.uint8)
    regions = [rotation.Region(0, 95, 0, 5, 400)] + [rotation.Region(0, 4, x, x + 10, 40) for x in range(5, 45)]
    made = list(rotation.upright_sheets(page, regions, 255, upwards=True))
    assert [region for _, strips in made for region, _ in strips] == regions
    assert len(made) > 1
    assert all(sheet.size <= 1.5 * page.size for sheet, _ in made)


@pytest.mark.parametrize("way", [UPWARDS, DOWNWARDS, UPSIDE_DOWN])
def test_a_rotated_page_is_read(vision: PixelPages, way: Image.Transpose) -> None:
    """Counts printed words, not vectors: a word may be detected in one cell or in two neighbours, depending on the last
    bit of the arithmetic. Every arithmetic finds 94 of the 98 words upright, and 96 and 97 rotated.
    """
    upright = printed()
    names = list(WORDS)
    wanted = PixelText.load().embed(names)[0]

    def read(image: Image.Image, rotated_by: Image.Transpose | None) -> tuple[F32, F32]:
        found = vision.read(PageImage(PageRef("d", "d.pdf", 1), np.array(image.convert("RGB")), 165))
        return found.vectors @ wanted.T, upright_again(found.boxes, rotated_by)

    similar, boxes = read(upright, None)  # the last box is that of the page
    similar_rotated, boxes_rotated = read(upright.transpose(way), way)
    counts, counts_rotated = printed_words_found(similar, boxes), printed_words_found(similar_rotated, boxes_rotated)
    assert (counts > 5).all()
    assert (counts_rotated >= 0.8 * counts).all()
    shared = []
    for word in range(len(names)):
        back = boxes_rotated[similar_rotated[:, word].argmax()]
        shared.append(max(overlap(back, box) for box in boxes[:-1]))
    assert np.median(shared) > 0.7, "a word or two is missed upright"
