"""Times questions to an index in a process of its own: `python -m benchmarks.ask INDEX`.

Reads a JSON list of questions from stdin and writes one JSON object to stdout.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from pathlib import Path

STATUS = Path("/proc/self/status")


def main() -> None:
    """Open the index, ask one question after the other, and print times in seconds and memory in bytes."""
    from docsearch.engine.records import Query
    from docsearch.engine.searcher import open_searcher

    questions = json.load(sys.stdin)
    stages: defaultdict[str, list[float]] = defaultdict(list)
    started = time.perf_counter()
    with open_searcher(sys.argv[1]) as searcher:
        pages = len(searcher.snapshot)
        opened = time.perf_counter() - started
        started = time.perf_counter()
        searcher.prepare()
        prepared = time.perf_counter() - started
        times = []
        for text in questions:
            took: defaultdict[str, float] = defaultdict(float)

            def on_stage(stage: str, seconds: float, took: defaultdict[str, float] = took) -> None:
                took[stage] += seconds

            started = time.perf_counter()
            list(searcher.search_many([Query("", text)], on_stage=on_stage))
            times.append(time.perf_counter() - started)
            for stage, seconds in took.items():
                stages[stage].append(seconds)
        found = {"pages": pages, "opened": opened, "prepared": prepared, "times": times, "stages": stages}
        print(json.dumps({**found, "memory": memory()}))


def memory() -> dict[str, int]:
    """Resident memory in bytes: this process's own ("RssAnon"), mapped files ("RssFile"), and the most ("VmHWM")."""
    lines = dict(line.split(":", 1) for line in STATUS.read_text("ascii").splitlines())
    return {name: int(lines[name].split()[0]) * 1024 for name in ("RssAnon", "RssFile", "VmHWM")}


if __name__ == "__main__":
    main()
