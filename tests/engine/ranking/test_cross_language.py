"""What pages in other languages gain."""

from __future__ import annotations

import numpy as np

from docsearch.engine.ranking.added import WithAdded
from docsearch.engine.ranking.cross_language import (
    CROSS_LANGUAGE_WEIGHT,
    MOST,
    SAME_LANGUAGE_WEIGHT,
    added_shares,
)
from docsearch.engine.ranking.prior import WithPrior

NEAR = np.array([0.1] * 30 + [0.9, 0.5, np.nan], np.float32)
ROWS = np.arange(len(NEAR))
EVERY = np.ones(len(NEAR), bool)


def plain() -> WithPrior:
    return WithPrior(None, np.zeros(len(NEAR), np.float32), 0.0)


def test_only_pages_nearer_than_the_average_gain_and_never_those_without_text() -> None:
    found = added_shares(NEAR, EVERY)
    assert found.argmax() == 30
    assert not found[:30].any()
    assert found[32] == 0
    assert 0 < found[31] < found[30] <= MOST


def test_pages_in_the_language_of_the_question_gain_a_fifth() -> None:
    found, foreign = added_shares(NEAR, ROWS != 30), added_shares(NEAR, EVERY)
    np.testing.assert_allclose(found[30], foreign[30] * SAME_LANGUAGE_WEIGHT / CROSS_LANGUAGE_WEIGHT, rtol=1e-5)
    assert 0 < found[30] < foreign[30]
    assert found[31] == foreign[31]


def test_pages_that_are_all_alike_gain_nothing() -> None:
    assert not added_shares(np.full(5, 0.4, np.float32), EVERY[:5]).any()
    assert not added_shares(np.full(5, np.nan, np.float32), EVERY[:5]).any()


def test_scores_rise_with_the_visual_score_and_stay_within_1() -> None:
    with_others = WithAdded(plain(), added_shares(NEAR, EVERY), "passages")
    low, high = (with_others.scores(np.full(len(NEAR), v, np.float32), ROWS) for v in (0.2, 0.9))
    assert (low < high).all()
    assert high.max() <= 1
    np.testing.assert_allclose(low[:30], 0.2)
    assert low[30] > 0.2


def test_a_page_that_is_near_enough_is_a_hit_though_no_word_matches() -> None:
    with_others = WithAdded(plain(), added_shares(NEAR, EVERY), "passages")
    nothing = np.zeros(len(NEAR), np.float32)
    assert np.flatnonzero(with_others.matches(nothing, ROWS)).tolist() == [30]
    assert with_others.scores(nothing, ROWS)[30] > 0
    assert with_others.scores(nothing, ROWS)[0] == 0
