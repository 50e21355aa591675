"""A simulation of questions to very many shards: drawn latencies and failures, with and without hedging.

The rules are those of `cluster.search.fan_out`: a call goes to one replica; where that has not answered after the time
that 95 of 100 calls take, another one is asked, too, and the first answer counts; a replica that is lost is replaced by
the next at once. A question takes as long as its slowest shard.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
HEDGE_PERCENTILE = 95
"""As `cluster.search.fan_out.HEDGE_PERCENTILE`."""
FOUND_LOST_MS = 1.0
"""How long it takes to learn that a worker is gone: its connection is closed."""


@dataclass(frozen=True, slots=True)
class Latencies:
    """How long a worker takes: `median_ms`, log-normal with `sigma`; a share `paused` of calls takes `pause_ms` more.

    Pauses are what a busy neighbour, a garbage collection or a cold disk adds. A share `lost` of calls meets a worker
    that is gone.
    """

    median_ms: float = 30.0
    sigma: float = 0.3
    paused: float = 0.001
    pause_ms: float = 500.0
    lost: float = 0.0001

    def drawn(self, rng: np.random.Generator, shape: tuple[int, ...]) -> F64:
        """Latencies in milliseconds; infinite where the worker is gone."""
        found = self.median_ms * np.exp(self.sigma * rng.standard_normal(shape))
        found += np.where(rng.random(shape) < self.paused, self.pause_ms, 0)
        found[rng.random(shape) < self.lost] = np.inf
        return found


def questions(
    latencies: Latencies, *, shards: int, count: int, replicas: int, hedge: bool, seed: int = 1
) -> tuple[F64, float, float]:
    """How long `count` questions take in milliseconds (n,), infinite where a shard has no answer; the share of calls
    that were hedged; and the share of questions without an answer of all shards. `replicas` are 1 or 2.
    """
    rng = np.random.default_rng(seed)
    usual = float(np.percentile(latencies.drawn(rng, (100_000,)), HEDGE_PERCENTILE))
    out = np.empty(count)
    hedged = 0
    for number in range(count):
        first = latencies.drawn(rng, (shards,))
        took = first.copy()
        if replicas > 1:
            again = latencies.drawn(rng, (shards,))
            gone = np.isinf(first)
            took[gone] = FOUND_LOST_MS + again[gone]
            slow = ~gone & (first > usual)
            if hedge:
                hedged += int(np.count_nonzero(slow))
                took[slow] = np.minimum(first[slow], usual + again[slow])
        out[number] = took.max()
    return out, hedged / (count * shards), float(np.isinf(out).mean())
