"""The batch and the learning rate of a step, as functions of its number, so that a resumed run repeats them exactly."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ...engine.records import I64
from .objective import Task
from .rows import Document, Row, ScoredPair

WARM_UP_SHARE = 0.1
"""Share of the steps over which the learning rate rises."""
LAST_SHARE = 0.05
"""Share of the highest learning rate that is left in the last step."""
NEGATIVES_STREAM = 1
"""Seeds the choice of negatives apart from the order of rows."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Questions, the distinct pages and passages they are scored against, and the labels."""

    queries: tuple[str, ...]
    pages: tuple[Document, ...]
    task: Task


@dataclass(frozen=True, slots=True)
class PairBatch:
    """Pairs of texts, B, and their scores `gold` (B,) float32."""

    pairs: tuple[ScoredPair, ...]
    gold: Tensor


def turn(step: int, rows: int, pairs: int) -> tuple[bool, int]:
    """Whether a step, counted from 0, takes pairs rather than rows, and how many such steps were before it.

    Both come in turn, in proportion to their numbers.

    >>> [turn(step, 2, 1) for step in range(4)]
    [(False, 0), (False, 1), (True, 0), (False, 2)]
    """
    before = step * pairs // (rows + pairs)
    takes_pairs = (step + 1) * pairs // (rows + pairs) > before
    return takes_pairs, before if takes_pairs else step - before


def pair_batch(pairs: Sequence[ScoredPair], step: int, *, size: int, seed: int) -> PairBatch:
    """The pairs of a step, counted from 0 among those that take pairs, in the order of their epoch."""
    places = range(step * size, (step + 1) * size)
    chosen = tuple(pairs[epoch_order(len(pairs), seed, at // len(pairs))[at % len(pairs)]] for at in places)
    return PairBatch(chosen, torch.tensor([each.score for each in chosen]))


def batch(
    rows: Sequence[Row],
    answers: Mapping[str, set[Document]],
    step: int,
    *,
    size: int,
    negatives: int,
    seed: int,
) -> Batch:
    """The batch of a step, counted from 0: `size` rows in the order of their epoch, and up to `negatives` of each row.

    `answers` are what answers each question (`answers_by_query`). A question that a passage answers is compared with
    passages, one that a page answers with pages.
    """
    drawn = np.random.default_rng((seed, NEGATIVES_STREAM, step))
    places = range(step * size, (step + 1) * size)
    chosen = [rows[epoch_order(len(rows), seed, at // len(rows))[at % len(rows)]] for at in places]
    beside: list[Document] = []
    for row in chosen:
        picked = drawn.permutation(len(row.negatives))[:negatives]
        beside += [row.negatives[i] for i in picked]
    pages = tuple(dict.fromkeys([*(row.positive for row in chosen), *beside]))
    targets = [pages.index(row.positive) for row in chosen]
    excluded = [
        [
            j != target and (page in answers[row.query] or type(page) is not type(row.positive))
            for j, page in enumerate(pages)
        ]
        for row, target in zip(chosen, targets, strict=True)
    ]
    return Batch(tuple(row.query for row in chosen), pages, Task(torch.tensor(targets), torch.tensor(excluded)))


def answers_by_query(rows: Sequence[Row]) -> Mapping[str, set[Document]]:
    """All pages and passages that the rows name as answers, by question."""
    answers: dict[str, set[Document]] = defaultdict(set)
    for row in rows:
        answers[row.query].add(row.positive)
    return answers


@lru_cache(maxsize=4)
def epoch_order(count: int, seed: int, epoch: int) -> I64:
    """The order of `count` rows in an epoch: a permutation, (count,) int64."""
    return np.random.default_rng((seed, 0, epoch)).permutation(count)


def learning_rate(step: int, steps: int, highest: float) -> float:
    """Linear warm-up over WARM_UP_SHARE of the steps, then cosine decay to LAST_SHARE of `highest`."""
    rise = min(1.0, (step + 1) / max(1.0, WARM_UP_SHARE * steps))
    fall = LAST_SHARE + (1 - LAST_SHARE) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
    return highest * rise * fall
