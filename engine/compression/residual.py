"""Residual codec: a patch vector as a multiple of its centroid plus one sign bit per dimension for the residual.

v ≈ p·c + s·sign(v - p·c), with the centroid c of v's visual word. The coefficient p is that of v's projection on c; the
step s is chosen so that ⟨v, decode(encode(v))⟩ = ⟨v, v⟩. Where the centroid has little to do with the vector, p is 0:
then this is the codec binary. p and s take a byte each, on a logarithmic scale. Residuals of a coarse quantiser as in
Jégou, Douze and Schmid, "Product quantization for nearest neighbor search", 2011, and in ColBERTv2 (Santhanam et al.,
2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import IndexDamaged
from ..records import F16, F32, U8, U16

STEPS_PER_OCTAVE = 16
"""Codes for each doubling of a coefficient or step."""
LEVEL_LIMIT = 16.0
"""Codes stand for 0 and for numbers from 2^-12 to just below this; unit vectors need none above 1."""
MAX_STEP_RATIO = 4.0
"""Largest step, as a multiple of the step with the least squared error: beyond it the centroid adds more noise than it
removes, and p becomes 0.
"""
CACHED_VECTORS = 2048
"""Vectors encoded at a time, which fit a core's cache: 65,536 at a time take 1.7 times as long."""


@dataclass(frozen=True, eq=False)
class Codebook:
    """The `centroids` (V, D) float16 of an index's visual words. Instances compare by identity, not content."""

    centroids: F16

    def centroids_of(self, words: U16) -> F32:
        """The centroids (T, D) float32 of visual words (T,). Raises IndexDamaged for an unknown one."""
        self.check(words)
        return np.take(self.centroids_f32, words, axis=0)

    def check(self, words: U16) -> None:
        """Raise IndexDamaged if one of the visual words (T,) is unknown: compiled code would read beyond its table."""
        highest = int(words.max(initial=0))
        if len(words) and highest >= len(self.centroids):
            raise IndexDamaged(
                f"a patch has the visual word {highest}, but the index has only {len(self.centroids)}, counted from 0; "
                "'docsearch verify' finds the damaged file"
            )

    @cached_property
    def centroids_f32(self) -> F32:
        """The centroids in float32; cached, since converting them for each page would take longer than decoding."""
        return self.centroids.astype(np.float32)


LEVELS: F32 = np.concatenate([[0], LEVEL_LIMIT * np.exp2(np.arange(-255, 0) / STEPS_PER_OCTAVE)]).astype(np.float32)
"""The numbers that the codes 0 to 255 stand for, (256,), rising."""
MIDPOINTS = (LEVELS[1:] + LEVELS[:-1]) / 2
"""Where the nearest level changes, (255,)."""


def encode(vectors: F32, words: U16, codebook: Codebook) -> tuple[U8, U8]:
    """Encode vectors (T, D) with visual words (T,): packed signs (T, ceil(D / 8)), and codes of p and s (T, 2).

    Raises IndexDamaged for an unknown visual word.
    """
    codebook.check(words)
    signs = np.empty((len(vectors), -(-vectors.shape[1] // 8)), np.uint8)
    codes = np.empty((len(vectors), 2), np.uint8)
    for start in range(0, len(vectors), CACHED_VECTORS):
        block = slice(start, start + CACHED_VECTORS)
        signs[block], codes[block] = _encode_block(vectors[block], words[block], codebook)
    return signs, codes


def _encode_block(vectors: F32, words: U16, codebook: Codebook) -> tuple[U8, U8]:
    """`encode` for a few vectors."""
    centroids = codebook.centroids_of(words)
    products = (vectors * centroids).sum(axis=1)
    centroid_norms = (centroids * centroids).sum(axis=1)
    # Rounded down: a coefficient above the projection would make s negative.
    coefficients = _code_below(
        np.divide(products, centroid_norms, out=np.zeros_like(products), where=centroid_norms > 0)
    )
    norms = (vectors * vectors).sum(axis=1)
    residuals = vectors - LEVELS[coefficients][:, None] * centroids
    sign_products = (vectors * _signs(residuals)).sum(axis=1)
    # s · ⟨v, sign⟩ has to supply what p · ⟨v, c⟩ leaves of ⟨v, v⟩.
    missing = norms - LEVELS[coefficients] * products
    least_squares_steps = np.abs(residuals).mean(axis=1)
    too_steep = missing > MAX_STEP_RATIO * least_squares_steps * sign_products
    coefficients[too_steep] = 0
    residuals[too_steep] = vectors[too_steep]
    sign_products[too_steep] = np.abs(vectors[too_steep]).sum(axis=1)
    missing[too_steep] = norms[too_steep]
    steps = _nearest_code(np.divide(missing, sign_products, out=np.zeros_like(missing), where=sign_products > 0))
    return np.packbits(residuals >= 0, axis=1, bitorder="little"), np.stack([coefficients, steps], axis=1)


def decode(signs: F32, codes: U8, words: U16, codebook: Codebook) -> F32:
    """Decode to (T, D) float32, from signs (T, D), -1 or 1, the codes of p and s (T, 2), and the visual words (T,)."""
    coefficients, steps = np.split(LEVELS[codes], 2, axis=1)
    decoded = codebook.centroids_of(words)
    decoded *= coefficients
    decoded += steps * signs
    return decoded


def _signs(numbers: F32) -> F32:
    return np.where(numbers >= 0, np.float32(1), np.float32(-1))


def _code_below(numbers: F32) -> U8:
    """The codes of the largest levels that are not above the numbers; 0 for negative ones."""
    return np.maximum(np.searchsorted(LEVELS, numbers, side="right") - 1, 0).astype(np.uint8)


def _nearest_code(numbers: F32) -> U8:
    """The codes of the nearest levels."""
    return np.searchsorted(MIDPOINTS, numbers, side="right").astype(np.uint8)
