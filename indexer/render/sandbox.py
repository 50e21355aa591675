"""Runs a program with limits on memory, time and files, and without a network where the system allows to take it away.

On Linux it ends with the process that started it.

`python -I sandbox.py MEMORY_MB SECONDS FILE_MB PROGRAM ARGUMENT...` sets the limits and becomes the program. It imports
nothing but the standard library, and is started as a file of its own, for each conversion.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Set the limits and become the program."""
    memory_mb, seconds, file_mb = map(int, sys.argv[1:4])
    _limit(memory_mb, seconds, file_mb)
    without_network()
    end_with_parent()
    os.execvp(sys.argv[4], sys.argv[4:])  # noqa: S606 - there is no shell to quote for


def without_network() -> bool:
    """Move this process, and those it starts, into a network of its own that reaches nothing; whether that worked.

    Linux only, and only where the system lets this user do it. Files are read with the same rights as before.
    """
    if sys.platform == "linux":
        # Root in a user namespace would lose its rights on files of others, so it leaves that out.
        flags = CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWUSER | CLONE_NEWNET
        with suppress(OSError, AttributeError):
            return bool(ctypes.CDLL(None, use_errno=True).unshare(flags) == 0)
    return False


def end_with_parent() -> bool:
    """Have the system kill this process when the thread that started it ends; whether that worked. Linux only."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            return bool(ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) == 0)
    return False


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started in a session of its own, and all that it started there; on Windows it alone."""
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _limit(memory_mb: int, seconds: int, file_mb: int) -> None:
    if sys.platform != "win32":
        import resource

        limits = {
            resource.RLIMIT_AS: memory_mb << 20,
            resource.RLIMIT_CPU: seconds,
            resource.RLIMIT_FSIZE: file_mb << 20,
            resource.RLIMIT_CORE: 0,
        }
        for kind, limit in limits.items():
            with suppress(OSError, ValueError):  # a lower limit stays; macOS refuses to limit memory
                _, maximum = resource.getrlimit(kind)
                lowered = limit if maximum == resource.RLIM_INFINITY else min(limit, maximum)
                resource.setrlimit(kind, (lowered, lowered))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)


if __name__ == "__main__":
    main()
