"""What the readouts learn from: blocks and pages with their kinds."""

from __future__ import annotations

import json

import numpy as np
import torch
from torch.nn import functional

from docsearch.engine.models.pixel.concepts import CONCEPTS
from docsearch.engine.models.pixel.readout import Readout
from docsearch.training import readouts
from docsearch.training.page_pool import UNREAD, LabelledPage

CELL = 16


def page(figures: list[tuple[str, tuple[int, int, int, int]]], rows: int = 12, columns: int = 8) -> LabelledPage:
    """A coarse page of so many cells, with figures at cells x0, y0, x1, y1."""
    boxes = np.array([box for _, box in figures], np.float32).reshape(-1, 4) * CELL
    pixels = np.full((rows * CELL, columns * CELL), 255, np.uint8)
    words = np.zeros((0, 4), np.float32)
    return LabelledPage(pixels, words, (), boxes, tuple(concept for concept, _ in figures), coarse=True)


def test_a_block_shows_the_figure_that_fills_most_of_it() -> None:
    chart, photo = CONCEPTS[0], CONCEPTS[5]
    grid = readouts.figure_grid(page([(photo, (5, 5, 7, 7)), (chart, (0, 4, 8, 8)), (UNREAD, (0, 8, 8, 12))]))
    assert grid.shape == (12, 8)
    kinds = readouts.block_kinds(grid, 3, 2)
    # The photo lies in the chart, and takes 4 of its 16 cells, its rim known to be nobody's.
    assert kinds.tolist() == [[0, 0], [1, 6], [readouts.UNKNOWN, readouts.UNKNOWN]]


def test_a_small_figure_is_seen_in_its_block() -> None:
    signature = CONCEPTS.index("◆signature")
    grid = readouts.figure_grid(page([("◆signature", (1, 1, 3, 3))], rows=4, columns=4))
    assert readouts.block_kinds(grid, 1, 1).tolist() == [[1 + signature]]


def test_labels_name_kinds_that_are_drawn_or_told() -> None:
    told = set()
    for line in readouts.PAGE_LABELS.read_text("utf-8").splitlines():
        told.update(json.loads(line)["kinds"])
    assert told & set(readouts.PAGE_KINDS)
    drawn = {kind for name in readouts.layouts.LAYOUTS for kind in (name, "scan")}
    assert told <= drawn
    assert set(readouts.PAGE_KINDS) <= drawn


def test_a_readout_learns_what_can_be_told() -> None:
    torch.manual_seed(0)
    seen = np.random.default_rng(0).standard_normal((400, 6)).astype(np.float32)
    target = torch.from_numpy((seen[:, 0] > 0).astype(np.int64))

    def loss(logits: torch.Tensor, met: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(logits, target[met])

    readout = readouts.taught(Readout(6, 16, 2, 2), seen, readouts.normal(np.ones(400)), loss)
    with torch.inference_mode():
        right = (readout(torch.from_numpy(seen)).argmax(1) == target).float().mean()
    assert right > 0.95
