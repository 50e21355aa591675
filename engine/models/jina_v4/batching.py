"""Batches of items of similar length, within a budget of tokens that includes padding."""

from __future__ import annotations

from collections.abc import Sequence


def pack(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Group items into batches of at most `budget` tokens including padding, longest first; returns their indices.

    An item longer than the budget is a batch of its own.

    >>> pack([10, 3, 9, 3, 3], budget=20)
    [[0, 2], [1, 3, 4]]
    """
    batches: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batches and lengths[batches[-1][0]] * (len(batches[-1]) + 1) <= budget:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches
