"""Runs the `docsearch` command line as a process: `docsearch` and `python -m docsearch`. Sees to Ctrl-C anywhere.

Python raises KeyboardInterrupt between any two instructions of the main thread: while modules are imported, where some
turn it into an ImportError, and in callbacks, where it is printed and lost. Here each of them ends the command.
"""

from __future__ import annotations

import sys
from collections.abc import Callable


def main() -> None:
    """Run the command line; end with one line and exit code 130 after Ctrl-C."""
    try:
        from .commands.interrupts import run_process  # here, so that Ctrl-C while it is imported is handled, too
    except KeyboardInterrupt:
        exec("")  # noqa: S102 - as in run_process
        print("docsearch: interrupted; nothing was changed", file=sys.stderr, flush=True)
        sys.exit(130)
    run_process(_load)


def _load() -> Callable[[], None]:
    """What runs the command line, without the modules of all commands where a question is asked in the plain way."""
    import os

    from .commands import plain_query

    plain = plain_query.read(sys.argv[1:], os.environ)
    if plain is None:
        from .cli import main as run

        return run
    import gc

    gc.disable()  # the process ends before there is garbage worth looking for
    from .commands import errors, run_query

    def answer() -> None:
        with errors.reported():
            as_json = os.environ.get("DOCSEARCH_LOG_FORMAT") == "json"
            errors.log_to_stderr(verbose=False, as_json=as_json)
            run_query.run(plain)
            sys.stdout.flush()
        sys.exit(0)

    return answer


if __name__ == "__main__":
    main()
