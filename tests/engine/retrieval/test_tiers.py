"""Which segments a derived part is built from: `tiers.plan`."""

from __future__ import annotations

import numpy as np
import pytest

from docsearch.engine.retrieval.inverted_index import PART_VECTORS
from docsearch.engine.retrieval.tiers import plan


@pytest.mark.parametrize(
    ("found", "live", "expected"),
    [
        ({}, {1: 10}, ([], [1])),
        ({"a": ([1], 10)}, {1: 10}, (["a"], [])),
        ({"a": ([1], 10)}, {1: 10, 2: 4}, (["a"], [2])),
        ({"a": ([1], 10)}, {1: 10, 2: 6}, ([], [1, 2])),
        ({"a": ([1], 100), "b": ([2], 10)}, {1: 100, 2: 10, 3: 6}, (["a"], [2, 3])),
        ({"a": ([1], 100), "b": ([1, 2], 110)}, {1: 100, 2: 10}, (["b"], [])),
        ({"a": ([1, 2], 100)}, {2: 30}, ([], [2])),
        ({"a": ([1, 2], 100)}, {2: 60}, (["a"], [])),
        ({"a": ([7], 10)}, {9: 3}, ([], [9])),
        ({"a": ([1, 2], 100)}, {1: 60, 2: 60}, ([], [1, 2])),
    ],
)
def test_plan_of_parts(
    found: dict[str, tuple[list[int], int]], live: dict[int, int], expected: tuple[list[str], list[int]]
) -> None:
    held = {name: (np.array(ids), vectors) for name, (ids, vectors) in found.items()}
    assert plan(held, live, PART_VECTORS) == expected


def test_the_largest_parts_are_not_built_again() -> None:
    most = PART_VECTORS
    assert plan({"a": (np.array([1]), most)}, {1: most, 2: most}, most) == (["a"], [2])
