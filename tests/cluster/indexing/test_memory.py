"""The memory of the coordinator and of workers does not grow with the number of documents."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from docsearch.engine.store import open_snapshot

DOCUMENTS, PAGES = 600, 3
GROWTH_MAX_BYTES = 24 << 20
"""Of the median from the second third of a run to the last: 200 documents more. Allocators settle in the first."""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_documents(
    three_nodes: Any, tmp_path: Path, make_pdf: Callable[..., Path]
) -> None:
    documents, index = tmp_path / "documents", tmp_path / "index"
    for number in range(DOCUMENTS):
        make_pdf(documents / f"{number % 20}/{number}.pdf", [f"page {page} of {number}" for page in range(PAGES)])
    program = Path(__file__).with_name("run_index.py")
    command = [sys.executable, program, documents, index, three_nodes.address, "0.01"]
    coordinator = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
    of_coordinator: list[int] = []
    of_workers: list[int] = []
    while coordinator.poll() is None:
        time.sleep(0.2)
        with suppress(psutil.Error):
            of_coordinator.append(psutil.Process(coordinator.pid).memory_info().rss)
            of_workers.append(_workers_rss())
    assert coordinator.returncode == 0
    with open_snapshot(index) as snapshot:
        assert len(snapshot) == DOCUMENTS * PAGES
    for rss in (of_coordinator, of_workers):
        third = len(rss) // 3
        middle, last = (statistics.median(rss[start : start + third]) for start in (third, 2 * third))
        print(f"median RSS in MB: {middle / 1e6:.0f}, then {last / 1e6:.0f}")
        assert last - middle < GROWTH_MAX_BYTES


def _workers_rss() -> int:
    """Bytes of the largest worker, without its child processes."""
    found = [0]
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if process.name().startswith("ray::Worker"):
                found.append(process.memory_info().rss)
    return max(found)
