"""Writes the tables of kept runs in docs/performance.md, one a class of processors: `python -m benchmarks.tables`.

The tables stand between two marks, and come from `results/*/*.jsonl` alone; a test compares them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from . import saved_runs
from .setting import REPOSITORY

PAGE = REPOSITORY / "docs" / "performance.md"
BEGIN = "<!-- tables of kept runs, written by python -m benchmarks.tables -->"
END = "<!-- end of the tables of kept runs -->"
KEPT_FIGURES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "index": (
        ("pages_per_s", "{:.1f} pages/s"),
        ("peak_rss_mb", "{:,} MB at most"),
        ("bytes_per_page", "{:,} bytes per page"),
    ),
    "query": (("median_ms", "{:,.0f} ms"), ("p20_ms", "p20 {:,.0f}"), ("p80_ms", "p80 {:,.0f}")),
    "encode": (
        ("ms_a_page", "{:,.1f} ms per page"),
        ("times_ours", "{:.1f} times"),
        ("processor_ms_a_page", "{:,.1f} ms of processor time"),
        ("processor_times_ours", "{:.1f} times"),
    ),
    "maxsim": (("ours_ms", "{:.1f} ms"), ("limit_ms", "limit {:.1f} ms")),
    "server_load": (("p50_ms", "{:.0f} ms"), ("p95_ms", "p95 {:.0f}"), ("queries_per_s", "{} queries/s")),
    "text_search": (("ndcg@5", "nDCG@5 {:.3f}"), ("median_ms", "{:.2f} ms"), ("built_s", "built in {:.1f} s")),
    "quality": (("ndcg@5", "nDCG@5 {:.3f}"), ("recall@5", "recall@5 {:.3f}"), ("queries", "{} questions")),
}
"""The figures of each case that the tables show, by key, and how each is written."""
TIMELESS = frozenset({"quality"})
"""Cases of which no figure depends on how busy the machine is."""
CLASSES = ("AVX-512 with VNNI", "AVX2", "ARM", "no compiled kernels")


def processor_class(machine: Mapping[str, Any]) -> str:
    """The class of what ran: the instruction set that kernels were compiled for, which may be less than there is.

    >>> processor_class({"kernels": "AVX2", "features": "avx2 avx512_vnni"})
    'AVX2'
    """
    kernels = str(machine["kernels"])
    for name, found in (("AVX-512", CLASSES[0]), ("AVX2", CLASSES[1]), ("NEON", CLASSES[2]), ("ARM", CLASSES[2])):
        if kernels.startswith(name):
            return found
    return CLASSES[3]


def is_busy(machine: Mapping[str, Any]) -> bool:
    """Whether more wanted to run than there were threads when a run began: its times say little.

    >>> is_busy({"load_1min": 1.5, "cores": 2}), is_busy({"load_1min": 13.4, "cores": 2})
    (False, True)
    """
    return float(machine["load_1min"]) > float(machine["cores"])


def kept_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of every kept run, each with the `day` of its run, oldest first."""
    return [
        {**json.loads(line), "day": file.parent.name[:10]}
        for file in sorted(folder.glob("*/*.jsonl"))
        for line in file.read_text("utf-8").splitlines()
    ]


def tables(rows: Iterable[Mapping[str, Any]]) -> str:
    """A heading and a table for each class of processors: the last row of each case, subject and arithmetic.

    A run on a busy machine (`is_busy`) does not take the place of one on a quiet machine, except in TIMELESS cases.
    """
    latest: dict[str, dict[tuple[str, ...], Mapping[str, Any]]] = {}
    for row in rows:
        machine = row["machine"]
        if row["case"] in KEPT_FIGURES and "skipped" not in row:
            key = row["case"], _subject(row), machine["cpu"], machine["arithmetic"]
            of_class = latest.setdefault(processor_class(machine), {})
            counts = row["case"] in TIMELESS or not is_busy(machine)
            if counts or key not in of_class or is_busy(of_class[key]["machine"]):
                of_class[key] = row
    parts = []
    for name in CLASSES:
        if name in latest:
            lines = [_line(row) for _, row in sorted(latest[name].items()) if _figures(row)]
            head = "| case | what | figures | processor, threads, model in | day, commit, load |\n|---|---|---|---|---|"
            parts.append("\n".join([f"### Kept runs: {name}", "", head, *lines]))
    return "\n\n".join(parts)


def page_with(page: str, content: str) -> str:
    """The text of the page with `content` between the marks. Raises ValueError where there are none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE}: the marks of the tables are missing")
    return f"{before}{BEGIN}\n\n{content}\n\n{END}{after}"


def main() -> int:
    """Write the tables into the page."""
    PAGE.write_text(page_with(PAGE.read_text("utf-8"), tables(kept_rows(saved_runs.RESULTS))), "utf-8")
    return 0


def _line(row: Mapping[str, Any]) -> str:
    machine = row["machine"]
    where = f"{machine['cpu']}, {machine['cores']}, {machine['arithmetic']}"
    run = f"{row['day']}, {row['commit']}, {machine['load_1min']}"
    return f"| `{row['case']}` | {_subject(row)} | {_figures(row)} | {where} | {run} |"


def _subject(row: Mapping[str, Any]) -> str:
    return ", ".join(str(row[name]) for name in ("what", "scope", "mode") if name in row)


def _figures(row: Mapping[str, Any]) -> str:
    found = [form.format(row[key]) for key, form in KEPT_FIGURES[row["case"]] if row.get(key) is not None]
    peers = row.get("peers")
    if isinstance(peers, dict) and row.get("ours_ms"):
        found += [f"{name}: {ms / row['ours_ms']:.1f} times" for name, ms in peers.items()]
    return "; ".join(found)


if __name__ == "__main__":
    sys.exit(main())
