"""How many processor cores this process may use: fewer than the machine has, in a container or under taskset."""

from __future__ import annotations

import os


def available() -> int:
    """Count them; at least 1."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
