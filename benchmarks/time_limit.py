"""Ends a case after a stated time, whatever it is doing: first between two instructions of Python, then by force."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from .child_process import end_children

GRACE_S = 60.0
"""How long a case may take to end once it is told to: compiled code has to return first."""
ENDED_BY_FORCE = 1


class TimeIsUp(Exception):
    """The case reached its limit; rows that it yielded before stand."""


@contextmanager
def time_limit(seconds: float, last_words: Callable[[], None], *, grace_s: float = GRACE_S) -> Iterator[None]:
    """Raise TimeIsUp in the block after `seconds`. If the block still runs `grace_s` later, call `last_words`, and end
    this process and its child processes.

    TimeIsUp is raised in the main thread of systems with POSIX signals; elsewhere the end by force is all there is.
    """
    force = threading.Timer(seconds + grace_s, _end, (last_words,))
    force.daemon = True
    force.start()
    try:
        if hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread():
            earlier = signal.signal(signal.SIGALRM, _raise)
            signal.setitimer(signal.ITIMER_REAL, seconds)
            try:
                yield
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, earlier)
        else:
            yield
    finally:
        force.cancel()


def _raise(_signal: int, _frame: FrameType | None) -> None:
    raise TimeIsUp


def _end(last_words: Callable[[], None]) -> None:
    last_words()
    sys.stdout.flush()
    sys.stderr.flush()
    end_children()
    os._exit(ENDED_BY_FORCE)
