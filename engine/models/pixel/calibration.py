"""Constants of the embedded model's scores, as `training/pixel/confidence.py` and `training/pixel/chance.py` fit them.

docs/log.md#confidence and docs/log.md#chance say how.
"""

from __future__ import annotations

from ...chance import Chance
from ...confidence import Calibration

CALIBRATION = Calibration(bias=0.3931, weights=(4.1696, 5.1769, 0.3337, 0.0471, -1.4603), no_good_match=0.06)
CHANCE = Chance(bias=-0.017, per_log_page=0.031, usual_level=0.37, below=0.05, spread=0.04)
