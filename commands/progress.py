"""A progress bar on stderr where somebody can see it; elsewhere a line of progress now and then, if asked for."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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


@dataclass(slots=True)
class Work:
    """How far some work is, with the fields of a rich `Task` that the texts of bars use."""

    description: str
    total: float
    completed: float

    @property
    def percentage(self) -> float:
        """The share that is completed, 0 to 100."""
        return 100 * self.completed / max(self.total, 1)


class ProgressLines(ProgressBar):
    """Prints how far the work is on stderr, at most once in LINE_EVERY_S seconds: for pipes, logs and cron jobs.

    A line is `text`, a format string of a `task`, followed by the time left if `time_left`.
    """

    def __init__(self, text: str, work: Work, *, time_left: bool) -> None:
        super().__init__()
        self._text = text
        self._work = work
        self._time_left = time_left
        self._completed_before = work.completed
        self._started = self._printed = time.monotonic()

    def update(self, completed: float, total: float, description: str) -> None:
        """Print a line if it is time for one."""
        self._work = Work(description, total, completed)
        self._print_if_due()

    def advance(self) -> None:
        """Count one more as completed, and print a line if it is time for one."""
        self._work.completed += 1
        self._print_if_due()

    def print(self, line: str) -> None:
        """Print a line now."""
        message(line)

    def _print_if_due(self) -> None:
        now = time.monotonic()
        if now - self._printed < LINE_EVERY_S:
            return
        self._printed = now
        line = self._text.format(task=self._work)
        if self._time_left:
            done, left = self._work.completed - self._completed_before, self._work.total - self._work.completed
            line += f" {clock((now - self._started) * left / done) if done else '?'}"
        message(line)


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
        work = Work(description, total or 0, completed)
        yield ProgressLines(text, work, time_left=time_left) if lines and not quiet else ProgressBar()
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
