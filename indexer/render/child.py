"""The surroundings of a render process: its environment, and the pipe that carries pixels from it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress

PIPE_BYTES = 1 << 20


def environment() -> dict[str, str]:
    """The environment of the child: the same import path, and no memory spent on threads of numeric libraries."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def enlarge_pipe(child: subprocess.Popen[bytes]) -> None:
    """Enlarge the pipe that carries pixels, on Linux, so that the processes switch less often."""
    assert child.stdout is not None
    if sys.platform == "linux":
        with suppress(OSError, ImportError):  # beyond the limit for this user
            import fcntl

            fcntl.fcntl(child.stdout.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
