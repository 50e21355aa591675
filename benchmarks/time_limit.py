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
from .setting import Refused

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
    Compiled code may turn it into an error of its own (SystemError), so the block ends with TimeIsUp whatever it raises
    after its time, except for Refused.
    """
    is_up = False

    def end(_signal: int, _frame: FrameType | None) -> None:
        nonlocal is_up
        is_up = True
        raise TimeIsUp

    force = threading.Timer(seconds + grace_s, _end, (last_words,))
    force.daemon = True
    force.start()
    try:
        if hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread():
            earlier = signal.signal(signal.SIGALRM, end)
            signal.setitimer(signal.ITIMER_REAL, seconds)
            try:
                yield
            except Exception as err:
                if is_up and not isinstance(err, Refused | TimeIsUp):
                    raise TimeIsUp from err
                raise
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, earlier)
        else:
            yield
    finally:
        force.cancel()


def _end(last_words: Callable[[], None]) -> None:
    last_words()
    sys.stdout.flush()
    sys.stderr.flush()
    end_children()
    os._exit(ENDED_BY_FORCE)
