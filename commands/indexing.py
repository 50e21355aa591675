"""Runs the indexer for a command: a progress bar or lines, and a summary or JSON report at the end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..engine import threads
from .index_report import list_failures, list_metadata_problems, summary, unexpected_failures
from .output import INTERRUPTED, SOME_FAILED, message, plural, print_json
from .progress import clock, progress_bar

if TYPE_CHECKING:
    from ..engine.searcher import Searcher
    from ..engine.store import Failure
    from ..indexer.report import IndexReport, Progress

WORKERS_MAX = 8
"""The most render processes that are started by default."""
PACE_S, PACE_EVERY_S = 120.0, 5.0
"""Seconds of a run that tell how fast it is, and seconds between two points of these."""


def run_and_report(
    run: Callable[[Callable[[Progress], None]], IndexReport],
    index: Path,
    *,
    known_failures: str | None,
    accepted: frozenset[Failure],
    as_json: bool,
    quiet: bool,
    line: Callable[[Progress], str] | None = None,
) -> None:
    """Call `run`, which takes where to report progress; prepare the index for searching; print what was done.

    `line` says how far the run is, a ProgressLine by default.

    Exits with SOME_FAILED where something failed that is not accepted, see `unexpected_failures`.
    """
    from ..engine.searcher import open_searcher

    with progress_bar(
        "scanning documents", text="{task.percentage:>3.0f}%  {task.description}", quiet=quiet, lines=True
    ) as bar:
        try:
            describe = line or ProgressLine()
            report = run(lambda progress: bar.update(progress.bytes, progress.bytes_total, describe(progress)))
        except KeyboardInterrupt:
            message("docsearch: interrupted; finished pages are saved, and the same command continues from there")
            raise typer.Exit(INTERRUPTED) from None
    with open_searcher(index) as searcher:
        _prepare(searcher, quiet=quiet)
    unexpected = unexpected_failures(report, known_failures, accepted)
    if as_json:
        print_json(asdict(report))
    elif not quiet:
        print(summary(report, unexpected))
        list_metadata_problems(() if report.metadata is None else report.metadata.problems)
    if unexpected:
        if not as_json:
            list_failures(unexpected)
        raise typer.Exit(SOME_FAILED)


def _prepare(searcher: Searcher, *, quiet: bool) -> None:
    """Make what the first question would wait for. Embedding passages takes long, so it has a bar of its own."""
    if searcher.snapshot.cross_language is None:
        searcher.prepare()
        return
    text = "{task.percentage:>3.0f}%  {task.description}"
    with progress_bar("embedding passages", text=text, time_left=True, quiet=quiet, lines=True) as bar:
        try:
            searcher.prepare(lambda done, total: bar.update(done, total, f"passages of {done:,} of {total:,} pages"))
        except KeyboardInterrupt:
            message("docsearch: interrupted; every page is indexed, and the same command embeds the other passages")
            raise typer.Exit(INTERRUPTED) from None


def default_workers(index: Path, ocr: str | None = None) -> int:
    """How many render processes to start: half the processor cores, at most WORKERS_MAX; with OCR, which takes more
    time than all the rest, one for each core.

    `ocr` is what the user asked for, see `index_documents`; None is as the index remembers.
    """
    from ..indexer import ocr_setting

    return threads.available() if ocr_setting.is_on(index, ocr) else min(max(threads.available() // 2, 1), WORKERS_MAX)


class ProgressLine:
    """Says in a line how far a run is, with the time that is left at the pace of the last minutes: scans that are read
    by OCR take many times as long as other pages.

    What comes before the first pages, such as loading the model, does not come again. Without two reports of pages, the
    time is "?".
    """

    def __init__(self) -> None:
        self._reports: deque[Progress] = deque()  # of pages, PACE_EVERY_S apart

    def __call__(self, progress: Progress) -> str:
        """The line; called with every report of a run, in their order."""
        rate = progress.pages / progress.seconds if progress.seconds > 0 else 0.0
        by_ocr = f" · {progress.ocr_pages:,} by OCR" if progress.ocr_pages else ""
        failed = f" · {progress.failed:,} failed" if progress.failed else ""
        return (
            f"{progress.documents:,}/{progress.documents_total:,} documents · {plural(progress.pages, 'page')} · "
            f"{rate:.1f} pages/s · ETA {self._time_left(progress)}{by_ocr}{failed}"
        )

    def _time_left(self, progress: Progress) -> str:
        seconds, rendered = progress.seconds, _rendered(progress)
        reports = self._reports
        if progress.pages and (not reports or seconds - reports[-1].seconds >= PACE_EVERY_S):
            reports.append(progress)
        while len(reports) > 1 and seconds - reports[1].seconds >= PACE_S and rendered > _rendered(reports[1]):
            reports.popleft()
        if reports:
            seconds -= reports[0].seconds
            rendered -= _rendered(reports[0])
        elif progress.pages_total:
            return "?"
        return clock(seconds * (progress.bytes_total - progress.bytes) / rendered) if rendered > 0 else "?"


def _rendered(progress: Progress) -> int:
    """The bytes of documents and pages that were rendered."""
    return progress.bytes - progress.bytes_skipped
