"""The coordinator of a run on a cluster: gives tasks to workers, and adds the segments that they wrote to the index.

It is the index's only writer. A task counts once, when its segments are added: whatever was given out twice, or was
lost with a worker, changes nothing. What is in the index says where the next run continues.
"""

from __future__ import annotations

import json
import logging
import statistics
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from ... import __version__
from ...engine.errors import DocsearchError, StorageFailed, StorageFull, UsageError
from ...engine.models.encoder import PageEncoder
from ...engine.store import layout
from ...indexer.discover import Document
from ...indexer.render.renderer import Renderer
from ...indexer.report import Interrupted
from ...indexer.run import Run
from ..connection import check_started
from .ledger import Ledger, check_reached
from .pool import Member, Pool, PoolOptions
from .staging import ObjectStorage, SharedFolder, Staging, is_url
from .status import ClusterStatus, Meter
from .tasks import Key, Task, TaskQueue, TaskResult
from .worker import WorkerSettings

logger = logging.getLogger(__name__)

COMMIT_AFTER_S = 2.0
"""Seconds between commits. A coordinator that is killed loses this much of the whole cluster's work."""
LOSSES_MAX = 3
"""A document that is alone in its task fails after this many workers died of it."""
RANGES_AT_ONCE_MAX = 64
"""Ranges of one document in work at a time."""
FAILURES_IN_A_ROW_MAX = 12
"""Tasks that fail one after the other, for want of storage, before the run ends: no machine can write."""
STRAGGLER_FACTOR, STRAGGLER_MIN_S = 3.0, 5.0
"""When no other tasks are left, one that takes this many times the median, and this many seconds, is given to a second
worker; the first result counts.
"""
RECEIVERS = 4
"""Threads that fetch segments from object storage."""
STATUS_EVERY_S = 0.5
NOTHING_STARTS_S = 600.0
"""Seconds without a worker after which the run ends: the cluster has no room. Machines that it starts take minutes."""
STAGING_SETTING = "staging"


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """How a run uses a cluster: its `pool`; where segments are `staged`, a folder that all machines reach or the URL of
    object storage, "" for a folder in the index; `on_status` receives a `ClusterStatus` twice a second, and the last.
    """

    pool: PoolOptions = field(default_factory=PoolOptions)
    staged: str = ""
    on_status: Callable[[ClusterStatus], None] | None = None


def render_and_store(
    run: Run, make_renderer: Callable[[], Renderer], load_encoder: Callable[[], PageEncoder], *, options: ClusterOptions
) -> None:
    """Render, embed and store the pages that a run lacks, on the cluster that this process is connected to.

    Raises UsageError where workers cannot be started, StorageFull and StorageFailed where none can write. On
    KeyboardInterrupt, and when the run's progress raises Interrupted, what arrived is committed first.
    """
    with run.attached, ExitStack() as opened:
        documents, is_local = run.documents_to_render(hash_elsewhere=True), False
        coordinator: _Coordinator | None = None
        while True:
            if (first := next(documents, None)) is not None:
                if coordinator is None:
                    coordinator = opened.enter_context(_opened(run, make_renderer, load_encoder, options))
                try:
                    coordinator.work(chain([first], documents), is_local=is_local)
                except (KeyboardInterrupt, Interrupted):
                    run.commit_interrupted()
                    raise
            run.report_progress()
            run.record_attached()
            if run.attached.is_empty:
                return
            # What lies in documents was taken out into temporary files of this machine.
            documents, is_local = run.attached_to_render(), True


@contextmanager
def _opened(
    run: Run, make_renderer: Callable[[], Renderer], load_encoder: Callable[[], PageEncoder], options: ClusterOptions
) -> Iterator[_Coordinator]:
    """The coordinator of a run, with its workers, which end with the block."""
    staging = _staging(run, options.staged)
    settings = WorkerSettings(
        make_renderer,
        load_encoder,
        json.loads(run.writer.setting("fingerprint") or "{}"),
        run.writer.codec,
        run.writer.codebook,
        staging,
        __version__,
    )
    staging.open()
    pool = Pool(settings, options.pool)
    coordinator = _Coordinator(run, pool, staging, options)
    try:
        yield coordinator
    finally:
        pool.close()
        coordinator.close()
        staging.clear()


def _staging(run: Run, staged: str) -> Staging:
    local = run.directory.absolute() / layout.STAGING
    if not staged:
        return SharedFolder(local, local)
    name = run.writer.setting(STAGING_SETTING)
    if name is None:  # a name of the index's own, so that no run touches what another index has there
        name = f"docsearch-{uuid.uuid4().hex}"
        run.writer.write_setting(STAGING_SETTING, name)
        run.writer.commit()
    if is_url(staged):
        return ObjectStorage(f"{staged.rstrip('/')}/{name}", local)
    return SharedFolder(Path(staged).absolute() / name, local)


@dataclass(slots=True)
class _Arrived:
    """A result whose segments are being fetched, or are here."""

    task: Task
    result: TaskResult
    folders: list[Future[Path]]


