"""Distinct integers in rising order: numpy's `unique`, without the import of `numpy.ma` that its first call makes."""

from __future__ import annotations

import numpy as np

from .records import I64


def distinct(values: I64) -> I64:
    """The distinct `values` (n,), rising.

    >>> distinct(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    ordered = np.sort(values)
    is_first = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
    return ordered[is_first]
