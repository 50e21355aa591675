"""Source code: what defines a name that is asked for comes before what uses it, and tests come after both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..records import F32, I64, SourcePages
from .prior import Parts, ScoreParts

DEFINES = 0.9
"""What a page gains, of what its score lacks to 1, that defines a name which is the whole question.

A name that is a share of the question counts by the square of that share: most words of a sentence are names somewhere.
"""
OF_TESTS = 0.8
"""What is left of the score of a test, unless tests are asked for: it repeats the words of what it tests."""


class WithSourceCode:
    """Scores s of pages: OF_TESTS · s for tests, then s + DEFINES · defined² · (1 - s).

    They rise with s, as `PageScores` must.
    """

    def __init__(self, scores: ScoreParts, source: SourcePages) -> None:
        self._scores = scores
        factor = np.ones(len(source.defined), np.float32)
        factor[source.tests] = OF_TESTS
        self._added: F32 = (np.float32(DEFINES) * source.defined**2).astype(np.float32)
        self._slope: F32 = (factor * (1 - self._added)).astype(np.float32)

    def scores(self, visual: F32, rows: I64) -> F32:
        """The scores (n,) of pages `rows` (n,) with these `visual` scores (n,), all 0 to 1."""
        return self._slope[rows] * self._scores.scores(visual, rows) + self._added[rows]

    def matches(self, visual: F32, rows: I64) -> NDArray[np.bool_]:
        """Whether each of `rows` (n,) matches at all, (n,)."""
        return self._scores.matches(visual, rows) | (self._added[rows] > 0)

    def parts(self, visual: float, row: int) -> Parts:
        """What the score of a page with this `visual` score, 0 to 1, is the sum of; a definition counts as text."""
        is_matched = self._scores.matches(np.array([visual], np.float32), np.array([row])).all()
        own = self._scores.parts(visual, row) if is_matched else Parts(0.0)
        scaled = own.scaled(float(self._slope[row]))
        return scaled._replace(text=scaled.text + float(self._added[row]))
