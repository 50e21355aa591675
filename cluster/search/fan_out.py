"""Sends calls to the replicas of many shards, and waits for one answer of each: retries, and hedges slow ones.

A call that takes longer than 95 of 100 did before is sent to another replica, too, and the first answer counts: Dean
and Barroso, "The tail at scale", 2013.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from ...engine.errors import ShardsUnavailable

HEDGE_PERCENTILE = 95
KEPT_LATENCIES, FEWEST_LATENCIES = 500, 20
"""Latencies of a kind of call that are remembered, and how many there have to be before calls are hedged."""
MIN_HEDGE_S = 0.005
RESEND_AFTER_S = 0.2
"""Pause before a call is sent again where all replicas have failed: a worker may be starting again."""
PREPARE_TIMEOUT_S = 4 * 3600.0
"""Seconds that workers may take to fetch segments, and to build what stage 1 needs."""


class WorkerLost(Exception):
    """A worker has died, or cannot be reached."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a `method` of a `shard`."""

    shard: str
    method: str
    arguments: tuple[Any, ...] = ()

    @staticmethod
    def of_each(calls: Sequence[Call]) -> Call:
        """One call in the place of several of the same method and shard; its answer is the list of theirs."""
        return Call(calls[0].shard, "each", (calls[0].method, [call.arguments for call in calls]))

    @property
    def kind(self) -> tuple[str, str]:
        """What calls that take about as long have in common."""
        return self.method, str(self.arguments[0]) if self.method == "each" else ""


class Transport(Protocol):
    """Sends calls to workers; an answer under way is any hashable object."""

    def replicas(self, shard: str) -> int:
        """How many workers hold a shard."""

    def send(self, call: Call, replica: int) -> Any:
        """Send a call to a replica, 0 or more. Raises WorkerLost where that fails at once."""

    def wait(self, pending: Sequence[Any], timeout_s: float) -> Sequence[Any]:
        """Those that are done, as soon as one is, or none after `timeout_s`."""

    def result(self, done: Any) -> Any:
        """The answer. Raises WorkerLost, or what the method raised."""

    def cancel(self, pending: Any) -> None:
        """Have an answer dropped that nobody waits for."""


@dataclass(slots=True)
class _Waiting:
    """A call that has no answer yet, with the replicas that it was sent to, by what is under way."""

    number: int
    call: Call
    started: float
    first: int
    sent: int = 0
    under_way: dict[Any, float] = field(default_factory=dict)
    replica_of: dict[Any, int] = field(default_factory=dict)
    resend_at: float | None = None
    lost_at: float | None = None


