"""Runs the `docsearch` command line as a process: `docsearch` and `python -m docsearch`. Sees to Ctrl-C anywhere.

Python raises KeyboardInterrupt between any two instructions of the main thread: while modules are imported, where some
turn it into an ImportError, and in callbacks, where it is printed and lost. Here each of them ends the command.
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Callable

from .commands.interrupts import INTERRUPTED, interruptible

AGAIN_AFTER_S = 0.01


def main() -> None:
    """Run the command line; end with one line and exit code 130 after Ctrl-C."""
    sys.unraisablehook = _raise_again
    on_next: signal.Handlers | Callable[..., None] = signal.SIG_DFL
    try:
        with interruptible(lambda: "nothing was changed"):
            from .cli import main as run

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


def _ignore_once(*_: object) -> None:
    """Ignore Ctrl-C, as the command is done; the next one ends the process."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _raise_again(unraisable: sys.UnraisableHookArgs) -> None:
    """Interrupt the main thread again if a callback or finaliser swallowed its KeyboardInterrupt."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        again = threading.Timer(AGAIN_AFTER_S, _interrupt)
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(unraisable)


def _interrupt() -> None:
    """Raise KeyboardInterrupt in the main thread, also where it waits for the operating system."""
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


if __name__ == "__main__":
    main()
