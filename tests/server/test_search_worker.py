from __future__ import annotations

import asyncio
import threading
from contextlib import closing
from pathlib import Path

import pytest
import torch

import toy_words
from docsearch.engine.errors import UsageError
from docsearch.engine.records import QueryVectors
from docsearch.engine.searcher import Query, open_index
from docsearch.server.http_errors import Busy
from docsearch.server.metrics import Metrics
from docsearch.server.search_worker import How, Questions
from toy_words import ToyEncoder

TEXTS = ["w3", "w17", "w3 w17", "w9"]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    toy_words.write(tmp_path / "index", {"a.pdf": [[3, 17], [9]], "b.pdf": [[3]]})
    return tmp_path / "index"


class HeldEncoder(ToyEncoder):
    """Encodes when `go` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def encode_query(self, text: str) -> QueryVectors:
        assert self.go.wait(30)
        return super().encode_query(text)


def test_questions_that_wait_together_are_answered_together_as_each_alone(directory: Path) -> None:
    encoder = HeldEncoder()
    questions = Questions(directory, encoder, room=10, metrics=Metrics())

    async def ask() -> list[list[object]]:
        asked = [asyncio.ensure_future(questions.ask([Query("", text)], How())) for text in TEXTS]
        await asyncio.sleep(0)  # each puts its question in the queue
        questions.start()
        encoder.go.set()
        answers = [answer for (answer,) in await asyncio.gather(*asked)]
        assert {answer.batch for answer in answers} == {len(TEXTS)}
        return [list(answer.hits) for answer in answers]

    answered = asyncio.run(ask())
    questions.close()
    with open_index(directory, encoder=ToyEncoder()) as searcher:
        assert answered == [searcher.search(text) for text in TEXTS]


def test_questions_asked_otherwise_are_answered_apart(directory: Path) -> None:
    questions = Questions(directory, ToyEncoder(), room=10, metrics=Metrics())

    async def ask() -> list[int]:
        asked = [asyncio.ensure_future(questions.ask([Query("", "w3")], How(k))) for k in (1, 1, 2)]
        await asyncio.sleep(0)
        questions.start()
        return [answer.batch for (answer,) in await asyncio.gather(*asked)]

    assert asyncio.run(ask()) == [2, 2, 1]
    questions.close()


def test_what_was_accepted_is_answered_before_the_end_and_nothing_after(directory: Path) -> None:
    encoder = HeldEncoder()
    questions = Questions(directory, encoder, room=2, metrics=Metrics())
    questions.start()

    async def ask() -> int:
        accepted = asyncio.ensure_future(questions.ask([Query("", "w3"), Query("", "w17")], How()))
        await asyncio.sleep(0)
        closing = threading.Thread(target=questions.close)
        closing.start()
        while questions.ready:
            await asyncio.sleep(0)
        with pytest.raises(Busy, match="shutting down"):
            await questions.ask([Query("", "w3")], How())
        encoder.go.set()
        answers = await accepted
        closing.join()
        return sum(len(answer.hits) for answer in answers)

    assert asyncio.run(ask()) == 3


def test_an_error_reaches_who_asked_and_the_next_question_is_answered(directory: Path) -> None:
    questions = Questions(directory, ToyEncoder(), room=2, metrics=Metrics())
    questions.start()

    async def ask() -> int:
        with pytest.raises(ZeroDivisionError):
            await questions.use(lambda searcher: 1 // 0)
        (answer,) = await questions.ask([Query("", "w3")], How())
        return len(answer.hits)

    assert asyncio.run(ask()) == 2
    questions.close()


def test_after_a_commit_the_new_pages_are_found(directory: Path) -> None:
    questions = Questions(directory, ToyEncoder(), room=2, metrics=Metrics())
    questions.start()

    async def ask() -> int:
        (answer,) = await questions.ask([Query("", "w3")], How())
        return len(answer.hits)

    before = asyncio.run(ask())
    toy_words.write(directory, {"c.pdf": [[3]]})
    questions.refresh()
    assert asyncio.run(ask()) == before + 1
    questions.close()


def test_a_question_that_was_given_up_leaves_the_others_their_answers(directory: Path) -> None:
    questions = Questions(directory, ToyEncoder(), room=4, metrics=Metrics())

    async def ask() -> int:
        given_up = asyncio.ensure_future(questions.ask([Query("", "wrong")], How(2)))
        asked = asyncio.ensure_future(questions.ask([Query("", "w3")], How()))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.sleep(0)
        questions.start()  # the toy model breaks on the first question
        (answer,) = await asyncio.wait_for(asked, 5)
        with pytest.raises(asyncio.CancelledError):
            await given_up
        return len(answer.hits)

    with closing(questions):
        assert asyncio.run(ask()) == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="this torch sees a CUDA GPU")
def test_a_server_that_is_to_score_on_a_gpu_needs_one(directory: Path) -> None:
    with pytest.raises(UsageError, match="no CUDA GPU"):
        Questions(directory, ToyEncoder(), room=4, metrics=Metrics(), device="cuda")
