"""Calls of shards: retried on replicas, hedged when slow, given up in time; with a transport whose time is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from docsearch.cluster.search.fan_out import Call, FanOut, WorkerLost
from docsearch.engine.errors import ShardsUnavailable

Answer = tuple[float, object]
"""Seconds that an answer takes, and what it is: an exception is raised."""


class DrawnTime:
    """A transport in which time passes only while it is waited for. `answers` gives those of a shard's replica."""

    def __init__(self, answers: Callable[[str, int, int], Answer], replicas: int = 2) -> None:
        self._answers, self._replicas = answers, replicas
        self.now = 0.0
        self.sent: list[tuple[str, int]] = []
        self.cancelled = 0
        self._done_at: dict[int, Answer] = {}

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def replicas(self, shard: str) -> int:
        return self._replicas

    def send(self, call: Call, replica: int) -> int:
        number = len(self.sent)
        self.sent.append((call.shard, replica))
        seconds, answer = self._answers(call.shard, replica, number)
        self._done_at[number] = (self.now + seconds, answer)
        return number

    def wait(self, pending: Sequence[int], timeout_s: float) -> list[int]:
        soonest = min(self._done_at[each][0] for each in pending)
        self.now = min(max(self.now, soonest), self.now + timeout_s)
        return [each for each in pending if self._done_at[each][0] <= self.now]

    def result(self, done: int) -> object:
        answer = self._done_at[done][1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def cancel(self, pending: int) -> None:
        self.cancelled += 1


def made(transport: DrawnTime, **options: Any) -> FanOut:
    return FanOut(transport, timeout_s=5.0, clock=transport.clock, sleep=transport.sleep, **options)


CALLS = [Call(name, "maxima", (1,)) for name in ("a", "b", "c")]


def test_answers_are_in_the_order_of_the_calls() -> None:
    transport = DrawnTime(lambda shard, _, __: ({"a": 0.3, "b": 0.1, "c": 0.2}[shard], shard))
    assert made(transport)(CALLS) == ["a", "b", "c"]
    assert transport.now == pytest.approx(0.3)


def test_turns_are_taken_by_replicas() -> None:
    transport = DrawnTime(lambda shard, _, __: (0.1, shard))
    call = made(transport)
    for _ in range(4):
        call(CALLS)
    assert {replica for _, replica in transport.sent} == {0, 1}


@pytest.mark.parametrize("replica_that_works", [0, 1])
def test_a_lost_worker_is_replaced_by_its_replica_at_once(
    replica_that_works: int,
) -> None:
    def answers(shard: str, replica: int, _: int) -> Answer:
        return (0.1, shard) if replica == replica_that_works else (0.01, WorkerLost("gone"))

    transport = DrawnTime(answers)
    for _ in range(5):
        assert made(transport)(CALLS) == ["a", "b", "c"]
    assert transport.now < 1


def test_a_worker_that_starts_again_is_asked_again() -> None:
    transport = DrawnTime(lambda shard, _, number: (0.1, shard) if number > 12 else (0.0, WorkerLost("gone")), 1)
    assert made(transport)(CALLS) == ["a", "b", "c"]


def test_a_shard_without_a_worker_is_given_up_and_named() -> None:
    transport = DrawnTime(lambda shard, _, __: (0.0, WorkerLost("gone")) if shard == "b" else (0.1, shard))
    with pytest.raises(ShardsUnavailable, match="shard b does not answer") as raised:
        made(transport)(CALLS, timeout_s=3600)
    assert raised.value.shards == ("b",)
    assert transport.now == pytest.approx(5, abs=0.5)


def test_a_shard_that_never_answers_is_given_up() -> None:
    transport = DrawnTime(lambda shard, _, __: (1e9 if shard == "c" else 0.1, shard))
    with pytest.raises(ShardsUnavailable) as raised:
        made(transport)(CALLS)
    assert raised.value.shards == ("c",)
    assert transport.now == pytest.approx(5)
    assert transport.cancelled


def test_slow_calls_are_hedged_after_the_usual_time() -> None:
    transport = DrawnTime(lambda shard, replica, number: (3.0 if number == 90 else 0.1, shard))
    call = made(transport)
    for _ in range(31):
        assert call(CALLS) == ["a", "b", "c"]
    assert call.hedged == 1
    assert transport.now == pytest.approx(31 * 0.1 + 0.1)


def test_nothing_is_hedged_without_a_replica_or_against_wishes() -> None:
    for replicas, options in ((1, {}), (2, {"hedge": False})):
        transport = DrawnTime(lambda shard, replica, number: (3.0 if number == 90 else 0.1, shard), replicas)
        call = made(transport, **options)
        for _ in range(31):
            call(CALLS)
        assert call.hedged == 0
        assert transport.now == pytest.approx(31 * 0.1 + 2.9)


def test_an_error_of_a_shard_is_that_of_the_call() -> None:
    transport = DrawnTime(lambda shard, _, __: (0.1, ValueError("odd") if shard == "b" else shard))
    with pytest.raises(ValueError, match="odd"):
        made(transport)(CALLS)
