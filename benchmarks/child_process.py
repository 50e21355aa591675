"""Runs `docsearch` as a child process and watches the memory of it and its own children through /proc (Linux)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .setting import REPOSITORY, Refused, Skipped

SAMPLE_EVERY_S = 0.1
DONE = 0
SOME_FAILED = 1
"""Exit code of `docsearch index` when some documents failed and the rest is indexed."""
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished command: what it printed on stdout, its wall time, and the sum of RSS of its processes at each
    sample, in bytes. Pages that processes share count once for each: the true peak is at most this.
    """

    stdout: str
    seconds: float
    rss: tuple[int, ...]


def docsearch(*arguments: str | Path, watched: bool = False) -> Ran:
    """Run `docsearch` with the interpreter of this process, sampling its memory if `watched`.

    Raises Refused when it ends with another code than "done" or "some documents failed".
    """
    if watched and not PROC.joinpath("self/statm").exists():
        raise Skipped("memory is sampled through /proc, which this system does not have")
    command = [sys.executable, "-m", "docsearch", *map(str, arguments)]
    # Files, not pipes: nobody reads while memory is sampled, and a full pipe would stop the child.
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
            said = err.read().strip()[-600:]
            raise Refused(f"'docsearch {' '.join(map(str, arguments))}' ended with code {code}: {said}")
        return Ran(out.read(), seconds, rss)


def memory_of(pid: int) -> int:
    """The sum of RSS of a process and all below it, in bytes."""
    return sum(_rss(each) for each in _family(pid))


def _watch(child: subprocess.Popen[bytes]) -> tuple[int, ...]:
    samples = []
    while child.poll() is None:
        samples.append(memory_of(child.pid))
        time.sleep(SAMPLE_EVERY_S)
    return tuple(samples)


def _family(root: int) -> list[int]:
    """The process `root` and all below it."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                # The name, in brackets, may hold anything; state and parent follow the last bracket.
                parent = int(entry.joinpath("stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue  # it ended meanwhile
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
