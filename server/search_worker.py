"""The search thread: it owns the searcher, and answers queries of many clients in batches.

All use of the searcher happens on this thread, not on the event loop. The queue is bounded. After a commit the next
searcher is opened and prepared in the background; the current one answers until then, also while a commit cannot be
opened, as when the process has too many open files. The one before is closed in the background too, because the last
reader of a generation deletes the files that only that one had.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TypeVar

from ..engine.details import HitDetails
from ..engine.hits import Hits
from ..engine.latest import Opening
from ..engine.models.encoder import QueryEncoder
from ..engine.records import Mode, Query
from ..engine.searcher import BATCH_QUERIES, STAGES, Searcher
from ..engine.store import Snapshot
from .http_errors import Busy
from .metrics import Metrics
from .opening import OpenHere
from .vital_threads import VitalThreads

log = logging.getLogger(__name__)

POLL_INTERVAL_S = 2.0
"""How soon a commit of another process is noticed."""
REFRESH_FAILURES = 5
"""Failed attempts in a row to open the last commit, after which the server is not ready: about ten seconds."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """Options of `Searcher.search_many`, and whether hits come with their `details`; only queries with equal options
    share a batch.
    """

    k: int = 10
    candidates: int | None = None
    exact: bool = False
    all_copies: bool = False
    mode: Mode | None = None
    details: bool = False
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The `hits` of one query, the generation of the `snapshot` they come from with the revision of its documents'
    `columns`, and the name of its `model`.

    `seconds` has the time in the queue ("wait") and the time of each stage for the whole batch of `batch` queries.
    """

    hits: Hits
    snapshot: str
    columns: str
    model: str
    seconds: dict[str, float]
    batch: int
    details: tuple[HitDetails, ...] = ()
    """Those of each hit, if they were asked for."""


@dataclass(frozen=True, slots=True)
class _PendingQuery:
    query: Query
    options: SearchOptions
    answer: Future[Answer]
    queued_at: float = field(default_factory=perf_counter)


@dataclass(frozen=True, slots=True)
class _Job:
    """Any other work with the searcher, such as a heat map."""

    run: Callable[[Searcher], None]
    fail: Callable[[Exception], None]


