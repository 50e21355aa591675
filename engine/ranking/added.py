"""Scores with what pages gain for something else than their words: a share of what a score lacks to 1."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..records import F32, I64
from .prior import Parts, ScoreParts

FOUND = 0.1
"""The share from which a page is a hit that matches neither by its picture nor by its words."""


class WithAdded:
    """Scores s of pages with what they gain, m: s + m · (1 - s). They rise with s, as `PageScores` have to."""

    def __init__(self, scores: ScoreParts, added: F32, part: Literal["passages", "kinds"]) -> None:
        """`added` (N,) are the shares m of all pages, and `part` is which of `Parts` they are."""
        self._scores = scores
        self._added = added
        self._part = part

    def scores(self, visual: F32, rows: I64) -> F32:
        """The scores (n,) of pages `rows` (n,) with these `visual` scores (n,), all 0 to 1."""
        own, added = self._scores.scores(visual, rows), self._added[rows]
        found: F32 = np.where(self.matches(visual, rows), own + added * (1 - own), np.float32(0))
        return found

    def matches(self, visual: F32, rows: I64) -> NDArray[np.bool_]:
        """Whether each of `rows` (n,) matches at all, (n,)."""
        found: NDArray[np.bool_] = self._scores.matches(visual, rows) | (self._added[rows] >= FOUND)
        return found

    def parts(self, visual: float, row: int) -> Parts:
        """What the score of a page with this `visual` score, 0 to 1, is the sum of."""
        page, gained = (np.array([visual], np.float32), np.array([row])), float(self._added[row])
        if not self.matches(*page).all():
            return Parts(0.0)
        own = self._scores.parts(visual, row) if self._scores.matches(*page).all() else Parts(0.0)
        return own.scaled(1 - gained)._replace(**{self._part: gained})
