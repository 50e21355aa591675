"""Answers in sentences over HTTP, against a stand-in for a chat endpoint."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from docsearch.engine.errors import UsageError
from docsearch.engine.records import Hit, PageRef
from docsearch.integrations.page_search import FoundPage
from docsearch.server import answering
from docsearch.server.answering import Answering
from docsearch.server.http_errors import Busy
from docsearch.server.service import Service
from stand_in import StandIn, running

Serve = Callable[..., tuple[TestClient, Service]]
QUESTION = {"question": "What was revenue?"}
WAIT_S = 300


def events(answer: httpx2.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    return [json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line]


def test_an_answer_streams_with_its_pages_and_checked_citations(serve: Serve) -> None:
    with running(StandIn(pieces=["It rose [1]", ", they say [9]", "."])) as endpoint:
        client, _ = serve(llm=endpoint.url, llm_model="stand-in-1")
        first, *pieces, last = events(client.post("/v1/ask", json=QUESTION))
    assert first["model"] == "stand-in-1"
    assert [page["number"] for page in first["pages"]] == list(range(1, len(first["pages"]) + 1))
    assert first["pages"][0]["picture"].startswith("/v1/documents/")
    assert "".join(each["piece"] for each in pieces) == "It rose [1], they say [9]."
    assert last["citations"] == [{"number": 1, "found": True}, {"number": 9, "found": False}]
    assert last["error"] is None
    assert "revenue chart" in json.dumps(endpoint.requests)


def test_nothing_is_sent_unless_somebody_asks(serve: Serve) -> None:
    with running(StandIn()) as endpoint:
        client, _ = serve(llm=endpoint.url)
        assert client.post("/v1/search", json={"query": "revenue"}).status_code == 200
        assert client.get("/v1/index").json()["answers_by"] == endpoint.url.split("/")[2]
        assert endpoint.requests == []
    client, _ = serve(read_only=True)
    assert client.get("/v1/index").json()["answers_by"] is None
    refused = client.post("/v1/ask", json=QUESTION)
    assert refused.status_code == 403
    assert "--llm" in refused.json()["error"]


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (StandIn(status=401, error="no key"), "wants a key"),
        (StandIn(status=429, error="slow down"), "too much to do"),
        (StandIn(breaks_after=1), "broke off"),
        (StandIn(raw=b"data: no JSON\n\n"), "did not answer with JSON"),
        (StandIn(models=[]), "lists no models"),
    ],
)
def test_an_error_of_the_endpoint_is_the_end(serve: Serve, behaviour: StandIn, error: str) -> None:
    with running(behaviour) as endpoint:
        client, _ = serve(llm=endpoint.url)
        last = events(client.post("/v1/ask", json=QUESTION))[-1]
    assert error in last["error"]
    assert endpoint.url not in last["error"]


def test_an_endpoint_that_is_not_there_is_told(serve: Serve) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # a port where nobody listens
        client, _ = serve(llm=f"http://127.0.0.1:{unused.getsockname()[1]}/v1", llm_model="m")
        assert "cannot be reached" in events(client.post("/v1/ask", json=QUESTION))[-1]["error"]


def test_filters_hold_for_answers(serve: Serve) -> None:
    with running(StandIn()) as endpoint:
        client, _ = serve(llm=endpoint.url)
        first, *_ = events(client.post("/v1/ask", json={**QUESTION, "path": "sub/*"}))
        assert {page["path"] for page in first["pages"]} == {"sub/b.pdf"}
        assert client.post("/v1/ask", json={**QUESTION, "where": "pages > 99"}).status_code == 400
        assert client.post("/v1/ask", json={**QUESTION, "where": "pages >"}).status_code == 400
        assert client.post("/v1/ask", content=b'{"question": "\\ud800"}').status_code == 422
        assert len(endpoint.requests) == 1


def test_a_question_needs_the_token_and_comes_from_no_other_site(serve: Serve) -> None:
    with running(StandIn()) as endpoint:
        client, _ = serve(llm=endpoint.url, token="0123456789abcdef")
        assert client.post("/v1/ask", json=QUESTION).status_code == 401
        bearer = {"Authorization": "Bearer 0123456789abcdef"}
        other = {**bearer, "Origin": "https://evil.example"}
        assert client.post("/v1/ask", json=QUESTION, headers=other).status_code == 403
        assert client.post("/v1/ask", json={"question": "a" * 2001}, headers=bearer).status_code == 422
        assert client.post("/v1/ask", content=b" " * (1 << 21), headers=bearer).status_code == 413
        assert endpoint.requests == []
        assert client.post("/v1/ask", json=QUESTION, headers=bearer).status_code == 200


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_few_answers_are_written_at_a_time(serve: Serve) -> None:
    with running(StandIn(holds=True)) as endpoint:
        client, _ = serve(llm=endpoint.url, llm_model="m", answers_max=1)
        found: list[dict[str, Any]] = []
        asking = threading.Thread(target=lambda: found.extend(events(client.post("/v1/ask", json=QUESTION))))
        asking.start()
        wait_until(lambda: bool(endpoint.requests))
        assert client.post("/v1/ask", json=QUESTION).status_code == 503
        endpoint.go.set()
        asking.join(WAIT_S)
        assert found[-1]["error"] is None
        assert client.post("/v1/ask", json=QUESTION).status_code == 200  # its place is free again


def test_a_client_that_leaves_frees_its_place() -> None:
    page = FoundPage(Hit(PageRef("d", "report.pdf", 1), 0.9, 1, ()), "Revenue 52.1", None)

    async def leave_and_come_back(answering: Answering) -> list[str]:
        left = answering.answer("a", [page])
        assert (await anext(left)).kind == "pages"
        with pytest.raises(Busy):
            await anext(answering.answer("b", [page]))
        await left.aclose()
        endpoint.go.set()
        return [event.kind async for event in answering.answer("c", [page])]

    with running(StandIn(holds=True, pieces=["one"])) as endpoint:
        kinds = asyncio.run(leave_and_come_back(Answering(endpoint.url, "m", 1)))
        join_answers()
    assert kinds == ["pages", "piece", "end"]


def join_answers() -> None:
    """Wait for the threads of answers whose clients have left."""
    for thread in threading.enumerate():
        if thread.name == "docsearch-answer":
            thread.join(WAIT_S)


def test_the_server_ends_while_an_answer_is_written(serve: Serve) -> None:
    with running(StandIn(holds=True)) as endpoint:
        client, _ = serve(llm=endpoint.url, llm_model="m")
        found: list[dict[str, Any]] = []
        asking = threading.Thread(target=lambda: found.extend(events(client.post("/v1/ask", json=QUESTION))))
        asking.start()
        wait_until(lambda: bool(endpoint.requests))
        client.app.state.collections.end_event_streams()  # type: ignore[attr-defined]
        asking.join(WAIT_S)
        assert not asking.is_alive()
    join_answers()
    assert "shutting down" in found[-1]["error"]


@pytest.fixture
def page() -> FoundPage:
    return FoundPage(Hit(PageRef("d", "report.pdf", 1), 0.9, 1, ()), "Revenue 52.1", None)


def test_what_an_endpoint_sends_after_the_server_has_ended_is_dropped(page: FoundPage) -> None:
    async def leave(answering: Answering) -> None:
        left = answering.answer("a", [page])
        assert (await anext(left)).kind == "pages"
        while not endpoint.requests:
            await asyncio.sleep(0.01)
        await left.aclose()

    with running(StandIn(holds=True, status=503)) as endpoint:
        asyncio.run(leave(Answering(endpoint.url, "m", 1)))
        endpoint.go.set()
        join_answers()
    gc.collect()  # a coroutine that nobody awaited would be reported here


def test_events_that_the_loop_has_taken_and_never_delivers_are_dropped_and_few(
    page: FoundPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop may close between the two."""
    monkeypatch.setattr(answering, "PIECES_MAX", 3)
    taken: list[object] = []

    class Deaf(asyncio.SelectorEventLoop):
        def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
            taken.append(callback)
            return asyncio.Handle(callback, args, self, context)

    async def leave(answers: Answering) -> None:
        left = asyncio.ensure_future(anext(answers.answer("a", [page])))
        while len(taken) < 3:
            await asyncio.sleep(0.01)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left

    with running(StandIn(pieces=["one"] * 50)) as endpoint, asyncio.Runner(loop_factory=Deaf) as runner:
        runner.run(leave(Answering(endpoint.url, "m", 1)))
        join_answers()
    gc.collect()
    assert len(taken) == 3


@pytest.mark.parametrize("url", ["localhost:11434", "ftp://localhost/v1", "http://"])
def test_an_address_that_is_none_ends_the_start(serve: Serve, url: str) -> None:
    with pytest.raises(UsageError, match="is not the URL of a chat endpoint"):
        serve(llm=url)
