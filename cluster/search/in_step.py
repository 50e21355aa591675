"""Runs tasks that call shards in step: what all of them ask for at a time goes to each shard in one call.

A question of two stages asks three times and more: for stage 1's scores, for MaxSim with its candidates, for pairs of
neighbouring tokens. Each time costs the driver and a worker a message, and a wait for the slowest shard. Of questions
in step, each of these costs is one for all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol, TypeVar

from .fan_out import Call

T = TypeVar("T")
WAIT_S = 1.0
"""Seconds for which the calls of a task wait for those of the others: one may wait for a lock that this one holds."""
_current = threading.local()
"""`steps`: what the calls of this thread go through, if it runs a task of some."""


class Send(Protocol):
    """Calls shards: a `FanOut`."""

    def __call__(self, calls: Sequence[Call], *, timeout_s: float | None = None) -> list[Any]:
        """The answers, in the order of the calls."""


def run_in_step(send: Send, tasks: Sequence[Callable[[], T]]) -> list[T]:
    """The results of `tasks`, in their order, each of which ran in a thread of its own and called `send_in_step`.

    Raises what the first of them raised; an error of `send` is one of each task that waits for its answer.
    """
    if len(tasks) == 1:
        return [tasks[0]()]
    steps = _Steps(send, len(tasks))
    done: list[T | None] = [None] * len(tasks)
    errors: dict[int, BaseException] = {}

    def run(number: int) -> None:
        with steps.taken_part_in():
            try:
                done[number] = tasks[number]()
            except BaseException as err:  # noqa: BLE001 - raised below
                errors[number] = err

    threads = [threading.Thread(target=run, args=[i], name=f"docsearch-step-{i}") for i in range(len(tasks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[min(errors)]
    return done  # type: ignore[return-value]


def send_in_step(send: Send, calls: Sequence[Call]) -> list[Any]:
    """The answers to `calls`: by `send`, or in a task of `run_in_step` together with those of the other tasks."""
    steps: _Steps | None = getattr(_current, "steps", None)
    if steps is None or not calls:
        return send(calls)
    return steps.send(calls)


@dataclass(slots=True, eq=False)
class _Asked:
    """The calls of a task, and their answers or the error once they are there."""

    calls: Sequence[Call]
    answers: list[Any] = field(default_factory=list)
    error: BaseException | None = None
    is_done: bool = False


class _Steps:
    """Collects the calls of tasks until all that still run wait for answers, and sends them."""

    def __init__(self, send: Send, tasks: int) -> None:
        self._send = send
        self._running = tasks
        self._waiting: list[_Asked] = []
        self._changed = threading.Condition()

    @contextmanager
    def taken_part_in(self) -> Iterator[None]:
        """The calling thread runs one of the tasks inside the block."""
        _current.steps = self
        try:
            yield
        finally:
            del _current.steps
            with self._changed:
                self._running -= 1
                waiting = self._complete()
            self._answer(waiting)  # the others need not wait for this one any more

    def send(self, calls: Sequence[Call]) -> list[Any]:
        own = _Asked(calls)
        with self._changed:
            self._waiting.append(own)
            waiting = self._complete()
            while not waiting and not own.is_done:
                if not self._changed.wait(WAIT_S) and own in self._waiting:
                    waiting, self._waiting = self._waiting, []
        self._answer(waiting)
        if own.error is not None:
            raise own.error
        return own.answers

    def _complete(self) -> list[_Asked]:
        """What waits, if all tasks that run wait: the caller has it answered."""
        if not self._waiting or len(self._waiting) < self._running:
            return []
        waiting, self._waiting = self._waiting, []
        return waiting

    def _answer(self, waiting: Sequence[_Asked]) -> None:
        if not waiting:
            return
        try:
            calls = list(chain.from_iterable(each.calls for each in waiting))
            answers = iter(send_merged(self._send, calls))
            for each in waiting:
                each.answers = [next(answers) for _ in each.calls]
        except BaseException as err:  # noqa: BLE001 - raised by each task
            for each in waiting:
                each.error = err
        with self._changed:
            for each in waiting:
                each.is_done = True
            self._changed.notify_all()


def send_merged(send: Send, calls: Sequence[Call]) -> list[Any]:
    """The answers to `calls`, in their order, of which those of one method of a shard are sent as one: `Shard.each`."""
    together: dict[Hashable, list[int]] = {}
    for i, call in enumerate(calls):
        together.setdefault((call.shard, call.method), []).append(i)
    merged = [
        calls[places[0]] if len(places) == 1 else Call.of_each([calls[i] for i in places])
        for places in together.values()
    ]
    answers: dict[int, Any] = {}
    for places, found in zip(together.values(), send(merged), strict=True):
        answers.update(zip(places, [found] if len(places) == 1 else found, strict=True))
    return [answers[i] for i in range(len(calls))]
