"""Single lines that are rotated by 90°, such as labels of axes, are read; columns of a table are not taken for them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from docsearch.engine.models.pixel import rotation
from docsearch.engine.models.pixel.pages import PixelPages
from docsearch.engine.models.pixel.text import PixelText
from docsearch.engine.records import PageImage, PageRef

NO_BOXES = np.zeros((0, 4), np.float32)
LABEL, LABEL_AT = "Temperature of the harbour", (200, 300)


def label(size: float = 26) -> Image.Image:
    """A picture with nothing but a line of text, as large as the line."""
    font = ImageFont.load_default(size)
    x0, y0, x1, y1 = font.getbbox(LABEL)
    image = Image.new("L", (int(x1 - x0) + 8, int(y1 - y0) + 8), 255)
    ImageDraw.Draw(image).text((4 - x0, 4 - y0), LABEL, fill=0, font=font)
    return image


def page_with_axis(way: Image.Transpose) -> Image.Image:
    """A page of a chart at 165 dpi, with the label of its axis rotated."""
    page = Image.new("L", (1300, 1000), 255)
    draw = ImageDraw.Draw(page)
    for i in range(3):
        draw.text((80, 60 + 40 * i), "Quarterly figures of the river", fill=0, font=ImageFont.load_default(26))
    draw.rectangle((300, 250, 1100, 900), outline=0, width=3)
    page.paste(label().transpose(way), LABEL_AT)
    return page


@pytest.mark.parametrize("way", [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270])
def test_the_label_of_an_axis_is_read_where_it_stands(vision: PixelPages, way: Image.Transpose) -> None:
    page = page_with_axis(way)
    found = vision.read(PageImage(PageRef("d", "d.pdf", 1), np.array(page.convert("RGB")), 165))
    wanted = PixelText.load().embed(["temperature", "harbour"])[0]
    cosines = found.vectors @ wanted.T
    assert (cosines.max(axis=0) > 0.6).all()
    for row in cosines.argmax(axis=0):
        x0, y0, x1, y1 = found.boxes[row] * np.array([*page.size] * 2)
        assert 180 < (x0 + x1) / 2 < 260
        assert 260 < y0 < y1 < 340 + label().width


def test_a_column_of_a_table_is_no_line() -> None:
    page = Image.new("L", (900, 900), 255)
    for i in range(16):
        ImageDraw.Draw(page).text((400, 60 + 30 * i), "=", fill=0, font=ImageFont.load_default(24))
    assert rotation.find_regions(np.array(page), NO_BOXES) == ([], [])


def test_a_line_is_enlarged_with_a_margin_that_stays_on_the_page() -> None:
    line = rotation.Region(0, 10, 3, 4, 9)
    assert rotation.enlarged(line, 1.0) == rotation.Region(0, 11, 2, 5, 9)
    assert rotation.enlarged(line, 1.5) == rotation.Region(0, 17, 3, 8, 9)
