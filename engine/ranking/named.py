"""A document that is asked for by its file name: its first page is found, whatever it shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..records import F32, I64
from .prior import Parts, ScoreParts

NAMED = 0.97
"""What the page gains of what its score lacks to 1: it comes before pages that print the words of the name."""


class WithNames:
    """Scores s of pages, s + NAMED · (1 - s) for those of named documents. They rise with s, as `PageScores` must."""

    def __init__(self, scores: ScoreParts, named: I64, pages: int) -> None:
        """`named` (n,) are the rows of the first pages of named documents among all `pages`."""
        self._scores = scores
        self._is_named = np.zeros(pages, np.bool_)
        self._is_named[named] = True

    def scores(self, visual: F32, rows: I64) -> F32:
        """The scores (n,) of pages `rows` (n,) with these `visual` scores (n,), all 0 to 1."""
        own = self._scores.scores(visual, rows)
        found: F32 = np.where(self._is_named[rows], own + np.float32(NAMED) * (1 - own), own).astype(np.float32)
        return found

    def matches(self, visual: F32, rows: I64) -> NDArray[np.bool_]:
        """Whether each of `rows` (n,) matches at all, (n,)."""
        found: NDArray[np.bool_] = self._scores.matches(visual, rows) | self._is_named[rows]
        return found

    def parts(self, visual: float, row: int) -> Parts:
        """What the score of a page with this `visual` score, 0 to 1, is the sum of; a name counts as its document."""
        own = Parts(0.0)
        if self._scores.matches(np.array([visual], np.float32), np.array([row])).all():
            own = self._scores.parts(visual, row)
        if not self._is_named[row]:
            return own
        scaled = own.scaled(1 - NAMED)
        return scaled._replace(document=scaled.document + NAMED)
