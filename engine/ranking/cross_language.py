"""What pages gain by the meaning of their passages: most in other languages than the question's.

Cosines of a sentence encoder differ more from question to question than between right and wrong pages, so what counts
is by how many standard deviations a page is nearer than the collection's pages are on average. Pages in the question's
own language gain little: there, words tell better (docs/log.md#cross-language).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..records import F32

CROSS_LANGUAGE_WEIGHT = 0.015
"""Share of what a page's score lacks to 1 that it gains for one standard deviation; four times that for two.

docs/log.md#cross-language compares 0.01 to 0.05.
"""
SAME_LANGUAGE_WEIGHT = 0.003
"""The same share for a page in the question's own language, unless it is asked for by meaning.

docs/log.md#mode-semantic compares 0.001 to 0.03.
"""
MOST = 0.9
"""The most of that share."""


def added_shares(cosines: F32, is_foreign: NDArray[np.bool_]) -> F32:
    """What each page (N,) gains of what its score lacks to 1.

    `cosines` (N,) are those of the pages with the question, nan for pages without text, which gain nothing. Pages that
    are `is_foreign` (N,) have CROSS_LANGUAGE_WEIGHT; in the mode semantic all pages are.
    """
    weights = np.where(is_foreign, np.float32(CROSS_LANGUAGE_WEIGHT), np.float32(SAME_LANGUAGE_WEIGHT))
    found: F32 = np.minimum(MOST, weights * np.square(np.maximum(0, nearness(cosines))))
    return found


def nearness(cosines: F32) -> F32:
    """By how many standard deviations each page (N,) is nearer to a question than the pages are on average.

    `cosines` (N,) are those of the pages, nan for pages without text, which are 0, as all are where none differs.
    """
    has_text = ~np.isnan(cosines)
    found = np.zeros(len(cosines), np.float32)
    deviation = float(np.std(cosines[has_text])) if has_text.any() else 0.0
    if deviation > 0:
        found[has_text] = (cosines[has_text] - cosines[has_text].mean()) / deviation
    return found
