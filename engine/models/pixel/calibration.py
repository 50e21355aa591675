"""Constants of the embedded model's scores, as `training/pixel/confidence.py` and `training/pixel/chance.py` fit them.

docs/log.md#confidence, docs/log.md#confidence-by-meaning and docs/log.md#chance say how.
"""

from __future__ import annotations

from ...chance import Chance
from ...confidence import Calibration

BY_MEANING = Calibration(
    bias=-2.7866, weights=(4.3778, 1.5667, 0.1757, -0.9525, -0.0416, 0.0544, 3.2670), no_good_match=0.08
)
CALIBRATION = Calibration(
    bias=-2.3401, weights=(4.9314, 6.9903, 0.2535, -0.6774, -0.2903), no_good_match=0.08, by_meaning=BY_MEANING
)
CHANCE = Chance(bias=-0.017, per_log_page=0.031, usual_level=0.37, below=0.05, spread=0.04)
