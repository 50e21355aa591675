"""`distinct` is numpy's `unique`, and imports no `numpy.ma`."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from docsearch.engine.distinct import distinct


@pytest.mark.parametrize("count", [0, 1, 2, 50, 1000])
def test_distinct_values_rise(count: int) -> None:
    values = np.random.default_rng(count).integers(0, 100, count)
    np.testing.assert_array_equal(distinct(values), np.unique(values), strict=True)


def test_numpy_ma_is_not_imported() -> None:
    program = (
        "import sys; import numpy as np; from docsearch.engine.distinct import distinct\n"
        "distinct(np.array([2, 1])); print('numpy.ma' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"
