"""Term proximity: pairs match where their patches lie beside each other, as a slow search over all patches finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docsearch.engine import scoring
from docsearch.engine.kernels import proximity
from docsearch.engine.records import QueryExpansion, QueryVectors

PAIR = np.array([[0, 1]])
REVERSED = 0.8


def on_a_line(*lefts: float, y: float = 0.0) -> np.ndarray:
    """Boxes 30 points wide and 10 high."""
    return np.array([[x, y, x + 30, y + 10] for x in lefts], np.float32)


def pair_matches(matches: np.ndarray, boxes: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """The pair matches of one page, after checking that other pages do not change them."""
    query = QueryVectors(matches.T[:, :1], np.ones(matches.shape[1], np.float32), matches[0:1], ())
    offsets = np.array([0, len(matches)])
    (alone,) = proximity.pair_matches(
        proximity.sparse_matches(matches, query), boxes, offsets, pairs, reversed_share=REVERSED
    )
    found, boxes = proximity.sparse_matches(np.concatenate([matches] * 2), query), np.concatenate([boxes] * 2)
    among = proximity.pair_matches(
        found, boxes, np.concatenate([[0], offsets, offsets[1:] * 2]), pairs, reversed_share=REVERSED
    )
    np.testing.assert_array_equal(among, [0 * alone, alone, alone])
    return alone


def two_words(first: float = 1.0, second: float = 1.0) -> np.ndarray:
    """Matches of two patches: the first with token 0, the second with token 1."""
    return np.array([[first, 0], [0, second]], np.float32)


@pytest.mark.parametrize(("lefts", "expected"), [((0, 35), 1), ((0, 70), 1), ((35, 0), REVERSED)])
def test_words_beside_each_other_match_in_either_order_and_better_in_their_own(
    lefts: tuple[float, float], expected: float
) -> None:
    assert pair_matches(two_words(), on_a_line(*lefts), PAIR) == pytest.approx(expected)


def test_words_far_apart_on_a_line_do_not_match() -> None:
    assert pair_matches(two_words(), on_a_line(0, 200), PAIR) == 0


@pytest.mark.parametrize(("y", "expected"), [(14, 1), (40, 0)])
def test_the_next_line_is_near_and_the_one_after_is_not(y: float, expected: float) -> None:
    boxes = np.concatenate([on_a_line(0), on_a_line(0, y=y)])
    assert pair_matches(two_words(), boxes, PAIR) == expected
    assert pair_matches(two_words(), boxes[::-1], PAIR) == pytest.approx(REVERSED * expected)


def test_a_pair_matches_as_well_as_its_worse_word() -> None:
    assert pair_matches(two_words(0.9, 0.25), on_a_line(0, 35), PAIR) == 0.25


def test_one_patch_does_not_match_a_pair() -> None:
    assert pair_matches(np.array([[0.8, 0.8]], np.float32), on_a_line(0), PAIR) == 0


def test_no_patches_match_no_pair_and_no_pairs_give_no_matches() -> None:
    assert pair_matches(np.zeros((0, 2), np.float32), np.zeros((0, 4), np.float32), PAIR) == 0
    none = np.zeros((0, 2), np.int64)
    assert pair_matches(two_words(), on_a_line(0, 35), none).shape == (0,)
    assert proximity.pair_weights(np.ones(2, np.float32), none).shape == (0,)
    assert proximity.pair_bounds(np.ones((3, 2), np.float32), none).shape == (3, 0)


@given(st.integers(1, 20), st.integers(2, 4), st.integers(0, 10_000))
def test_no_pair_exceeds_its_bound_and_the_best_pair_is_found(patches: int, tokens: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    matches = np.maximum(rng.uniform(-1, 1, (patches, tokens)), 0).astype(np.float32)
    corner = rng.uniform(0, 100, (patches, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(1, 12, (patches, 2))], axis=1).astype(np.float32)
    pairs = np.array([(a, b) for a in range(tokens) for b in range(tokens) if a != b])
    beside = proximity.near(boxes[:, None], boxes[None])
    share = np.array(
        [np.where(proximity.is_before(np.broadcast_to(box, boxes.shape), boxes), 1, REVERSED) for box in boxes]
    )
    slow = [
        max(
            (
                min(matches[i, a], matches[j, b]) * share[i, j]
                for i in range(patches)
                for j in range(patches)
                if i != j and beside[i, j]
            ),
            default=0,
        )
        for a, b in pairs
    ]
    found = pair_matches(matches, boxes, pairs)
    np.testing.assert_allclose(found, np.array(slow, np.float32), rtol=1e-6)
    assert (found <= proximity.pair_bounds(matches.max(axis=0)[None], pairs)[0]).all()


@given(st.integers(0, 30), st.integers(1, 4), st.integers(0, 4), st.integers(0, 10_000))
def test_sparse_matches_equal_scoring_match(patches: int, tokens: int, terms: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    similarities = rng.uniform(-0.2, 1.2, (patches, tokens + terms)).astype(np.float32)
    vectors, weights = np.zeros((tokens, 3), np.float32), np.ones(tokens, np.float32)
    expansion = QueryExpansion(
        np.zeros((terms, 3), np.float32),
        rng.integers(0, tokens, terms),
        np.full(terms, 0.5, np.float32),
        rng.uniform(0.2, 0.5, terms).astype(np.float32),
    )
    query = QueryVectors(vectors, weights, weights, ("",) * tokens, 0.3, 0.9, expansion=expansion)
    found = proximity.sparse_matches(similarities, query)
    dense = np.zeros((patches, tokens), np.float32)
    dense[found.patches, found.tokens] = found.values
    np.testing.assert_allclose(dense, scoring.match(similarities, query), atol=1e-6)
    assert len(set(zip(found.patches.tolist(), found.tokens.tolist(), strict=True))) == len(found.patches)
