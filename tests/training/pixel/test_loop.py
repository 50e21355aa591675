"""What the training loops share: which parameters decay, and how the learning rate rises and falls."""

from __future__ import annotations

import pytest
import torch

from docsearch.training.pixel import loop


def test_only_matrices_decay_and_no_tables() -> None:
    model = torch.nn.ModuleDict({"bag": torch.nn.Embedding(3, 2), "layer": torch.nn.Linear(2, 2)})
    decaying, others = loop.parameter_groups(model, without_decay=("bag",))
    assert [id(each) for each in decaying["params"]] == [id(model["layer"].weight)]
    assert {id(each) for each in others["params"]} == {id(model["bag"].weight), id(model["layer"].bias)}
    assert (decaying["weight_decay"], others["weight_decay"]) == (loop.WEIGHT_DECAY, 0.0)


def test_the_learning_rate_warms_up_and_falls_to_its_floor() -> None:
    rates = [loop.learning_rate(1.0, steps=steps, progress=0.0) for steps in (0, 74, 149, 500)]
    assert rates == pytest.approx([1.01 / 150, 1.01 / 2, 1.01, 1.01])
    fallen = [loop.learning_rate(2.0, steps=1000, progress=progress) for progress in (0.5, 1.0)]
    assert fallen == pytest.approx([1.02, 0.02])


def test_the_data_process_fills_the_queue() -> None:
    queue, process = loop.start_producer(_count, 3)
    assert [queue.get(timeout=600) for _ in range(3)] == [0, 1, 2]
    process.join(600)
    assert process.exitcode == 0


def _count(queue: torch.multiprocessing.Queue, limit: int) -> None:
    for number in range(limit):
        queue.put(number)
