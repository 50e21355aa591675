"""Tasks that two workers have: the first result counts, and nobody gets a task that has one."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from docsearch.cluster.indexing import coordinator
from docsearch.cluster.indexing.coordinator import ClusterOptions, _Arrived, _Coordinator
from docsearch.cluster.indexing.pool import Member
from docsearch.cluster.indexing.tasks import Part, Spent, Task, TaskQueue, TaskResult
from docsearch.cluster.indexing.worker import WorkerInfo
from docsearch.engine.errors import StorageFailed
from docsearch.indexer.discover import Document

pytest.importorskip("ray", reason="needs the extra ray")

TASK = Task.of([Part(Document("a.pdf", Path("/documents/a.pdf"), 1, 0), frozenset(), is_begun=False)])
RESULT = TaskResult((), (), Spent())


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A coordinator whose only task one worker has had for long; all other tasks took a moment."""
    monkeypatch.setattr(coordinator, "STRAGGLER_MIN_S", 5.0)
    worker = Member(None, tasks=deque([(object(), TASK, time.monotonic() - 50.0)]))
    pool: Any = SimpleNamespace(members=[worker], lost=0)
    run: Any = SimpleNamespace()
    staging: Any = SimpleNamespace(delete=lambda _name: None)
    found = _Coordinator(run, pool, staging, ClusterOptions())
    found._queue = TaskQueue(iter([]), 0, 0)
    assert found._queue.next(1) is None
    found._seconds.append(0.1)
    found._outstanding[TASK.key] = 1
    yield found
    found.close()


def test_a_late_task_is_given_to_a_second_worker_until_it_has_a_result(late: Any) -> None:
    """What lies in an e-mail is a temporary file, which is gone once the task has its result."""
    assert late._straggler() == TASK
    late._outstanding[TASK.key] += 1
    assert late._straggler() is None, "two workers have it"
    late._receive(TASK, RESULT)
    assert late._straggler() is None, "it has its result"


def test_a_document_whose_results_die_with_workers_that_the_next_one_kills_is_not_given_up(late: Any) -> None:
    """A result may be lost with its worker, which is then thought to have died of it: what is tried alone is not."""
    poison = Task.of([Part(Document("poison.pdf", Path("/documents/poison.pdf"), 1, 0), frozenset(), is_begun=False)])
    given_up: list[str] = []
    late._ledger = SimpleNamespace(quarantine=lambda task, _reason: given_up.append(task.parts[0].document.path))
    late._pool.is_node_alive = lambda _node: True
    late._pool.drop = lambda member: [task for _, task, _ in member.tasks]
    late._pool.give = lambda member, task: member.tasks.append((object(), task, time.monotonic()))
    late._outstanding.clear()
    late._queue.give_back([TASK, poison])
    while not given_up:
        worker = Member(None, WorkerInfo("host", "node", 1))
        late._pool.members = [worker]
        late._give_out()
        late._give_out()
        tasks = [task for _, task, _ in worker.tasks]
        if tasks == [replace(TASK, is_suspect=True)]:
            late._receive(worker.tasks.popleft()[1], RESULT)
        else:
            assert poison.key in [task.key for task in tasks]
            late._died(worker, "killed")
    assert given_up == ["poison.pdf"]


def test_a_result_that_cannot_be_fetched_leaves_the_task_to_the_worker_that_has_it(late: Any) -> None:
    late._outstanding[TASK.key] += 1
    late._receive(TASK, RESULT)
    failed: Future[Path] = Future()
    failed.set_exception(StorageFailed("cannot be read"))
    late._arrived = deque([_Arrived(TASK, RESULT, [failed])])
    late._add_arrived()
    assert late._queue.is_empty
    late._receive(TASK, RESULT)
    assert [each.task for each in late._arrived] == [TASK], "the second result counts"


def test_a_result_that_cannot_be_fetched_has_its_task_given_out_again(late: Any) -> None:
    late._receive(TASK, RESULT)
    failed: Future[Path] = Future()
    failed.set_exception(StorageFailed("cannot be read"))
    late._arrived = deque([_Arrived(TASK, RESULT, [failed])])
    late._add_arrived()
    assert late._queue.next(1) == TASK
