"""A server with the fake encoder in a process of its own, which tests can kill.

As a program: INDEX [FOLDER], where FOLDER holds it as `Held` says.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from started_program import first_line

from docsearch.engine.models.encoder import EmbeddedPages
from docsearch.engine.records import PageImage
from docsearch.server.app import serve
from docsearch.server.settings import ServerSettings
from fake_encoder import FakeEncoder

TESTS = Path(__file__).parents[1]
WAIT_S = 300
HELD_AFTER_PAGES = 1


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


class Held(FakeEncoder):
    """Embeds a first batch of pages, and others once a folder has a file `go`; until then it has the file `waits`."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._go, self._waits = folder / "go", folder / "waits"

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        if self.pages >= HELD_AFTER_PAGES:
            self._waits.touch()
            while not self._go.exists():
                time.sleep(0.01)
        return super().encode_pages(pages)


@contextmanager
def running(index: Path, hold: Path | None = None) -> Iterator[Running]:
    """A server of an index; with a folder to `hold` it, uploads of more than a batch of pages wait as `Held` says."""
    command = [sys.executable, __file__, str(index), *([] if hold is None else [str(hold)])]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield Running(process, first_line(process, process.stdout).strip())
        finally:
            process.kill()


def main() -> None:
    index, *hold = sys.argv[1:]
    encoder = Held(Path(hold[0])) if hold else FakeEncoder()
    serve(ServerSettings(Path(index), port=0), lambda address: print(address, flush=True), encoder=encoder)


if __name__ == "__main__":
    main()
