"""How documents are cut into tasks: each once, of bounded size, ranges of long documents a few at a time."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docsearch.cluster.indexing import tasks
from docsearch.cluster.indexing.pool import Member
from docsearch.cluster.indexing.tasks import LongDocument, Part, Task, TaskQueue
from docsearch.cluster.indexing.worker import WorkerInfo
from docsearch.indexer.discover import Document


def part(name: str, size: int = 1) -> Part:
    return Part(Document(name, Path("/documents", name), size, 0), frozenset(), is_begun=False)


def drained(queue: TaskQueue, workers: int) -> list[Task]:
    found = []
    while (task := queue.next(workers)) is not None:
        found.append(task)
    assert queue.is_empty
    return found


@given(st.lists(st.integers(0, 100 << 20), max_size=200), st.integers(1, 50))
def test_each_document_is_in_one_task_of_bounded_size(sizes: list[int], workers: int) -> None:
    parts = [part(f"{number}.pdf", size) for number, size in enumerate(sizes)]
    cut = drained(TaskQueue(iter(parts), len(sizes), sum(sizes)), workers)
    assert [each.document.path for task in cut for each in task.parts] == [each.document.path for each in parts]
    for task in cut:
        assert len(task.parts) <= tasks.TASK_DOCUMENTS_MAX
        assert len(task.parts) == 1 or sum(each.document.size for each in task.parts) <= tasks.TASK_BYTES_MAX


@pytest.mark.parametrize("size", [1 << 20, 1 << 10, 0])
def test_a_small_collection_is_cut_into_several_tasks_for_each_worker(size: int) -> None:
    """Also one of small files: how many pages they have, their size does not tell."""
    parts = [part(f"{number}.pdf", size) for number in range(64)]
    assert len(drained(TaskQueue(iter(parts), 64, 64 * size), workers=4)) >= 32


def test_documents_are_taken_only_when_a_task_is_asked_for() -> None:
    taken = []

    def documents() -> object:
        for number in range(10**9):
            taken.append(number)
            yield part(f"{number}.pdf", 1 << 20)

    queue = TaskQueue(documents(), 10**9, 10**15)  # type: ignore[arg-type]
    queue.next(1)
    assert len(taken) <= tasks.TASK_DOCUMENTS_MAX + 1


def test_what_was_given_back_comes_first() -> None:
    queue = TaskQueue(iter([part("a.pdf", 100), part("b.pdf", 100)]), 2, 200)
    first = queue.next(1)
    assert first is not None
    queue.give_back([first])
    assert not queue.is_empty
    assert drained(queue, 1)[0] is first


def test_a_task_that_a_worker_may_have_died_of_is_for_a_worker_without_another_one() -> None:
    queue = TaskQueue(iter([]), 0, 0)
    suspect = replace(Task.of([part("a.pdf")]), is_suspect=True)
    queue.give_back([suspect])
    assert queue.next(1, is_idle=False) is None
    assert not queue.is_empty
    assert not Member(None, WorkerInfo("host", "node", 1), deque([(object(), suspect, 0.0)])).wants_more
    assert drained(queue, 1) == [suspect]


@given(st.integers(1, 5000), st.integers(1, 10))
def test_ranges_cover_a_long_document_and_only_a_few_are_open(page_count: int, at_once: int) -> None:
    long = LongDocument(part("long.pdf"), page_count, 1)
    waiting = list(long.ranges(at_once))
    pages: list[int] = []
    while waiting:
        assert len(waiting) <= at_once
        task = waiting.pop()
        pages += range(task.first, min(task.last, page_count) + 1)
        long.open_ranges -= 1
        waiting += long.ranges(at_once)
    assert long.is_done
    assert sorted(pages) == list(range(1, page_count + 1))


def test_a_document_without_a_readable_page_in_a_range_is_given_up() -> None:
    long = LongDocument(part("bomb.pdf"), 10**9, 129, gave_up=True)
    assert list(long.ranges(64)) == []
    assert long.is_done


def test_a_document_that_only_the_coordinator_has_is_sent_with_its_task(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"content")
    local = Part(Document("mail.eml/a.pdf", tmp_path / "a.pdf", 7, 0), frozenset(), is_begun=True, is_local=True)
    sent = Task.of([part("b.pdf"), local]).with_contents()
    assert [each.content for each in sent.parts] == [None, b"content"]
    assert local.content is None


@pytest.mark.parametrize("first", [1, 129])
def test_keys_tell_ranges_apart(first: int) -> None:
    assert Task.of([part("a.pdf")], first).key == (("a.pdf", first),)
