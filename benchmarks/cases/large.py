"""A large index on a small machine: time to open, latency cold and warm, memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .. import eval_dev, indexes, large
from ..setting import REPOSITORY, Refused, Row, Setting, Skipped
from ..timing import timed

PAGES_VARIABLE = "DOCSEARCH_BENCH_PAGES"
PAGES = 100_000
PAGE_BYTES = 45_000
"""Disk space reserved for a page: 28 bytes per patch, 22 more in the cache, and some reserve."""
CODEC = "residual"
QUESTIONS = 60
MS = 1000


def run(setting: Setting) -> Iterator[Row]:
    """Write an index of $DOCSEARCH_BENCH_PAGES pages, search it cold, then warm, and delete it."""
    from docsearch.engine.models.pixel.text import load_visual_words
    from docsearch.engine.store import open_snapshot, open_writer

    pages = int(os.environ.get(PAGES_VARIABLE, PAGES))
    asked = [question.text for question in eval_dev.questions(setting) if question.scope == "corpus"][:QUESTIONS]
    if (free := shutil.disk_usage(setting.cache.parent).free) < pages * PAGE_BYTES:
        raise Skipped(f"{pages:,} pages need {pages * PAGE_BYTES >> 30} GiB of disk, {free >> 30} are free")
    real = indexes.ready(setting, eval_dev.NAME, [eval_dev.documents(setting)])
    with tempfile.TemporaryDirectory(dir=setting.cache) as folder:
        small, directory = shutil.copytree(real, Path(folder) / "real"), Path(folder) / "large"
        with open_writer(small, fingerprint=None) as writer:
            writer.compact(CODEC, load_visual_words().codebook)
        with open_snapshot(small) as source:
            written = timed(lambda: large.write(directory, source, load_visual_words(), pages=pages))
        first = ask(directory, asked[:1])
        yield {"what": "written", "pages": pages, "s": round(written, 1), "gb": gigabytes(directory / "segments")}
        yield {"what": "derived files built", "s": round(first["prepared"], 1), "gb": gigabytes(directory / "cache")}
        for what, drop in (("cold", True), ("warm", False)):
            if drop:
                drop_page_cache(directory)
            yield row(what, pages, ask(directory, asked))


def ask(directory: Path, questions: list[str]) -> dict[str, object]:
    """The output of `benchmarks.ask`; raises Refused if it fails."""
    command = [sys.executable, "-m", "benchmarks.ask", str(directory)]
    done = subprocess.run(
        command, input=json.dumps(questions), cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Refused(f"benchmarks.ask {directory} ended with code {done.returncode}: {done.stderr.strip()[-600:]}")
    measured: dict[str, object] = json.loads(done.stdout)
    return measured


def row(what: str, pages: int, measured: dict[str, object]) -> Row:
    """Latency in total and by stage, and memory."""
    times, stages, memory = measured["times"], measured["stages"], measured["memory"]
    assert isinstance(times, list)
    assert isinstance(stages, dict)
    assert isinstance(memory, dict)
    return {
        "what": what,
        "pages": pages,
        "opened_s": round(float(str(measured["opened"])) + float(str(measured["prepared"])), 3),
        "first_ms": round(times[0] * MS, 1),
        "p50_ms": round(float(np.percentile(times[1:], 50)) * MS, 1),
        "p95_ms": round(float(np.percentile(times[1:], 95)) * MS, 1),
        **{f"{name}_p50_ms": round(float(np.median(took)) * MS, 1) for name, took in stages.items()},
        "own_memory_gb": round(memory["RssAnon"] / 1e9, 2),
        "mapped_memory_gb": round(memory["RssFile"] / 1e9, 2),
        "peak_memory_gb": round(memory["VmHWM"] / 1e9, 2),
        "questions": len(times),
    }


def drop_page_cache(directory: Path) -> None:
    """Ask the system to drop the index's files from its page cache."""
    for file in directory.rglob("*"):
        if file.is_file():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def gigabytes(folder: Path) -> float:
    """The size of all files below a folder, in 10^9 bytes."""
    return round(sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e9, 2)
