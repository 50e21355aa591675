"""Rounding that makes sums of products exact in float64, so that numpy's matrix products do not depend on their order.

A BLAS library sums a row of a product in an order that depends on the row's position, the number of rows, the number of
threads and the processor. Here both factors are rounded to whole multiples of a power of two: a query vector to
QUERY_BITS bits below the power of two above its own norm, a patch vector to multiples of 2^-PATCH_BITS. As long as a
patch vector's norm is below 2, float64 represents every product and every partial sum exactly, in any order.
"""

from __future__ import annotations

import numpy as np

from ..records import F32, F64

QUERY_BITS, PATCH_BITS = 28, 24
"""Together 52, which leaves one of float64's 53 bits for sums up to 2. float16 below 2 is a multiple of 2^-24."""


def round_query(vectors: F32) -> F64:
    """Query vectors (…, D), each number off by at most 2^-29 of the power of two above the vector's norm."""
    exact = vectors.astype(np.float64)
    _, exponents = np.frexp(np.linalg.norm(exact, axis=-1, keepdims=True))
    rounded: F64 = np.ldexp(np.rint(np.ldexp(exact, QUERY_BITS - exponents)), exponents - QUERY_BITS)
    return rounded


def round_patches(vectors: F32) -> F64:
    """Patch vectors (…, D), each number off by at most 2^-25; float16 below 2 and whole numbers do not change."""
    scaled = vectors.astype(np.float64)
    scaled *= 2.0**PATCH_BITS
    np.rint(scaled, out=scaled)
    scaled *= 2.0**-PATCH_BITS
    return scaled
