"""A compaction under a running server frees the disk within seconds, and the server answers all the while."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from started_program import first_line

import toy_words
from docsearch.engine.store import layout, open_writer
from docsearch.server import search_worker
from docsearch.server.metrics import Metrics
from docsearch.server.search_worker import SearchWorker
from toy_words import ToyEncoder

DOCSEARCH = [sys.executable, "-m", "docsearch"]
WAIT_S = 300


@contextmanager
def server(index: Path, *options: str) -> Iterator[Callable[[str], list[str]]]:
    """`docsearch serve` of an index; yields a function that asks it, and gives the paths of the hits."""
    command = [*DOCSEARCH, "serve", "--index", str(index), "--port", "0", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            address = first_line(process, process.stderr).partition(" answers at ")[2].partition(" ")[0]

            def ask(text: str) -> list[str]:
                body = json.dumps({"query": text}).encode()
                request = urllib.request.Request(f"{address}v1/search", body, {"Content-Type": "application/json"})
                with urllib.request.urlopen(request, timeout=WAIT_S) as response:
                    (answer,) = json.load(response)["answers"]
                return [hit["path"] for hit in answer["hits"]]

            yield ask
        finally:
            process.kill()


def run(*arguments: str) -> None:
    subprocess.run([*DOCSEARCH, *arguments], check=True, capture_output=True, timeout=WAIT_S)


def segments(index: Path) -> set[str]:
    """The names of the segment folders."""
    return {folder.name for folder in (index / layout.SEGMENTS).iterdir()}


def sizes(index: Path) -> dict[str, int]:
    """The bytes of each segment folder, none of which is being deleted."""
    return {
        folder.name: sum(file.stat().st_size for file in folder.iterdir())
        for folder in (index / layout.SEGMENTS).iterdir()
    }


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("options", [(), ("--read-only",)], ids=["", "read-only"])
def test_a_compaction_under_docsearch_serve_frees_the_disk(
    sample_index: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    index = Path(shutil.copytree(sample_index, tmp_path / "index"))
    with server(index, *options) as ask:
        found = ask("invoice")
        before = sizes(index)
        run("remove", "*.png", found[0], "--index", str(index))
        run("compact", "--codec", "binary", "--index", str(index))
        wait_until(lambda: len(segments(index)) == 1)
        after = sizes(index)
        assert after.keys().isdisjoint(before)
        assert sum(after.values()) < sum(before.values()) / 3
        assert found[0] not in ask("invoice")
        assert set(ask("invoice")) & set(found[1:])
    with open_writer(index, fingerprint=None):
        assert sizes(index) == after


def test_the_searcher_of_an_earlier_generation_is_not_closed_on_the_search_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_worker, "POLL_INTERVAL_S", 0.01)
    directory, closed_on = tmp_path / "index", []
    for name in ("a.pdf", "b.pdf"):
        toy_words.write(directory, {name: [[3]]})
    worker = SearchWorker(directory, ToyEncoder(), max_pending=2, metrics=Metrics())
    first, close = worker._searcher, worker._searcher.close
    monkeypatch.setattr(first, "close", lambda: (closed_on.append(threading.current_thread().name), close()))
    with closing(worker):
        worker.start()
        with open_writer(directory, fingerprint=None) as writer:
            writer.compact()
        wait_until(lambda: segments(directory) == {"00000003"})
        assert closed_on == ["docsearch-watch"]
        assert worker.ready
