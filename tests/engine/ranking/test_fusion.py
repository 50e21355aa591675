"""Hybrid scores: laws that any weights must obey."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from docsearch.engine.ranking.fusion import Fusion, text_scores
from docsearch.engine.records import TextEvidence

SHARES = arrays.arrays(np.float32, 6, elements=st.floats(0, 1, width=32))
ROWS = np.arange(6)


def evidence(
    text: np.ndarray, document: np.ndarray, stated: np.ndarray | None = None, denied: np.ndarray | None = None
) -> TextEvidence:
    """Pages 0 to 2 have text; the others have none."""
    has_text = ROWS < 3
    shares = (np.zeros(6, np.float32) if each is None else each for each in (stated, denied))
    return TextEvidence(np.where(has_text, text, 0).astype(np.float32), document, has_text, *shares)


@given(SHARES, SHARES, SHARES, SHARES)
def test_scores_are_shares(visual: np.ndarray, text: np.ndarray, document: np.ndarray, stated: np.ndarray) -> None:
    found = Fusion(evidence(text, document, np.where(ROWS < 3, stated, 0), 1 - stated)).scores(visual, ROWS)
    assert (found >= 0).all()
    assert (found <= 1 + 1e-6).all()
    assert found.dtype == np.float32


@given(SHARES, SHARES, SHARES, SHARES)
def test_scores_rise_with_visual_scores(
    visual: np.ndarray, other: np.ndarray, text: np.ndarray, document: np.ndarray
) -> None:
    """Else bounds of visual scores would not be bounds of hybrid ones."""
    fused = Fusion(evidence(text, document))
    low, high = np.minimum(visual, other), np.maximum(visual, other)
    assert (fused.scores(low, ROWS) <= fused.scores(high, ROWS)).all()


@given(SHARES, SHARES)
def test_pages_without_text_keep_their_visual_score(visual: np.ndarray, text: np.ndarray) -> None:
    found = Fusion(evidence(text, np.zeros(6, np.float32))).scores(visual, ROWS)
    np.testing.assert_array_equal(found[3:], visual[3:])


def test_what_text_states_for_certain_decides() -> None:
    """A code that page 0 states, that page 1's text does not have, and that pages 3 to 5 seem to show."""
    stated = np.array([1, 0, 0, 0, 0, 0], np.float32)
    found = Fusion(evidence(0.5 * stated, np.zeros(6, np.float32), stated, 1 - stated))
    scores = found.scores(np.array([0, 1, 0, 1, 0.9, 0.5], np.float32), ROWS)
    assert scores.argmax() == 0
    assert scores[1] < scores[5] < scores[4] < scores[3] < scores[0]


@given(SHARES)
def test_names_alone_find_nothing(document: np.ndarray) -> None:
    nothing = np.zeros(6, np.float32)
    assert not Fusion(evidence(nothing, document)).scores(nothing, ROWS).any()
    assert not text_scores(evidence(nothing, document)).any()


@given(SHARES, SHARES, SHARES)
def test_each_row_by_itself(visual: np.ndarray, text: np.ndarray, document: np.ndarray) -> None:
    fused = Fusion(evidence(text, document))
    chosen = np.array([4, 1, 2])
    np.testing.assert_array_equal(fused.scores(visual[chosen], chosen), fused.scores(visual, ROWS)[chosen])


def test_the_text_of_a_page_in_an_unread_script_counts_more_than_its_picture() -> None:
    text, visual = np.full(6, 0.5, np.float32), np.full(6, 0.1, np.float32)
    plain = evidence(text, np.zeros(6, np.float32))
    unread = Fusion(replace(plain, is_unread=ROWS == 1)).scores(visual, ROWS)
    assert unread[1] > unread[0] == Fusion(plain).scores(visual, ROWS)[1]
