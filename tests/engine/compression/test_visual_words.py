"""Visual words: assignment, and the dense vectors made from the set of words on a page."""

from __future__ import annotations

import numpy as np

from docsearch.engine.compression.visual_words import VisualWords
from docsearch.engine.records import Ragged


def visual_words(words: int = 500, width: int = 1024) -> VisualWords:
    centroids = np.random.default_rng(0).standard_normal((words, 64)).astype(np.float32)
    return VisualWords(centroids / np.linalg.norm(centroids, axis=1, keepdims=True), width)


def test_a_centroid_is_its_own_visual_word() -> None:
    random_words = visual_words()
    np.testing.assert_array_equal(random_words.assign(random_words.centroids), np.arange(500))


def test_a_repeated_word_counts_once() -> None:
    words = np.array([3, 3, 3, 9, 3, 9], np.uint16)
    once, often = (
        visual_words().page_vectors(Ragged(words, np.array([0, 1, 3]))),
        visual_words().page_vectors(Ragged(words[:3], np.array([0, 1, 3]))),
    )
    np.testing.assert_array_equal(once[0], once[1])
    np.testing.assert_array_equal(once, often)


def test_page_with_the_query_words_comes_first() -> None:
    random_words = visual_words()
    rng = np.random.default_rng(1)
    pages = [rng.choice(500, 60, replace=False).astype(np.uint16) for _ in range(40)]
    wanted = np.array([7, 70, 170])
    pages[11] = np.concatenate([np.setdiff1d(pages[11], wanted), wanted]).astype(np.uint16)
    for i, page in enumerate(pages):
        pages[i] = page if i == 11 else np.setdiff1d(page, wanted).astype(np.uint16)
    vectors = random_words.page_vectors(Ragged.of(pages)).astype(np.float32)
    query = random_words.query_vector(random_words.centroids[wanted], np.full(3, 1 / 3, np.float32))
    assert (vectors @ query).argmax() == 11


def test_page_without_words_is_zero() -> None:
    assert not visual_words().page_vectors(Ragged(np.zeros(0, np.uint16), np.array([0, 0]))).any()


def test_codes_are_the_same_on_every_machine() -> None:
    # Indexes store sums of these codes: other codes would be another format.
    bits = (visual_words(4, 16).signs(np.array([2]))[0] > 0).astype(int)
    assert "".join(map(str, bits)) == "0110001000000100"


def test_the_nearest_words_come_first_and_ties_go_to_the_lower_word() -> None:
    rng = np.random.default_rng(4)
    centroids = rng.integers(-1, 2, (60, 4)).astype(np.float32)  # few distinct similarities, so many ties
    vectors = rng.integers(-1, 2, (5, 4)).astype(np.float32)
    near, cosines = VisualWords(centroids, 64).nearest(vectors)
    similar = vectors @ centroids.T
    np.testing.assert_array_equal(near, np.argsort(-similar, axis=1, kind="stable")[:, : near.shape[1]])
    np.testing.assert_array_equal(cosines, np.take_along_axis(similar, near, axis=1))
