"""Matches of the text layer on a page: which words are marked, where, and what they mean for the picture's matches."""

from __future__ import annotations

import numpy as np
import pytest

from docsearch.engine.explain import heatmap
from docsearch.engine.explain.printed import PrintedMatches, printed_matches
from docsearch.engine.records import PageWords, QueryVectors, SoughtWord

QUERY = QueryVectors(
    np.eye(2, 4, dtype=np.float32), np.array([0.6, 0.4], np.float32), np.zeros(0, np.float32), ("net", "income"), 0.5
)
SOUGHT = (SoughtWord(("net",), 0.6, {}), SoughtWord(("income",), 0.4, {}))
LINE = PageWords(
    ("Net", "income", "fell"),
    np.array([[0.1, 0.1, 0.2, 0.15], [0.25, 0.1, 0.4, 0.15], [0.45, 0.1, 0.55, 0.15]], np.float32),
)
NO_VECTORS, NO_BOXES = np.zeros((0, 4), np.float32), np.zeros((0, 4), np.uint16)


def box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.round(np.array([[x0, y0, x1, y1]]) * 65535).astype(np.uint16)


def test_words_of_the_text_layer_are_marked_without_any_patch() -> None:
    printed = printed_matches(LINE, QUERY, SOUGHT, {})
    np.testing.assert_array_equal(printed.places, LINE.boxes[:2])
    np.testing.assert_array_equal(printed.matches, np.eye(2))
    net, income = heatmap.word_marks(NO_VECTORS, NO_BOXES, QUERY, printed)
    assert (net.score, income.score) == (1, 1)
    assert [round(at, 3) for at in income.boxes[0][0]] == [0.25, 0.1, 0.4, 0.15]
    over = heatmap.overlay(200, 200, NO_VECTORS, NO_BOXES, QUERY, printed)
    assert over[25, 30, 3]
    assert not over[150, 150, 3]


def test_both_pieces_of_a_word_that_a_line_cuts_are_marked() -> None:
    boxes = np.array([[0.1, 0.1, 0.2, 0.15], [0.8, 0.1, 0.9, 0.15], [0.1, 0.2, 0.2, 0.25], [0.3, 0.2, 0.5, 0.25]])
    words = PageWords(("Net", "in-", "come,", "pre-net"), boxes.astype(np.float32))
    printed = printed_matches(words, QUERY, SOUGHT, {})
    income = printed.places[printed.matches[:, 1] > 0]
    np.testing.assert_allclose(income, [[0.8, 0.1, 0.8 + 0.1 * 2 / 3, 0.15], [0.1, 0.2, 0.18, 0.25]], atol=1e-6)
    np.testing.assert_allclose(printed.places[0], boxes[0], atol=1e-6)


def test_a_patch_on_another_printed_word_counts_less() -> None:
    printed = printed_matches(LINE, QUERY, SOUGHT, {})
    on_fell, on_figure = box(0.46, 0.1, 0.54, 0.15), box(0.5, 0.6, 0.7, 0.65)
    boxes = np.concatenate([on_fell, on_figure])
    vectors = np.tile(np.eye(1, 4, dtype=np.float32), (2, 1))
    found = heatmap.placed_matches(vectors, boxes, QUERY, printed)
    assert found.matches[:2, 0].tolist() == [heatmap.UNPRINTED_SHARE, 1]
    assert len(found.places) == 4


def test_tokens_that_the_text_layer_lacks_are_left_to_the_picture() -> None:
    printed = printed_matches(LINE, QUERY, SOUGHT[:1], {})
    vectors = np.eye(1, 4, 1, dtype=np.float32)  # looks like "income"
    found = heatmap.placed_matches(vectors, box(0.46, 0.1, 0.54, 0.15), QUERY, printed)
    assert found.matches[0].tolist() == [0, 1]


def test_a_part_of_a_run_without_spaces_is_marked_where_it_stands() -> None:
    run = PageWords(("使用数据库系统吗",), np.array([[0.1, 0.1, 0.9, 0.2]], np.float32))
    query = QueryVectors(QUERY.vectors[:1], np.ones(1, np.float32), QUERY.single, ("数据库",), 0.5)
    sought = (SoughtWord(("数据",), 0.5, {}), SoughtWord(("据库",), 0.5, {}))
    printed = printed_matches(run, query, sought, {})
    np.testing.assert_allclose(printed.places[:, [0, 2]], [[0.3, 0.5], [0.4, 0.6]], atol=1e-6)


def test_a_value_in_several_words_is_marked_in_each() -> None:
    query = QueryVectors(QUERY.vectors[:1], np.ones(1, np.float32), QUERY.single, ("2023-05-14",), 0.5)
    words = PageWords(("14", "May", "2023."), LINE.boxes)
    printed = printed_matches(words, query, (SoughtWord(("2023", "05", "14"), 1.0, {"=2023-05-14": 0.9}),), {})
    assert printed.places.shape == (3, 4)


def test_a_corrected_word_is_marked_where_its_correction_stands() -> None:
    query = QueryVectors(QUERY.vectors, QUERY.weights, QUERY.single, ("net", "incmoe"), 0.5)
    assert len(printed_matches(LINE, query, SOUGHT, {}).places) == 1
    printed = printed_matches(LINE, query, SOUGHT, {"incmoe": "income"})
    assert printed.matches.tolist() == [[1, 0], [0, 1]]


def test_page_without_words_keeps_its_matches() -> None:
    vectors, boxes = np.eye(1, 4, dtype=np.float32), box(0.1, 0.1, 0.2, 0.2)
    none = PrintedMatches(np.zeros((0, 4), np.float32), np.zeros((0, 2), np.float32), np.zeros((0, 4), np.float32))
    for printed in (none, None):
        found = heatmap.placed_matches(vectors, boxes, QUERY, printed)
        assert found.strengths.tolist() == pytest.approx([1])
