"""Timing, and summaries of times: median, 20th and 80th percentile, or p50, p95 and p99."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from .setting import Row


def summary_ms(seconds: Sequence[float]) -> Row:
    """Median, p20 and p80 in milliseconds, and the number of times; `seconds` is not empty."""
    low, median, high = np.percentile(np.asarray(seconds) * 1000, [20, 50, 80])
    return {
        "median_ms": round(float(median), 2),
        "p20_ms": round(float(low), 2),
        "p80_ms": round(float(high), 2),
        "runs": len(seconds),
    }


def percentiles_ms(seconds: Sequence[float]) -> Row:
    """Median, p95 and p99 in milliseconds; `seconds` is not empty."""
    half, most, nearly_all = np.percentile(np.asarray(seconds) * 1000, [50, 95, 99])
    return {
        "p50_ms": round(float(half), 2),
        "p95_ms": round(float(most), 2),
        "p99_ms": round(float(nearly_all), 2),
    }


def timed(work: Callable[[], object]) -> float:
    """Wall time of one call in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
