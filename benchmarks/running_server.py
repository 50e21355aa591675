"""Runs `docsearch serve` as a child process, with an HTTP client for it."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from .setting import REPOSITORY, Refused

TIMEOUT_S = 120
BUSY = 503
END_TIMEOUT_S = 60


@dataclass(frozen=True)
class Answered:
    """An answer: the snapshot it comes from, and path, page and score of each hit."""

    snapshot: str
    hits: tuple[tuple[str, int, float], ...]


class Client:
    """One persistent connection; a context manager. Raises Refused for a response other than an answer or "busy"."""

    def __init__(self, host: str) -> None:
        self._connection = http.client.HTTPConnection(host, timeout=TIMEOUT_S)
        self.retry_after_s = 1.0
        """Retry-After of the last "busy" response, in seconds."""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def search(self, text: str, k: int) -> Answered | None:
        """The answer to a question; None if the server is busy."""
        status, body = self.ask("POST", "/v1/search", json.dumps({"query": text, "k": k}).encode())
        if status == BUSY:
            return None
        (answer,) = json.loads(body)["answers"]
        return Answered(answer["snapshot"], tuple((hit["path"], hit["page"], hit["score"]) for hit in answer["hits"]))

    def upload(self, file: Path) -> str | None:
        """Upload a document and wait until it is indexed; its id, or None if the server is busy or indexing failed."""
        status, body = self.ask("POST", f"/v1/documents?name={quote(file.name)}", file.read_bytes())
        if status == BUSY:
            return None
        upload = json.loads(body)["upload"]
        _, events = self.ask("GET", f"/v1/uploads/{upload}/events")
        last = [line for line in events.splitlines() if line.startswith(b"data: ")][-1]
        end = json.loads(last.removeprefix(b"data: "))
        return str(end["doc_id"]) if end["state"] == "done" else None

    def remove(self, doc_id: str) -> bool:
        """Remove a document; False if the server is busy."""
        return self.ask("DELETE", f"/v1/documents/{doc_id}")[0] != BUSY

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """The status and the body of a response."""
        try:
            self._connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as err:
            raise Refused(f"{method} {path}: {err!r}") from err
        if response.status == BUSY:
            self.retry_after_s = float(response.headers["Retry-After"])
        elif response.status >= 300:
            raise Refused(f"{method} {path}: {response.status} {content[:300].decode('utf-8', 'replace')}")
        return response.status, content


@dataclass(frozen=True)
class RunningServer:
    """A server at `host`, in the process `pid`."""

    pid: int
    host: str

    def client(self) -> Client:
        """A new client of the server."""
        return Client(self.host)


@contextmanager
def serving(index: Path) -> Iterator[RunningServer]:
    """Serve an index at a free port until the block ends; raises Refused if the server fails to start or to stop."""
    command = [sys.executable, "-m", "docsearch", "serve", "--index", str(index), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        address = line.partition(" answers at ")[2].partition(" ")[0]
        if not address:
            process.kill()
            raise Refused(f"the server does not start: {line}")
        try:
            yield RunningServer(process.pid, urlsplit(address).netloc)
            process.send_signal(signal.SIGTERM)
            if process.wait(END_TIMEOUT_S):
                raise Refused(f"the server ended with code {process.returncode}: {process.stderr.read()[-600:]}")
        finally:
            process.kill()
