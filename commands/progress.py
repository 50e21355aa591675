"""A progress bar on stderr, drawn only where somebody can see it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

DESCRIPTION = "{task.description}"


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
            self._bar.console.print(line, highlight=False)


@contextmanager
def progress_bar(
    description: str = "",
    *,
    text: str = DESCRIPTION,
    total: float | None = None,
    completed: int = 0,
    time_left: bool = False,
    quiet: bool = False,
) -> Iterator[ProgressBar]:
    """Yield a bar that disappears at the end. None is drawn if `quiet`, or where stderr is not a terminal.

    `text` stands beside it, a format string of a rich `task`; `time_left` adds an estimate of the remaining time.
    """
    if quiet or not sys.stderr.isatty():
        yield ProgressBar()
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