class _Coordinator:
    """The state of a run: the tasks that wait, those in work, and results that arrived."""

    def __init__(self, run: Run, pool: Pool, staging: Staging, options: ClusterOptions) -> None:
        import ray

        self._ray = ray
        self._run = run
        self._pool = pool
        self._staging = staging
        self._options = options
        self._meter = Meter()
        self._losses: Counter[Key] = Counter()  # of workers, by the task that they died of
        self._outstanding: Counter[Key] = Counter()  # deliveries of a task that may still come
        self._finished: set[Key] = set()  # of those, tasks that have a result already
        self._ledger = Ledger(run)
        self._arrived: deque[_Arrived] = deque()
        self._receivers = ThreadPoolExecutor(RECEIVERS, thread_name_prefix="receive")
        self._seconds: deque[float] = deque(maxlen=200)  # of the last tasks
        self._failures_in_a_row = 0
        self._committed = time.monotonic()
        self._reported = 0.0
        self._last_worker = time.monotonic()

    def work(self, documents: Iterator[tuple[Document, frozenset[int]]], *, is_local: bool) -> None:
        """Have every document indexed, with its pages to leave out; if they are `local`, as in `Part`."""
        parts = (self._ledger.enter(document, skip, is_local=is_local) for document, skip in documents)
        self._queue = TaskQueue(parts, self._run.documents_total, self._run.bytes_total)
        while True:
            self._pool.grow()
            self._give_out()
            self._add_arrived()
            is_done = self._ledger.is_empty and self._queue.is_empty and not self._arrived
            self._report(always=is_done)
            if is_done:
                return
            self._wait()

    @property
    def _ranges_at_once(self) -> int:
        """Ranges of one document that are worked on at a time."""
        return min(max(2 * len(self._pool.members), 1), RANGES_AT_ONCE_MAX)

    def close(self) -> None:
        """Stop fetching."""
        self._receivers.shutdown(wait=True, cancel_futures=True)

    def _give_out(self) -> None:
        """Give tasks to workers that want some, as long as few enough results wait to be added."""
        started = time.monotonic()
        if len(self._arrived) > len(self._pool.members) + RECEIVERS:
            return
        for ahead in range(2):  # a first task for everybody before a second one for anybody
            for member in [each for each in self._pool.members if each.wants_more and len(each.tasks) <= ahead]:
                task = self._queue.next(len(self._pool.members), is_idle=not member.tasks)
                if task is None and (ahead or (task := self._straggler()) is None):
                    break
                self._outstanding[task.key] += 1
                self._pool.give(member, task)
        self._meter.busy_s += time.monotonic() - started

    def _straggler(self) -> Task | None:
        """A task that takes so long, compared with others, that a second worker tries it; None if there is none."""
        if not self._queue.is_empty or not self._seconds:
            return None
        limit = max(STRAGGLER_FACTOR * statistics.median(self._seconds), STRAGGLER_MIN_S)
        now = time.monotonic()
        late = [
            (given, task)
            for member in self._pool.members
            for _, task, given in member.tasks
            if now - given > limit and self._outstanding[task.key] == 1 and task.key not in self._finished
        ]
        if not late:
            return None
        self._meter.repeated += 1
        return min(late, key=lambda each: each[0])[1]

    def _wait(self) -> None:
        """Wait for a result, a worker that is ready, or a segment that is here."""
        references = self._pool.references()
        pause = 0.02 if self._arrived else 1.0
        if not references:
            self._check_for_workers()
            time.sleep(min(pause, 0.2))
            return
        ready, _ = self._ray.wait(references, num_returns=len(references), timeout=0)
        if not ready:
            ready, _ = self._ray.wait(references, num_returns=1, timeout=pause)
        if not ready and not self._pool.members:
            self._check_for_workers()
        started = time.monotonic()
        for reference in ready:
            self._handle(reference)
        self._meter.busy_s += time.monotonic() - started

    def _check_for_workers(self) -> None:
        if not self._pool.is_preparing and time.monotonic() - self._last_worker > NOTHING_STARTS_S:
            raise UsageError(
                f"no worker could be started on the Ray cluster in {NOTHING_STARTS_S:.0f} s; 'ray status' shows which "
                "resources are free"
            )

    def _handle(self, reference: Any) -> None:
        """Take a worker in that is ready, or a result; put tasks back where a worker died or cannot write."""
        errors = self._ray.exceptions
        if self._pool.is_starting(reference):
            try:
                self._pool.started(reference)
            except errors.RayTaskError as err:
                if isinstance(err.cause, DocsearchError):
                    raise err.cause from None
                raise
            except errors.RayActorError as err:
                check_started(err)
                logger.warning("a worker died before it was ready: %s", _first_line(err))
                self._pool.lost += 1
                self._check_for_workers()
            else:
                self._last_worker = time.monotonic()
            return
        member = self._pool.owner(reference)
        self._last_worker = time.monotonic()
        try:
            result: TaskResult = self._ray.get(reference)
        except errors.RayTaskError as err:
            self._failed(member, err.cause)
        except errors.RayError as err:  # the worker, its machine or its result is gone
            self._died(member, _first_line(err))
        else:
            self._failures_in_a_row = 0
            _, task, _ = member.tasks.popleft()
            if member.tasks:  # it begins the next one now
                reference, following, _ = member.tasks[0]
                member.tasks[0] = (reference, following, time.monotonic())
            self._seconds.append(result.spent.seconds)
            assert member.info is not None
            check_reached(task, result, member.info.host)
            self._meter.add(member.info, result.spent)
            self._receive(task, result)

    def _failed(self, member: Member, cause: BaseException) -> None:
        """A worker told of an error: it cannot write, or has a defect."""
        if isinstance(cause, StorageFull | StorageFailed):
            self._failures_in_a_row += 1
            if self._failures_in_a_row >= FAILURES_IN_A_ROW_MAX:
                raise cause
            where = "" if member.info is None else member.info.host
            logger.warning("a worker on %s cannot write, and is replaced: %s", where, cause)
            for task in self._pool.drop(member, avoid_node=True):
                self._lost(task)
            return
        tasks = self._pool.drop(member)
        self._suspect(tasks[0], f"{type(cause).__name__}: {_first_line(cause)}")
        for task in tasks[1:]:
            self._lost(task)

    def _died(self, member: Member, reason: str) -> None:
        """A worker is gone: its current task is suspected of it, unless the whole machine is gone."""
        node_is_alive = member.info is not None and self._pool.is_node_alive(member.info.node)
        tasks = self._pool.drop(member)
        logger.warning("a worker died, and its tasks are given out again: %s", reason)
        if node_is_alive:
            self._suspect(tasks[0], reason)
        else:
            self._lost(tasks[0])
        for task in tasks[1:]:
            self._lost(task)

    def _lost(self, task: Task, *, again: tuple[Task, ...] | None = None) -> None:
        """Give a task out again, or others `again` in its place, unless it has a result or is with another worker."""
        self._outstanding[task.key] -= 1
        if self._outstanding[task.key] > 0:
            return
        del self._outstanding[task.key]
        if task.key in self._finished:
            self._finished.discard(task.key)
            return
        self._meter.repeated += 1
        self._queue.give_back((task,) if again is None else again)

    def _suspect(self, task: Task, reason: str) -> None:
        """A worker died of a task, perhaps: each document of it is tried alone, and fails after LOSSES_MAX losses."""
        again = tuple(replace(task, parts=(part,), is_suspect=True) for part in task.parts)
        if len(task.parts) > 1:
            self._lost(task, again=again)
            return
        self._losses[task.key] += 1
        if self._losses[task.key] < LOSSES_MAX or task.key in self._finished:
            self._lost(task, again=again)
            return
        self._lost(task, again=())
        self._ledger.quarantine(task, f"{LOSSES_MAX} workers died of it, the last with: {reason}")

    def _receive(self, task: Task, result: TaskResult) -> None:
        """Have the segments of a result fetched, unless the task has a result already."""
        self._outstanding[task.key] -= 1
        is_second = task.key in self._finished
        if self._outstanding[task.key] <= 0:
            del self._outstanding[task.key]
            self._finished.discard(task.key)
        elif not is_second:
            self._finished.add(task.key)
        if is_second:
            for name, _ in result.segments:
                self._staging.delete(name)
            return
        folders = [self._receivers.submit(self._staging.receive, name, built) for name, built in result.segments]
        self._arrived.append(_Arrived(task, result, folders))

    def _add_arrived(self) -> None:
        """Add the results whose segments are here to the index."""
        started = time.monotonic()
        for _ in range(len(self._arrived)):
            arrived = self._arrived.popleft()
            if all(folder.done() for folder in arrived.folders):
                try:
                    folders = [folder.result() for folder in arrived.folders]
                except (StorageFull, StorageFailed, OSError) as err:
                    self._failures_in_a_row += 1
                    if self._failures_in_a_row >= FAILURES_IN_A_ROW_MAX:
                        raise
                    logger.warning("a segment could not be fetched, and is made again: %s", err)
                    self._meter.repeated += 1
                    if self._outstanding[arrived.task.key]:
                        self._finished.discard(arrived.task.key)  # the result of the other worker counts
                    else:
                        self._queue.give_back([arrived.task])
                else:
                    again = self._ledger.add(arrived.task, arrived.result, folders, ranges_at_once=self._ranges_at_once)
                    for name, _ in arrived.result.segments:
                        self._staging.delete(name)
                    self._queue.give_back(again)
            else:
                self._arrived.append(arrived)
        if started - self._committed > COMMIT_AFTER_S:
            self._run.commit()
            self._committed = time.monotonic()
        self._meter.busy_s += time.monotonic() - started

    def _report(self, *, always: bool = False) -> None:
        now = time.monotonic()
        if self._options.on_status is None or (now - self._reported < STATUS_EVERY_S and not always):
            return
        self._reported, members = now, self._pool.members
        workers = Counter(member.info.host for member in members if member.info is not None)
        tasks = sum(len(member.tasks) for member in members)
        self._options.on_status(self._meter.status(workers, tasks, self._pool.lost, self._ledger.pages))


def _first_line(err: BaseException) -> str:
    return next((line.strip() for line in str(err).splitlines() if line.strip()), type(err).__name__)
