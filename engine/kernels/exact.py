"""Numbers for products of matrices in numpy whose sums are exact: neither order nor neighbours change a bit of them.

Libraries add up a row of a product in an order that depends on its place among the others, on how many there are, on
threads and on the processor. So both sides are rounded to whole multiples of a power of two, a query's vectors to
QUERY_BITS behind the point of their own length and patches to PATCH_BITS: as long as a patch is shorter than 2, float64
holds each product, and each sum of them, whatever the order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..records import F32

F64 = NDArray[np.float64]

QUERY_BITS, PATCH_BITS = 28, 24
"""Together 52, and a bit for sums below 2. Every float16 below 2 is a multiple of 2^-24."""


def query_numbers(vectors: F32) -> F64:
    """Vectors (…, D) off by at most 2^-29 of the power of two above their own length."""
    exact = vectors.astype(np.float64)
    _, exponents = np.frexp(np.linalg.norm(exact, axis=-1, keepdims=True))
    rounded: F64 = np.ldexp(np.rint(np.ldexp(exact, QUERY_BITS - exponents)), exponents - QUERY_BITS)
    return rounded


def patch_numbers(vectors: F32) -> F64:
    """Vectors (…, D), off by at most 2^-25; what was float16 below 2, and whole numbers, are as they were."""
    scaled = vectors.astype(np.float64)
    scaled *= 2.0**PATCH_BITS
    np.rint(scaled, out=scaled)
    scaled *= 2.0**-PATCH_BITS
    return scaled
