"""The workers of a run: Ray actors that are started, replaced when they die, and given tasks one after the other."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ...engine.models import registry
from .tasks import Task
from .worker import Worker, WorkerInfo, WorkerSettings

logger = logging.getLogger(__name__)

TASKS_AHEAD = 2
"""Tasks that a worker has at a time: the next one waits beside it, so that it never waits for the coordinator."""
LOOK_FOR_NODES_EVERY_S = 5.0
"""Seconds between looks at the cluster: machines may have joined."""
AVOID_NODE_S = 60.0
"""Seconds that a machine whose disk was full gets no new worker."""


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """How many `workers`, None: one for each machine, or each share of a GPU; `gpus` is the share that each needs, 0
    without a GPU, and `cpus` the processors that it takes of its machine, None: all of a machine without GPUs.
    """

    workers: int | None = None
    gpus: float = 0.0
    cpus: float | None = None


def default_gpus(model: str, device: str) -> float:
    """The share of a GPU that each worker needs by default: 1 where the connected cluster has GPUs and a model on
    `device` ("auto", "cpu" or "cuda") uses one, else 0.
    """
    import ray

    is_on_gpu = device != "cpu" and registry.family(model) not in (registry.Family.PIXEL, registry.Family.REMOTE)
    return 1.0 if is_on_gpu and ray.cluster_resources().get("GPU", 0) else 0.0


@dataclass(slots=True)
class Member:
    """A worker: its `actor`, `info` once it is ready, and the tasks that it has, the one it works on first."""

    actor: Any
    info: WorkerInfo | None = None
    tasks: deque[tuple[Any, Task, float]] = field(default_factory=deque)  # result's reference, task, when given

    @property
    def wants_more(self) -> bool:
        """Whether it can be given a task."""
        is_alone = any(task.is_suspect for _, task, _ in self.tasks)
        return self.info is not None and len(self.tasks) < TASKS_AHEAD and not is_alone


class Pool:
    """Starts as many workers as the options and the cluster allow, and starts others where some died."""

    def __init__(self, settings: WorkerSettings, options: PoolOptions) -> None:
        import ray

        self._ray = ray
        self._settings = ray.put(settings)
        self._options = options
        self._actor_class = ray.remote(max_restarts=0, max_task_retries=0)(Worker)
        self._starting: dict[Any, Member] = {}  # by the reference of `is_started`
        self._preparing: dict[Any, Member] = {}  # by the reference of `prepare`
        self.members: list[Member] = []
        self._avoided: dict[str, float] = {}  # nodes, and until when
        self._looked = -LOOK_FOR_NODES_EVERY_S
        self.lost = 0

    def grow(self) -> None:
        """Start the workers that are missing, where the cluster has room for them now."""
        now = time.monotonic()
        if now - self._looked < LOOK_FOR_NODES_EVERY_S:
            return
        self._looked = now
        self._avoided = {node: until for node, until in self._avoided.items() if until > now}
        count, cpus = self._wanted()
        for _ in range(count - len(self.members) - len(self._starting) - len(self._preparing)):
            self._start(cpus)

    def _wanted(self) -> tuple[int, float]:
        """How many workers there should be, and how many processors each takes."""
        nodes = [
            node["Resources"]
            for node in self._ray.nodes()
            if node["Alive"] and node["NodeID"] not in self._avoided and node["Resources"].get("CPU", 0) > 0
        ]
        gpus, options = self._options.gpus, self._options
        if gpus:
            places = sum(int(node.get("GPU", 0) / gpus + 1e-6) for node in nodes)
            return options.workers or max(places, 1), options.cpus or 1.0
        smallest = min((node["CPU"] for node in nodes), default=1.0)
        if options.workers is None:
            return max(len(nodes), 1), options.cpus or smallest
        total = sum(node["CPU"] for node in nodes)
        share = max(1.0, float(int(total / options.workers)))
        return options.workers, options.cpus or min(smallest, share)

    def _start(self, cpus: float) -> None:
        strategy: Any = "SPREAD"
        if self._avoided:
            strategy = self._away_from_avoided() or strategy
        actor = self._actor_class.options(
            num_cpus=cpus, num_gpus=self._options.gpus, scheduling_strategy=strategy
        ).remote(self._settings)
        self._starting[actor.is_started.remote()] = Member(actor)

    def _away_from_avoided(self) -> Any:
        """A strategy that places an actor on one of the other machines; None where there is none."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        used = [member.info.node for member in self.members if member.info is not None]
        nodes = [
            node["NodeID"]
            for node in self._ray.nodes()
            if node["Alive"] and node["NodeID"] not in self._avoided and node["Resources"].get("CPU", 0) > 0
        ]
        free = min(nodes, key=used.count, default=None)
        return None if free is None else NodeAffinitySchedulingStrategy(free, soft=True)

    def references(self) -> list[Any]:
        """What to wait for: the results of tasks, and workers that get ready."""
        first = [member.tasks[0][0] for member in self.members if member.tasks]
        return [*first, *self._starting, *self._preparing]

    def is_starting(self, reference: Any) -> bool:
        """Whether a reference is that of a worker that gets ready, rather than a task's result."""
        return reference in self._starting or reference in self._preparing

    @property
    def is_preparing(self) -> bool:
        """Whether a worker has its place in the cluster, and opens the model."""
        return bool(self._preparing)

    def started(self, reference: Any) -> None:
        """Have a worker that has its place open the model, or take one in that has.

        Raises what its `prepare` raised, and RayActorError if it died.
        """
        if (member := self._starting.pop(reference, None)) is not None:
            self._ray.get(reference)
            self._preparing[member.actor.prepare.remote()] = member
            return
        member = self._preparing.pop(reference)
        member.info = self._ray.get(reference)
        self.members.append(member)

    def give(self, member: Member, task: Task) -> None:
        """Give a task to a worker."""
        member.tasks.append((member.actor.run.remote(task.with_contents()), task, time.monotonic()))

    def owner(self, reference: Any) -> Member:
        """The worker whose current task has this result."""
        return next(member for member in self.members if member.tasks and member.tasks[0][0] == reference)

    def drop(self, member: Member, *, avoid_node: bool = False) -> list[Task]:
        """Remove a worker that died, or kill it; return the tasks that it had, the current one first."""
        self.members.remove(member)
        self.lost += 1
        if avoid_node and member.info is not None:
            self._avoided[member.info.node] = time.monotonic() + AVOID_NODE_S
        self._ray.kill(member.actor)
        self._looked = -LOOK_FOR_NODES_EVERY_S  # start another one now
        return [task for _, task, _ in member.tasks]

    def is_node_alive(self, node: str) -> bool:
        """Whether a machine still answers."""
        return any(each["NodeID"] == node and each["Alive"] for each in self._ray.nodes())

    def close(self) -> None:
        """End all workers."""
        members: Iterable[Member] = (*self.members, *self._starting.values(), *self._preparing.values())
        for member in members:
            self._ray.kill(member.actor)
        self.members.clear()
        self._starting.clear()
        self._preparing.clear()
