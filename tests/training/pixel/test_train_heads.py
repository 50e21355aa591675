"""What the readouts learn from: blocks and pages with their kinds."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
import torch
from torch.nn import functional

from docsearch.engine.models.pixel.concepts import CONCEPTS
from docsearch.engine.models.pixel.heads import Readout
from docsearch.engine.models.pixel.text import PixelText
from docsearch.training.pixel import heads, visual_words
from docsearch.training.pixel.page_pool import UNREAD, LabelledPage

CELL = 16
BLOCK = heads.BLOCK_CELLS


def page(figures: list[tuple[str, tuple[int, int, int, int]]], rows: int = 12, columns: int = 8) -> LabelledPage:
    """A coarse page of so many cells, with figures at cells x0, y0, x1, y1."""
    boxes = np.array([box for _, box in figures], np.float32).reshape(-1, 4) * CELL
    pixels = np.full((rows * CELL, columns * CELL), 255, np.uint8)
    words = np.zeros((0, 4), np.float32)
    return LabelledPage(pixels, words, (), boxes, tuple(concept for concept, _ in figures), coarse=True)


def test_a_block_shows_the_figure_that_fills_most_of_it() -> None:
    chart, photo = "◆bar chart", "◆photo"
    grid = heads.figure_grid(
        page([(photo, (8, 8, 11, 11)), (chart, (0, 6, 12, 12)), (UNREAD, (0, 12, 12, 18))], 18, 12)
    )
    assert grid.shape == (18, 12)
    kinds = heads.block_kinds(grid, 3, 2)
    place = 1 + CONCEPTS.index(chart)
    # The photo lies in the chart, and takes 9 of the 36 cells of its block.
    assert kinds.tolist() == [[0, 0], [place, place], [heads.UNKNOWN, heads.UNKNOWN]]


def test_a_small_figure_is_seen_in_its_block() -> None:
    signature = CONCEPTS.index("◆signature")
    grid = heads.figure_grid(page([("◆signature", (1, 1, 5, 3))], rows=BLOCK, columns=BLOCK))
    assert heads.block_kinds(grid, 1, 1).tolist() == [[1 + signature]]


def test_concepts_lie_at_right_angles_and_apart_from_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readouts, "WORDS_AVOIDED", 100)
    text = PixelText.load()
    vectors = heads.apart(text, 58, random.Random(1))
    assert np.abs(vectors @ vectors.T - np.eye(58)).max() < 1e-5
    words = text.embed(["revenue", "table", "Ölstand", "директор", "signature", "1,577.5", "ngoại", "petra"])[0]
    assert np.abs(words @ vectors.T).max() < 0.2


def test_visual_words_make_room_where_two_are_near_each_other() -> None:
    words = np.eye(6, 8, dtype=np.float32)
    words[4] = words[1] + 0.01 * words[5]
    wanted = np.eye(8, dtype=np.float32)[7:]
    held = visual_words.holding(words, wanted)
    assert np.array_equal(held[4], wanted[0])
    assert np.array_equal(np.delete(held, 4, axis=0), np.delete(words, 4, axis=0))


def test_labels_name_kinds_that_are_drawn_or_told() -> None:
    told = set()
    for line in heads.PAGE_LABELS.read_text("utf-8").splitlines():
        told.update(json.loads(line)["kinds"])
    assert told & set(heads.PAGE_KINDS)
    drawn = {kind for name in heads.layouts.LAYOUTS for kind in (name, "scan")}
    assert told <= drawn
    assert set(heads.PAGE_KINDS) <= drawn


def test_a_readout_learns_what_can_be_told() -> None:
    torch.manual_seed(0)
    seen = np.random.default_rng(0).standard_normal((400, 6)).astype(np.float32)
    target = torch.from_numpy((seen[:, 0] > 0).astype(np.int64))

    def loss(logits: torch.Tensor, met: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(logits, target[met])

    readout = Readout(6, 16, 2, 2)
    heads.teach(readout, seen, heads.normal(np.ones(400)), loss)
    with torch.inference_mode():
        right = (readout(torch.from_numpy(seen)).argmax(1) == target).float().mean()
    assert right > 0.95
