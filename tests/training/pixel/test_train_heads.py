"""Training the heads for kinds of figures and pages: labels of blocks, unused directions, and fitting."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
import torch
from torch.nn import functional

from docsearch.engine.models.pixel.concepts import FIGURE_CONCEPTS
from docsearch.engine.models.pixel.heads import HeadShape
from docsearch.engine.models.pixel.text import PixelText
from docsearch.training.pixel import train_heads, visual_words
from docsearch.training.pixel.concept_head import TrainedHead
from docsearch.training.pixel.labelled_pages import UNREAD, LabelledPage

CELL = 16
BLOCK = train_heads.BLOCK_CELLS


def page(figures: list[tuple[str, tuple[int, int, int, int]]], rows: int = 12, columns: int = 8) -> LabelledPage:
    """A coarse page of so many cells, with figures at cells x0, y0, x1, y1."""
    boxes = np.array([box for _, box in figures], np.float32).reshape(-1, 4) * CELL
    pixels = np.full((rows * CELL, columns * CELL), 255, np.uint8)
    words = np.zeros((0, 4), np.float32)
    return LabelledPage(pixels, words, (), boxes, tuple(concept for concept, _ in figures), coarse=True)


def test_a_block_is_labelled_with_the_figure_that_covers_most_of_it() -> None:
    chart, photo = "◆bar chart", "◆photo"
    grid = train_heads.figure_grid(
        page([(photo, (8, 8, 11, 11)), (chart, (0, 6, 12, 12)), (UNREAD, (0, 12, 12, 18))], 18, 12)
    )
    assert grid.shape == (18, 12)
    kinds = train_heads.block_kinds(grid, 3, 2)
    place = 1 + FIGURE_CONCEPTS.index(chart)
    # The photo is inside the chart, and covers 9 of the 36 cells of its block.
    assert kinds.tolist() == [[0, 0], [place, place], [train_heads.UNKNOWN, train_heads.UNKNOWN]]


def test_a_small_figure_labels_its_block() -> None:
    signature = FIGURE_CONCEPTS.index("◆signature")
    grid = train_heads.figure_grid(page([("◆signature", (1, 1, 5, 3))], rows=BLOCK, columns=BLOCK))
    assert train_heads.block_kinds(grid, 1, 1).tolist() == [[1 + signature]]


def test_unused_directions_are_orthonormal_and_far_from_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_heads, "WORDS_AVOIDED", 100)
    text = PixelText.load()
    vectors = train_heads.unused_directions(text, 58, random.Random(1))
    assert np.abs(vectors @ vectors.T - np.eye(58)).max() < 1e-5
    words = text.embed(["revenue", "table", "Ölstand", "директор", "signature", "1,577.5", "ngoại", "petra"])[0]
    assert np.abs(words @ vectors.T).max() < 0.2


def test_wanted_visual_words_replace_those_with_a_near_duplicate() -> None:
    words = np.eye(6, 8, dtype=np.float32)
    words[4] = words[1] + 0.01 * words[5]
    wanted = np.eye(8, dtype=np.float32)[7:]
    replaced = visual_words.replace_redundant(words, wanted)
    assert np.array_equal(replaced[4], wanted[0])
    assert np.array_equal(np.delete(replaced, 4, axis=0), np.delete(words, 4, axis=0))


def test_labelled_kinds_of_pages_are_drawn_synthetically() -> None:
    labelled = set()
    for line in train_heads.PAGE_LABELS.read_text("utf-8").splitlines():
        labelled.update(json.loads(line)["kinds"])
    assert labelled & set(train_heads.PAGE_KINDS)
    drawn = {kind for name in train_heads.page_kinds.LAYOUTS for kind in (name, "scan")}
    assert labelled <= drawn
    assert set(train_heads.PAGE_KINDS) <= drawn


def test_a_head_learns_a_separable_task() -> None:
    torch.manual_seed(0)
    seen = np.random.default_rng(0).standard_normal((400, 6)).astype(np.float32)
    target = torch.from_numpy((seen[:, 0] > 0).astype(np.int64))

    def loss(logits: torch.Tensor, sampled: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(logits, target[sampled])

    head = TrainedHead(HeadShape(inputs=6, hidden=16, outputs=2, concepts=2))
    train_heads.fit(head, seen, train_heads.normalised(np.ones(400)), loss)
    with torch.inference_mode():
        logits = head(torch.from_numpy(seen))
        right = (logits.argmax(1) == target).float().mean()
    assert right > 0.95
    np.testing.assert_allclose(head.for_inference().logits(seen), logits.numpy(), atol=1e-4)
