"""Ctrl-C: tells it from other errors, and turns it into one line and an exit code, wherever it comes.

Python raises KeyboardInterrupt between any two instructions of the main thread: while modules are imported, where some
turn it into an ImportError, in constructors, whose objects then cannot be finalised, and in callbacks, where it is
printed and lost. Here each of them ends the command.
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
"""128 + SIGINT, as in shells."""
AGAIN_AFTER_S = 0.01


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


def run_process(load: Callable[[], Callable[[], None]]) -> None:
    """Run what `load` imports and returns, as the whole work of this process; end with exit code 130 after Ctrl-C."""
    hook = UnraisableHook()
    sys.unraisablehook = hook
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a shell's background jobs ignore it
        signal.signal(signal.SIGINT, hook.interrupt)
    on_next: signal.Handlers | Callable[..., None] = signal.SIG_DFL
    try:
        with interruptible(lambda: "nothing was changed"):
            run = load()
            try:
                run()
            except SystemExit as end:
                if end.code != INTERRUPTED:
                    on_next = _ignore_once
                raise
    finally:
        # What is left is to end: another Ctrl-C ends the process at once, without a traceback.
        signal.signal(signal.SIGINT, on_next)
        # CPython remembers a KeyboardInterrupt that left the exec() of a string, as of a dataclass that was being
        # imported, and would end by the signal instead of exit code 130; running another string makes it forget.
        exec("")  # noqa: S102


class UnraisableHook:
    """For `sys.unraisablehook`: interrupts the main thread again where its KeyboardInterrupt was swallowed, and is
    silent about objects that an interrupt left half made.
    """

    def __init__(self) -> None:
        self._interrupted = False

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """The handler of SIGINT."""
        self._interrupted = True
        signal.default_int_handler(number, frame)

    def __call__(self, unraisable: sys.UnraisableHookArgs) -> None:
        """Handle an error that cannot be raised where it occurred."""
        if isinstance(unraisable.exc_value, KeyboardInterrupt):
            again = threading.Timer(AGAIN_AFTER_S, _interrupt)
            again.daemon = True
            again.start()
        elif not self._interrupted:
            sys.__unraisablehook__(unraisable)


def _ignore_once(*_: object) -> None:
    """Ignore Ctrl-C, as the command is done; the next one ends the process."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _interrupt() -> None:
    """Raise KeyboardInterrupt in the main thread, also where it waits for the operating system."""
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
