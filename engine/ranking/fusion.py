"""Hybrid scores: what a page's picture, its text layer and its document's name say, as one number.

Measured on eval-dev's questions in docs/log.md#hybrid: a weighted sum gains, fusion of ranks loses.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..records import F32, I64, TextEvidence
from .prior import Parts

TEXT_WEIGHT = 0.4
"""Share of a page's score that its text layer gives where it has one; docs/log.md#hybrid compares 0 to 0.67."""
UNREAD_WEIGHT = 0.9
"""The same share for a page in a script that the model does not read; figures and numbers make the rest."""
USUAL_TEXT = 0.75
"""What text usually says of a right page, as a share of its visual score: docs/log.md#hybrid measures 0.77."""
DOCUMENT_WEIGHT = 0.6
"""Share of what is missing to a score of 1 that a document gives whose name or opening has every word asked for.

docs/log.md#hybrid compares 0 to 0.75.
"""

STATED, DENIED = 0.9, 0.8
"""How certain a text layer is of numbers and codes: shares of a visual score that a page gets, and loses, for these."""
DENIED_BY_OTHERS = 0.15
"""Share that a page without a text layer loses where another page has them in print for certain."""


class Fusion:
    """Visual scores v of the pages of a snapshot to hybrid scores, for one question.

    s = (1 - w) · v + w · t with t = min(1, text / USUAL_TEXT). w is TEXT_WEIGHT, UNREAD_WEIGHT for a page in a script
    that the model does not read, and 0 for one without a text layer. v is first raised by STATED · stated · (1 - v) and
    lowered by DENIED · denied · v, and t raised as v is; score = s + DOCUMENT_WEIGHT · document · (1 - s). A page that
    matches neither by its picture nor by its text scores 0. Scores rise with v, so a bound of v bounds the score.
    """

    def __init__(self, evidence: TextEvidence) -> None:
        self.is_found = evidence.text > 0
        """The pages (N,) whose text matches."""
        weight = np.where(evidence.has_text, np.float32(TEXT_WEIGHT), np.float32(0))
        if evidence.is_unread is not None:
            weight[evidence.is_unread] = UNREAD_WEIGHT
        added = np.float32(DOCUMENT_WEIGHT) * evidence.document
        stated = np.float32(STATED) * evidence.stated
        denied = np.where(evidence.has_text, np.float32(DENIED), np.float32(DENIED_BY_OTHERS)) * evidence.denied
        own: F32 = (1 - weight) * (1 - stated) * (1 - denied)
        text = stated + weight * (1 - stated) * _scaled(evidence.text)
        self._slope: F32 = ((1 - added) * own).astype(np.float32)
        self._document: F32 = added.astype(np.float32)
        self._added: F32 = ((1 - added) * text + added).astype(np.float32)

    def scores(self, visual: F32, rows: I64) -> F32:
        """The hybrid scores (n,) of pages `rows` (n,) with these `visual` scores (n,), both 0 to 1."""
        found: F32 = np.where(self.matches(visual, rows), visual * self._slope[rows] + self._added[rows], np.float32(0))
        return found

    def parts(self, visual: float, row: int) -> Parts:
        """What the hybrid score of a page with this `visual` score, 0 to 1, is the sum of."""
        document = float(self._document[row])
        return Parts(visual * float(self._slope[row]), float(self._added[row]) - document, document)

    def matches(self, visual: F32, rows: I64) -> NDArray[np.bool_]:
        """Whether each of `rows` (n,) matches at all, (n,)."""
        found: NDArray[np.bool_] = (visual > 0) | self.is_found[rows]
        return found


def text_scores(evidence: TextEvidence) -> F32:
    """Scores (N,) by text alone."""
    added = np.float32(DOCUMENT_WEIGHT) * evidence.document
    text = _scaled(evidence.text)
    found: F32 = np.where(evidence.text > 0, text + added * (1 - text), np.float32(0))
    return found


def _scaled(text: F32) -> F32:
    found: F32 = np.minimum(np.float32(1), text / np.float32(USUAL_TEXT))
    return found
