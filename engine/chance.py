"""What a query token would match by chance: the range of its match follows from how similar pages without it are.

A token counts as printed on a page if it is more similar to it than to the best of all pages that do not print it. How
similar that page is depends on the token (a long number resembles fewer words than a short one), on what else is on the
pages (invoices or novels), and, as the largest of many numbers, on the logarithm of how many pages there are: extreme
value theory, Fisher and Tippett, 1928. The regression is fitted for one model by `training/pixel/chance.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .records import F32
from .scoring import rise

LEVEL_QUANTILE = 0.84
"""The level of a token is the similarity that this share of the pages does not exceed: one spread above the median, and
yet the same whether one page in seven prints the token or none."""
PRIOR_PAGES = 4
"""The usual level counts as much as this many pages: it is what a collection of a few pages has."""


@dataclass(frozen=True, slots=True)
class Chance:
    """The regression of a model: the best similarity that a token has with any of N pages that do not print it.

    It is level + `per_log_page` · ln N + `bias`, with the `usual_level` where no page is known. A match begins `below`
    that similarity, unless the model's own floor is lower still. `spread` is by how much the regression is off.
    """

    bias: float
    per_log_page: float
    usual_level: float
    below: float
    spread: float

    def expected(self, maxima: F32, pages: int) -> F32:
        """The best similarity (Q,) of each token with the pages that do not print it.

        `maxima` (n, Q) are the tokens' MaxSim with a sample of the `pages`; pages without a vector do not count.
        """
        found = [_level(column[np.isfinite(column)], self.usual_level) for column in maxima.T]
        return np.array(found, np.float32) + np.float32(self.per_log_page * math.log(max(1, pages)) + self.bias)

    def lowered(self, floors: F32, expected: F32) -> F32:
        """The floors (Q,) of tokens in a collection where these similarities (Q,) are `expected` by chance."""
        found: F32 = np.minimum(floors, expected - np.float32(self.below))
        return found

    def evidence(self, similarities: F32, expected: F32) -> F32:
        """How surely a page prints each token, 0..1 (Q,): 0 up to what is `expected` (Q,), 1 from two spreads above."""
        return rise(similarities, expected, expected + np.float32(2 * self.spread))


def _level(similarities: F32, usual: float) -> float:
    """The level of one token whose MaxSim with a sample of pages is `similarities` (n,), n may be 0."""
    count = len(similarities)
    if not count:
        return usual
    place = int(LEVEL_QUANTILE * (count - 1))
    own = float(np.partition(similarities, place)[place])
    return (count * own + PRIOR_PAGES * usual) / (count + PRIOR_PAGES)
