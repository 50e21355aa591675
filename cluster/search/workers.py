"""The workers of shards on a Ray cluster: stateful actors of one shard each; replicas of a shard are several."""

from __future__ import annotations

import math
import os
import socket
import tempfile
import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from ... import __version__
from ...engine.errors import UsageError
from ...engine.store import layout, shards
from ..connection import check_started
from . import fetching
from .fan_out import Call, WorkerLost
from .shard import Shard
from .shard_pages import ShardSpec

KEPT_STATES = 3
"""States of its shard that a worker has open: of the last commit, and of those before, for queries under way."""
CALLS_AT_ONCE = 4
"""Calls that a worker answers at the same time."""
STORE = "DOCSEARCH_SHARD_STORE"
"""Environment variable of workers with the folder for segments that they had to fetch."""


class ShardWorker:
    """A worker, made by Ray in a process of its own."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, Shard] = OrderedDict()
        self._opening = threading.Lock()

    def call(self, key: str, spec: Sequence[Any], method: str, arguments: tuple[Any, ...]) -> Any:
        """Call a method of the shard in the state `key`, which is opened first if it is new.

        `spec` is a reference to its `ShardSpec` and to the actor that sends files to machines that cannot read them.
        """
        return getattr(self._shard(key, spec), method)(*arguments)

    def place(self) -> str:
        """The id of the node that it runs on."""
        import ray

        return str(ray.get_runtime_context().get_node_id())

    def _shard(self, key: str, spec: Sequence[Any]) -> Shard:
        with self._opening:
            if key not in self._open:
                import ray

                self._open[key] = self._opened(*ray.get(spec[0]))
            self._open.move_to_end(key)
            while len(self._open) > KEPT_STATES:
                self._open.popitem(last=False)  # closed when the last call with it is done
            return self._open[key]

    def _opened(self, spec: ShardSpec, source: Any) -> Shard:
        if spec.version != __version__:
            raise UsageError(
                f"{socket.gethostname()} has docsearch {__version__}, the process that asks has {spec.version}; "
                "install the same version on every machine"
            )
        directory = spec.directory
        own = shards.folder(directory, spec.name)
        if not fetching.has_all(directory, spec):
            directory = fetching.fetch(spec, store(), partial(_read, source))
            own = directory / layout.SHARDS / (spec.name or "whole")
        elif not os.access(own, os.W_OK):
            own = store() / layout.CACHE / (spec.name or "whole")
        own.mkdir(parents=True, exist_ok=True)
        return Shard(spec, directory, own)


def _read(source: Any, segment: int | None, name: str, start: int, count: int) -> bytes:
    import ray

    found: bytes = ray.get(source.read.remote(segment, name, start, count))
    return found


def store() -> Path:
    """The folder of this machine for fetched segments."""
    own = f"docsearch-shards-{os.getuid() if hasattr(os, 'getuid') else 0}"
    found = Path(os.environ.get(STORE) or Path(tempfile.gettempdir(), own))
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


class Workers:
    """The workers of an index on the cluster that this process is connected to; a `fan_out.Transport` for each state.

    May be shared between threads.
    """

    def __init__(
        self, directory: Path, replicas: int, *, cpus: float = 1.0, worker: type[ShardWorker] = ShardWorker
    ) -> None:
        """`replicas` workers for each shard; each takes `cpus` processors, or its share of a smaller cluster."""
        import ray

        self._replicas, self._cpus, self._worker = replicas, cpus, worker
        here = _on(ray.get_runtime_context().get_node_id())
        self._source = (
            ray.remote(fetching.SegmentSource).options(num_cpus=0, scheduling_strategy=here).remote(directory)
        )
        self._actors: dict[str, list[Any]] = {}
        self._used: Counter[str] = Counter()
        self._taken: dict[str, float] = {}
        self._lock = threading.Lock()

    def hold(self, specs: Sequence[ShardSpec]) -> HeldShards:
        """Have workers for shards in this state until it is released; those that are missing are started."""
        import ray

        with self._lock:
            new = [spec.name for spec in specs if spec.name not in self._actors]
            cpus = self._share(self._replicas * len(new))
            for number, spec in enumerate(specs):
                if spec.name in new:
                    places = range(number, number + self._replicas)
                    self._actors[spec.name] = [self._start(place, cpus) for place in places]
                    self._taken[spec.name] = cpus * self._replicas
                self._used[spec.name] += 1
        return HeldShards(self, {spec.name: (spec.key, [ray.put((spec, self._source))]) for spec in specs})

    def release(self, names: Sequence[str]) -> None:
        """End the workers of those shards that no state needs any more."""
        with self._lock:
            self._used.subtract(names)
            for name in [name for name in self._actors if self._used[name] <= 0]:
                self._end(self._actors.pop(name))
                self._taken.pop(name, None)

    @property
    def names(self) -> set[str]:
        """The shards that have workers."""
        return set(self._actors)

    def actors(self, shard: str) -> list[Any]:
        """The workers of a shard."""
        return self._actors[shard]

    def close(self) -> None:
        """End all workers."""
        with self._lock:
            for actors in self._actors.values():
                self._end(actors)
            self._actors.clear()
            self._end([self._source])

    def _share(self, count: int) -> float:
        """The processors that each of `count` new workers takes; less than wanted where the cluster has not as many.

        A worker that asked for more than is free would never start.
        """
        import ray

        total = float(ray.cluster_resources().get("CPU", 0)) - sum(self._taken.values())
        free = min(total, float(ray.available_resources().get("CPU", 0)))
        return max(0.0, min(self._cpus, math.floor(100 * free / max(1, count)) / 100))

    def _start(self, number: int, cpus: float) -> Any:
        """Start a worker on the node whose turn it is, so that replicas of a shard are on different ones."""
        import ray

        nodes = nodes_in_turn(ray.nodes())
        options: dict[str, Any] = {
            "num_cpus": cpus,
            "max_restarts": -1,
            "max_concurrency": CALLS_AT_ONCE,
            "scheduling_strategy": _on(nodes[number % len(nodes)]),
        }
        return ray.remote(self._worker).options(**options).remote()

    def _end(self, actors: Sequence[Any]) -> None:
        import ray

        for actor in actors:
            with suppress(Exception):  # it has died, or the cluster has
                ray.kill(actor)


class HeldShards:
    """Sends calls to the workers of one state of an index: a `fan_out.Transport`."""

    def __init__(self, workers: Workers, states: dict[str, tuple[str, list[Any]]]) -> None:
        """`states` are the key of each shard's state, and a list with the reference to its spec, which Ray leaves."""
        self.workers = workers
        self._states = states

    def release(self) -> None:
        """Let go of the workers. Releasing twice is harmless."""
        states, self._states = self._states, {}
        self.workers.release(list(states))

    def replicas(self, shard: str) -> int:
        """How many workers hold a shard."""
        return len(self.workers.actors(shard))

    def send(self, call: Call, replica: int) -> Any:
        """Send a call to a replica. Raises WorkerLost."""
        from ray.exceptions import RayError

        key, spec = self._states[call.shard]
        try:
            return self.workers.actors(call.shard)[replica].call.remote(key, spec, call.method, call.arguments)
        except RayError as err:
            raise WorkerLost(str(err)) from err

    def wait(self, pending: Sequence[Any], timeout_s: float) -> Sequence[Any]:
        """Those answers that are there, as soon as one is, or none after `timeout_s`."""
        import ray

        done: Sequence[Any] = ray.wait(list(pending), num_returns=1, timeout=timeout_s)[0]
        if done:
            done = ray.wait(list(pending), num_returns=len(pending), timeout=0)[0]
        return done

    def result(self, done: Any) -> Any:
        """An answer. Raises WorkerLost, or what the method raised."""
        import ray
        from ray.exceptions import RayError, RayTaskError

        try:
            return ray.get(done)
        except RayTaskError as err:
            if isinstance(err.cause, Exception):
                raise err.cause from err
            raise
        except RayError as err:
            check_started(err)
            raise WorkerLost(str(err)) from err

    def cancel(self, pending: Any) -> None:
        """Nothing: the answer is dropped with the reference to it."""


def nodes_in_turn(nodes: Sequence[dict[str, Any]]) -> list[str]:
    """The ids of the nodes that workers are started on, of those that Ray lists.

    A node without processors, such as that of a driver, takes no turn: Ray would choose the place of its worker, and
    could choose the node that has the other replica. Where no node has processors, all take turns.
    """
    alive = [node for node in nodes if node["Alive"]]
    with_processors = [node for node in alive if node["Resources"].get("CPU", 0) > 0]
    return sorted(node["NodeID"] for node in with_processors or alive)


def _on(node: str) -> Any:
    """Ray's strategy to prefer a node, and to take another one if it is gone."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node, soft=True)
