"""What `docsearch eval` prints and writes: tables, JSON, TREC runs and qrels, files of questions."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..engine.errors import UsageError
from ..engine.printable import json_line, printable
from ..engine.store.durable import atomic_file
from ..evaluation.comparison import Comparison
from ..evaluation.metrics import METRICS
from ..evaluation.questions import Questions
from ..evaluation.readers import trec
from ..evaluation.run import Measured
from ..evaluation.significance import Interval
from .output import plural, print_json

RUN_TAG = "docsearch"
CHANGES_SHOWN = 5
GROUP_METRICS = ("ndcg@10", "recall@10", "success@1")
MS_DIGITS = 1
WITHOUT = "(none)"
"""The group of questions that have no value in the column."""


def print_results(measured: Sequence[Measured], asked: Questions, group_by: str | None, *, as_json: bool) -> None:
    """Print what was measured: JSON, a table in a terminal, or tab-separated columns elsewhere."""
    comparisons = [Comparison(measured[0], other) for other in measured[1:]]
    if as_json:
        for each in measured:
            print_json(as_dict(each, asked, group_by))
        for compared in comparisons:
            print_json(comparison_as_dict(compared, asked.main))
    elif sys.stdout.isatty():
        _print_tables(measured, comparisons, asked, group_by)
    else:
        _print_columns(measured, comparisons, group_by)


def as_dict(measured: Measured, asked: Questions, group_by: str | None) -> dict[str, Any]:
    """What was measured of a system, as a JSON object."""
    median, high = measured.milliseconds()
    found: dict[str, Any] = {
        "system": measured.system.name,
        "index": str(measured.system.index),
        "model": measured.model,
        "mode": measured.mode,
        "search": measured.search,
        "pages": measured.pages,
        "source": asked.source,
        "questions": len(measured.outcomes),
        "questions_without_answer": asked.unjudged,
        "synthetic": asked.synthetic,
        "answers": measured.judged(),
        "answers_not_in_index": [{"path": each.path, "page": each.page} for each in measured.missing()],
        "metrics": {name: measured.interval(name).as_dict() for name in METRICS},
        "ms": {"median": round(median, MS_DIGITS), "p95": round(high, MS_DIGITS)},
    }
    if group_by is not None:
        found["group_by"] = group_by
        found["groups"] = {
            value: {
                "questions": len(group.outcomes),
                "metrics": {name: group.interval(name).as_dict() for name in METRICS},
            }
            for value, group in measured.groups(group_by).items()
        }
    return found


def comparison_as_dict(compared: Comparison, main: str) -> dict[str, Any]:
    """A comparison as a JSON object, with the questions that changed most."""
    return {
        "first": compared.first.system.name,
        "second": compared.second.system.name,
        "differences": {name: compared.difference(name).as_dict() for name in METRICS},
        "changed": [
            {
                "query_id": change.first.question.query_id,
                "query": change.first.question.text,
                main: round(change.difference, 4),
                "ranks": [change.first.rank, change.second.rank],
            }
            for change in compared.changes(main)[:CHANGES_SHOWN]
        ],
    }


def write_run(file: Path, measured: Measured) -> None:
    """Write what a system found as a TREC run; the scores have as many digits as keep their order."""
    lines = (
        f"{trec.field(each.question.query_id)} Q0 {name} {rank} {score:.9g} {RUN_TAG}"
        for each in measured.outcomes
        for rank, (name, score) in enumerate(each.scores.items(), 1)
    )
    _write_lines(file, lines)


def write_qrels(file: Path, measured: Measured) -> None:
    """Write the judgements as TREC qrels, with the ids of `write_run`."""
    lines = (
        f"{trec.field(each.question.query_id)} 0 {name} {grade}"
        for each in measured.outcomes
        for name, grade in each.matched.grades.items()
    )
    _write_lines(file, lines)


def write_rows(file: Path | None, rows: Iterable[Mapping[str, object]]) -> None:
    """Write objects as JSON lines, to stdout without a file."""
    if file is None:
        for row in rows:
            print_json(row)
    else:
        _write_lines(file, map(json_line, rows))


def _write_lines(file: Path, lines: Iterable[str]) -> None:
    try:
        with atomic_file(file) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(f"{line}\n" for line in lines)
    except OSError as err:
        raise UsageError(f"{file}: cannot be written: {err.strerror or err}") from err


def _print_columns(measured: Sequence[Measured], comparisons: Sequence[Comparison], group_by: str | None) -> None:
    """Print a line for each system, group and metric, then for each difference."""
    print("system\tgroup\tquestions\tmetric\tmean\tlow\thigh\tp_value")
    for each in measured:
        groups = each.groups(group_by).items() if group_by is not None else ()
        for value, group in (("", each), *((value or WITHOUT, group) for value, group in groups)):
            for name in METRICS:
                _print_line(each.system.name, value, len(group.outcomes), name, group.interval(name))
        for name, ms in zip(("ms_median", "ms_p95"), each.milliseconds(), strict=True):
            print(f"{printable(each.system.name)}\t\t{len(each.outcomes)}\t{name}\t{ms:.1f}\t\t\t")
    for compared in comparisons:
        title = f"{compared.second.system.name} - {compared.first.system.name}"
        for name in METRICS:
            difference = compared.difference(name)
            _print_line(title, "", len(compared.first.outcomes), name, difference.interval, f"{difference.p_value:.4f}")


def _print_line(system: str, group: str, questions: int, name: str, interval: Interval, p_value: str = "") -> None:
    figures = f"{interval.mean:.4f}\t{interval.low:.4f}\t{interval.high:.4f}"
    print(f"{printable(system)}\t{printable(group)}\t{questions}\t{name}\t{figures}\t{p_value}")


def _print_tables(
    measured: Sequence[Measured], comparisons: Sequence[Comparison], asked: Questions, group_by: str | None
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    for each in measured:
        about = f"{plural(each.pages, 'page')}, {each.model}, mode {each.mode}, {each.search}"
        console.print(Text(f"{printable(each.system.name)}: {plural(len(each.outcomes), 'question')}, {about}"))
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("metric")
    for each in measured:
        table.add_column(Text(printable(each.system.name)), justify="right")
    for name in METRICS:
        table.add_row(name, *(_interval(each.interval(name)) for each in measured))
    times = [each.milliseconds() for each in measured]
    table.add_row("ms, median", *(f"{median:.0f}" for median, _ in times))
    table.add_row("ms, 95th percentile", *(f"{high:.0f}" for _, high in times))
    console.print(table)
    if group_by is not None:
        console.print(_group_table(measured, group_by, asked.main))
    for compared in comparisons:
        title = f"{printable(compared.second.system.name)} against {printable(compared.first.system.name)}"
        console.print(Text(f"{title}:"))
        console.print(_difference_table(compared))
        if changes := compared.changes(asked.main)[:CHANGES_SHOWN]:
            console.print(Text(f"changed most in {asked.main}:"))
        for change in changes:
            ranks = f"rank {change.first.rank or '-'} → {change.second.rank or '-'}"
            console.print(Text(f"  {change.difference:+.3f}  {ranks}  {printable(change.first.question.text)}"))


def _difference_table(compared: Comparison) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("metric")
    for name in ("difference", "95 % interval", "p"):
        table.add_column(name, justify="right")
    for name in METRICS:
        difference = compared.difference(name)
        found = difference.interval
        interval = f"{found.low:+.3f} to {found.high:+.3f}"
        table.add_row(name, f"{found.mean:+.3f}", interval, f"{difference.p_value:.3f}")
    return table


def _group_table(measured: Sequence[Measured], group_by: str, main: str) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(Text(printable(group_by)))
    if len(measured) > 1:
        table.add_column("system")
    others = [name for name in GROUP_METRICS if name != main]
    for name in ("questions", main, *others):
        table.add_column(name, justify="right")
    groups = [each.groups(group_by) for each in measured]
    for value in groups[0]:
        for each, of_system in zip(measured, groups, strict=True):
            group = of_system[value]
            cells = [Text(printable(value or WITHOUT)), *([Text(printable(each.system.name))] * (len(measured) > 1))]
            figures = [_interval(group.interval(main)), *(f"{group.mean(name):.3f}" for name in others)]
            table.add_row(*cells, f"{len(group.outcomes):,}", *figures)
    return table


def _interval(interval: Interval) -> str:
    return f"{interval.mean:.3f} ({interval.low:.3f}–{interval.high:.3f})"
