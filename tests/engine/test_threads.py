"""BLAS's own threads are limited and restored."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_info

from docsearch.engine import threads


def blas_threads() -> list[int]:
    """The number of threads of each BLAS library that is loaded."""
    np.ones((2, 2)) @ np.ones((2, 2))
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_blas_threads_are_restored_after_overlapping_limits() -> None:
    before = blas_threads()
    limit = threads.BlasLimit()
    limit.__enter__()
    limit.__enter__()
    inside = blas_threads()
    limit.__exit__(None, None, None)
    still_inside = blas_threads()
    limit.__exit__(None, None, None)
    assert set(inside) == set(still_inside) == {1}
    assert blas_threads() == before
