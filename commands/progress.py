"""A progress bar on stderr where somebody can see it; elsewhere a line of progress now and then, if asked for."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .output import message

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

DESCRIPTION = "{task.description}"
LINE_EVERY_S = 30.0


class ProgressBar:
    """Drives a bar of `rich`; does nothing where none is drawn."""

    def __init__(self, bar: Progress | None = None, task: TaskID | None = None) -> None:
        self._bar = bar
        self._task = task

    def update(self, completed: float, total: float, description: str) -> None:
        """Set how far the bar is, out of `total`, and the text beside it."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=completed, total=total, description=description)

    def advance(self) -> None:
        """Move the bar on by one."""
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task)

    def print(self, line: str) -> None:
        """Print a line above the bar; it stays when the bar is gone."""
        if self._bar is not None:
            self._bar.console.print(line, highlight=False, markup=False)


class ProgressLines(ProgressBar):
    """Prints how far the work is on stderr, at most once in LINE_EVERY_S seconds: for pipes, logs and cron jobs."""

    def __init__(self) -> None:
        super().__init__()
        self._printed = time.monotonic()

    def update(self, completed: float, total: float, description: str) -> None:
        """Print a line if it is time for one."""
        if time.monotonic() - self._printed >= LINE_EVERY_S:
            self._printed = time.monotonic()
            message(f"{completed / max(total, 1):>4.0%}  {description}")


@contextmanager
def progress_bar(
    description: str = "",
    *,
    text: str = DESCRIPTION,
    total: float | None = None,
    completed: int = 0,
    time_left: bool = False,
    quiet: bool = False,
    lines: bool = False,
) -> Iterator[ProgressBar]:
    """Yield a bar that disappears at the end. None is drawn if `quiet`, or where stderr is not a terminal; there, with
    `lines`, a line is printed now and then.

    `text` stands beside it, a format string of a rich `task`; `time_left` adds an estimate of the remaining time.
    """
    if quiet or not sys.stderr.isatty():
        yield ProgressLines() if lines and not quiet else ProgressBar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = [BarColumn(), TextColumn(text), *([TimeRemainingColumn()] if time_left else [])]
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield ProgressBar(bar, bar.add_task(description, total=total, completed=completed))


def clock(seconds: float) -> str:
    """A duration as "m:ss" or "h:mm:ss".

    >>> clock(75), clock(3675)
    ('1:15', '1:01:15')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
