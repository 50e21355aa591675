"""Losses of the network of other scripts."""

from __future__ import annotations

import random

import numpy as np
import torch

from docsearch.engine.models.pixel.units import is_unit
from docsearch.training.pixel import losses
from docsearch.training.pixel.script_losses import LETTERS, PHOC_SIZE, Reader, ends, matching_loss, one_edit, phoc


def test_matching_is_the_sum_of_the_losses_that_it_shares_a_product_with() -> None:
    torch.manual_seed(0)
    patches, words = (torch.nn.functional.normalize(torch.randn(n, 8), dim=1).bfloat16().float() for n in (6, 9))
    target, scale, bias = torch.tensor([0, 1, 1, 2, 3, 0]), torch.tensor(10.0), torch.tensor(-4.0)
    match, absolute, right = matching_loss(patches, words, target, scale, scale, bias)
    wanted, accuracy = losses.info_nce(patches, words, target, scale)
    pairs = losses.pairwise_sigmoid(patches, words, target, scale, bias)
    torch.testing.assert_close(match, wanted, rtol=0.01, atol=0.01)
    torch.testing.assert_close(absolute, pairs, rtol=0.01, atol=0.01)
    assert right == accuracy


def test_phoc_says_which_letters_are_in_which_part() -> None:
    word = phoc("שלום")
    assert word.shape == (PHOC_SIZE,)
    assert word.sum() == 4 * 3
    first_half = word[len(LETTERS) : 2 * len(LETTERS)]
    assert np.flatnonzero(first_half).tolist() == sorted(LETTERS[c] for c in "של")


def test_ends_of_units() -> None:
    assert ends("東京")[0] == ends("東海")[0] != ends("東京")[1]
    assert ends("年")[0] == ends("年")[1]


def test_an_edit_is_another_unit_of_the_script() -> None:
    rng = random.Random(1)
    for unit in ("東京", "שלום", "हिन्दी", "年"):
        edits = {one_edit(unit, {"東": ["束"], "京": ["亰"]}, ["山", "川"], rng) for _ in range(40)}
        assert len(edits) > 1
        assert all(is_unit(edit) for edit in edits if edit)
    assert "束京" in {one_edit("東京", {"東": ["束"]}, ["山"], rng) for _ in range(20)}


def test_reading_a_glyph_from_its_own_row_is_right() -> None:
    torch.manual_seed(0)
    reader = Reader()
    rows = torch.tensor([5, 9, 700])
    with torch.no_grad():
        loss, right = reader.glyph_loss(reader.table(rows) * 100, rows, torch.arange(1000, 1200))
    assert (right, float(loss) < 0.1) == (1, True)
