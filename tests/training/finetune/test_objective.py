"""The joint objective equals plain numpy written from the paper's equations, one question and page at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from docsearch.training.finetune.objective import Objective, Task, cosines, divergence, info_nce, joint, late_scores

QUESTION_TOKENS, PAGE_TOKENS, DIM, SINGLE, DIMS = (1, 5, 3), (7, 1, 63, 2), 6, 12, (4, 12)
TARGETS = (2, 0, 3)
EXCLUDED = [[False, False, False, True], [False] * 4, [True, False, False, False]]
TAU = 0.05


def rows(generator: np.random.Generator, *shape: int) -> np.ndarray:
    values = generator.standard_normal(shape)
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


@pytest.fixture
def given() -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray, np.ndarray]:
    """Multi-vectors of questions and pages, then their single vectors, which are not normalised."""
    rng = np.random.default_rng(7)
    questions = [rows(rng, length, DIM) for length in QUESTION_TOKENS]
    pages = [rows(rng, length, DIM) for length in PAGE_TOKENS]
    return questions, pages, 3 * rng.standard_normal((3, SINGLE)), 2 * rng.standard_normal((4, SINGLE))


def oracle_late(questions: list[np.ndarray], pages: list[np.ndarray]) -> np.ndarray:
    return np.array([[sum(max(q @ p for p in page) for q in one) / len(one) for page in pages] for one in questions])


def oracle_dense(questions: np.ndarray, pages: np.ndarray, dim: int) -> np.ndarray:
    cut = [[x[:dim] / np.sqrt(sum(x[:dim] ** 2)) for x in side] for side in (questions, pages)]
    return np.array([[q @ p for p in cut[1]] for q in cut[0]])


def chances(scores: np.ndarray) -> np.ndarray:
    powers = np.where(EXCLUDED, 0, np.exp(scores / TAU))
    return powers / powers.sum(axis=1, keepdims=True)


def oracle_nce(scores: np.ndarray) -> float:
    return float(np.mean([-np.log(chances(scores)[i, target]) for i, target in enumerate(TARGETS)]))


def oracle_divergence(dense: np.ndarray, late: np.ndarray) -> float:
    total = 0.0
    for p_row, q_row in zip(chances(dense), chances(late), strict=True):
        total += sum(p * np.log(p / q) for p, q in zip(p_row, q_row, strict=True) if p > 0)
    return total / len(TARGETS)


def tensors(arrays: list[np.ndarray]) -> list[torch.Tensor]:
    return [torch.from_numpy(array).float() for array in arrays]


def task() -> Task:
    return Task(torch.tensor(TARGETS), torch.tensor(EXCLUDED))


def test_late_scores_are_mean_maxima_however_long_the_sides_are(given: tuple) -> None:
    questions, pages, *_ = given
    weights = [torch.full((len(q),), 1 / len(q)) for q in questions]
    got = late_scores(tensors(questions), weights, tensors(pages))
    np.testing.assert_allclose(got, oracle_late(questions, pages), atol=1e-6)


def test_weights_of_tokens_count(given: tuple) -> None:
    questions, pages, *_ = given
    weights = [torch.zeros(len(q)) for q in questions]
    weights[1][4] = 1
    got = late_scores(tensors(questions), weights, tensors(pages))
    np.testing.assert_allclose(got[1], oracle_late([questions[1][4:5]], pages)[0], atol=1e-6)


def test_a_page_without_vectors_scores_nothing(given: tuple) -> None:
    questions, pages, *_ = given
    weights = [torch.full((len(q),), 1 / len(q)) for q in questions]
    got = late_scores(tensors(questions), weights, [*tensors(pages), torch.zeros(0, DIM)])
    assert got[:, -1].tolist() == [0, 0, 0]


def test_each_part_equals_the_oracle(given: tuple) -> None:
    questions, pages, *single = given
    late, dense = oracle_late(questions, pages), oracle_dense(*single, 4)
    a, b = tensors([late, dense])
    np.testing.assert_allclose(cosines(*tensors(single), 4), dense, atol=1e-6)
    assert float(info_nce(a, task(), TAU)) == pytest.approx(oracle_nce(late), rel=1e-4)
    assert float(divergence(b, a, task(), TAU)) == pytest.approx(oracle_divergence(dense, late), rel=1e-4)


def test_the_whole_is_the_weighted_sum_over_matryoshka_lengths(given: tuple) -> None:
    questions, pages, *single = given
    late = oracle_late(questions, pages)
    cut = [oracle_dense(*single, dim) for dim in DIMS]
    parts = {
        "multi": oracle_nce(late),
        "single": np.mean([oracle_nce(dense) for dense in cut]),
        "agreement": np.mean([oracle_divergence(dense, late) for dense in cut]),
    }
    a, *pair = tensors([late, *single])
    loss, found = joint(a, (pair[0], pair[1]), task(), DIMS, Objective(0.5, 2.0, 3.0), temperature=TAU)
    assert found == pytest.approx(parts, rel=1e-4)
    assert float(loss) == pytest.approx(0.5 * parts["single"] + 2 * parts["multi"] + 3 * parts["agreement"], rel=1e-4)


def test_pages_that_are_excluded_change_nothing(given: tuple) -> None:
    questions, pages, *single = given
    late, *pair = tensors([oracle_late(questions, pages), *single])
    changed = late + 5 * torch.tensor(EXCLUDED)
    whole = [
        joint(scores, (pair[0], pair[1]), task(), [SINGLE], Objective(), temperature=TAU)[1]["multi"]
        for scores in (late, changed)
    ]
    assert whole[0] == whole[1]


def test_models_without_single_vectors_learn_from_late_scores_alone(given: tuple) -> None:
    questions, pages, *_ = given
    late = oracle_late(questions, pages)
    loss, parts = joint(tensors([late])[0], None, task(), (), Objective(), temperature=TAU)
    assert float(loss) == pytest.approx(oracle_nce(late), rel=1e-4)
    assert parts.keys() == {"multi"}


def test_scores_above_a_floor_are_high_not_only_higher(given: tuple) -> None:
    questions, pages, *_ = given
    late = oracle_late(questions, pages)
    loss, parts = joint(tensors([late])[0], None, task(), (), Objective(), temperature=TAU, has_floor=True)
    answers, others = [], []
    for i, target in enumerate(TARGETS):
        for j, score in enumerate(late[i]):
            chance = 1 / (1 + np.exp(-(score - 0.5) / TAU))
            if j == target:
                answers.append(-np.log(chance))
            elif not EXCLUDED[i][j]:
                others.append(-np.log(1 - chance))
    assert parts["absolute"] == pytest.approx((np.mean(answers) + np.mean(others)) / 2, rel=1e-4)
    assert float(loss) == pytest.approx(parts["multi"] + parts["absolute"], rel=1e-5)
