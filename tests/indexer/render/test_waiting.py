"""A process that waits for room goes on as soon as its pages are those that the caller waits for."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from docsearch.indexer.discover import Document
from docsearch.indexer.render.page_budget import RemainingPages
from docsearch.indexer.render.renderer import Job, PageFailed, Renderer, Task

WAIT_S = 300


def test_a_process_is_woken_when_the_task_before_its_own_has_ended() -> None:
    """Pages with a detail count for several, so that the pages of one document can fill all the room there is."""
    renderer = Renderer(dpi=72, max_pixels=100_000)  # its processes are not started
    document = Document("a.pdf", Path("a.pdf"), 0, 0)
    ended, waiting = Task(finished=True), Task()
    job = Job(document, RemainingPages(page_count=1), started=True)
    job.tasks.extend([ended, waiting])
    renderer._jobs.append(job)
    renderer._pending = renderer._max_pending

    def render_page() -> None:
        if renderer._wait_for_capacity(job, waiting):
            renderer._emit(job, waiting, PageFailed(document, 1, "reason"))

    found: list[object] = []
    process = threading.Thread(target=render_page, daemon=True)
    process.start()
    deadline = time.monotonic() + WAIT_S
    while not renderer._changed._waiters:  # type: ignore[attr-defined]
        assert time.monotonic() < deadline
        time.sleep(0.001)
    caller = threading.Thread(target=lambda: found.append(renderer._next_event()), daemon=True)
    caller.start()
    caller.join(WAIT_S)
    assert found == [PageFailed(document, 1, "reason")]
    process.join(WAIT_S)
