"""How far a run on a cluster is: pages per second of each stage and machine, and the stage that holds the others up."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from .tasks import Spent
from .worker import WorkerInfo

WAITING_SHARE = 0.5
"""Workers that wait this share of their time for rendered pages are held up by rendering."""
COORDINATOR_SHARE = 0.8
"""A coordinator that is busy for this share of the time holds up the workers."""


@dataclass(frozen=True, slots=True)
class NodeRate:
    """A machine: its name, its `workers` now, the `pages` that they embedded, and those per second of the run."""

    host: str
    workers: int
    pages: int
    pages_per_s: float


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """How far a run on a cluster is after `seconds`.

    `rendered_per_s`, `embedded_per_s` and `committed_per_s` are pages of all machines. `render_wait`, `embed` and
    `write` are the shares of the workers' time, 0 to 1, that they waited for rendered pages, embedded, and wrote
    segments. `coordinator` is the share of the time that the coordinator was busy. `bottleneck` is the stage that holds
    the others up: "rendering", "embedding", "storage" or "coordinator", "" before the first result. `tasks` are being
    carried out, `lost_workers` died, and `repeated_tasks` were given out again.
    """

    seconds: float
    rendered_per_s: float
    embedded_per_s: float
    committed_per_s: float
    render_wait: float
    embed: float
    write: float
    coordinator: float
    bottleneck: str
    nodes: tuple[NodeRate, ...]
    tasks: int
    lost_workers: int
    repeated_tasks: int


class Meter:
    """Adds up what workers report."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._pages: Counter[str] = Counter()  # by host
        self._rendered = self._embedded = 0
        self._render_wait_s = self._embed_s = self._write_s = self._worker_s = 0.0
        self.busy_s = 0.0
        self.repeated = 0

    def add(self, info: WorkerInfo, spent: Spent) -> None:
        """Count a task that a worker carried out."""
        self._pages[info.host] += spent.embedded
        self._rendered += spent.rendered
        self._embedded += spent.embedded
        self._render_wait_s += spent.render_wait_s
        self._embed_s += spent.embed_s
        self._write_s += spent.write_s
        self._worker_s += spent.seconds

    def status(self, workers: Counter[str], tasks: int, lost: int, committed: int) -> ClusterStatus:
        """The status now, given the number of workers of each machine, of tasks in work, of workers that died, and of
        `committed` pages.
        """
        seconds = max(self._clock() - self._started, 1e-9)
        whole = max(self._worker_s, 1e-9)
        shares = (self._render_wait_s / whole, self._embed_s / whole, self._write_s / whole)
        busy = self.busy_s / seconds
        hosts = sorted({*workers, *self._pages})
        return ClusterStatus(
            seconds=seconds,
            rendered_per_s=self._rendered / seconds,
            embedded_per_s=self._embedded / seconds,
            committed_per_s=committed / seconds,
            render_wait=shares[0],
            embed=shares[1],
            write=shares[2],
            coordinator=busy,
            bottleneck=_bottleneck(*shares, busy) if self._worker_s else "",
            nodes=tuple(
                NodeRate(host, workers[host], self._pages[host], self._pages[host] / seconds) for host in hosts
            ),
            tasks=tasks,
            lost_workers=lost,
            repeated_tasks=self.repeated,
        )


def _bottleneck(render_wait: float, embed: float, write: float, coordinator: float) -> str:
    """The stage that holds the others up, by the shares of time that are spent in each.

    >>> _bottleneck(0.7, 0.2, 0.1, 0.1), _bottleneck(0.1, 0.8, 0.1, 0.9)
    ('rendering', 'coordinator')
    """
    if coordinator >= COORDINATOR_SHARE:
        return "coordinator"
    if render_wait >= WAITING_SHARE:
        return "rendering"
    return "embedding" if embed >= write else "storage"
