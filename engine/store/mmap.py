"""madvise on read-only maps: MADV_DONTNEED to keep resident memory low, MADV_WILLNEED to read ahead."""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

FAULT_AROUND_BYTES = 1 << 15
"""Bytes that a random access makes resident, at a low estimate: kernels map the pages around it, too."""


def release(array: NDArray[np.generic]) -> None:
    """Drop the pages of a mapped array from this process's resident memory; the page cache may keep them.

    The array stays valid: reading it maps the pages again. No effect on arrays that are not views of a map.
    """
    base = _map_of(array)
    if sys.platform != "win32" and base is not None:
        address = np.frombuffer(base, np.uint8).ctypes.data
        _madvise()(address, len(base), mmap.MADV_DONTNEED)


def will_need(array: NDArray[np.generic]) -> None:
    """Have the system read a part of a mapped file, a contiguous array that is a view of it, from now on.

    Does not wait for it, and has no effect where the system cannot.
    """
    if sys.platform != "win32" and array.size:
        address = array.ctypes.data
        before = address % mmap.PAGESIZE
        _madvise()(address - before, array.nbytes + before, mmap.MADV_WILLNEED)


def blocks_read() -> int:
    """How many blocks of 512 bytes this process has had the system read from disks so far; 0 where that is unknown."""
    blocks = 0
    if sys.platform != "win32":
        import resource

        blocks = resource.getrusage(resource.RUSAGE_SELF).ru_inblock
    return blocks


@lru_cache(maxsize=1)
def _madvise() -> Callable[[int, int, int], int]:
    """The system's madvise, which other threads need not wait for: mmap's own keeps the interpreter's lock."""
    function = ctypes.CDLL(None).madvise
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return cast("Callable[[int, int, int], int]", function)


def _map_of(array: NDArray[np.generic]) -> mmap.mmap | None:
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None
