"""Ctrl-C: tells it from other errors, and turns it into one line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""128 + SIGINT, as in shells."""


def came_from_interrupt(err: BaseException) -> bool:
    """Whether an error is a KeyboardInterrupt, or came from one: extension modules that are being imported turn it into
    an ImportError. An exit on purpose is not.
    """
    chain: BaseException | None = None if isinstance(err, SystemExit) else err
    while chain is not None:
        if isinstance(chain, KeyboardInterrupt):
            return True
        chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)
    return False


@contextmanager
def interruptible(kept: Callable[[], str]) -> Iterator[None]:
    """Turn Ctrl-C into one line, which ends with what `kept` says is kept, and exit code 130."""
    try:
        yield
    except BaseException as err:
        if not came_from_interrupt(err):
            raise
        print(f"docsearch: interrupted; {kept()}", file=sys.stderr, flush=True)
        raise SystemExit(INTERRUPTED) from None
