"""Chooses the device that scores pages: the CPU, or a GPU if it is present and was asked for."""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError
from ..install import needs
from ..store import Snapshot
from .rerank import Scorer

NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
"""Without this file there is no NVIDIA GPU, and no reason to import torch to ask for one."""


def open_scorer(snapshot: Snapshot, device: str) -> Scorer | None:
    """What scores the pages of `snapshot` on a GPU; None where the CPU does.

    `device` is "cpu", "cuda" or "auto". Raises UsageError where "cuda" is asked for and cannot be had. Imports torch
    only where there is an NVIDIA GPU.
    """
    if device == "cpu" or (device == "auto" and not NVIDIA_DRIVER.exists()):
        return None
    try:
        from ..models.device import choose
        from .gpu import GpuPages
    except ImportError as err:
        if device == "cuda":
            raise UsageError(needs(f"--device cuda: {err}", "gpu")) from err
        return None
    chosen = choose(device)
    return GpuPages(snapshot, chosen) if chosen.type == "cuda" else None
