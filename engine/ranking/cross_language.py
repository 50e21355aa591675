"""What pages in other languages than a question gain by the meaning of their passages.

Cosines of a sentence encoder differ more from question to question than between right and wrong pages, so what counts
is by how many standard deviations a page is nearer than the collection's pages are on average. Pages in the question's
own language gain nothing: there, words tell better (docs/log.md#cross-language).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..records import F32

CROSS_LANGUAGE_WEIGHT = 0.015
"""Share of what a page's score lacks to 1 that it gains for one standard deviation; four times that for two.

docs/log.md#cross-language compares 0.01 to 0.05.
"""
MOST = 0.9
"""The most of that share."""


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
