"""What makes a page likelier to answer before its words are compared: it is short, and has numbers if one is asked for.

A long page matches more words of any question by chance, in its picture as in its text: of two pages that match equally
well, the shorter one is more often right. docs/log.md#page-prior measures both weights.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..query.numeric import asks_for_number
from ..records import F32, I64

LENGTH_WEIGHT = 0.03
"""What a page loses with e times as many vectors; docs/log.md#page-prior compares 0 to 0.08."""
LONGEST = 3000
"""Pages of more vectors count as long as this."""
NUMBERS_WEIGHT = 0.05
"""What a page gains whose text is numbers only, if a number is asked for; docs/log.md#page-prior compares 0 to 0.15."""
USUAL_NUMBERS = 0.2
"""Share of numbers in the text of a page without a text layer."""


class Parts(NamedTuple):
    """What a score has from the page's picture and text, its document, its prior, the meaning of its passages, and its
    kinds of figures.
    """

    picture: float
    text: float = 0.0
    document: float = 0.0
    prior: float = 0.0
    passages: float = 0.0
    kinds: float = 0.0

    def scaled(self, share: float) -> Parts:
        """A share of each."""
        return Parts(*(share * each for each in self))


class PageScores(Protocol):
    """Turns visual scores of pages into others that rise with them, for one question."""

    def scores(self, visual: F32, rows: I64) -> F32:
        """The scores (n,) of pages `rows` (n,) with these `visual` scores (n,), all 0 to 1."""

    def matches(self, visual: F32, rows: I64) -> NDArray[np.bool_]:
        """Whether each of `rows` (n,) matches at all, (n,)."""


class ScoreParts(PageScores, Protocol):
    """Scores that are sums."""

    def parts(self, visual: float, row: int) -> Parts:
        """What the score of a page with this `visual` score, 0 to 1, is the sum of."""


class PagePrior:
    """The prior of the N pages of a snapshot, from their numbers of vectors `lengths` (N,) int64."""

    def __init__(self, lengths: I64) -> None:
        longest = np.log1p(np.float32(LONGEST))
        self._brevity: F32 = (LENGTH_WEIGHT * (longest - np.minimum(np.log1p(lengths), longest))).astype(np.float32)
        self._most = float(LENGTH_WEIGHT * longest)

    def applied(self, question: str, scores: ScoreParts | None, numbers: F32 | None) -> WithPrior:
        """`scores`, or visual scores where these are None, with the prior for a question.

        `numbers` (N,) are the shares of numbers in the pages' texts, nan where they have none; None if no page has any.
        """
        if numbers is None or not asks_for_number(question):
            return WithPrior(scores, self._brevity, self._most)
        shares = np.where(np.isnan(numbers), np.float32(USUAL_NUMBERS), numbers)
        prior: F32 = (self._brevity + np.float32(NUMBERS_WEIGHT) * shares).astype(np.float32)
        return WithPrior(scores, prior, self._most + NUMBERS_WEIGHT)


class WithPrior:
    """Scores s of pages with their prior p, which is 0 to `most`: (s + p) / (1 + most), and 0 where nothing matches."""

    def __init__(self, scores: ScoreParts | None, prior: F32, most: float) -> None:
        self._scores = scores
        self._prior: F32 = (prior / (1 + most)).astype(np.float32)
        self._share = np.float32(1 / (1 + most))

    def scores(self, visual: F32, rows: I64) -> F32:
        """The scores (n,) of pages `rows` (n,) with these `visual` scores (n,), all 0 to 1."""
        own = visual if self._scores is None else self._scores.scores(visual, rows)
        found: F32 = np.where(self.matches(visual, rows), self._share * own + self._prior[rows], np.float32(0))
        return found

    def matches(self, visual: F32, rows: I64) -> NDArray[np.bool_]:
        """Whether each of `rows` (n,) matches at all, (n,)."""
        found: NDArray[np.bool_] = visual > 0 if self._scores is None else self._scores.matches(visual, rows)
        return found

    def parts(self, visual: float, row: int) -> Parts:
        """What the score of a page with this `visual` score, 0 to 1, is the sum of."""
        own = Parts(visual) if self._scores is None else self._scores.parts(visual, row)
        return own.scaled(float(self._share))._replace(prior=float(self._prior[row]))
