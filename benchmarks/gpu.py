"""The CUDA GPU that some cases need, and its clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .setting import Skipped

if TYPE_CHECKING:
    import torch


def device_with(free_bytes: int = 0, *, because: str = "") -> torch.device:
    """The first CUDA GPU. Raises Skipped, which may say what for, if there is none or less of its memory is free."""
    import torch

    if not torch.cuda.is_available():
        raise Skipped(f"needs a CUDA GPU{because and f': {because}'}")
    device = torch.device("cuda")
    if free_bytes and torch.cuda.mem_get_info(device)[0] < free_bytes:
        raise Skipped(f"needs {free_bytes >> 30} GiB of free GPU memory")
    return device


def device_seconds(work: Callable[[], torch.Tensor]) -> float:
    """The time of one call in seconds, by the device's clock."""
    import torch

    start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    work()
    stop.record()
    torch.cuda.synchronize()
    return float(start.elapsed_time(stop)) / 1000