class SearchWorker:
    """Holds the searcher of the index in `directory`, or of several by their names, and the thread that uses it.

    `encoder` stands in for the index's model. At most `max_pending` queries and jobs are queued. `device` is where
    pages are scored, as in `open_searcher`. `threads` is told if a thread dies. `opening` opens
    the index, if not in this process.
    """

    def __init__(
        self,
        directory: Path | Mapping[str, Path],
        encoder: QueryEncoder | None,
        *,
        max_pending: int,
        metrics: Metrics,
        device: str = "cpu",
        threads: VitalThreads | None = None,
        opening: Opening | None = None,
    ) -> None:
        self._directory = directory
        self._opening = opening or OpenHere(device)
        self._max_pending = max_pending
        self._metrics = metrics
        self._searcher = self._opening.open(directory, encoder=encoder)
        try:
            self._searcher.prepare()
        except BaseException:
            self._searcher.close()
            raise
        self._encoder = self._searcher.encoder
        threads = threads or VitalThreads()
        self._thread = threads.thread("search", self._work, self._fail_pending)
        self._watcher = threads.thread("watch", self._watch, lambda: None)
        self._trouble: str | None = None  # why the last commit cannot be opened
        self._refresh_failures = 0  # in a row
        self._renamed = False  # whether documents were renamed by commits that could not be opened
        self._refreshing = threading.Lock()
        self._stopped = threading.Event()
        self._changed = threading.Condition()  # guards the attributes below
        self._queue: deque[_PendingQuery | _Job] = deque()
        self._next: Searcher | None = None
        self._replaced: list[Searcher] = []  # no longer used, to be closed
        self._closing = False

    def start(self) -> None:
        """Start answering."""
        self._thread.start()
        self._watcher.start()

    def close(self) -> None:
        """Accept no more queries, answer those in the queue, and close the index. Closing twice is harmless."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._stopped.set()
        for thread in (self._thread, self._watcher):
            if thread.ident is not None:
                thread.join()
        with self._changed:
            following, self._next = self._next, None
        if following is not None:
            following.close()
        self._close_replaced()
        self._searcher.close()

    @property
    def pending(self) -> int:
        """Number of queries and jobs in the queue."""
        return len(self._queue)

    @property
    def ready(self) -> bool:
        """Whether queries are being answered, and commits noticed."""
        is_working = self._thread.is_alive() and self._watcher.is_alive() and not self._closing
        return is_working and not self.is_behind

    @property
    def is_behind(self) -> bool:
        """Whether answers come from an earlier commit, because the last one cannot be opened again and again."""
        return self._refresh_failures >= REFRESH_FAILURES

    @property
    def encoder(self) -> QueryEncoder:
        """The model that embeds queries."""
        return self._encoder

    async def search(self, queries: list[Query], options: SearchOptions) -> list[Answer]:
        """Answer queries, in order. Raises Busy if the queue is full."""
        pending = [_PendingQuery(query, options, Future()) for query in queries]
        self._enqueue(pending)
        return await asyncio.gather(*(asyncio.wrap_future(each.answer) for each in pending))

    async def run(self, job: Callable[[Searcher], T]) -> T:
        """Run `job` with the searcher on the search thread. Raises Busy if the queue is full, and what `job` raises."""
        done: Future[T] = Future()
        self._enqueue([_Job(lambda searcher: _resolve(done, lambda: job(searcher)), lambda err: _fail(done, err))])
        return await asyncio.wrap_future(done)

    def refresh(self, *, renamed: bool = False) -> None:
        """Switch to the last commit; blocks until that is prepared, so it must not run on the event loop.

        A commit that changes neither a page nor a column is skipped, unless documents were `renamed`. Raises what
        `open_searcher` raises; the current searcher goes on.
        """
        with self._refreshing:
            with self._changed:
                last = self._next or self._searcher
            if not (renamed or self._renamed) and self._opening.is_unchanged(last):
                return
            latest = self._opening.open(self._directory, encoder=self._encoder)
            unused: Searcher | None = latest
            try:
                with self._changed:
                    current = (self._next or self._searcher).snapshot
                is_same = _state(latest.snapshot) == _state(current)
                is_same &= latest.snapshot.placement == current.placement
                if self._closing or (is_same and not (renamed or self._renamed)):
                    return
                latest.prepare()
                with self._changed:
                    if not self._closing:
                        unused, self._next = self._next, latest
                        self._renamed = False
                        self._changed.notify_all()
            finally:
                if unused is not None:
                    unused.close()

    def try_refresh(self, *, renamed: bool = False) -> None:
        """`refresh`, which is tried again every POLL_INTERVAL_S if it fails now. A failure is logged once."""
        try:
            self.refresh(renamed=renamed)
        except Exception as err:  # noqa: BLE001 - whatever it is, the current searcher goes on
            self._renamed |= renamed
            self._refresh_failures += 1
            self._metrics.refresh_errors.inc()
            trouble = f"{type(err).__name__}: {err}"
            if trouble != self._trouble:
                text = "answers come from an earlier state of the index; its last commit cannot be opened: %s"
                log.error(text, err)  # noqa: TRY400 - a traceback would not help
            self._trouble = trouble
            return
        self._refresh_failures = 0
        if self._trouble is not None:
            log.error("the last commit of the index was opened")
            self._trouble = None

    def _enqueue(self, items: list[_PendingQuery] | list[_Job]) -> None:
        with self._changed:
            if self._closing:
                raise Busy("the server is shutting down")
            if len(self._queue) + len(items) > self._max_pending:
                raise Busy(f"{len(self._queue)} of at most {self._max_pending} queries are waiting; try again shortly")
            self._queue.extend(items)
            self._changed.notify_all()

    def _work(self) -> None:
        while (work := self._next_work()) is not None:
            if isinstance(work, _Job):
                work.run(self._searcher)
            elif work:
                self._answer(work)

    def _next_work(self) -> list[_PendingQuery] | _Job | None:
        """Wait for work: a job, or a batch of queries with equal options (may be empty); None when closed."""
        with self._changed:
            while not (self._queue or self._closing or self._next):
                self._changed.wait()
            if self._next is not None:
                self._replaced.append(self._searcher)
                self._searcher, self._next = self._next, None
            if not self._queue:
                return None if self._closing else []
            first = self._queue.popleft()
            if isinstance(first, _Job):
                return first
            batch = [first]
            while len(batch) < BATCH_QUERIES and self._queue:
                following = self._queue[0]
                if isinstance(following, _Job) or following.options != first.options:
                    break
                batch.append(following)
                self._queue.popleft()
            return batch

    def _answer(self, batch: list[_PendingQuery]) -> None:
        started = perf_counter()
        seconds: dict[str, float] = {}

        def add_time(stage: str, elapsed: float) -> None:
            seconds[stage] = seconds.get(stage, 0.0) + elapsed

        options = batch[0].options
        self._metrics.batch_questions.observe(len(batch))
        try:
            # An iterator, not a list: a query with nothing to search for gets no hits, alone as in a batch.
            queries = iter([pending.query for pending in batch])
            chosen = {name: value for name, value in asdict(options).items() if name != "details"}
            found = self._searcher.search_many(queries, **chosen, on_stage=add_time)
            hits = [each for _, each in found]
            details = [tuple(hit.details for hit in each) if options.details else () for each in hits]
        except Exception as err:  # noqa: BLE001 - every client gets the error, and the thread continues
            for pending in batch:
                _fail(pending.answer, err)
            return
        except BaseException:  # the thread dies
            for pending in batch:
                _fail(pending.answer, _ending())
            raise
        seconds = {stage: seconds[stage] for stage in STAGES if stage in seconds}
        for stage, elapsed in seconds.items():
            self._metrics.stage_seconds.labels(stage).observe(elapsed)
        for pending, its_hits, its_details in zip(batch, hits, details, strict=True):
            if pending.answer.set_running_or_notify_cancel():
                waited = {"wait": started - pending.queued_at}
                model = self._searcher.encoder.spec.name
                answer = Answer(
                    its_hits, *_state(self._searcher.snapshot), model, waited | seconds, len(batch), its_details
                )
                pending.answer.set_result(answer)

    def _watch(self) -> None:
        """Look for commits of other processes every POLL_INTERVAL_S."""
        while not self._stopped.wait(POLL_INTERVAL_S):
            self._close_replaced()
            self.try_refresh()

    def _close_replaced(self) -> None:
        """Close the searchers that are no longer used; an error is logged."""
        with self._changed:
            replaced, self._replaced = self._replaced, []
        for searcher in replaced:
            try:
                searcher.close()
            except Exception:  # the thread must go on
                log.exception("an earlier state of the index cannot be closed")

    def _fail_pending(self) -> None:
        """Accept no more, and let those who wait know that the thread is gone."""
        with self._changed:
            self._closing = True
            waiting = list(self._queue)
            self._queue.clear()
        for each in waiting:
            if isinstance(each, _Job):
                each.fail(_ending())
            else:
                _fail(each.answer, _ending())


def _state(snapshot: Snapshot) -> tuple[str, str]:
    """The generation of a snapshot, and the revision of its documents' columns."""
    return snapshot.generation, "+".join(table.revision for _, table in snapshot.column_tables)


def _ending() -> Busy:
    return Busy("the server is ending after an error")


def _fail(future: Future[T], err: Exception) -> None:
    """Set the exception of a future, unless its client is gone."""
    if future.set_running_or_notify_cancel():
        future.set_exception(err)


def _resolve(done: Future[T], job: Callable[[], T]) -> None:
    """Set a future to the result or exception of `job`."""
    if not done.set_running_or_notify_cancel():
        return
    try:
        done.set_result(job())
    except Exception as err:  # noqa: BLE001 - raised where the future is awaited
        done.set_exception(err)
    except BaseException:  # the thread dies
        done.set_exception(_ending())
        raise
