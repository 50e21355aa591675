"""What the command line does around every command: a log on stderr, and errors as one line and an exit code."""

from __future__ import annotations

import errno
import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from ..engine.errors import DocsearchError, IndexDamaged
from .interrupts import came_from_interrupt, interruptible
from .output import DAMAGED, WRONG_USE, JsonFormatter, PrintableFormatter, message

ACCESS_LOG = "docsearch.access"
"""The log of requests that a server answered."""
KEPT = "the index holds everything that was committed"


def log_to_stderr(*, verbose: bool, as_json: bool = False) -> None:
    """Write errors of the log to stderr, or everything if `verbose`; as JSON, a server's requests, too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else PrintableFormatter("%(name)s: %(message)s"))
    logging.basicConfig(level=logging.DEBUG if verbose else logging.ERROR, handlers=[handler])
    if as_json:
        logging.getLogger(ACCESS_LOG).setLevel(logging.INFO)


@contextmanager
def reported() -> Iterator[None]:
    """Show errors that a user can act on as one line without a traceback, and end with their exit code. Ctrl-C ends
    with one line; a reader of stdout that went away, as `head` does, ends without a word.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    with interruptible(lambda: KEPT):
        try:
            yield
        except IndexDamaged as err:
            _end(err, DAMAGED)
        except DocsearchError as err:
            _end(err, WRONG_USE)
        except OSError as err:
            if err.errno == errno.EPIPE and not came_from_interrupt(err):
                _end_of_pipe()
            _end(err, WRONG_USE)


def _end(err: DocsearchError | OSError, code: int) -> NoReturn:
    if came_from_interrupt(err):
        raise err
    message(f"docsearch: {_one_line(err)}")
    sys.exit(code)


def _end_of_pipe() -> NoReturn:
    """End with exit code 1, as typer does, without Python's complaint that it cannot flush stdout."""
    with open(os.devnull, "wb") as nothing:  # noqa: PTH123 - a device, on every system
        os.dup2(nothing.fileno(), sys.stdout.fileno())
    sys.exit(1)


def _one_line(err: DocsearchError | OSError) -> str:
    return " ".join(str(err).split())
