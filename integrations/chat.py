"""A client of chat endpoints that follow OpenAI's protocol: Ollama, vLLM, llama.cpp, LM Studio, hosted ones."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ..engine.errors import UsageError

KEY_VARIABLE = "DOCSEARCH_LLM_KEY"
"""Environment variable with the endpoint's key, if it needs one."""
TIMEOUT_S = 120.0
"""Longest wait for the next bytes: a model may have to be loaded first."""
ANSWER_BYTES_MAX = 4 << 20
LINE_BYTES_MAX = 1 << 20
DETAIL_CHARS = 300
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
BROKE_OFF = "broke off in the middle of its answer"
PATH = "/chat/completions"

Message = Mapping[str, object]


class EndpointError(UsageError):
    """The endpoint did not answer as asked; `status` is its HTTP status, 0 where there was none."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class ChatEndpoint:
    """The endpoint at `url`, such as `http://localhost:11434/v1`; `model` None takes the first that it lists.

    The key, where $DOCSEARCH_LLM_KEY has one, is sent over HTTPS, or to this machine. Raises UsageError for a URL that
    is not one of HTTP.
    """

    def __init__(self, url: str, model: str | None = None, *, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{url}: is not the URL of a chat endpoint; give one like http://localhost:11434/v1")
        self.url = url.rstrip("/").removesuffix(PATH)
        self._parts = urlsplit(self.url)
        self._timeout_s = timeout_s
        self._key = os.environ.get(KEY_VARIABLE)
        if self._key and parts.scheme == "http" and parts.hostname not in LOCAL_HOSTS:
            raise UsageError(f"{url}: the key in ${KEY_VARIABLE} would be sent unencrypted; use https, or unset it")
        self._model = model

    @property
    def model(self) -> str:
        """The name of the model, asked of the endpoint where none was given. Raises EndpointError."""
        if self._model is None:
            listed = self._json("GET", "/models")
            names = [each.get("id") for each in listed.get("data") or [] if isinstance(each, dict)]
            if not names or not isinstance(names[0], str):
                raise EndpointError(f"{self.url}: lists no models; name one with --llm-model")
            self._model = names[0]
        return self._model

    def stream(self, messages: Sequence[Message]) -> Iterator[str]:
        """The answer to `messages` as it comes, piece by piece.

        Raises EndpointError where the endpoint refuses, is not reached, does not follow the protocol, or ends in the
        middle; pieces that came before are part of the answer all the same.
        """
        body = {"model": self.model, "messages": list(messages), "stream": True, "temperature": 0}
        connection, response = self._request("POST", PATH, body)
        try:
            if "text/event-stream" not in (response.getheader("Content-Type") or ""):
                yield _content(_parsed(response.read(ANSWER_BYTES_MAX), self.url), "message")
                return
            yield from self._events(response)
        except (OSError, http.client.HTTPException) as err:
            raise EndpointError(
                f"{self.url}: broke off in the middle of its answer: {err or type(err).__name__}"
            ) from err
        finally:
            connection.close()

    def _events(self, response: http.client.HTTPResponse) -> Iterator[str]:
        received, finished = 0, False
        while line := response.readline(LINE_BYTES_MAX):
            received += len(line)
            if received > ANSWER_BYTES_MAX:
                raise EndpointError(f"{self.url}: the answer is longer than {ANSWER_BYTES_MAX >> 20} MB")
            if not line.startswith(b"data:"):
                continue
            data = line[5:].strip()
            if data == b"[DONE]":
                return
            event = _parsed(data, self.url)
            if event.get("choices"):
                finished = finished or bool(event["choices"][0].get("finish_reason"))
                if piece := _content(event, "delta"):
                    yield piece
        if not finished:
            raise EndpointError(f"{self.url}: {BROKE_OFF}")

    def _json(self, method: str, path: str) -> dict[str, Any]:
        connection, response = self._request(method, path)
        try:
            return _parsed(response.read(ANSWER_BYTES_MAX), self.url)
        except (OSError, http.client.HTTPException) as err:
            raise EndpointError(f"{self.url}{path}: broke off: {err or type(err).__name__}") from err
        finally:
            connection.close()

    def _request(
        self, method: str, path: str, body: object = None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        parts = self._parts
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        connection = kind(parts.hostname or "", parts.port, timeout=self._timeout_s)
        try:
            sent = None if body is None else json.dumps(body).encode()
            connection.request(method, parts.path + path, sent, headers)
            response = connection.getresponse()
            if response.status == http.HTTPStatus.OK:
                return connection, response
            detail = _detail(response.read(ANSWER_BYTES_MAX))
        except (OSError, http.client.HTTPException, ValueError) as err:
            connection.close()
            raise EndpointError(f"{self.url}: cannot be reached: {err or type(err).__name__}") from err
        connection.close()
        raise EndpointError(f"{self.url}: {_REMEDIES.get(response.status, 'refused')}: {detail}", response.status)


_REMEDIES = {
    401: f"wants a key, in ${KEY_VARIABLE}",
    403: f"does not accept the key in ${KEY_VARIABLE}",
    404: "has no such model or path; see --llm-model, and whether the URL ends with /v1",
    413: "finds the pages too large; give fewer with -k, or a smaller --budget",
    429: "has too much to do; try again later",
}
"""What went wrong, by HTTP status."""


def _parsed(data: bytes, url: str) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise EndpointError(f"{url}: did not answer with JSON: {data[:DETAIL_CHARS].decode('utf-8', 'replace')!r}")
    if found.get("error"):
        raise EndpointError(f"{url}: {_detail(data)}")
    return found


def _content(event: Mapping[str, Any], name: str) -> str:
    try:
        content = event["choices"][0][name].get("content")
    except (KeyError, IndexError, TypeError, AttributeError) as err:
        raise EndpointError(f"the endpoint's answer has no {name}: {json.dumps(event)[:DETAIL_CHARS]}") from err
    return content if isinstance(content, str) else ""


def _detail(data: bytes) -> str:
    """What an error's body says, in OpenAI's form or another."""
    text = data.decode("utf-8", "replace")
    try:
        error = json.loads(text).get("error", text)
        text = str(error.get("message", error) if isinstance(error, dict) else error)
    except (ValueError, AttributeError):
        pass
    return " ".join(text.split())[:DETAIL_CHARS] or "without a reason"
