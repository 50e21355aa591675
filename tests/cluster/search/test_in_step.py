"""Tasks in step: what they ask shards for goes out together, and none waits for ever for another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from docsearch.cluster.search import in_step, pages
from docsearch.cluster.search.fan_out import Call
from docsearch.cluster.search.in_step import run_in_step, send_in_step
from docsearch.engine.errors import ShardsUnavailable
from late_pages import LateEncoder, open_in_process, write


class Doubling:
    """Shards whose only method, "double", doubles a number; keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[list[Call]] = []

    def __call__(self, calls: Sequence[Call], *, timeout_s: float | None = None) -> list[object]:
        self.sent.append([*calls])
        return [
            [2 * number for (number,) in call.arguments[1]] if call.method == "each" else 2 * call.arguments[0]
            for call in calls
        ]


def asking(send: Doubling, number: int, times: int) -> int:
    """A task that doubles a number `times` times, each time on two shards."""
    for _ in range(times):
        first, second = send_in_step(send, [Call("0000", "double", (number,)), Call("0001", "double", (number,))])
        assert first == second
        number = first
    return number


def test_what_all_tasks_ask_for_is_one_call_of_each_shard() -> None:
    send = Doubling()
    assert run_in_step(send, [partial(asking, send, number, 3) for number in range(8)]) == [8 * i for i in range(8)]
    assert [[call.shard for call in calls] for calls in send.sent] == [["0000", "0001"]] * 3


def test_tasks_that_end_before_others_are_not_waited_for() -> None:
    send = Doubling()
    found = run_in_step(send, [partial(asking, send, 1, times) for times in (0, 1, 5, 2)])
    assert found == [1, 2, 32, 4]
    assert len(send.sent) == 5


def test_outside_of_tasks_calls_are_sent_as_they_are() -> None:
    send = Doubling()
    assert asking(send, 3, 1) == 6
    assert run_in_step(send, [partial(asking, send, 3, 1)]) == [6]
    assert {call.method for calls in send.sent for call in calls} == {"double"}


def test_shards_that_do_not_answer_fail_every_task() -> None:
    def unavailable(_calls: Sequence[Call], *, timeout_s: float | None = None) -> list[object]:
        raise ShardsUnavailable(["0001"])

    failed: list[Exception] = []

    def task() -> None:
        try:
            send_in_step(unavailable, [Call("0001", "double", (1,))])
        except ShardsUnavailable as err:
            failed.append(err)
            raise

    with pytest.raises(ShardsUnavailable, match="0001"):
        run_in_step(unavailable, [task] * 3)
    assert len(failed) == 3


def test_an_error_of_one_task_is_raised_when_the_others_have_ended() -> None:
    send, ended = Doubling(), list[int]()

    def wrong() -> int:
        raise ValueError("a task of its own")

    tasks: list[Callable[[], int]] = [wrong, partial(asking, send, 1, 3), lambda: ended.append(asking(send, 1, 2)) or 0]
    with pytest.raises(ValueError, match="of its own"):
        run_in_step(send, tasks)
    assert ended == [4]


def test_a_task_that_holds_a_lock_which_another_one_waits_for_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_step, "WAIT_S", 0.05)
    send, lock = Doubling(), threading.Lock()

    def locked() -> int:
        with lock:
            return asking(send, 1, 1)

    assert run_in_step(send, [locked] * 3) == [2, 2, 2]


def test_few_questions_of_a_large_collection_are_in_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "index", 0)
    groups: list[int] = []

    def noted(_send: object, tasks: Sequence[Callable[[], int]]) -> list[int]:
        groups.append(len(tasks))
        return [task() for task in tasks]

    monkeypatch.setattr(pages, "run_in_step", noted)
    with open_in_process(tmp_path / "index", LateEncoder(0), tmp_path / "cache") as several:
        for megabytes, expected in ((256, [5]), (0, [1] * 5)):
            monkeypatch.setattr(pages, "IN_STEP_BYTES", megabytes << 20)
            groups.clear()
            assert several.snapshot.in_step([lambda: 7] * 5) == [7] * 5  # type: ignore[attr-defined]
            assert groups == expected
