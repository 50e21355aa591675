"""How many processor cores this process may use, and who uses them: our own threads, or those of BLAS."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


def available() -> int:
    """Count them; at least 1: fewer than the machine has, in a container or under taskset."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def no_blas_threads() -> AbstractContextManager[object]:
    """Keep numpy's BLAS to the thread that calls it, inside the block.

    Its threads get in the way of ours; and in a product too small to share they wait for each other longer than the
    work takes, by far where the machine is busy.
    """
    limited: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limited


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController  # once numpy is there: it looks for libraries that are loaded

    return ThreadpoolController()
