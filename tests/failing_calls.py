"""Runs docsearch commands in which one system call fails: each in a fork of a process that has imported everything.

That process has the library `failing_calls.c` loaded, which this module compiles. Run as a program, this file is it.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_suffix(".c")
CALLS = ("open", "read", "write", "fsync", "rename", "lock", "mmap", "unlink", "mkdir")
TIMEOUT_S = 120
BUSY_TIMEOUT_S = 0.5
"""How long SQLite waits here for a lock that cannot be had."""


@dataclass(frozen=True)
class Ended:
    """A command that ended: its exit code (negative: a signal), its output, and how often the call was made."""

    code: int
    out: str
    err: str
    seen: int


def compiler() -> str | None:
    """The C compiler of this machine, or None."""
    return shutil.which("cc") if sys.platform == "linux" else None


class FailingCalls:
    """The process that forks; a context manager. `folder` is for the library and the output of the commands."""

    def __init__(self, folder: Path) -> None:
        library, cc = folder / "failing_calls.so", compiler()
        assert cc is not None
        subprocess.run([cc, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
        environment = {**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(
            [sys.executable, __file__, library, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def __enter__(self) -> FailingCalls:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(
        self,
        arguments: list[str],
        cwd: Path,
        call: str = "",
        error: int = 0,
        nth: int = 0,
        *,
        lasting: bool = False,
        below: Path | None = None,
    ) -> Ended:
        """Run `docsearch` with `arguments` in the folder `cwd`; the `nth` (from 1; 0 is none) system call named `call`
        on anything below `cwd`, or `below`, fails with `error`; if `lasting`, so do all later ones.
        """
        where = f"{cwd if below is None else below}/"
        request = {"arguments": arguments, "cwd": str(cwd), "arm": [call, where, error, nth, lasting]}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))


def _serve(library: Path, folder: Path) -> None:
    """Answer requests until stdin closes."""
    import importlib

    from docsearch import cli  # noqa: F401 - what a command imports later is imported before it is forked

    for module in (
        "engine.searcher",
        "engine.ranking.accelerator",
        "engine.models.pixel.queries",
        "engine.models.pixel.pages",
        "evaluation.stage_recall",
        "evaluation.sample_queries",
        "evaluation.codec_loss",
        "indexer.pipeline",
        "commands.pictures",
        "commands.index",
    ):
        importlib.import_module(f"docsearch.{module}")
    importlib.import_module("docsearch.engine.store.catalog").BUSY_TIMEOUT_S = BUSY_TIMEOUT_S  # type: ignore[attr-defined]
    calls = ctypes.CDLL(str(library))
    calls.calls_seen.restype = ctypes.c_long
    for line in sys.stdin:
        request = json.loads(line)
        files = [folder / "stdout", folder / "stderr"]
        child = os.fork()
        if not child:
            _become_command(calls, request, files)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out, err = (file.read_text("utf-8", "replace") for file in files)
        print(json.dumps({"code": code, "out": out, "err": err, "seen": calls.calls_seen()}), flush=True)


def _become_command(calls: ctypes.CDLL, request: dict[str, Any], files: list[Path]) -> None:
    import signal

    from docsearch import __main__

    signal.alarm(TIMEOUT_S)
    for descriptor, file in ((1, files[0]), (2, files[1])):
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(request["cwd"])
    sys.argv = ["docsearch", *request["arguments"]]
    name, below, error, nth, lasting = request["arm"]
    calls.arm(name.encode(), below.encode(), error, ctypes.c_long(nth), lasting)
    code: Any = 1
    try:
        __main__.main()
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException:  # noqa: BLE001 - the interpreter would print it, too
        import traceback

        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), Path(sys.argv[2]))
