"""The calibration of the embedded model's scores, as `training/pixel/confidence.py` fits it; docs/log.md#confidence."""

from __future__ import annotations

from ...confidence import Calibration

CALIBRATION = Calibration(bias=1.3226, weights=(3.9312, 6.6176, 0.3242, -0.3196, -1.5575), no_good_match=0.06)
