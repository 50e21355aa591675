"""What a remote model answers to a fixed text, as one string in a fingerprint: is it still the same model?

A server's arithmetic depends on its batches in the last bits, so answers are compared by their cosine.
"""

from __future__ import annotations

import numpy as np

from .records import F32

SETTING = "probe"
"""Name of the setting in fingerprints."""
LEVELS = 99
SAME_COSINE = 0.99
"""Cosine above which two answers come from the same model: rounding leaves more than 0.999, other weights much less."""


def encoded(vectors: F32) -> str:
    """The mean of vectors (T, D), T of 1 or more, as D whole numbers from -LEVELS to LEVELS.

    >>> import numpy as np
    >>> encoded(np.array([[0.5, -0.25]], np.float32))
    '99 -50'
    """
    mean = vectors.astype(np.float64).mean(axis=0)
    scaled = mean / max(np.abs(mean).max(), 1e-12) * LEVELS
    return " ".join(str(value) for value in np.rint(scaled).astype(int).tolist())


def are_of_one_model(one: object, other: object) -> bool:
    """Whether two strings of `encoded` are answers of the same model."""
    try:
        first, second = (np.array(str(each).split(), np.float64) for each in (one, other))
    except ValueError:
        return False
    if first.shape != second.shape:
        return False
    norms = np.linalg.norm(first) * np.linalg.norm(second)
    return bool(norms > 0 and first @ second / norms >= SAME_COSINE)
