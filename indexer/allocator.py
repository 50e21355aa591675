"""Returns freed heap memory to the operating system (glibc's malloc_trim)."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress


def trim_heap() -> None:
    """Make glibc return free pages in the middle of its heaps; does nothing with other C libraries.

    Images of many sizes, read by several threads, fragment the heap: without this a long run grows by hundreds of MB.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library, without malloc_trim
            ctypes.CDLL(None).malloc_trim(0)
