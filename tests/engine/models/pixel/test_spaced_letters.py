"""Words whose letters are spaced out are read as words, where they stand; ordinary print is left alone."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from docsearch.engine.models.pixel.pages import PixelPages
from docsearch.engine.models.pixel.spaced_letters import Row, close_gaps, letter_rows, read_spaced
from docsearch.engine.models.pixel.text import PixelText
from docsearch.engine.records import F32, PageImage, PageRef

SIZE = 26


def spaced(words: str, *, gap: float) -> tuple[Image.Image, tuple[float, float]]:
    """A page at 110 dpi with words whose letters are `gap` ems apart, and the first and last column of these."""
    page = Image.new("L", (900, 500), 255)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(SIZE)
    for i in range(4):
        draw.text((60, 200 + 40 * i), "The river and a valley of the north", fill=0, font=ImageFont.load_default(20))
    x = 60.0
    for letter in words:
        draw.text((x, 80), letter, fill=0, font=font)
        x += font.getlength(letter) + gap * SIZE
    return page, (60, x - gap * SIZE)


def test_spaced_out_words_are_read_where_they_stand(vision: PixelPages) -> None:
    page, (start, end) = spaced("ANNUAL REPORT", gap=0.6)
    found = vision.read(PageImage(PageRef("d", "d.pdf", 1), np.array(page.convert("RGB")), 110))
    cosines = found.vectors @ PixelText.load().embed(["annual", "report"])[0].T
    assert (cosines.max(axis=0) > 0.55).all()
    boxes = found.boxes[cosines.argmax(axis=0)] * np.array([*page.size] * 2)
    assert boxes[0, 2] < boxes[1, 0] + 2 * SIZE, "one after the other"
    np.testing.assert_allclose([boxes[0, 0], boxes[1, 2]], [start, end], atol=1.5 * SIZE)
    assert (boxes[:, 1] > 60).all()
    assert (boxes[:, 3] < 140).all()


def test_ordinary_print_is_left_alone(vision: PixelPages) -> None:
    page, _ = spaced("", gap=0)
    base = vision.base_pass(np.array(page.convert("RGB")))
    assert len(base.words.heights) > 20
    assert len(read_spaced(vision, np.asarray(base.image), base.words).heights) == 0


def letters_at(*places: float, y: float = 100, height: float = 20, width: float = 12) -> F32:
    return np.array([[x, y, x + width, y + height] for x in places], np.float32)


def test_rows_are_letters_next_to_each_other() -> None:
    row = letters_at(100, 130, 160, 190)
    heights = np.full(4, 20, np.float32)
    [found] = letter_rows(row, heights, 800, 600)
    assert found == Row((70, 100, 232, 120), 20.0)
    assert letter_rows(row[:3], heights[:3], 800, 600) == []
    assert letter_rows(letters_at(100, 130, 260, 290), heights, 800, 600) == [], "too far apart"
    word_between = np.concatenate([row, letters_at(142, width=60)])
    assert letter_rows(word_between, np.full(5, 20, np.float32), 800, 600) == []


def test_the_ends_of_a_row_stop_at_its_neighbours() -> None:
    row = np.concatenate([letters_at(100, 130, 160, 190), letters_at(10, width=75), letters_at(215, width=90)])
    [found] = letter_rows(row, np.full(6, 20, np.float32), 800, 600)
    assert found.box == (85, 100, 215, 120)


def test_gaps_are_closed_and_columns_remembered() -> None:
    page = np.full((40, 400), 255, np.uint8)
    inked = (20, 50, 80, 150)  # the last gap is one between words
    for x in inked:
        page[10:30, x : x + 10] = 0
    closed = close_gaps(page, Row((0, 10, 400, 30), 20.0), 255)
    assert closed.pixels.shape == (20, 4 * 10 + 2 * 2 + 8)
    np.testing.assert_array_equal(closed.pixels, page[10:30, closed.columns])
    assert (np.diff(closed.columns) > 0).all()
    assert set(np.flatnonzero((page == 0).any(axis=0))) <= set(closed.columns.tolist())
