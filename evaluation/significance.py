"""How sure a mean over questions is: bootstrap intervals, paired differences, a randomisation test.

Smucker, Allan and Carterette, "A comparison of statistical significance tests for information retrieval evaluation",
2007; Sakai, "Evaluating evaluation metrics based on the bootstrap", 2006.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..engine.records import F64

LEVEL = 0.95
"""The share of resamples whose mean lies in an interval."""
RESAMPLES = 10_000
SAME = 1e-12
"""Means that differ by less are equal: the same differences were added in another order."""
BLOCK_VALUES = 2_000_000
"""Values that are drawn at a time, which bounds the memory."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The mean over questions, and the bootstrap interval from `low` to `high` of LEVEL."""

    mean: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """The interval as a JSON object, in four digits."""
        return {"mean": round(self.mean, 4), "low": round(self.low, 4), "high": round(self.high, 4)}


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean of second minus first over the same questions, with its interval.

    `p_value` is the two-sided probability of a mean at least as far from 0 if the two were exchangeable.
    """

    interval: Interval
    p_value: float

    def as_dict(self) -> dict[str, float]:
        """The difference as a JSON object."""
        return {**self.interval.as_dict(), "p_value": round(self.p_value, 4)}


def interval(values: Sequence[float], *, seed: int = 0) -> Interval:
    """The mean of at least one value, with the percentiles of the means of RESAMPLES resamples."""
    return intervals(np.asarray(values, np.float64)[:, None], seed=seed)[0]


def intervals(values: F64, *, seed: int = 0) -> list[Interval]:
    """The interval of each of M metrics of the same N ≥ 1 questions, (N, M), as `interval` has it: all at once."""
    count = len(values)
    rng = np.random.default_rng(seed)

    def drawn(rows: int) -> F64:
        chosen = rng.integers(0, count, (rows, count)) + count * np.arange(rows)[:, None]
        times = np.bincount(chosen.ravel(), minlength=rows * count).reshape(rows, count)
        return times @ values / count

    low, high = np.quantile(_means(count, drawn), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return [Interval(*each) for each in zip(values.mean(axis=0).tolist(), low.tolist(), high.tolist(), strict=True)]


def paired_differences(first: F64, second: F64, *, seed: int = 0) -> list[Difference]:
    """How much higher `second` is than `first`, both (N, M) float64: M metrics of the same N ≥ 1 questions.

    The test flips the signs of the differences at random, RESAMPLES times.
    """
    differences = second - first
    count = len(differences)
    rng = np.random.default_rng(seed)

    def flipped(rows: int) -> F64:
        return (rng.integers(0, 2, (rows, count), np.int8) * 2.0 - 1) @ differences / count

    as_far = (np.abs(_means(count, flipped)) >= np.abs(differences.mean(axis=0)) - SAME).sum(axis=0)
    p_values = ((as_far + 1) / (RESAMPLES + 1)).tolist()
    return [Difference(*each) for each in zip(intervals(differences, seed=seed), p_values, strict=True)]


def _means(count: int, draw: Callable[[int], F64]) -> F64:
    """RESAMPLES means of M metrics (RESAMPLES, M), drawn in blocks of rows of `count` questions."""
    rows = max(BLOCK_VALUES // count, 1)
    sizes = [min(rows, RESAMPLES - first) for first in range(0, RESAMPLES, rows)]
    return np.concatenate([draw(size) for size in sizes])
