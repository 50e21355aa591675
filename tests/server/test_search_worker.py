from __future__ import annotations

import asyncio
import threading
from contextlib import closing
from pathlib import Path

import pytest
import torch

import toy_words
from docsearch.engine.errors import UsageError
from docsearch.engine.records import Query, QueryVectors
from docsearch.engine.searcher import open_searcher
from docsearch.server.http_errors import Busy
from docsearch.server.metrics import Metrics
from docsearch.server.search_worker import SearchOptions, SearchWorker
from toy_words import ToyEncoder

TEXTS = ["w3", "w17", "w3 w17", "w9"]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    toy_words.write(tmp_path / "index", {"a.pdf": [[3, 17], [9]], "b.pdf": [[3]]})
    return tmp_path / "index"


class HeldEncoder(ToyEncoder):
    """Encodes once `go` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def encode_query(self, text: str) -> QueryVectors:
        assert self.go.wait(300)
        return super().encode_query(text)


def test_queries_in_the_queue_are_batched_and_answered_as_each_alone(directory: Path) -> None:
    encoder = HeldEncoder()
    worker = SearchWorker(directory, encoder, max_pending=10, metrics=Metrics())

    async def ask() -> list[list[object]]:
        asked = [asyncio.ensure_future(worker.search([Query("", text)], SearchOptions())) for text in TEXTS]
        await asyncio.sleep(0)  # each puts its query in the queue
        worker.start()
        encoder.go.set()
        answers = [answer for (answer,) in await asyncio.gather(*asked)]
        assert {answer.batch for answer in answers} == {len(TEXTS)}
        return [list(answer.hits) for answer in answers]

    answered = asyncio.run(ask())
    worker.close()
    with open_searcher(directory, encoder=ToyEncoder()) as searcher:
        assert answered == [searcher.search(text) for text in TEXTS]


def test_queries_with_other_options_are_not_in_the_same_batch(directory: Path) -> None:
    worker = SearchWorker(directory, ToyEncoder(), max_pending=10, metrics=Metrics())

    async def ask() -> list[int]:
        asked = [asyncio.ensure_future(worker.search([Query("", "w3")], SearchOptions(k))) for k in (1, 1, 2)]
        await asyncio.sleep(0)
        worker.start()
        return [answer.batch for (answer,) in await asyncio.gather(*asked)]

    assert asyncio.run(ask()) == [2, 2, 1]
    worker.close()


def test_accepted_queries_are_answered_before_the_worker_closes_and_none_after(directory: Path) -> None:
    encoder = HeldEncoder()
    worker = SearchWorker(directory, encoder, max_pending=2, metrics=Metrics())
    worker.start()

    async def ask() -> int:
        accepted = asyncio.ensure_future(worker.search([Query("", "w3"), Query("", "w17")], SearchOptions()))
        await asyncio.sleep(0)
        closing = threading.Thread(target=worker.close)
        closing.start()
        while worker.ready:
            await asyncio.sleep(0)
        with pytest.raises(Busy, match="shutting down"):
            await worker.search([Query("", "w3")], SearchOptions())
        encoder.go.set()
        answers = await accepted
        closing.join()
        return sum(len(answer.hits) for answer in answers)

    assert asyncio.run(ask()) == 3


def test_an_error_reaches_its_client_and_the_next_query_is_answered(directory: Path) -> None:
    worker = SearchWorker(directory, ToyEncoder(), max_pending=2, metrics=Metrics())
    worker.start()

    async def ask() -> int:
        with pytest.raises(ZeroDivisionError):
            await worker.run(lambda searcher: 1 // 0)
        (answer,) = await worker.search([Query("", "w3")], SearchOptions())
        return len(answer.hits)

    assert asyncio.run(ask()) == 2
    worker.close()


def test_after_a_commit_the_new_pages_are_found(directory: Path) -> None:
    worker = SearchWorker(directory, ToyEncoder(), max_pending=2, metrics=Metrics())
    worker.start()

    async def ask() -> int:
        (answer,) = await worker.search([Query("", "w3")], SearchOptions())
        return len(answer.hits)

    before = asyncio.run(ask())
    toy_words.write(directory, {"c.pdf": [[3]]})
    worker.refresh()
    assert asyncio.run(ask()) == before + 1
    worker.close()


def test_a_cancelled_query_leaves_the_others_their_answers(directory: Path) -> None:
    worker = SearchWorker(directory, ToyEncoder(), max_pending=4, metrics=Metrics())

    async def ask() -> int:
        cancelled = asyncio.ensure_future(worker.search([Query("", "wrong")], SearchOptions(2)))
        asked = asyncio.ensure_future(worker.search([Query("", "w3")], SearchOptions()))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.sleep(0)
        worker.start()  # the toy model fails on the first query
        (answer,) = await asyncio.wait_for(asked, 300)
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        return len(answer.hits)

    with closing(worker):
        assert asyncio.run(ask()) == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="this torch sees a CUDA GPU")
def test_scoring_on_a_gpu_needs_one(directory: Path) -> None:
    with pytest.raises(UsageError, match="no CUDA GPU"):
        SearchWorker(directory, ToyEncoder(), max_pending=4, metrics=Metrics(), device="cuda")
