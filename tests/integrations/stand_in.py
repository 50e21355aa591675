"""A stand-in for a chat endpoint: an HTTP server on this machine that follows OpenAI's protocol, and its failures."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class StandIn:
    """What the endpoint does and what it was asked: `requests` are the bodies, `headers` those of the last request.

    It waits `wait_s` seconds before each answer, and if it `holds`, until `go` is set; though no longer than it runs.
    """

    pieces: list[str] = field(default_factory=lambda: ["Revenue was 52.1 million", " euros [1]", "."])
    status: int = 200
    error: str = ""
    takes_pictures: bool = True
    streams: bool = True
    breaks_after: int | None = None
    raw: bytes | None = None
    wait_s: float = 0.0
    go: threading.Event = field(default_factory=threading.Event)
    holds: bool = False
    models: list[str] = field(default_factory=lambda: ["stand-in-1", "other"])
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""

    def __post_init__(self) -> None:
        if not self.holds:
            self.go.set()

    @property
    def content(self) -> Any:
        """The content of the user's message in the last request."""
        return self.requests[-1]["messages"][-1]["content"]


@contextmanager
def running(behaviour: StandIn) -> Iterator[StandIn]:
    """Run the endpoint; its address is `behaviour.url`."""

    ending = threading.Event()

    class Server(ThreadingHTTPServer):
        daemon_threads = False  # `server_close` waits for them: nothing is left to a later test

        def handle_error(self, request: Any, client_address: Any) -> None:
            if not isinstance(sys.exception(), ConnectionError):  # the client has left
                super().handle_error(request, client_address)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            listed = json.dumps({"object": "list", "data": [{"id": name} for name in behaviour.models]})
            self._send(200, "application/json", listed.encode())

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            behaviour.requests.append(body)
            behaviour.headers = dict(self.headers)
            ending.wait(behaviour.wait_s)
            behaviour.go.wait()
            content = body["messages"][-1]["content"]
            has_picture = isinstance(content, list) and any(part["type"] == "image_url" for part in content)
            if behaviour.status != 200 or (has_picture and not behaviour.takes_pictures):
                status = behaviour.status if behaviour.status != 200 else 400
                error = behaviour.error or "this model does not support images"
                self._send(status, "application/json", json.dumps({"error": {"message": error}}).encode())
            elif behaviour.raw is not None:
                self._send(200, "text/event-stream", behaviour.raw)
            elif not behaviour.streams:
                whole = {"choices": [{"message": {"role": "assistant", "content": "".join(behaviour.pieces)}}]}
                self._send(200, "application/json", json.dumps(whole).encode())
            else:
                self._stream()

        def _stream(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream; charset=utf-8")
            self.end_headers()
            self._event({"choices": [{"delta": {"role": "assistant"}, "finish_reason": None}]})
            for number, piece in enumerate(behaviour.pieces):
                if number == behaviour.breaks_after:
                    return
                self._event({"choices": [{"delta": {"content": piece}, "finish_reason": None}]})
            self.wfile.write(b": a comment\n\n")
            self._event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
            self._event({"choices": [], "usage": {"total_tokens": 12}})
            self.wfile.write(b"data: [DONE]\n\n")

        def _event(self, event: object) -> None:
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
            self.wfile.flush()

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    behaviour.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield behaviour
    finally:
        ending.set()
        behaviour.go.set()
        server.shutdown()
        thread.join()
        server.server_close()
