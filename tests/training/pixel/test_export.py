"""Interpolation between a run's weights and the shipped ones."""

from __future__ import annotations

import numpy as np

from docsearch.training.pixel.export import interpolate


def test_float_weights_are_interpolated_and_counts_are_copied() -> None:
    old = {"layer": np.array([1, 3], np.float16), "count": np.array(5)}
    new = {"layer": np.array([2, 1], np.float32), "count": np.array(9)}
    for share, wanted in ((0.0, [1, 3]), (0.25, [1.25, 2.5]), (1.0, [2, 1])):
        found = interpolate(old, new, share)
        np.testing.assert_allclose(found["layer"], wanted)
        assert found["layer"].dtype == np.float32
        assert found["count"] == 9, "integers are copied, not interpolated"
