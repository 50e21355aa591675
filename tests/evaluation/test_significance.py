"""Properties of intervals and of the randomisation test."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from docsearch.evaluation import significance


def test_an_interval_is_that_of_the_normal_distribution_for_many_values() -> None:
    values = np.random.default_rng(1).normal(0.6, 0.2, 400)
    found = significance.interval(values.tolist())
    assert found.mean == pytest.approx(values.mean())
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert found.low == pytest.approx(values.mean() - half, abs=0.002)
    assert found.high == pytest.approx(values.mean() + half, abs=0.002)


def test_intervals_are_the_same_each_time_and_one_value_has_none() -> None:
    assert significance.interval([0.1, 0.9, 0.5]) == significance.interval([0.1, 0.9, 0.5])
    assert significance.interval([0.3]) == significance.Interval(0.3, 0.3, 0.3)


def test_blocks_bound_the_memory_and_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(2).random(50).tolist()
    whole = significance.interval(values)
    monkeypatch.setattr(significance, "BLOCK_VALUES", 7 * len(values))
    found = significance.interval(values)
    assert (found.mean, found.low, found.high) == pytest.approx((whole.mean, whole.low, whole.high), abs=1e-12)


def paired_difference(first: list[float], second: list[float]) -> significance.Difference:
    """The difference of one metric."""
    (found,) = significance.paired_differences(np.array(first)[:, None], np.array(second)[:, None])
    return found


def test_the_p_value_is_that_of_all_sign_flips() -> None:
    first, second = [0.1, 0.2, 0.4, 0.3, 0.9, 0.0], [0.3, 0.5, 0.3, 0.9, 1.0, 0.2]
    differences = np.subtract(second, first)
    means = np.array([np.mean(differences * signs) for signs in product([1, -1], repeat=6)])
    exact = (np.abs(means) >= abs(differences.mean()) - 1e-12).mean()
    found = paired_difference(first, second)
    assert found.p_value == pytest.approx(exact, abs=0.02)
    assert found.interval.mean == pytest.approx(differences.mean())


def test_equal_systems_do_not_differ() -> None:
    found = paired_difference([0.5, 1.0], [0.5, 1.0])
    assert (found.interval.low, found.interval.high, found.p_value) == (0.0, 0.0, 1.0)


def test_metrics_together_are_as_each_alone() -> None:
    first, second = np.random.default_rng(3).random((2, 40, 3))
    together = significance.paired_differences(first, second)
    for metric, found in enumerate(together):
        alone = paired_difference(first[:, metric].tolist(), second[:, metric].tolist())
        assert found.p_value == alone.p_value
        assert (found.interval.low, found.interval.high) == pytest.approx((alone.interval.low, alone.interval.high))
