"""madvise(MADV_DONTNEED) on read-only maps, to keep resident memory low."""

from __future__ import annotations

import mmap
import sys

import numpy as np
from numpy.typing import NDArray

FAULT_AROUND_BYTES = 1 << 15
"""Bytes that a random access makes resident, at a low estimate: kernels map the pages around it, too."""


def release(array: NDArray[np.generic]) -> None:
    """Drop the pages of a mapped array from this process's resident memory; the page cache may keep them.

    The array stays valid: reading it maps the pages again. No effect on arrays that are not views of a map.
    """
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    if sys.platform != "win32" and isinstance(base, mmap.mmap):
        base.madvise(mmap.MADV_DONTNEED)
