"""What the machine itself can do, measured in the same run as what is held against it: bytes read, products summed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from .timing import timed

READ_BYTES = 512 << 20
"""Far more than any cache holds."""
SQUARE = 2048
GPU_SQUARE = 8192
RUNS = 5
WARM_UP = 2


@dataclass(frozen=True, slots=True)
class Limit:
    """The least time, in milliseconds, that a piece of work takes on a machine, and what sets it."""

    ms: float
    what: str


def lower(byte_count: float, read_gb_s: float, flops: float, gflops: float, product: str) -> Limit:
    """The limit of work that reads `byte_count` once and needs `flops` of `product`: whichever takes longer."""
    reading, computing = byte_count / read_gb_s / 1e6, flops / gflops / 1e6
    if reading > computing:
        return Limit(reading, f"memory read at {read_gb_s:,.0f} GB/s")
    return Limit(computing, f"{product} at {gflops:,.0f} GFLOP/s")


def read_gb_s(threads: int) -> float:
    """Bytes that `threads` read from memory, in GB/s: the largest of numbers, found as fast as they come."""
    parts = np.array_split(np.ones(READ_BYTES // 8, np.int64), threads)
    with ThreadPoolExecutor(threads) as pool:
        best = min(timed(lambda: list(pool.map(np.max, parts))) for _ in range(RUNS))
    return READ_BYTES / best / 1e9


def gemm_gflops(dtype: torch.dtype) -> float:
    """The best rate of a large square product on the CPU in GFLOP/s (int8: GOP/s), with torch's own threads."""
    if dtype == torch.int8:
        left = torch.randint(-100, 100, (SQUARE, SQUARE), dtype=dtype)
        work = partial(torch._int_mm, left, left.T.contiguous())
    else:
        left = torch.randn(SQUARE, SQUARE).to(dtype)
        work = partial(torch.matmul, left, left)
    for _ in range(WARM_UP):
        work()
    return 2 * SQUARE**3 / min(timed(work) for _ in range(RUNS)) / 1e9


def gpu_copy_gb_s(device: torch.device, byte_count: int = 4 << 30) -> float:
    """Bytes that a copy inside the device's memory reads and writes, together, in GB/s."""
    source = torch.zeros(byte_count // 4, dtype=torch.int32, device=device)
    target = torch.empty_like(source)
    return 2 * byte_count / gpu_seconds(partial(target.copy_, source)) / 1e9


def gpu_matmul_gflops(device: torch.device, size: int = GPU_SQUARE) -> float:
    """The rate of a large bfloat16 product on the device in GFLOP/s."""
    square = torch.randn(size, size, device=device).bfloat16()
    return 2 * size**3 / gpu_seconds(partial(torch.matmul, square, square)) / 1e9


def gpu_seconds(work: partial[torch.Tensor]) -> float:
    """The best time of one call by the device's own clock."""
    for _ in range(WARM_UP):
        work()
    times = []
    for _ in range(RUNS):
        start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        work()
        stop.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(stop) / 1000)
    return min(times)
