"""Runs `docsearch` as a child process and samples the memory of it and its descendants through /proc (Linux)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .setting import REPOSITORY, Refused, Skipped

SAMPLE_EVERY_S = 0.1
DONE = 0
SOME_FAILED = 1
"""Exit code of `docsearch index` when some documents failed and the rest is indexed."""
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class FinishedCommand:
    """A finished command: its stdout, its wall time in seconds, and the summed RSS of its processes at each sample.

    RSS is in bytes. Memory that processes share counts once for each, so the true peak is at most this.
    """

    stdout: str
    seconds: float
    rss: tuple[int, ...]


def docsearch(*arguments: str | Path, watched: bool = False) -> FinishedCommand:
    """Run `docsearch` with the interpreter of this process, sampling its memory if `watched`.

    Raises Refused if the exit code is neither "done" nor "some documents failed".
    """
    if watched and not PROC.joinpath("self/statm").exists():
        raise Skipped("memory is sampled through /proc, which this system lacks")
    command = [sys.executable, "-m", "docsearch", *map(str, arguments)]
    # Files, not pipes: nothing reads them while memory is sampled, and a full pipe would block the child.
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        with subprocess.Popen(command, stdout=out, stderr=err, cwd=REPOSITORY) as child:
            try:
                rss = _watch(child) if watched else ()
                code = child.wait()
            except BaseException:
                child.terminate()
                raise
        seconds = time.perf_counter() - start
        out.seek(0)
        err.seek(0)
        if code not in {DONE, SOME_FAILED}:
            message = err.read().strip()[-600:]
            raise Refused(f"'docsearch {' '.join(map(str, arguments))}' ended with code {code}: {message}")
        return FinishedCommand(out.read(), seconds, rss)


def memory_of(pid: int) -> int:
    """The summed RSS of a process and its descendants, in bytes."""
    return sum(_rss(each) for each in _family(pid))


def cpu_seconds(pid: int) -> float:
    """Processor time that a process and its descendants have taken so far, without threads that have ended (Linux)."""
    total = 0
    for each in _family(pid):
        for task in PROC.glob(f"{each}/task/*/schedstat"):
            with suppress(OSError):  # the thread has ended
                total += int(task.read_text("ascii").split()[0])
    return total / 1e9


def end_children() -> None:
    """Kill every descendant of this process, where /proc lists them."""
    if PROC.is_dir():
        for pid in _family(os.getpid())[:0:-1]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _watch(child: subprocess.Popen[bytes]) -> tuple[int, ...]:
    samples = []
    while child.poll() is None:
        samples.append(memory_of(child.pid))
        time.sleep(SAMPLE_EVERY_S)
    return tuple(samples)


def _family(root: int) -> list[int]:
    """The process `root` and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                # The name, in brackets, may contain anything; state and parent follow the last bracket.
                parent = int(entry.joinpath("stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue  # the process has ended
            children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def _rss(pid: int) -> int:
    try:
        return int(PROC.joinpath(str(pid), "statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
