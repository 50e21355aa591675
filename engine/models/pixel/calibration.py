"""Constants of the embedded model's scores, as `training/pixel/confidence.py` and `training/pixel/chance.py` fit them.

docs/log.md#confidence and docs/log.md#chance say how.
"""

from __future__ import annotations

from ...chance import Chance
from ...confidence import Calibration

CALIBRATION = Calibration(bias=-2.3401, weights=(4.9314, 6.9903, 0.2535, -0.6774, -0.2903), no_good_match=0.08)
CHANCE = Chance(bias=-0.017, per_log_page=0.031, usual_level=0.37, below=0.05, spread=0.04)
