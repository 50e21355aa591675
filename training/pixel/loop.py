"""What the training loops of both networks share: groups of parameters, the learning rate, and the data process."""

from __future__ import annotations

import math
import multiprocessing
import sys
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from typing import Any

from torch import nn

WARM_UP_STEPS = 150
CHECKPOINT_EVERY_S = 240
QUEUE_BATCHES = 6
"""Batches that the data process prepares ahead."""
WEIGHT_DECAY = 0.01
FLOOR_SHARE = 0.01
"""Share of the highest learning rate that remains at the end of a run."""


def parameter_groups(model: nn.Module, *, without_decay: Sequence[str]) -> list[dict[str, Any]]:
    """The parameters of a model for AdamW: matrices decay by WEIGHT_DECAY, all others do not.

    Matrices do not decay either if their name has one of `without_decay` in it, as tables of rarely used rows have.
    """
    decays = {
        name: parameter.ndim > 1 and not any(part in name for part in without_decay)
        for name, parameter in model.named_parameters()
    }
    return [
        {"params": [each for name, each in model.named_parameters() if decays[name]], "weight_decay": WEIGHT_DECAY},
        {"params": [each for name, each in model.named_parameters() if not decays[name]], "weight_decay": 0.0},
    ]


def learning_rate(highest: float, *, steps: int, progress: float) -> float:
    """The learning rate after `steps` of a run: a linear warm-up, then half a cosine over the `progress`, 0 to 1."""
    return highest * min(1, (steps + 1) / WARM_UP_STEPS) * (0.5 + 0.5 * math.cos(math.pi * progress) + FLOOR_SHARE)


def start_producer(produce: Callable[..., None], *arguments: object) -> tuple[multiprocessing.Queue[Any], BaseProcess]:
    """Run `produce(queue, *arguments)` in a process of its own, which fills the queue of batches that is returned."""
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    queue: multiprocessing.Queue[Any] = context.Queue(QUEUE_BATCHES)
    process = context.Process(target=produce, args=(queue, *arguments), daemon=True)  # type: ignore[attr-defined]
    process.start()
    return queue, process
