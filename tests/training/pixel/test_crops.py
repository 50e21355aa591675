"""Figure targets of training crops: figures, their rims, and pages on which figures are not labelled."""

from __future__ import annotations

import random

import numpy as np

from docsearch.training.pixel.crops import CELLS_PER_FIGURE, CROP_H, CROP_W, EMPTY, FIGURE, IGNORE, figure_targets
from docsearch.training.pixel.labelled_pages import UNREAD, LabelledPage

NO_WORDS = np.zeros((0, 2), np.int64)


def page(figures: list[list[float]], concepts: tuple[str, ...], *, coarse: bool) -> LabelledPage:
    boxes = np.array(figures, np.float32).reshape(-1, 4)
    return LabelledPage(np.zeros((CROP_H, CROP_W), np.uint8), np.zeros((0, 4), np.float32), (), boxes, concepts, coarse)


def test_cells_inside_a_box_are_figure_and_its_rim_is_ignored() -> None:
    labelled = page([[64, 64, 192, 128]], ("◆table",), coarse=True)
    inside, cells, concepts = figure_targets(labelled, labelled.figures, NO_WORDS, random.Random(1))
    assert (inside[4:8, 4:12] == FIGURE).all()
    assert inside[3, 4] == inside[8, 11] == IGNORE
    assert inside[0, 0] == EMPTY
    assert len(cells) == len(concepts) == CELLS_PER_FIGURE
    assert (inside[cells[:, 0], cells[:, 1]] == FIGURE).all()


def test_word_cells_are_not_sampled_as_figure_cells() -> None:
    labelled = page([[0, 0, 64, 64]], ("◆table",), coarse=True)
    words = np.array([(r, c) for r in range(4) for c in range(4)][:15], np.int64)
    _, cells, _ = figure_targets(labelled, labelled.figures, words, random.Random(1))
    assert cells.tolist() == [[3, 3]]


def test_cells_whose_figures_are_unknown_are_ignored() -> None:
    labelled = page([[64, 64, 192, 128]], (UNREAD,), coarse=True)
    inside, cells, _ = figure_targets(labelled, labelled.figures, NO_WORDS, random.Random(1))
    assert (inside[4:8, 4:12] == IGNORE).all()
    assert not len(cells)
    fine = page([], (), coarse=False)
    assert (figure_targets(fine, fine.figures, NO_WORDS, random.Random(1))[0] == IGNORE).all()
