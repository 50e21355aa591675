"""BLAS's own threads are limited and restored."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from docsearch.engine import threads

ITEMS = 200


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


@pytest.mark.parametrize(("chosen", "limited"), [({}, True), ({"OPENBLAS_NUM_THREADS": "2"}, False)])
def test_numpy_can_be_imported_with_one_blas_thread(chosen: dict[str, str], limited: bool) -> None:
    """For good, without a trace in the environment; not against what the user chose."""
    program = (
        "import os; from docsearch.engine import threads\n"
        "threads.import_numpy_without_blas_threads()\n"
        "kept = sorted(set(os.environ) & set(threads.BLAS_VARIABLES))\n"
        "import numpy as np; from threadpoolctl import threadpool_info\n"
        "with threads.no_blas_threads(): np.ones((2, 2)) @ np.ones((2, 2))\n"
        "counts = {each['num_threads'] for each in threadpool_info() if each['user_api'] == 'blas'}\n"
        "print(counts <= {1}, kept, type(threads.no_blas_threads()).__name__)"
    )
    environment = {name: value for name, value in os.environ.items() if name not in threads.BLAS_VARIABLES} | chosen
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    name = "nullcontext" if limited else "BlasLimit"
    assert done.stdout.endswith(f"{sorted(chosen)} {name}\n")
    assert done.stdout.startswith("True") or not limited


def test_each_item_is_shared_out_once() -> None:
    done: list[int] = []
    threads.share_out(done.append, range(ITEMS))
    assert sorted(done) == [*range(ITEMS)]
    threads.share_out(done.append, [])
    assert len(done) == ITEMS


def test_an_error_ends_what_is_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is raised when no thread works on an item any more, and no other item is begun."""
    monkeypatch.setattr(threads, "available", lambda: 2)
    done: list[int] = []

    def do(item: int) -> None:
        if item == 0:
            raise ValueError("item 0")
        done.append(item)

    for _ in range(20):
        with pytest.raises(ValueError, match="item 0"):
            threads.share_out(do, iter(range(3)))
        before = len(done)
        threads.share_out(lambda _: None, range(4))
        assert len(done) == before
