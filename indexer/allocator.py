"""Memory that was freed goes back to the system."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress


def give_back() -> None:
    """Let glibc return what is free in the middle of its heaps; elsewhere nothing happens.

    Pages of many sizes, read by several threads, leave holes that glibc keeps: a long run grows by hundreds of MB.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library: it has no such call
            ctypes.CDLL(None).malloc_trim(0)
