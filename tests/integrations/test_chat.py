"""The client of chat endpoints, against a stand-in that follows the protocol, and against its failures."""

from __future__ import annotations

import socket

import pytest

from docsearch import UsageError
from docsearch.integrations.chat import KEY_VARIABLE, ChatEndpoint, EndpointError
from stand_in import StandIn, running

HELLO = [{"role": "user", "content": "hello"}]


def test_pieces_come_as_they_are_sent() -> None:
    with running(StandIn()) as server:
        endpoint = ChatEndpoint(server.url)
        assert list(endpoint.stream(HELLO)) == server.pieces
    assert server.requests == [{"model": "stand-in-1", "messages": HELLO, "stream": True, "temperature": 0}]


@pytest.mark.parametrize("ending", ["", "/", "/chat/completions"])
def test_the_url_may_end_as_servers_print_it(ending: str) -> None:
    with running(StandIn(streams=False)) as server:
        assert "".join(ChatEndpoint(server.url + ending, "m").stream(HELLO)) == "".join(server.pieces)
    assert server.requests[0]["model"] == "m"


def test_the_key_is_sent_to_this_machine_and_over_https_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "secret")
    with running(StandIn()) as server:
        list(ChatEndpoint(server.url).stream(HELLO))
        assert server.headers["Authorization"] == "Bearer secret"
    with pytest.raises(UsageError, match="would be sent unencrypted"):
        ChatEndpoint("http://example.org/v1")
    ChatEndpoint("https://example.org/v1")


@pytest.mark.parametrize("url", ["", "localhost:11434", "ftp://x/v1", "http://", "file:///etc/passwd"])
def test_what_is_no_url_is_said_so(url: str) -> None:
    with pytest.raises(UsageError, match="is not the URL of a chat endpoint"):
        ChatEndpoint(url)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, r"wants a key, in \$DOCSEARCH_LLM_KEY: no key"),
        (403, "does not accept the key"),
        (404, "has no such model or path; see --llm-model"),
        (413, "finds the pages too large"),
        (429, "has too much to do"),
        (500, "refused: no key"),
    ],
)
def test_a_refusal_says_why_and_what_to_do(status: int, message: str) -> None:
    with running(StandIn(status=status, error="no key")) as server, pytest.raises(EndpointError, match=message) as info:
        list(ChatEndpoint(server.url).stream(HELLO))
    assert info.value.status == status


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "broke off in the middle"),
        (b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n', "broke off in the middle"),
        (b"data: nonsense\n\n", "did not answer with JSON: 'nonsense'"),
        (b"data: [1]\n\n", "did not answer with JSON"),
        (b'data: {"error": {"message": "out of memory"}}\n\n', "out of memory"),
        (b'data: {"choices": [{"message": "x"}]}\n\n', "the endpoint's answer has no delta"),
        (b"data: " + b"x" * (5 << 20), "did not answer with JSON|longer than"),
    ],
)
def test_an_answer_against_the_protocol_is_an_error(raw: bytes, message: str) -> None:
    with running(StandIn(raw=raw)) as server, pytest.raises(EndpointError, match=message):
        list(ChatEndpoint(server.url).stream(HELLO))


def test_what_came_before_a_break_is_kept() -> None:
    with running(StandIn(breaks_after=2)) as server:
        came = []
        pieces = ChatEndpoint(server.url).stream(HELLO)
        came += [next(pieces), next(pieces)]
        with pytest.raises(EndpointError, match="broke off in the middle"):
            next(pieces)
    assert came == server.pieces[:2]


def test_an_endpoint_that_does_not_answer_in_time_or_at_all() -> None:
    with running(StandIn(wait_s=3600)) as server, pytest.raises(EndpointError, match="cannot be reached: timed out"):
        list(ChatEndpoint(server.url, "m", timeout_s=0.2).stream(HELLO))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        with pytest.raises(EndpointError, match="cannot be reached"):
            list(ChatEndpoint(url).stream(HELLO))


def test_an_endpoint_without_models_asks_for_one() -> None:
    with running(StandIn(models=[])) as server, pytest.raises(EndpointError, match="lists no models; name one with"):
        list(ChatEndpoint(server.url).stream(HELLO))
