"""Heat maps against boxes: what each measure is on maps whose values can be told by hand."""

from __future__ import annotations

import numpy as np
import pytest

from docsearch.engine.records import BOX_SCALE, WHOLE_PAGE, QueryVectors
from docsearch.evaluation import pointing

LEFT = np.array([[0.0, 0.0, 0.5, 1.0]])
AXES = np.eye(4, dtype=np.float32)
"""Vectors of four words that have nothing in common."""


def patches(*places: tuple[float, float, float, float]) -> np.ndarray:
    return np.round(np.array(places) * BOX_SCALE).astype(np.uint16)


def query(*words: int) -> QueryVectors:
    vectors = AXES[list(words)]
    weights = np.full(len(words), 1 / len(words), np.float32)
    return QueryVectors(vectors, weights, np.zeros(0, np.float32), tuple(map(str, words)))


def test_a_map_inside_the_boxes_has_all_its_mass_there() -> None:
    marks = np.zeros((10, 20))
    marks[:, :10] = 7.0
    assert pointing.agreement(marks, LEFT) == (1.0, 1.0)


def test_a_map_of_the_whole_page_has_the_share_of_chance() -> None:
    mass, iou = pointing.agreement(np.ones((10, 20)), LEFT)
    assert (mass, iou) == (0.5, 0.5)


def test_a_map_elsewhere_has_nothing() -> None:
    marks = np.zeros((10, 20))
    marks[:, 15:] = 1.0
    assert pointing.agreement(marks, LEFT) == (0.0, 0.0)
    assert pointing.agreement(np.zeros((10, 20)), LEFT) == (0.0, 0.0)


def test_weak_marks_count_for_the_mass_and_not_for_the_overlap() -> None:
    marks = np.zeros((10, 20))
    marks[:, :10], marks[:, 10:] = 1.0, 0.25
    mass, iou = pointing.agreement(marks, LEFT)
    assert mass == pytest.approx(0.8)
    assert iou == 1.0


def test_overlapping_boxes_count_once() -> None:
    twice = np.array([[0.0, 0.0, 0.5, 1.0], [0.25, 0.0, 0.5, 1.0]])
    assert pointing.agreement(np.ones((10, 20)), twice) == pointing.agreement(np.ones((10, 20)), LEFT)


def test_the_strongest_patch_wins_the_game_and_ties_share_it() -> None:
    holds = np.array([True, False, False, True])
    assert pointing.strongest_inside(np.array([0.5, 0.9, 0.1, 0.2], np.float32), holds) == 0.0
    assert pointing.strongest_inside(np.array([0.9, 0.9, 0.1, 0.2], np.float32), holds) == 0.5
    assert pointing.strongest_inside(np.zeros(4, np.float32), holds) == 0.0
    assert pointing.strongest_inside(np.zeros(0, np.float32), holds[:0]) == 0.0


def test_boxes_in_points_are_fractions_of_the_page_cut_at_its_edges() -> None:
    size = np.array([200.0, 400.0], np.float32)
    found = pointing.as_fractions([(20, 40, 100, 800)], "points", size)
    assert found.tolist() == [[0.1, 0.1, 0.5, 1.0]]
    assert pointing.as_fractions([(0.1, 0.2, 0.3, 0.4)], "fractions", size).tolist() == [[0.1, 0.2, 0.3, 0.4]]


@pytest.mark.parametrize("on_the_left", [True, False])
def test_a_page_whose_words_stand_in_the_box(on_the_left: bool) -> None:
    places = patches((0.1, 0.45, 0.2, 0.5), (0.25, 0.45, 0.35, 0.5), (0.7, 0.45, 0.8, 0.5))
    asked = query(0, 1) if on_the_left else query(2)
    found = pointing.compare(asked, AXES[:3], places, np.array([600, 800], np.float32), LEFT)
    assert found.inside == found.word_inside == float(on_the_left)
    assert found.mass_inside == pytest.approx(float(on_the_left), abs=0.15)
    assert (found.iou > 0) == on_the_left
    assert found.patch_share == pytest.approx(2 / 3)
    assert found.page_share == pytest.approx(0.5, abs=0.01)


def test_vectors_without_a_place_do_not_point() -> None:
    places = np.concatenate([WHOLE_PAGE[None], patches((0.7, 0.4, 0.8, 0.5))])
    found = pointing.compare(query(0), AXES[:2], places, np.array([600, 800], np.float32), LEFT)
    assert (found.inside, found.mass_inside, found.patch_share) == (0.0, 0.0, 0.0)


def test_a_question_counts_once_however_many_pages_it_has() -> None:
    hit, miss = pointing.Pointing(1, 1, 1, 1, 1, 1), pointing.Pointing(0, 0, 0, 0, 0, 0)
    found = pointing.averages({"one": [hit, hit, hit], "other": [miss], "none": []})
    assert found["inside"].mean == 0.5
    assert pointing.averages({}) == {}


def test_a_point_is_inside_the_evidence_if_any_box_contains_it() -> None:
    points = np.array([[5.0, 5.0], [10.0, 10.0], [11.0, 5.0], [55.0, 80.0], [55.0, 95.0]])
    boxes = np.array([[0.0, 0.0, 10.0, 10.0], [50.0, 50.0, 60.0, 90.0]])
    assert pointing.inside(points, boxes).tolist() == [True, True, False, True, False]


def test_of_many_pages_evenly_spaced_questions_are_taken_whole() -> None:
    pages = [pointing.Evidence(f"q{number}", "", row, LEFT) for number in range(10) for row in range(3)]
    kept = pointing.sampled(pages, 9)
    assert [(each.query_id, each.row) for each in kept] == [
        (name, row) for name in ("q0", "q3", "q6") for row in range(3)
    ]
    assert pointing.sampled(pages, 30) == pages
    assert pointing.sampled([], 9) == []