class FanOut:
    """Calls shards through a transport. May be shared between threads."""

    def __init__(
        self,
        transport: Transport,
        *,
        timeout_s: float,
        hedge: bool = True,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """A shard is given up `timeout_s` seconds after a call; `hedge` sends slow ones twice."""
        self._transport = transport
        self._timeout_s = timeout_s
        self._hedge = hedge
        self._clock, self._sleep = clock, sleep
        self._latencies: dict[tuple[str, str], deque[float]] = {}
        self._turn = 0
        self._busy: Counter[tuple[str, int]] = Counter()
        self._lock = threading.Lock()
        self.hedged = 0

    def __call__(self, calls: Sequence[Call], *, timeout_s: float | None = None) -> list[Any]:
        """The answers, in the order of the calls. Raises ShardsUnavailable, and what a method raises."""
        limit = self._timeout_s if timeout_s is None else timeout_s
        with self._lock:
            self._turn += 1
            turn = self._turn
        now = self._clock()
        waiting = [_Waiting(i, call, now, self._first(call.shard, turn)) for i, call in enumerate(calls)]
        answers: dict[int, Any] = {}
        try:
            for each in waiting:
                self._send(each)
            while len(answers) < len(calls):
                self._step(waiting, answers, limit)
        finally:
            for each in waiting:
                for pending in each.under_way:
                    self._transport.cancel(pending)
                self._forget(each, each.under_way)
        return [answers[i] for i in range(len(calls))]

    def _first(self, shard: str, turn: int) -> int:
        """The replica of a shard that has the fewest calls to answer; of several, the one whose turn it is."""
        replicas = self._transport.replicas(shard)
        order = [(turn + i) % replicas for i in range(replicas)]
        with self._lock:
            return min(order, key=lambda replica: self._busy[shard, replica])

    def _forget(self, each: _Waiting, pending: Collection[Any]) -> None:
        """Calls that are answered, or that nobody waits for any more, keep no replica busy."""
        with self._lock:
            for key in pending:
                self._busy[each.call.shard, each.replica_of[key]] -= 1

    def _step(self, waiting: Sequence[_Waiting], answers: dict[int, Any], limit: float) -> None:
        """Wait for the next event: an answer, the time to hedge or to send again, or the end of patience."""
        now = self._clock()
        open_calls = [each for each in waiting if each.number not in answers]
        late = [each.call.shard for each in open_calls if now >= self._given_up_at(each, limit)]
        if late:
            raise ShardsUnavailable(sorted(set(late)))
        until = [self._given_up_at(each, limit) for each in open_calls]
        for each in open_calls:
            until += [when for when in (each.resend_at, self._hedge_at(each)) if when is not None]
        pending = {key: each for each in open_calls for key in each.under_way}
        done = self._transport.wait(list(pending), max(0.0, min(until) - now)) if pending else ()
        if not pending:
            self._sleep(max(0.0, min(until) - now))
        for key in done:
            self._take(pending[key], key, answers)
        now = self._clock()
        for each in open_calls:
            if each.number in answers:
                continue
            if each.resend_at is not None and now >= each.resend_at:
                each.resend_at = None
                self._send(each)
            elif (hedge_at := self._hedge_at(each)) is not None and now >= hedge_at:
                self.hedged += 1
                self._send(each)

    def _given_up_at(self, each: _Waiting, limit: float) -> float:
        """When a call is given up: at its own limit, or before if no worker of its shard could be reached."""
        patience = [each.started + limit, *([] if each.lost_at is None else [each.lost_at + self._timeout_s])]
        return min(patience)

    def _take(self, each: _Waiting, key: Any, answers: dict[int, Any]) -> None:
        sent_at = each.under_way.pop(key)
        self._forget(each, [key])
        if each.number in answers:
            return
        try:
            answers[each.number] = self._transport.result(key)
        except WorkerLost:
            self._failed(each)
            return
        with self._lock:
            kept = self._latencies.setdefault(each.call.kind, deque(maxlen=KEPT_LATENCIES))
            kept.append(self._clock() - sent_at)

    def _failed(self, each: _Waiting) -> None:
        """Send a call to the next replica at once, or, where each has had it, after a pause."""
        if each.sent < self._transport.replicas(each.call.shard):
            self._send(each)
        elif not each.under_way:
            each.resend_at = self._clock() + RESEND_AFTER_S
            each.lost_at = each.lost_at or self._clock()

    def _send(self, each: _Waiting) -> None:
        replica = (each.first + each.sent) % self._transport.replicas(each.call.shard)
        each.sent += 1
        try:
            key = self._transport.send(each.call, replica)
        except WorkerLost:
            self._failed(each)
            return
        each.under_way[key], each.replica_of[key] = self._clock(), replica
        with self._lock:
            self._busy[each.call.shard, replica] += 1

    def _hedge_at(self, each: _Waiting) -> float | None:
        """When to send a call to another replica, too; None if it was, or there is none."""
        if not self._hedge or len(each.under_way) != 1 or self._transport.replicas(each.call.shard) < 2:
            return None
        known = self._latencies.get(each.call.kind, ())
        if len(known) < FEWEST_LATENCIES or each.sent > 1:
            return None
        (sent_at,) = each.under_way.values()
        with self._lock:
            usual = float(np.percentile(list(known), HEDGE_PERCENTILE))
        return sent_at + max(MIN_HEDGE_S, usual)
