"""Targets of crops in other scripts: the unit of each cell, and where its letters are."""

from __future__ import annotations

import numpy as np

from docsearch.engine.records import F32
from docsearch.training.pixel.crops import IGNORE, WORD
from docsearch.training.pixel.labelled_pages import UNREAD
from docsearch.training.pixel.script_crops import glyph_cells, unit_targets


def boxes(*rows: tuple[float, float, float, float]) -> F32:
    return np.array(rows, np.float32)


def test_a_cell_has_the_unit_that_is_nearest_to_its_centre() -> None:
    at = boxes((70, 32, 94, 48), (76, 32, 100, 48), (200, 32, 240, 48))
    saliency, cells, offsets, units = unit_targets(at, ["東京", "京都", UNREAD])
    assert units == ["京都"]
    assert cells.tolist() == [[2, 5]]
    np.testing.assert_allclose(offsets[0], [0, 0, np.log(24 / 16), 0], atol=1e-6)
    assert saliency[2, 5] == WORD
    assert np.count_nonzero(saliency) == 1  # none for Latin print, nor for the second pair of the cell


def test_units_that_are_cut_off_or_too_small_are_ignored() -> None:
    saliency, cells, _, units = unit_targets(boxes((-12, 32, 30, 48), (100, 64, 130, 70)), ["東京", "京都"])
    assert not len(cells)
    assert not units
    assert (saliency == IGNORE).sum() == 2


def test_letters_of_arabic_and_hebrew_run_to_the_left() -> None:
    at = boxes((0, 16, 64, 32), (0, 64, 64, 80), (0, 128, 64, 144))
    cells, names = glyph_cells(at, ["שלום", "東京", "तब"])
    assert names == ["ם", "ו", "ל", "ש", "東", "京", "त", "ब"]
    assert cells.tolist() == [[1, 0], [1, 1], [1, 2], [1, 3], [4, 1], [4, 3], [8, 1], [8, 3]]
