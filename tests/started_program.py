"""The first line of a program that a test has started, awaited for a limited time."""

from __future__ import annotations

import subprocess
import threading
from typing import IO

START_S = 300
"""Only ends a test whose program says nothing: a busy machine may take a minute to start one."""


def first_line(process: subprocess.Popen[str], stream: IO[str] | None) -> str:
    """The next line of a program's output. A program that says nothing for START_S is killed, and fails the test."""
    assert stream is not None
    ending = threading.Timer(START_S, process.kill)
    ending.start()
    try:
        line = stream.readline()
    finally:
        ending.cancel()
        ending.join()
    assert line, f"the program ended with exit code {process.wait()} before it said anything"
    return line
