"""Properties of synthetic figures: inside their area, labelled with concepts, and dependent on the seed alone."""

from __future__ import annotations

import io
import random
from itertools import accumulate
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from PIL import Image

from docsearch.engine.models.pixel.concepts import FIGURE_CONCEPTS, MARK
from docsearch.training.synthetic import figures
from docsearch.training.synthetic.sheet import Sheet
from docsearch.training.synthetic.vocabulary import Language

WORDS = ("a", "on", "rate", "growth", "market", "figures", "consumption", "straße", "internationalisation")
LANGUAGE = Language(WORDS, tuple(accumulate([1.0] * len(WORDS))), "latin")
AREAS = ((20, 30, 80, 70), (40, 60, 740, 510), (10, 10, 210, 290), (100, 300, 500, 380))


def sheet(document: pymupdf.Document, seed: int) -> Sheet:
    page = document.new_page(width=800, height=600)
    fonts = [pymupdf.Font(name) for name in ("helv", "tiro", "cour", "hebo")]
    return Sheet(page, LANGUAGE, fonts, random.Random(seed))


def jpeg(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return out.getvalue()


def test_every_kind_is_a_concept_of_the_model() -> None:
    assert {MARK + kind for kind in (*figures.KINDS, "table")} == set(FIGURE_CONCEPTS)


@pytest.mark.parametrize("kind", figures.KINDS)
@pytest.mark.parametrize("ink", [(0.1, 0.1, 0.1), (1.0, 1.0, 1.0)], ids=["dark ink", "light ink"])
def test_a_figure_lies_inside_its_area(kind: str, ink: tuple[float, ...]) -> None:
    with pymupdf.open() as document:
        for seed, corners in enumerate(AREAS):
            area = pymupdf.Rect(corners)
            drawn = sheet(document, seed)
            found = figures.figure(drawn, area, 9, ink, kinds=(kind,))
            assert found
            for name, box in found:
                assert name == kind
                assert not box.is_empty
                assert area.contains(box)
                assert drawn.page.rect.contains(box)


@pytest.mark.parametrize("kind", figures.KINDS)
def test_no_ink_is_far_outside_the_area(kind: str) -> None:
    area = pymupdf.Rect(200, 150, 500, 400)
    with pymupdf.open() as document:
        for seed in range(3):
            drawn = sheet(document, seed)
            figures.figure(drawn, area, 8, (0, 0, 0), kinds=(kind,))
            pix = drawn.page.get_pixmap(colorspace=pymupdf.csGRAY, dpi=36)
            pixels = np.frombuffer(pix.samples, np.uint8).reshape(pix.height, pix.stride).copy()
            pixels[150 // 2 - 3 : 400 // 2 + 3, 200 // 2 - 3 : 500 // 2 + 3] = 255
            assert (pixels > 200).all(), seed


def test_the_seed_determines_the_figure() -> None:
    def draw(seed: int) -> tuple[object, bytes]:
        with pymupdf.open() as document:
            drawn = sheet(document, seed)
            found = [figures.figure(drawn, pymupdf.Rect(x, 10, x + 380, 290), 8, (0, 0, 0)) for x in (10, 400)]
            return found, drawn.page.get_pixmap(dpi=36).samples

    assert all(draw(seed) == draw(seed) for seed in range(6))
    assert draw(1) != draw(2)


def test_photographs_are_extracted_from_documents_and_charts_are_not(tmp_path: Path) -> None:
    source = np.random.default_rng(1)
    coarse = source.integers(0, 255, (9, 9, 3), np.uint8)
    photo = np.asarray(Image.fromarray(coarse).resize((200, 160), Image.Resampling.BICUBIC))
    chart = np.full((160, 200, 3), 255, np.uint8)
    chart[60:140, 30:60] = (20, 60, 160)
    with pymupdf.open() as document:
        page = document.new_page()
        for i, pixels in enumerate((photo, chart, photo[:80, :80])):
            page.insert_image(pymupdf.Rect(10, 10 + 200 * i, 210, 170 + 200 * i), stream=jpeg(pixels))
        document.save(tmp_path / "report.pdf")
    assert figures.photos(tmp_path) == [jpeg(photo)]
    assert figures.photos(None) == []


def test_a_photograph_shows_one_of_the_pictures_given() -> None:
    red = jpeg(np.full((130, 130, 3), (250, 0, 0), np.uint8))
    with pymupdf.open() as document:
        shown = 0
        for seed in range(10):
            drawn = sheet(document, seed)
            [(_, box)] = figures.figure(
                drawn, pymupdf.Rect(50, 50, 400, 350), 8, (0, 0, 0), pictures=[red], kinds=("photo",)
            )
            pix = drawn.page.get_pixmap(clip=box, dpi=20)
            shown += pix.pixel(pix.width // 2, pix.height // 2)[:3] > (240, 20, 20) and pix.pixel(9, 9)[1] < 20
    assert shown >= 4
