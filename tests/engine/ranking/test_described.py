"""What pages gain whose figures are of the kinds and colours that a question describes."""

from __future__ import annotations

import numpy as np
import pytest

from docsearch.engine.ranking.described import COLOUR_WEIGHT, KIND_WEIGHT, added_shares
from docsearch.engine.records import F32, DescribedPicture


def described(terms: list[int], is_colour: list[bool]) -> DescribedPicture:
    vectors = np.eye(len(terms), 8, dtype=np.float32)
    return DescribedPicture(vectors, np.array(terms, np.int64), np.array(is_colour), 0.3, 0.6)


def matches(*pages: list[float]) -> F32:
    return np.array(pages, np.float32)


def test_a_page_with_everything_gains_both_weights_and_one_with_nothing_none() -> None:
    found = added_shares(described([0, 1], [False, True]), matches([1, 1], [1, 0], [0, 1], [0, 0]))
    both = 1 - (1 - KIND_WEIGHT) * (1 - COLOUR_WEIGHT)
    np.testing.assert_allclose(found, [both, KIND_WEIGHT, COLOUR_WEIGHT, 0], atol=1e-6)


def test_of_the_kinds_that_one_word_names_a_page_needs_one() -> None:
    found = added_shares(described([0, 0], [False]), matches([1, 0], [0, 1], [0.5, 0], [0, 0]))
    np.testing.assert_allclose(found, [KIND_WEIGHT, KIND_WEIGHT, KIND_WEIGHT / 2, 0], atol=1e-6)


def test_a_rare_kind_weighs_more_than_a_frequent_one() -> None:
    pages = matches([1, 0], *([0, 1] for _ in range(8)), [0, 0])
    rare, *frequent, none = added_shares(described([0, 1], [False, False]), pages).tolist()
    assert rare > frequent[0] > none == 0
    assert rare + frequent[0] == pytest.approx(KIND_WEIGHT)


def test_several_colours_weigh_equally() -> None:
    pages = matches([1, 0], *([0, 1] for _ in range(8)), [1, 1])
    found = added_shares(described([0, 1], [True, True]), pages)
    assert found[0] == found[1] == pytest.approx(COLOUR_WEIGHT / 2)
    assert found[-1] == pytest.approx(COLOUR_WEIGHT)


def test_shares_stay_below_1_and_no_pages_gain_nothing() -> None:
    assert added_shares(described([0, 1], [False, True]), np.ones((3, 2), np.float32)).max() < 1
    assert added_shares(described([0], [False]), np.zeros((0, 1), np.float32)).shape == (0,)
