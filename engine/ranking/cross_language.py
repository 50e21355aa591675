"""What pages in other languages than a question gain by the meaning of their passages.

Cosines of a sentence encoder differ more from question to question than between right and wrong pages, so what counts
is by how many standard deviations a page is nearer than the collection's pages are on average. Pages in the question's
own language gain nothing: there, words tell better (docs/log.md#cross-language).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..records import F32, I64
from .prior import Parts, ScoreParts

CROSS_LANGUAGE_WEIGHT = 0.015
"""Share of what a page's score lacks to 1 that it gains for one standard deviation; four times that for two.

docs/log.md#cross-language compares 0.01 to 0.05.
"""
MOST = 0.9
"""The most of that share."""
FOUND = 0.1
"""The share from which a page is a hit that matches neither by its picture nor by its words."""


def added_shares(cosines: F32, is_foreign: NDArray[np.bool_]) -> F32:
    """What each page (N,) gains of what its score lacks to 1.

    `cosines` (N,) are those of the pages with the question, nan for pages without text; only pages that are
    `is_foreign` (N,) gain.
    """
    has_text = ~np.isnan(cosines)
    found = np.zeros(len(cosines), np.float32)
    deviation = float(np.std(cosines[has_text])) if has_text.any() else 0.0
    gaining = has_text & is_foreign
    if deviation > 0:
        nearer = np.maximum(0, (cosines[gaining] - cosines[has_text].mean()) / deviation)
        found[gaining] = np.minimum(MOST, CROSS_LANGUAGE_WEIGHT * np.square(nearer))
    return found


class WithCrossLanguage:
    """Scores s of pages with what they gain, m: s + m · (1 - s). They rise with s, as `PageScores` have to."""

    def __init__(self, scores: ScoreParts, added: F32) -> None:
        """`added` (N,) are the shares m of all pages."""
        self._scores = scores
        self._added = added

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
        gained = float(self._added[row])
        own = Parts(0.0)
        if self._scores.matches(np.array([visual], np.float32), np.array([row])).all():
            own = self._scores.parts(visual, row)
        return own.scaled(1 - gained)._replace(passages=gained)
