"""AsyncSearcher: an event loop goes on while it searches; cancelled calls; bounded threads."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docsearch import AsyncSearcher, Hits, IndexNotFound, UsageError, index_documents, open_index
from docsearch.engine.records import QueryVectors
from fake_encoder import FakeEncoder

WAIT_S = 300


class SlowEncoder(FakeEncoder):
    """Encodes a question only once it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = threading.Event()
        self.started: list[str] = []

    def encode_query(self, text: str) -> QueryVectors:
        self.started.append(text)
        assert self.may_go_on.wait(WAIT_S)
        return super().encode_query(text)


@pytest.fixture
def index(tmp_path: Path, make_pdf: Callable[..., Path]) -> Path:
    make_pdf(tmp_path / "docs/a.pdf", ["harbour dues", "pilotage fees"])
    index_documents([tmp_path / "docs"], tmp_path / "index", encoder=FakeEncoder())
    return tmp_path / "index"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.005)


def test_answers_are_those_of_the_searcher(sample_index: Path) -> None:
    questions = ["revenue chart 2023", "invoice total", "harbour master"]

    async def ask() -> tuple[Any, ...]:
        async with AsyncSearcher(sample_index) as index:
            together = await asyncio.gather(*(index.search(each, k=3) for each in questions))
            many = [hits async for _, hits in index.search_many(questions, k=3)]
            hit = together[0][0]
            text, picture = await index.run(lambda: hit.text), await index.run(hit.heatmap)
            return together, many, text, picture.width, list(await index.pages(path="invoice*"))

    together, many, text, width, pages = asyncio.run(ask())
    with open_index(sample_index) as index:
        expected = [index.search(each, k=3) for each in questions]
        assert text == expected[0][0].text
        assert pages == list(index.pages(path="invoice*"))
    assert list(together) == expected == many
    assert width > 1000


def test_the_loop_goes_on_while_a_search_runs(index: Path) -> None:
    encoder = SlowEncoder()

    async def ask() -> int:
        ticks = 0
        async with AsyncSearcher(index, encoder=encoder) as searcher:
            searching = asyncio.create_task(searcher.search("harbour", k=1))
            await until(lambda: bool(encoder.started))
            for _ in range(20):
                await asyncio.sleep(0.001)
                assert not searching.done()
                ticks += 1
            encoder.may_go_on.set()
            assert len(await searching) == 1
        return ticks

    assert asyncio.run(ask()) == 20


def test_no_more_calls_run_at_once_than_threads(index: Path) -> None:
    may_go_on, lock = threading.Event(), threading.Lock()
    running = most = 0

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        assert may_go_on.wait(WAIT_S)
        with lock:
            running -= 1

    async def ask() -> None:
        async with AsyncSearcher(index, encoder=FakeEncoder(), threads=2) as searcher:
            tasks = [asyncio.create_task(searcher.run(work)) for _ in range(6)]
            await until(lambda: running == 2)
            await asyncio.sleep(0.05)
            assert running == 2
            may_go_on.set()
            await asyncio.gather(*tasks)

    asyncio.run(ask())
    assert most == 2


def test_a_cancelled_call_that_waits_is_never_made_and_the_others_are_answered(index: Path) -> None:
    encoder = SlowEncoder()

    async def ask() -> None:
        async with AsyncSearcher(index, encoder=encoder, threads=1) as searcher:
            running = asyncio.create_task(searcher.search("first", k=1))
            await until(lambda: encoder.started == ["first"])
            waiting = asyncio.create_task(searcher.search("second", k=1))
            await asyncio.sleep(0)
            for task in (running, waiting):
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            third = asyncio.create_task(searcher.search("third", k=1))
            encoder.may_go_on.set()
            assert isinstance(await third, Hits)
            encoder.may_go_on.clear()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(searcher.search("fourth"), timeout=0.01)
            encoder.may_go_on.set()

    asyncio.run(ask())
    assert "second" not in encoder.started


def test_closing_waits_for_what_runs_and_ends_the_threads(index: Path) -> None:
    encoder = SlowEncoder()

    async def ask() -> None:
        searcher = AsyncSearcher(index, encoder=encoder, threads=1)
        task = asyncio.create_task(searcher.search("harbour", k=1))
        await until(lambda: bool(encoder.started))
        closing = asyncio.create_task(searcher.close())
        await asyncio.sleep(0.01)
        assert not closing.done()
        encoder.may_go_on.set()
        await closing
        assert len(await task) == 1
        await searcher.close()
        with pytest.raises(UsageError, match="closed"):
            await searcher.search("harbour")

    asyncio.run(ask())
    deadline = time.monotonic() + WAIT_S
    while any(thread.name.startswith("docsearch_") for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_errors_are_raised_where_the_call_is_awaited(index: Path, tmp_path: Path) -> None:
    async def ask() -> None:
        async with AsyncSearcher(index, encoder=FakeEncoder()) as searcher:
            with pytest.raises(UsageError, match="1 or more"):
                await searcher.search("harbour", k=0)
        with pytest.raises(IndexNotFound):
            async with AsyncSearcher(tmp_path / "nothing"):
                pass

    asyncio.run(ask())
    with pytest.raises(UsageError, match="threads"):
        AsyncSearcher(index, threads=0)


def test_a_commit_is_seen_by_the_next_call(index: Path, tmp_path: Path, make_pdf: Callable[..., Path]) -> None:
    async def ask() -> tuple[int, int]:
        async with AsyncSearcher(index, encoder=FakeEncoder()) as searcher:
            before = len(await searcher.pages())
            make_pdf(tmp_path / "docs/b.pdf", ["ferry timetable"])
            await asyncio.to_thread(index_documents, [tmp_path / "docs"], index, encoder=FakeEncoder())
            return before, len(await searcher.pages())

    assert asyncio.run(ask()) == (2, 3)
