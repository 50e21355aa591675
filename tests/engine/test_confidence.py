"""Features of a best hit, and the confidence that follows from them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docsearch.engine.confidence import INFORMATION_MIN, Calibration, chance_of_choice, features, meaning_features
from docsearch.engine.models.pixel.spec import SPEC

PLAIN = Calibration(-1.0, (2.0, 0.1, 0.5, 1.0, 0.2), 0.1)


def found(
    *,
    matches: tuple[float, ...],
    evidence: tuple[float, ...] | None = None,
    idf: tuple[float, ...] = (3.0, 3.0),
    pages: int = 100,
    score: float = 0.5,
    token_score: float = 0.5,
) -> np.ndarray:
    weights = np.full(len(matches), 1 / len(matches), np.float32)
    return features(
        score=score,
        token_score=token_score,
        matches=np.array(matches, np.float32),
        evidence=np.array(matches if evidence is None else evidence, np.float32),
        weights=weights,
        idf=np.array(idf, np.float32),
        pages=pages,
    )


def test_information_is_what_is_left_after_telling_the_pages_apart() -> None:
    assert found(matches=(1.0, 1.0))[2] == pytest.approx(2 * 9 - math.log(100))
    assert found(matches=(1.0, 0.5))[2] == pytest.approx(1.5 * 9 - math.log(100))
    assert found(matches=(1.0,), idf=(0.1,), pages=1000)[2] < 0  # the word is on most pages
    assert found(matches=(0.0,), idf=(0.0,), pages=10**9)[2] == INFORMATION_MIN


def test_a_match_that_chance_explains_has_no_information() -> None:
    likely, unlikely = (found(matches=(0.6, 0.6), evidence=each) for each in ((0.0, 0.0), (1.0, 1.0)))
    assert likely[2] == pytest.approx(-math.log(100))
    assert unlikely[2] == pytest.approx(2 * 9 - math.log(100))
    np.testing.assert_array_equal(np.delete(likely, 2), np.delete(unlikely, 2))


def test_as_many_tokens_carry_a_match_as_have_a_share_in_it() -> None:
    for count in (1, 2, 5):
        assert found(matches=(1.0,) * count, idf=(1.0,) * count)[3] == pytest.approx(math.log1p(count))
    assert found(matches=(1.0, 0.0))[3] == pytest.approx(math.log1p(1))
    assert found(matches=(0.0, 0.0))[3] == 0


def test_the_other_features_are_the_scores_of_tokens_and_pairs_and_what_is_asked_for() -> None:
    tokens, pairs, _, _, asked = found(matches=(1.0, 0.5), score=0.7, token_score=0.9, idf=(3.0, 2.0))
    assert (tokens, pairs, asked) == (pytest.approx(0.9), pytest.approx(-0.2), pytest.approx(math.log1p(13)))


@given(st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=5))
def test_a_confidence_is_a_probability_whatever_the_features(values: list[float]) -> None:
    assert 0 <= PLAIN.confidence(np.array(values)) <= 1


def test_a_confidence_is_the_logistic_function_of_the_features() -> None:
    values = np.array([0.5, 10.0, 0.4, 0.1, 1.0])
    logit = -1.0 + 2 * 0.5 + 0.1 * 10 + 0.5 * 0.4 + 0.1 + 0.2
    assert PLAIN.confidence(values) == pytest.approx(1 / (1 + math.exp(-logit)))


def test_the_embedded_model_trusts_a_full_match_and_not_a_chance_one() -> None:
    calibration = SPEC.calibration
    assert calibration is not None
    full = found(matches=(1.0, 1.0, 1.0), idf=(2.0, 2.0, 2.0), score=0.95, token_score=0.95)
    chance = found(matches=(0.0, 0.3, 0.0), idf=(2.0, 1.0, 2.0), score=0.1, token_score=0.1)
    assert calibration.confidence(full) > 0.9
    assert calibration.confidence(chance) < calibration.no_good_match


def test_the_chance_of_the_right_choice_grows_with_what_the_tokens_tell() -> None:
    assert chance_of_choice(np.zeros(3, np.float32), 50) == pytest.approx(1 / 50)
    assert chance_of_choice(np.array([1.0], np.float32), 50) == pytest.approx(math.e / 50)
    assert chance_of_choice(np.array([3.0, 3.0], np.float32), 50) == 1


def test_nearness_and_cosine_are_the_features_of_meaning() -> None:
    assert meaning_features(2.5, 0.4).tolist() == [2.5, 0.4]


def test_the_embedded_model_trusts_a_page_that_is_near_in_meaning_though_few_words_match() -> None:
    own = SPEC.calibration
    assert own is not None
    assert own.by_meaning is not None
    few = found(matches=(0.0, 0.6, 0.0), idf=(2.0, 2.0, 2.0), score=0.25, token_score=0.25)
    near, far = (np.concatenate([few, meaning_features(z, cosine)]) for z, cosine in ((5.0, 0.6), (0.5, 0.05)))
    assert own.by_meaning.confidence(near) > 2 * own.by_meaning.confidence(far)
    assert own.by_meaning.confidence(near) > own.confidence(few) + 0.1
