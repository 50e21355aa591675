"""Heat maps: which patches are marked, how strongly, and where words of the query come together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from docsearch.engine.explain import heatmap
from docsearch.engine.records import QueryExpansion, QueryVectors

PAGE = np.full((100, 200, 3), 255, np.uint8)
QUERY = QueryVectors(
    np.eye(2, 4, dtype=np.float32), np.array([0.9, 0.1], np.float32), np.zeros(0, np.float32), ("a", "b"), 0.5
)
LEFT_TOP = np.array([[0, 0, 16384, 16384]], np.uint16)


def test_only_the_matching_patch_is_marked() -> None:
    picture = heatmap.draw(PAGE, np.eye(1, 4, dtype=np.float32), LEFT_TOP, QUERY)
    assert picture.shape == PAGE.shape
    assert (picture[10, 20] != 255).any()
    assert (picture[60:, 100:] == 255).all()


def test_page_without_a_match_is_not_changed() -> None:
    vectors = np.array([[0, 0, 1, 0]], np.float32)
    np.testing.assert_array_equal(heatmap.draw(PAGE, vectors, LEFT_TOP, QUERY), PAGE)


def test_page_without_patches_is_not_changed() -> None:
    empty = np.zeros((0, 4))
    np.testing.assert_array_equal(heatmap.draw(PAGE, empty.astype(np.float32), empty.astype(np.uint16), QUERY), PAGE)


def test_heavier_words_mark_stronger() -> None:
    heavy, light = heatmap.patch_matches(np.eye(2, 4, dtype=np.float32), QUERY)
    assert heavy > 5 * light > 0


def test_draw_does_not_change_its_argument() -> None:
    heatmap.draw(PAGE, np.eye(1, 4, dtype=np.float32), LEFT_TOP, QUERY)
    assert (PAGE == 255).all()


def test_whole_page_vectors_mark_nothing() -> None:
    page = np.full((50, 50, 3), 255, np.uint8)
    vectors = np.eye(2, dtype=np.float32)
    everywhere = np.tile(np.array([0, 0, 65535, 65535], np.uint16), (2, 1))
    query = QueryVectors(vectors[:1], np.ones(1, np.float32), vectors[0], ("x",))
    assert (heatmap.draw(page, vectors, everywhere, query) == page).all()


def test_for_a_contextual_query_patches_count_by_their_rise_above_the_median() -> None:
    vectors = np.array([[0.9, 0.1], [0.95, 0.1], [0.9, 0.1], [1.0, 0.1], [0.92, 0.1]], np.float32)
    query = QueryVectors(
        np.array([[1, 0], [1, 0]], np.float32), np.full(2, 0.5, np.float32), vectors[0], ("x", "y"), contextual=True
    )
    np.testing.assert_allclose(heatmap.patch_matches(vectors, query), [0, 0, 0, 1, 0], atol=1e-5)
    same = np.tile(vectors[:1], (4, 1))
    assert not heatmap.patch_matches(same, query).any()


PLACES = np.array(
    [[0, 0, 4000, 2000], [5000, 0, 9000, 2000], [5000, 2500, 9000, 4500], [0, 60000, 4000, 62000]], np.uint16
)
"""Boxes of two words on a line, one below them, and one at the foot of the page."""


def patch_heat(vectors: np.ndarray, boxes: np.ndarray, query: QueryVectors) -> np.ndarray:
    return heatmap.heat(heatmap.placed_matches(vectors, boxes, query), query)


def test_heat_is_highest_where_the_words_of_the_query_come_together() -> None:
    a, b, nothing = np.eye(3, 4, dtype=np.float32)
    query = replace(QUERY, weights=np.array([0.6, 0.4], np.float32))
    heat = patch_heat(np.stack([a, b, nothing, a]), PLACES, query)
    assert heat[3] == pytest.approx(0.6, abs=1e-4), "the heavier word alone"
    assert (heat[:3] > heat[3]).all(), "a patch beside both words has heat, too"
    assert heat.max() <= 1


def test_heat_of_a_patch_does_not_depend_on_patches_that_match_nothing() -> None:
    a, b, nothing = np.eye(3, 4, dtype=np.float32)
    heat = patch_heat(np.stack([a, b, nothing, nothing]), PLACES, QUERY)
    np.testing.assert_allclose(patch_heat(np.stack([a, b]), PLACES[:2], QUERY), heat[:2], atol=1e-6)


def test_page_without_a_match_has_no_heat() -> None:
    vectors = np.tile(np.array([[0, 0, 1, 0]], np.float32), (4, 1))
    assert not patch_heat(vectors, PLACES, QUERY).any()
    assert patch_heat(vectors[:0], PLACES[:0], QUERY).shape == (0,)


def test_whole_page_vectors_give_no_heat() -> None:
    everywhere = np.array([[0, 0, 65535, 65535]], np.uint16)
    boxes = np.concatenate([everywhere, PLACES[:1]])
    heat = patch_heat(np.eye(2, 4, dtype=np.float32), boxes, QUERY)
    assert heat[1] == pytest.approx(0.1)


def test_a_single_word_has_no_glow() -> None:
    vectors = np.eye(2, 4, dtype=np.float32)
    one = heatmap.overlay(100, 200, vectors, np.concatenate([LEFT_TOP, 3 * LEFT_TOP]), heatmap.only_word(QUERY, 0))
    assert not one[30:, :, 3].any()


def test_overlay_multiplied_over_the_page_is_the_heat_map() -> None:
    page = np.random.default_rng(0).integers(0, 256, PAGE.shape, np.uint8)
    vectors = np.eye(2, 4, dtype=np.float32)
    boxes = np.concatenate([LEFT_TOP, 2 * LEFT_TOP])
    drawn = heatmap.draw(page, vectors, boxes, QUERY)
    over = heatmap.overlay(page.shape[0], page.shape[1], vectors, boxes, QUERY).astype(np.float32) / 255
    multiplied = page * (1 - over[:, :, 3:] * (1 - over[:, :, :3]))
    inside = (over[:, :, :3] * 255 == np.array(heatmap.MARK)).all(axis=2)
    assert inside.any()
    assert (drawn[inside] != page[inside]).any()
    assert np.abs(multiplied[inside] - drawn[inside]).max() <= 1


def test_overlay_of_a_page_without_a_match_is_transparent() -> None:
    over = heatmap.overlay(10, 20, np.array([[0, 0, 1, 0]], np.float32), LEFT_TOP, QUERY)
    assert over.shape == (10, 20, 4)
    assert not over[:, :, 3].any()


def test_each_word_has_its_own_boxes_best_first() -> None:
    vectors = np.array([[0.8, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0]], np.float32)
    boxes = np.array([[0, 0, 100, 100], [0, 0, 65535, 65535], [0, 0, 13107, 65535]], np.uint16)
    a, b = heatmap.word_marks(vectors, boxes, QUERY)
    assert (a.word, b.word) == ("a", "b")
    assert [box[2] for box, _ in a.boxes] == [0.2, round(100 / 65535, 5)]
    assert (a.score, b.score) == (1.0, 1.0)
    assert b.boxes == ()  # a whole-page vector has no place


def test_part_of_a_figure_is_tinted_and_a_word_of_its_height_is_marked() -> None:
    expansion = QueryExpansion(np.eye(1, 4, 2, dtype=np.float32), np.array([0]), np.ones(1, np.float32))
    query = heatmap.only_word(replace(QUERY, expansion=expansion), 0)  # without a glow
    low = np.array([[0, 0, 32768, 4000]], np.uint16)  # a sixteenth of the page
    word, figure = (
        heatmap.marks(400, 300, heatmap.placed_matches(np.eye(1, 4, i, dtype=np.float32), low, query), query)
        for i in (0, 2)
    )
    assert word[1].any()
    assert not figure[1].any()
    assert 0 < figure[0].max() < word[0].max() / 2


def test_the_lines_of_a_passage_are_tinted_and_outlined() -> None:
    lines = np.array([[0.5, 0.5, 0.9, 0.6], [0.5, 0.62, 0.8, 0.72]], np.float32)
    nothing = np.array([[0, 0, 1, 0]], np.float32)
    over = heatmap.overlay(100, 200, nothing, LEFT_TOP, QUERY, None, lines)
    assert over[:40, :, 3].max() == 0
    assert over[55, 120, 3] > 50
    assert tuple(over[55, 120, :3]) == heatmap.MARK
    edge = (over == (*heatmap.EDGE, 255)).all(axis=2)
    assert edge.any()
    assert not edge[61, 110:150].any()  # the lines have one outline together
    assert not heatmap.overlay(100, 200, nothing, LEFT_TOP, QUERY, None, lines[:0])[:, :, 3].any()
