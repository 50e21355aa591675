"""What `docsearch index` prints after a run or a dry run, and which failures a job accepts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.errors import UsageError
from ..engine.printable import printable
from .output import describe, message, plural

if TYPE_CHECKING:
    from ..engine.store import Failure
    from ..indexer.plan import Plan
    from ..indexer.report import IndexReport

ACCEPT_KNOWN = "ok"
UNREAD_NAMES = {
    "attachment": "attached files",
    "comment": "comments",
    "dynamic form": "dynamic forms (XFA)",
    "small print": "print that is too small",
    "frames": "further frames of animations",
    "crowded": "pages with too many words",
    "partial": "documents read in part",
}
FAILURES_SHOWN = 10
"""Failures that are listed after a run; 'docsearch failed' lists all."""


def accepted_failures(known_failures: str | None) -> frozenset[Failure]:
    """The failures to accept, from a file of lines as 'docsearch failed --json' prints them; none for None and "ok"."""
    from ..engine.store import Failure

    if known_failures in (None, ACCEPT_KNOWN):
        return frozenset()
    accepted: set[Failure] = set()
    try:
        lines = Path(known_failures or "").read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as err:
        raise UsageError(f"--known-failures {known_failures}: {err}; pass ok, or a file of failures to accept") from err
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            accepted.add(Failure(row["path"], row.get("page"), row["reason"]))
        except (ValueError, TypeError, KeyError, AttributeError) as err:
            raise UsageError(
                f"{known_failures}:{number}: not a failure with path, page and reason, as 'docsearch failed --json' "
                "prints it"
            ) from err
    return frozenset(accepted)


def unexpected_failures(
    report: IndexReport, known_failures: str | None, accepted: frozenset[Failure]
) -> tuple[Failure, ...]:
    """The failures that make a run exit with 1."""
    if known_failures == ACCEPT_KNOWN:
        return report.new_failures
    return tuple(failure for failure in report.failed if failure not in accepted)


def summary(report: IndexReport, unexpected: Sequence[Failure]) -> str:
    """One line about a run, and others about files of other kinds, folders left out and content not read, if any."""
    from ..indexer import other_kinds

    first = f"{plural(report.documents, 'document')} indexed, {plural(report.pages, 'page')} in {report.seconds:.1f} s"
    if report.pages and report.seconds > 0:
        first += f" ({report.pages / report.seconds:.1f} pages/s)"
    if report.ocr_pages:
        first += f", {plural(report.ocr_pages, 'page')} read by OCR"
    counts = (
        (report.skipped, "unchanged"),
        (report.moved, "moved"),
        (report.removed, "removed"),
        (report.vanished, "no longer on disk (--prune removes them)"),
        (report.excluded, "left out by --exclude"),
        (report.unselected, "left out by --where"),
        (report.ignored, "left out by .docsearchignore"),
        (len(unexpected), "failed"),
        (len(report.failed) - len(unexpected), "failed as before"),
    )
    return _lines(
        first,
        counts,
        other_kinds.summary(report.other_kinds),
        other_kinds.folder_summary(report.folders),
        unread_summary(report.unread),
        unreachable_summary(report.unreachable),
        metadata_summary(report),
    )


def metadata_summary(report: IndexReport) -> str:
    """One line about the columns that users give, and how many documents have other values than before."""
    if report.metadata is None or not (report.metadata.columns or report.metadata.changed):
        return ""
    columns = ", ".join(f"{printable(name)} ({kind})" for name, kind in report.metadata.columns.items())
    return f"columns from users: {columns or 'none'}; {plural(report.metadata.changed, 'document')} changed"


def list_metadata_problems(problems: Sequence[str]) -> None:
    """Print on stderr what of users' columns was not taken over."""
    for problem in problems[:FAILURES_SHOWN]:
        message(f"metadata: {printable(problem)}")
    if len(problems) > FAILURES_SHOWN:
        message(f"... and {len(problems) - FAILURES_SHOWN:,} more")


def unread_summary(places: Mapping[str, int]) -> str:
    """One line about content that was not read, by kind: how many pages, and documents as a whole, have some; "" if
    none has.
    """
    if not places:
        return ""
    each = ", ".join(f"{UNREAD_NAMES.get(kind, kind)} in {plural(count, 'place')}" for kind, count in places.items())
    return f"not read: {each}; 'docsearch failed' lists them"


def unreachable_summary(places: Sequence[str]) -> str:
    """One line about folders whose documents were kept because they cannot be reached; "" without any."""
    if not places:
        return ""
    named = ", ".join(map(printable, places))
    return (
        f"cannot be reached, or empty now: {named}; documents in there are kept; 'docsearch update --forget FOLDER "
        "--prune' removes them"
    )


def plan_lines(plan: Plan, *, prune: bool) -> str:
    """A line for each document that would be read or is gone, and a summary as after a run."""
    from ..indexer import other_kinds

    gone = "remove" if prune else "vanished"
    each = [
        *(f"{read.why}: {printable(read.path)}" for read in plan.to_read),
        *(f"{gone}: {printable(path)}" for path in plan.vanished),
    ]
    counts = (
        (plan.unchanged, "unchanged"),
        (len(plan.vanished), "would be removed" if prune else "no longer on disk (--prune removes them)"),
        (plan.excluded, "left out by --exclude"),
        (plan.unselected, "left out by --where"),
        (plan.ignored, "left out by .docsearchignore"),
        (len(plan.failed), "would fail"),
    )
    first = f"{plural(len(plan.to_read), 'document')} would be read"
    skipped = other_kinds.summary(plan.other_kinds), other_kinds.folder_summary(plan.folders)
    return "\n".join([*each, _lines(first, counts, *skipped)])


def list_failures(failures: Sequence[Failure]) -> None:
    """Print the first failures on stderr."""
    for failure in failures[:FAILURES_SHOWN]:
        message(f"failed: {describe(failure)}")
    if len(failures) > FAILURES_SHOWN:
        message(f"... and {len(failures) - FAILURES_SHOWN:,} more; 'docsearch failed' lists them all")


def _lines(first: str, counts: Sequence[tuple[int, str]], *others: str) -> str:
    parts = [first, *(f"{count:,} {what}" for count, what in counts if count)]
    return "\n".join(["; ".join(parts), *filter(None, others)])
