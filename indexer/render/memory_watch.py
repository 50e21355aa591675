"""Watchdog over the resident memory of a child process, for systems that do not limit it: macOS and Windows.

Linux limits a process's address space (RLIMIT_AS), so that an allocation fails inside it. macOS refuses that limit and
Windows has none; there psutil tells how much memory the child has, several times a second.
"""

from __future__ import annotations

import logging
import subprocess
import threading
import time

log = logging.getLogger(__name__)

INTERVAL_S = 0.05
"""Between two looks; a child may exceed its limit by what it fills in this time, some hundred megabytes."""


class MemoryWatch:
    """Kills a `child` whose resident memory exceeds `limit_mb`, from a thread of its own, until the child has ended.

    Without psutil, which every installation on macOS and Windows has, nothing is watched.
    """

    def __init__(self, child: subprocess.Popen[bytes], limit_mb: int) -> None:
        self._child = child
        self._limit = limit_mb << 20
        self.exceeded = False
        """Whether the child was killed for its memory."""
        threading.Thread(target=self._watch, name="render-memory", daemon=True).start()

    def _watch(self) -> None:
        try:
            import psutil
        except ImportError:
            log.warning(
                "the memory of render processes is not limited: this system has no limit, and psutil is missing"
            )
            return
        try:
            process = psutil.Process(self._child.pid)
            while self._child.returncode is None:
                if process.memory_info().rss > self._limit:
                    self.exceeded = True
                    self._child.kill()
                    return
                time.sleep(INTERVAL_S)
        except psutil.Error as err:  # it has ended
            log.debug("no longer watching the memory of process %d: %s", self._child.pid, err)
