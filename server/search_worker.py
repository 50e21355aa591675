"""Questions of many clients go in; answers come out, those that wait together answered together by one thread.

The thread owns the searcher, so nothing of it runs on the event loop, and no two threads are in it. What waits is
bounded. When the index has changed, the next searcher is opened and prepared beside the present one, which goes on
answering until then.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TypeVar

from ..engine.errors import DocsearchError
from ..engine.models.encoder import QueryEncoder
from ..engine.records import Hit
from ..engine.searcher import BATCH_QUERIES, STAGES, Query, Searcher, open_index
from .http_errors import Busy
from .metrics import Metrics

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
"""How soon a commit of another process is seen."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class How:
    """How questions are answered; only those asked alike are answered together."""

    k: int = 10
    candidates: int | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The `hits` of one question, the generation of the `snapshot` they were found in, the `seconds` it waited ("wait")
    and that its batch took in each stage, and how many questions were in that batch.
    """

    hits: tuple[Hit, ...]
    snapshot: str
    seconds: dict[str, float]
    batch: int


@dataclass(frozen=True, slots=True)
class _Question:
    query: Query
    how: How
    answer: Future[Answer]
    asked: float = field(default_factory=perf_counter)


@dataclass(frozen=True, slots=True)
class _Job:
    """Something else to do with the searcher, such as a heat map."""

    run: Callable[[Searcher], None]


class Questions:
    """Holds the searcher of an index and the thread that uses it. `room` is how many questions may wait; `device` is
    where pages are scored, as `open_index` takes it.
    """

    def __init__(
        self, directory: Path, encoder: QueryEncoder | None, *, room: int, metrics: Metrics, device: str = "cpu"
    ) -> None:
        self._directory = directory
        self._device = device
        self._room = room
        self._metrics = metrics
        self._searcher = open_index(directory, encoder=encoder, device=device)
        self._searcher.prepare()
        self._encoder = self._searcher.encoder
        self._thread = threading.Thread(target=self._work, name="docsearch-questions")
        self._watcher = threading.Thread(target=self._watch, name="docsearch-watch")
        self._refreshing = threading.Lock()
        self._ended = threading.Event()
        self._changed = threading.Condition()  # guards all that follows
        self._waiting: deque[_Question | _Job] = deque()
        self._next: Searcher | None = None
        self._closing = False

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        self._watcher.start()

    def close(self) -> None:
        """Take no more questions, answer those that wait, and let go of the index."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._ended.set()
        for thread in (self._thread, self._watcher):
            if thread.ident is not None:
                thread.join()
        with self._changed:
            if self._next is not None:
                self._next.close()
        self._searcher.close()

    @property
    def waiting(self) -> int:
        """How many questions wait."""
        return len(self._waiting)

    @property
    def ready(self) -> bool:
        """Whether questions are being answered."""
        return self._thread.is_alive() and not self._closing

    async def ask(self, queries: list[Query], how: How) -> list[Answer]:
        """Answer queries, in order. Raises Busy when too many wait."""
        questions = [_Question(query, how, Future()) for query in queries]
        self._put(questions)
        return await asyncio.gather(*(asyncio.wrap_future(question.answer) for question in questions))

    async def use(self, job: Callable[[Searcher], T]) -> T:
        """Run something else with the searcher, in its thread. Raises Busy when too many wait."""
        done: Future[T] = Future()
        self._put([_Job(lambda searcher: _fulfil(done, lambda: job(searcher)))])
        return await asyncio.wrap_future(done)

    @property
    def encoder(self) -> QueryEncoder:
        """The model that reads the questions."""
        return self._encoder

    def refresh(self, *, renamed: bool = False) -> None:
        """Answer from the last commit from here on; waits until that is prepared. Not for the event loop.

        A commit that changes no page is passed over, unless documents were `renamed`.
        """
        with self._refreshing:
            latest = open_index(self._directory, encoder=self._encoder, device=self._device)
            with self._changed:
                present = (self._next or self._searcher).snapshot.generation
            if self._closing or (latest.snapshot.generation == present and not renamed):
                latest.close()
                return
            latest.prepare()
            with self._changed:
                if self._next is not None:
                    self._next.close()
                self._next = latest
                self._changed.notify_all()

    def _put(self, items: list[_Question] | list[_Job]) -> None:
        with self._changed:
            if self._closing:
                raise Busy("the server is shutting down")
            if len(self._waiting) + len(items) > self._room:
                raise Busy(f"{len(self._waiting)} questions wait, of at most {self._room}; ask again in a moment")
            self._waiting.extend(items)
            self._changed.notify_all()

    def _work(self) -> None:
        while (items := self._take()) is not None:
            if isinstance(items, _Job):
                items.run(self._searcher)
            elif items:
                self._answer(items)

    def _take(self) -> list[_Question] | _Job | None:
        """Wait for what is to be done next: a job, or questions asked alike; None at the end."""
        with self._changed:
            while not (self._waiting or self._closing or self._next):
                self._changed.wait()
            if self._next is not None:
                self._searcher.close()
                self._searcher, self._next = self._next, None
            if not self._waiting:
                return None if self._closing else []
            first = self._waiting.popleft()
            if isinstance(first, _Job):
                return first
            together = [first]
            while len(together) < BATCH_QUERIES and self._waiting:
                following = self._waiting[0]
                if isinstance(following, _Job) or following.how != first.how:
                    break
                together.append(following)
                self._waiting.popleft()
            return together

    def _answer(self, questions: list[_Question]) -> None:
        started = perf_counter()
        seconds: dict[str, float] = {}

        def note(stage: str, took: float) -> None:
            seconds[stage] = seconds.get(stage, 0.0) + took

        how = questions[0].how
        self._metrics.batch_questions.observe(len(questions))
        try:
            # An iterator, not a list: a question without a word gets no hits, alone as among others.
            queries = iter([question.query for question in questions])
            found = self._searcher.search_many(
                queries, k=how.k, candidates=how.candidates, exact=how.exact, on_stage=note
            )
            hits = [each for _, each in found]
        except Exception as err:  # noqa: BLE001 - whatever it is, those who asked must hear of it, and the thread go on
            for question in questions:
                if question.answer.set_running_or_notify_cancel():
                    question.answer.set_exception(err)
            return
        seconds = {stage: seconds[stage] for stage in STAGES if stage in seconds}
        for stage, took in seconds.items():
            self._metrics.stage_seconds.labels(stage).observe(took)
        for question, its_hits in zip(questions, hits, strict=True):
            if question.answer.set_running_or_notify_cancel():
                waited = {"wait": started - question.asked}
                snapshot = self._searcher.snapshot.generation
                question.answer.set_result(Answer(tuple(its_hits), snapshot, waited | seconds, len(questions)))

    def _watch(self) -> None:
        """Look for commits of other processes now and then."""
        while not self._ended.wait(LOOK_EVERY_S):
            try:
                self.refresh()
            except DocsearchError as err:
                log.warning("the index cannot be opened again: %s", err)


def _fulfil(done: Future[T], job: Callable[[], T]) -> None:
    if not done.set_running_or_notify_cancel():
        return
    try:
        done.set_result(job())
    except Exception as err:  # noqa: BLE001 - the one who asked gets it
        done.set_exception(err)
