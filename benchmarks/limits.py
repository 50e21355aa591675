"""Lower bounds of the machine, measured in the same run: memory bandwidth and the rate of matrix products."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from . import processor
from .setting import Skipped
from .timing import timed

READ_BYTES = 512 << 20
"""Far larger than any cache."""
SQUARE = 2048
GPU_SQUARE = 8192
TRIAL_SQUARE = 512
"""Side of a small product, from which the time of a large one is estimated."""
RUNS = 5
WARM_UP = 2
BUDGET_S = 30.0
"""Seconds; what is expected to take longer is not measured."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The least time, in milliseconds, that some work can take on this machine, and what sets it."""

    ms: float
    what: str


def lower(byte_count: float, read_gb_s: float, flops: float, gflops: float, product: str) -> Limit:
    """The limit of work that reads `byte_count` bytes once and needs `flops` of `product`: whichever takes longer."""
    reading, computing = byte_count / read_gb_s / 1e6, flops / gflops / 1e6
    if reading > computing:
        return Limit(reading, f"memory read at {read_gb_s:,.0f} GB/s")
    return Limit(computing, f"{product} at {gflops:,.0f} GFLOP/s")


def read_gb_s(threads: int) -> float:
    """Memory bandwidth in GB/s of `threads` threads that read an array to find its largest number."""
    parts = np.array_split(np.ones(READ_BYTES // 8, np.int64), threads)
    with ThreadPoolExecutor(threads) as pool:
        best = min(timed(lambda: list(pool.map(np.max, parts))) for _ in range(RUNS))
    return READ_BYTES / best / 1e9


def lacking(arithmetic: str) -> str | None:
    """Why products in "int8", "bfloat16" or "float32" are not measured on this CPU; None if they are.

    A CPU that does not multiply in a type emulates it, many times slower.
    """
    from docsearch.engine.models.device import computes_bf16

    has = {"int8": multiplies_bytes, "bfloat16": computes_bf16, "float32": lambda: True}
    return None if has[arithmetic]() else f"this CPU does not multiply in {arithmetic}"


def multiplies_bytes() -> bool:
    """Whether this CPU has instructions for products of bytes."""
    return any(name in processor.features() for name in ("vnni", "amx_int8", "i8mm"))


def within_budget(seconds: float, what: str) -> None:
    """Raise Skipped if `what` is expected to take longer than BUDGET_S."""
    if seconds > BUDGET_S:
        raise Skipped(f"{what} would take {seconds:.0f} s, more than {BUDGET_S:.0f}")


def gemm_gflops(arithmetic: str) -> float:
    """The best rate of a large square product on the CPU in GFLOP/s (int8: GOP/s), with torch's own threads.

    Raises Skipped if the CPU does not multiply in "int8" or "bfloat16", or far too slowly; never for "float32".
    """
    if why := lacking(arithmetic):
        raise Skipped(why)
    if arithmetic != "float32":
        trial = min(TRIAL_SQUARE, SQUARE)
        small = square_product(arithmetic, trial)
        expected = min(timed(small) for _ in range(WARM_UP + 1)) * (SQUARE / trial) ** 3 * (WARM_UP + RUNS)
        within_budget(expected, f"{WARM_UP + RUNS} products of {SQUARE:,} x {SQUARE:,}")
    work = square_product(arithmetic, SQUARE)
    for _ in range(WARM_UP):
        work()
    return 2 * SQUARE**3 / min(timed(work) for _ in range(RUNS)) / 1e9


def square_product(arithmetic: str, side: int) -> Callable[[], torch.Tensor]:
    """A function that multiplies two square matrices with `side` rows."""
    if arithmetic == "int8":
        left = torch.randint(-100, 100, (side, side), dtype=torch.int8)
        return partial(torch._int_mm, left, left.T.contiguous())
    left = torch.randn(side, side).to(getattr(torch, arithmetic))
    return partial(torch.matmul, left, left)


def gpu_copy_gb_s(device: torch.device, byte_count: int = 4 << 30) -> float:
    """Bytes read and written per second by a copy inside the device's memory, in GB/s."""
    source = torch.zeros(byte_count // 4, dtype=torch.int32, device=device)
    target = torch.empty_like(source)
    return 2 * byte_count / gpu_seconds(partial(target.copy_, source)) / 1e9


def gpu_matmul_gflops(device: torch.device, size: int = GPU_SQUARE) -> float:
    """The rate of a large square bfloat16 product on the device, in GFLOP/s."""
    square = torch.randn(size, size, device=device).bfloat16()
    return 2 * size**3 / gpu_seconds(partial(torch.matmul, square, square)) / 1e9


def gpu_seconds(work: partial[torch.Tensor]) -> float:
    """The best time of one call in seconds, by the device's clock."""
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
