"""The CPU quota of this process's control group (Linux cgroups, versions 1 and 2), as containers set it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

CGROUPS, GROUPS_OF_PROCESS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def cpu_limit(groups: Path = GROUPS_OF_PROCESS, mounted: Path = CGROUPS) -> int | None:
    """The CPUs that the quota amounts to, rounded up, at least 1; None without a quota, or without cgroups.

    `groups` lists the groups of the process, below the folder `mounted`. A group is also bound by those above it.
    """
    try:
        lines = groups.read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    quotas: list[float] = []
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            quotas += _quotas(mounted, path, "cpu.max")
        elif "cpu" in controllers.split(","):
            for name in {controllers, "cpu"}:
                quotas += _quotas(mounted / name, path, "cpu.cfs_quota_us", "cpu.cfs_period_us")
    return max(1, math.ceil(min(quotas))) if quotas else None


def _quotas(mounted: Path, path: str, *files: str) -> Iterator[float]:
    """The quotas of a group and of those above it, in CPUs; inside a container its own group is the top."""
    group = PurePosixPath(path.lstrip("/"))
    for each in (group, *group.parents):
        try:
            words = " ".join((mounted / each / file).read_text("ascii") for file in files).split()
            quota, period = float(words[0]), float(words[1])  # "max" and -1 stand for no quota
        except (OSError, ValueError, IndexError):
            continue
        if quota > 0 and period > 0:
            yield quota / period
