"""Patch vectors as a share of their visual word and one bit a number of what is left, and back.

v ≈ p·c + s·sign(v - p·c), c the word's centroid and p the part of v along it. The step s is such that a vector's inner
product with its own decoded form is what it is with itself. Where the word has little to do with the vector, p is 0:
then it is the binary codec. p and s take a byte each: 16 steps an octave.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import IndexDamaged
from ..records import F16, F32, U8, U16

STEPS_AN_OCTAVE = 16
LARGEST = 16.0
"""Codes stand for numbers below it, down to 2^-12, and for 0; vectors of unit length need none above 1."""
STEEPEST = 4.0
"""Times the step that is nearest to what is left: a word whose step has to be larger adds more noise than it takes."""

CACHED_VECTORS = 2048
"""Vectors whose numbers stay in a core's cache while they are encoded: 65,536 at a time take 1.7 times as long."""


@dataclass(frozen=True, eq=False)
class Codebook:
    """The visual words of an index: `centroids` (V, D) float16. Two are the same only if they are one object."""

    centroids: F16

    def of(self, words: U16) -> F32:
        """The centroids of words (T,), (T, D). Raises IndexDamaged."""
        self.check(words)
        return np.take(self.exact, words, axis=0)

    def check(self, words: U16) -> None:
        """Raise IndexDamaged where one of words (T,) is none of these: compiled code would read beside its table."""
        highest = int(words.max(initial=0))
        if len(words) and highest >= len(self.centroids):
            raise IndexDamaged(
                f"a patch has the visual word {highest}, and the index has {len(self.centroids)} of them; "
                "'docsearch verify' finds the damaged file"
            )

    @cached_property
    def exact(self) -> F32:
        """The centroids in float32. Kept: to widen them for each page anew would take longer than all the rest of
        decoding it.
        """
        return self.centroids.astype(np.float32)


LEVELS: F32 = np.concatenate([[0], LARGEST * np.exp2(np.arange(-255, 0) / STEPS_AN_OCTAVE)]).astype(np.float32)
"""The numbers that the codes of a byte stand for, rising, (256,)."""
MIDDLES = (LEVELS[1:] + LEVELS[:-1]) / 2


def encode(exact: F32, words: U16, codebook: Codebook) -> tuple[U8, U8]:
    """The signs of (T, D) as bits (T, ceil(D / 8)), and codes of p and s, (T, 2). `words` (T,) are rows of the
    codebook.
    """
    codebook.check(words)
    signs = np.empty((len(exact), -(-exact.shape[1] // 8)), np.uint8)
    codes = np.empty((len(exact), 2), np.uint8)
    for start in range(0, len(exact), CACHED_VECTORS):
        some = slice(start, start + CACHED_VECTORS)
        signs[some], codes[some] = _encoded(exact[some], words[some], codebook)
    return signs, codes


def _encoded(exact: F32, words: U16, codebook: Codebook) -> tuple[U8, U8]:
    """The same for a few vectors."""
    centroids = codebook.of(words)
    along = (exact * centroids).sum(axis=1)
    own = (centroids * centroids).sum(axis=1)
    # Never more than there is, or s would be negative.
    share = _floor(np.divide(along, own, out=np.zeros_like(along), where=own > 0))
    squared = (exact * exact).sum(axis=1)
    left = exact - LEVELS[share][:, None] * centroids
    product = (exact * _signs(left)).sum(axis=1)
    wanted = squared - LEVELS[share] * along
    nearest = np.abs(left).mean(axis=1)
    strays = wanted > STEEPEST * nearest * product
    share[strays] = 0
    left[strays] = exact[strays]
    product[strays] = np.abs(exact[strays]).sum(axis=1)
    wanted[strays] = squared[strays]
    step = _nearest(np.divide(wanted, product, out=np.zeros_like(wanted), where=product > 0))
    return np.packbits(left >= 0, axis=1, bitorder="little"), np.stack([share, step], axis=1)


def decode(signs: F32, codes: U8, words: U16, codebook: Codebook) -> F32:
    """Vectors (T, D) of their `signs` (T, D), -1 or 1, the `codes` (T, 2) of p and s, and their words (T,)."""
    share, step = np.split(LEVELS[codes], 2, axis=1)
    decoded = codebook.of(words)
    decoded *= share
    decoded += step * signs
    return decoded


def _signs(numbers: F32) -> F32:
    return np.where(numbers >= 0, np.float32(1), np.float32(-1))


def _floor(numbers: F32) -> U8:
    """The codes of the largest numbers that are not above, 0 for what is below 0."""
    return np.maximum(np.searchsorted(LEVELS, numbers, side="right") - 1, 0).astype(np.uint8)


def _nearest(numbers: F32) -> U8:
    return np.searchsorted(MIDDLES, numbers, side="right").astype(np.uint8)
