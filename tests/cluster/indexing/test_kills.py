"""Workers, machines and coordinators are killed at random moments: nothing is lost, nothing is in the index twice."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from docsearch.engine.errors import IndexNotFound
from docsearch.indexer import pipeline
from fake_encoder import FakeEncoder
from local_cluster import local_cluster
from same_index import content, pages

pytest.importorskip("ray", reason="needs the extra ray")

KILLS = int(os.environ.get("DOCSEARCH_CLUSTER_KILLS", "100"))
PAUSES_S = (0.1, 3.0)
"""Seconds between kills, drawn from this range: a worker is busy most of the time."""
KILLS_EACH = 6
"""Kills of one run, which then ends undisturbed."""
SECONDS_PER_PAGE = 0.05
FINISHES_WITHIN_S = 3600.0
HERE = Path(__file__).parent
SEED = 22


@pytest.mark.slow
def test_kills_at_random_moments_lose_nothing_and_double_nothing(tmp_path: Path, make_pdf: Callable[..., Path]) -> None:
    documents = tmp_path / "documents"
    for number in range(24):
        texts = [f"page {page} of {number}" for page in range(1 + 5 * (number % 5))]
        make_pdf(documents / f"{number % 4}/{number}.pdf", texts)
    (documents / "damaged.pdf").write_bytes(b"%PDF-1.7 and nothing else")
    pipeline.index_documents([documents], tmp_path / "alone", encoder=FakeEncoder())
    expected = content(tmp_path / "alone")
    chance, killed, runs = random.Random(SEED), Counter[str](), 0
    with local_cluster(3) as cluster:
        while killed.total() < KILLS:
            index = tmp_path / f"index{runs}"
            _disturbed(documents, index, cluster, chance, killed)
            assert differences(content(index), expected) == []
            runs += 1
            print(f"{runs} runs, killed: {dict(killed)}", flush=True)
    assert min(killed[what] for what in ("worker", "machine", "coordinator")) > KILLS // 10


def differences(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """The documents, pages and rows that only one of two indexes has, or that they have otherwise."""
    told = []
    for name, wanted in expected.items():
        own = found[name]
        if isinstance(wanted, dict):
            told += [f"{name}, {key}" for key in sorted(own.keys() | wanted) if own.get(key) != wanted.get(key)]
        else:
            told += [f"{name}, {row}" for row in sorted(set(own) ^ set(wanted))]
    return told


def _disturbed(documents: Path, index: Path, cluster: Any, chance: random.Random, killed: Counter[str]) -> None:
    """Index the documents while something is killed now and then, and start the coordinator again until it ends."""
    coordinator = _start(documents, index, cluster)
    ends_at = time.monotonic() + FINISHES_WITHIN_S
    try:
        left = KILLS_EACH
        while True:
            with suppress(subprocess.TimeoutExpired):
                coordinator.wait(chance.uniform(*PAUSES_S))
                assert coordinator.returncode == 0, coordinator.stderr.read() if coordinator.stderr else ""
                return
            assert time.monotonic() < ends_at, "the run does not come to its end"
            if not left:
                continue
            what = chance.choice(["worker", "worker", "machine", "coordinator"])
            if what == "worker" and not _kill_a_worker(chance):
                continue
            if what == "machine":
                cluster.remove_node(chance.choice(sorted(cluster.worker_nodes, key=id)), allow_graceful=False)
                cluster.add_node(num_cpus=2, object_store_memory=80_000_000)
            if what == "coordinator":
                coordinator.kill()
                coordinator.wait()
                with suppress(IndexNotFound):
                    pages(index)  # opens, and has each committed page once, with the bytes that were committed
                coordinator = _start(documents, index, cluster)
            killed[what] += 1
            left -= 1
    finally:
        coordinator.kill()
        coordinator.wait()


def _start(documents: Path, index: Path, cluster: Any) -> subprocess.Popen[str]:
    command = [sys.executable, HERE / "run_index.py", documents, index, cluster.address, str(SECONDS_PER_PAGE)]
    return subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def _kill_a_worker(chance: random.Random) -> bool:
    """Kill a worker that carries out a task, or waits for one; False if there is none now."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if any(word.startswith("ray::Worker") for word in process.cmdline()):
                found.append(process)
    if not found:
        return False
    with suppress(psutil.Error):
        chance.choice(sorted(found, key=lambda process: process.pid)).kill()
        return True
    return False
