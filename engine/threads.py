"""How many processor cores this process may use, and who uses them: our own threads, or those of BLAS."""

from __future__ import annotations

import os
import threading
from contextlib import AbstractContextManager
from functools import lru_cache
from types import TracebackType


def available() -> int:
    """Count them; at least 1: fewer than the machine has, in a container or under taskset."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class BlasLimit:
    """Holds numpy's BLAS to the thread that calls it while any of our callers is inside.

    Limits that overlap must not each put back what they found: the second to enter finds the first one's.
    """

    def __init__(self) -> None:
        from threadpoolctl import ThreadpoolController  # once numpy is there: it looks for libraries that are loaded

        self._controller = ThreadpoolController()
        self._changed = threading.Lock()  # guards all that follows
        self._inside = 0
        self._limiter: AbstractContextManager[object] | None = None

    def __enter__(self) -> None:
        with self._changed:
            if self._limiter is None:
                self._limiter = self._controller.limit(limits=1, user_api="blas")
                self._limiter.__enter__()
            self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._inside -= 1
            if self._inside == 0 and self._limiter is not None:
                self._limiter.__exit__(None, None, None)
                self._limiter = None


@lru_cache(maxsize=1)
def no_blas_threads() -> BlasLimit:
    """Keep numpy's BLAS to the thread that calls it, inside the block.

    Its threads get in the way of ours; and in a product too small to share they wait for each other longer than the
    work takes, by far where the machine is busy.
    """
    return BlasLimit()
