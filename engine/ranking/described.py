"""What pages gain that have figures of the kinds, and the colours, that a question describes: "photo of a red car".

Words say little of what a picture shows: the page of a photo seldom prints them, and others do by chance. So kinds of
figures count beside the words, and not only as one of them.
"""

from __future__ import annotations

import numpy as np

from ..query.weighting import PRESENT_MATCH
from ..records import F32, DescribedPicture
from ..scoring import idf, weighted_sum

KIND_WEIGHT = COLOUR_WEIGHT = 0.3
"""Share of what a page's score lacks to 1 that it gains for all kinds that a question describes, and for all colours.

docs/log.md#described-pictures compares 0.1 to 0.9.
"""
TINY = 1e-9


def added_shares(described: DescribedPicture, matches: F32) -> F32:
    """What each page gains of what its score lacks to 1, (N,).

    `matches` (N, C), 0 to 1, are those of pages with the vectors of the described picture. Kinds are weighted by their
    IDF, colours equally.
    """
    by_term = np.zeros((len(described.is_colour), len(matches)), np.float32)
    np.maximum.at(by_term, described.terms, matches.T)
    rarity = idf(np.count_nonzero(by_term >= PRESENT_MATCH, axis=1), len(matches))
    gains = [
        KIND_WEIGHT * _mean(by_term[~described.is_colour], rarity[~described.is_colour]),
        COLOUR_WEIGHT * _mean(by_term[described.is_colour], np.ones(described.is_colour.sum(), np.float32)),
    ]
    return (gains[0] + gains[1] - gains[0] * gains[1]).astype(np.float32)


def _mean(matches: F32, weights: F32) -> F32:
    """The weighted mean (N,) of matches (T, N), 0 without any."""
    total = max(float(weights.sum()), TINY)
    return weighted_sum(matches.T, (weights / np.float32(total)).astype(np.float32))
