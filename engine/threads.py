"""The CPU cores this process may use, a thread pool of that size, and BLAS's own threads kept out of its way."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache, partial
from types import TracebackType
from typing import TypeVar

from . import cgroup

T = TypeVar("T")
BLAS_VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""What the BLAS libraries that numpy comes with read when they are loaded."""
_blas_has_one_thread = False


def one_per_process(make: Callable[[], T]) -> Callable[[], T]:
    """Decorator: what `make` returns is kept, and made again in a child that `os.fork` starts.

    A child has none of its parent's threads, so work given to the parent's pool would wait for ever.
    """
    kept = lru_cache(maxsize=1)(make)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=kept.cache_clear)
    return kept


def available() -> int:
    """The number of cores that this process may use, at least 1: in a container or under taskset not all there are."""
    return min(cores(), quota() or cores())


def cores() -> int:
    """The number of cores that this process may run on, at least 1; a quota of their time may allow less."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache(maxsize=1)
def quota() -> int | None:
    """The number of cores whose time the process may use, by its control group; None without a limit."""
    return cgroup.cpu_limit()


@one_per_process
def shared_pool() -> ThreadPoolExecutor:
    """The thread pool of all kernels, one thread per core. Work in it must not wait for other work in it."""
    return ThreadPoolExecutor(available())


def share_out(do: Callable[[T], object], items: Iterable[T]) -> None:
    """Call `do` with each of `items`, on the calling thread and those of the shared pool; returns when all are done.

    A thread takes the next item when it is free, so a core that is busy with something else delays nothing but its own
    item. Raises what `do` raised first.
    """
    items = list(items)
    waiting = iter(items)

    def work() -> None:
        for item in waiting:  # one iterator for all threads: each item goes to one of them
            do(item)

    helpers = [shared_pool().submit(work) for _ in range(min(available(), len(items)) - 1)]
    try:
        work()
    finally:
        for _ in waiting:  # after an error, nobody begins another item
            pass
        started = [helper for helper in helpers if not helper.cancel()]
        errors = [error for helper in started if (error := helper.exception()) is not None]
    if errors:
        raise errors[0]


def keep_to_one_openmp_thread(set_threads: Callable[[int], object]) -> None:
    """Have a library's `set_threads` called with 1 in each child that `os.fork` starts.

    GNU's OpenMP waits for ever there for the threads that its parent had. One thread needs none of them.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=partial(set_threads, 1))


class BlasLimit:
    """A context manager that keeps numpy's BLAS to the calling thread while any thread is inside it.

    Overlapping limits must not each restore the state they found; the second would restore the first one's limit.
    """

    def __init__(self) -> None:
        from threadpoolctl import ThreadpoolController  # after numpy: it looks for libraries that are loaded

        self._controller = ThreadpoolController()
        self._lock = threading.Lock()  # guards the fields below
        self._inside = 0
        self._limiter: AbstractContextManager[object] | None = None

    def __enter__(self) -> None:
        with self._lock:
            if self._limiter is None:
                self._limiter = self._controller.limit(limits=1, user_api="blas")
                self._limiter.__enter__()
            self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and self._limiter is not None:
                self._limiter.__exit__(None, None, None)
                self._limiter = None


@one_per_process
def no_blas_threads() -> AbstractContextManager[None]:
    """Keep numpy's BLAS to the calling thread inside a `with` block.

    Its threads compete with those of `shared_pool`; and in a product too small to share they wait for each other longer
    than the work takes, by far so on a busy machine.
    """
    return nullcontext() if _blas_has_one_thread else BlasLimit()


def import_numpy_without_blas_threads() -> None:
    """Import numpy so that its BLAS has one thread for good: for a short process that only searches.

    The threads are not started, and `no_blas_threads` need not look for the library. No effect where numpy is imported
    already, or where the user chose a number of threads.
    """
    global _blas_has_one_thread
    if "numpy" in sys.modules or any(name in os.environ for name in BLAS_VARIABLES):
        return
    os.environ.update(dict.fromkeys(BLAS_VARIABLES, "1"))
    try:
        import numpy as np  # noqa: F401

        _blas_has_one_thread = True
    finally:
        for name in BLAS_VARIABLES:  # not for child processes, nor for other libraries
            del os.environ[name]
