"""A server with the fake encoder in a process of its own, which tests can kill.

As a program: INDEX SECONDS_PER_PAGE.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from docsearch.server.app import serve
from docsearch.server.settings import ServerSettings
from fake_encoder import FakeEncoder

TESTS = Path(__file__).parents[1]
WAIT_S = 60


class Running:
    """A server in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process, self.address = process, address
        self._host = urlsplit(address).netloc

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._host, timeout=WAIT_S)

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, dict[str, object]]:
        connection = self.connection()
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, json.loads(content) if content else {}

    def ended(self, upload: str) -> dict[str, object]:
        """The last state of an upload."""
        connection = self.connection()
        connection.request("GET", f"/v1/uploads/{upload}/events")
        *_, last = [line for line in connection.getresponse() if line.startswith(b"data: ")]
        connection.close()
        status: dict[str, object] = json.loads(last.removeprefix(b"data: "))
        return status

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(WAIT_S)


@contextmanager
def running(index: Path, seconds_per_page: float = 0.0) -> Iterator[Running]:
    command = [sys.executable, __file__, str(index), str(seconds_per_page)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield Running(process, process.stdout.readline().strip())
        finally:
            process.kill()


def main() -> None:
    index, seconds_per_page = sys.argv[1:]
    encoder = FakeEncoder(seconds_per_page=float(seconds_per_page))
    serve(ServerSettings(Path(index), port=0), lambda address: print(address, flush=True), encoder=encoder)


if __name__ == "__main__":
    main()
