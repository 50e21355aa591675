"""Mapped files: what is read of one counts as this process's memory until somebody else needs it, or it is let go."""

from __future__ import annotations

import mmap

import numpy as np
from numpy.typing import NDArray

LEAST_BYTES = 1 << 15
"""What is mapped at least where something is read, on average: systems map what lies around it, too."""


def let_go(array: NDArray[np.generic]) -> None:
    """Give back the memory that a mapped file takes here; the system keeps what it holds as long as it has room."""
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(base, "madvise"):
        base.madvise(mmap.MADV_DONTNEED)
