"""Hand-made labels of figures: they are valid, and scale to the pixels of a rendered page."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pymupdf
import pytest

from docsearch.engine.models.pixel.concepts import FIGURE_CONCEPTS
from docsearch.training.pixel import labelled_pages
from docsearch.training.pixel.labelled_pages import COARSE_DPI, POINTS_PER_INCH, UNREAD


def test_every_label_is_a_concept_of_the_model_with_a_box_inside_the_page() -> None:
    labels = labelled_pages.figure_labels()
    assert len(labels) > 300
    for figures in labels.values():
        for concept, (x0, y0, x1, y1) in figures:
            assert concept == UNREAD or concept in FIGURE_CONCEPTS
            assert 0 <= x0 < x1 <= 1
            assert 0 <= y0 < y1 <= 1


def test_labelled_pages_carry_their_figures_in_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pymupdf.open() as document:
        for text in ("first", "second"):
            document.new_page(width=300, height=400).insert_text((30, 40), text)
        document.save(tmp_path / "a.pdf")
    rows = [
        {"path": "a.pdf", "page": 2, "figures": [["table", 0.5, 0.25, 1.0, 0.5]]},
        {"path": "absent.pdf", "page": 1, "figures": []},
    ]
    file = tmp_path / "labels.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    monkeypatch.setattr(labelled_pages, "FIGURE_LABELS", file)
    page = next(labelled_pages.figure_labelled_pages(tmp_path, random.Random(1)))
    assert (page.words, page.concepts, page.coarse) == (("second",), ("◆table",), True)
    dpi = page.pixels.shape[1] / 300 * POINTS_PER_INCH
    assert COARSE_DPI[0] - 1 <= dpi <= COARSE_DPI[1] + 1
    np.testing.assert_allclose(page.figures[0] / (np.array([150, 100, 300, 200]) * dpi / POINTS_PER_INCH), 1, atol=0.02)
