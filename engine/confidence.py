"""Confidence: the probability that the best hit of a text query is right, by a logistic regression on how it matches.

Platt, "Probabilistic outputs for support vector machines", 1999. The regression is fitted for one model on questions
whose answers are known, half of them without an answer in the index (`training/pixel/confidence.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .records import F32, F64

INFORMATION_MIN, INFORMATION_MAX = -10.0, 40.0
"""Bounds of the information of a match, in nats: beyond them it says no more."""


def chance_of_choice(idf: F32, pages: int) -> float:
    """The probability, 0..1, that a page which has all tokens of a question is the one that is meant.

    With `idf` (Q,) as in `features`, tokens carry Σ idf² nats: they are on exp(-Σ idf²) of the `pages` together, which
    are equally likely. Confidences of questions of function words alone are multiplied by it: the regression is fitted
    on questions with content (docs/log.md#confidence-of-beginnings).
    """
    return min(1.0, math.exp(min(0.0, float(np.square(idf).sum()) - math.log(max(1, pages)))))


@dataclass(frozen=True, slots=True)
class Calibration:
    """The logistic regression of a model: the `weights` of the five features of `features`, and a `bias`.

    Answers with a confidence below `no_good_match` are said to be no good match. `by_meaning` is that of the mode
    semantic, whose last two weights are those of `meaning_features`.
    """

    bias: float
    weights: tuple[float, ...]
    no_good_match: float
    by_meaning: Calibration | None = None

    def confidence(self, found: F64) -> float:
        """The probability, 0..1, that a best hit with these features, as many as there are weights, is right."""
        logit = self.bias + math.fsum(
            weight * value for weight, value in zip(self.weights, found.tolist(), strict=True)
        )
        return 1 / (1 + math.exp(-logit)) if logit > 0 else math.exp(logit) / (1 + math.exp(logit))


def features(
    *, score: float, token_score: float, matches: F32, evidence: F32, weights: F32, idf: F32, pages: int
) -> F64:
    """The features (5,) of the best of `pages` pages for a query of Q tokens.

    `score` is the page's, and `token_score` what its tokens alone would score; `matches` (Q,) float32 in 0..1 are the
    page's own with each token, `evidence` (Q,) float32 in 0..1 how surely it prints each, `weights` (Q,) the tokens',
    which sum to 1, and `idf` (Q,) is as in `scoring.idf`, 0 for tokens that were not counted. In their order:

    0. what the tokens alone score, with matches on the first page of the document;
    1. what pairs of neighbouring tokens add to the score, below 0 if they do not stand together on the page;
    2. the information of the tokens that it prints in nats, less that which tells one of all pages from the others: if
       it is negative, a page that prints as many is to be expected by chance;
    3. the logarithm of how many tokens carry the match: 1 + (Σ w·m)² / Σ (w·m)²;
    4. the logarithm of the information in nats that the query asks for: 1 + Σ idf².
    """
    contributions = (weights * matches).astype(np.float64)
    squares = float(np.square(contributions).sum())
    carrying = float(contributions.sum()) ** 2 / squares if squares > 0 else 0.0
    information = float((evidence * np.square(idf)).sum()) - math.log(max(1, pages))
    information = min(max(information, INFORMATION_MIN), INFORMATION_MAX)
    asked = math.log1p(float(np.square(idf).sum()))
    return np.array([token_score, score - token_score, information, math.log1p(carrying), asked], np.float64)


def meaning_features(nearness: float, cosine: float) -> F64:
    """The features (2,) of the best page that its passages add: by how many standard deviations it is nearer to the
    query than pages are on average, and its cosine, -1..1. Both are 0 for a page without text.
    """
    return np.array([nearness, cosine], np.float64)
