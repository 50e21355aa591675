"""A server that cannot start, is interrupted, or loses a thread ends, and says why; one that lacks files goes on."""

from __future__ import annotations

import errno
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from started_program import first_line

import toy_words
from docsearch.engine.store import layout
from docsearch.server import opening, search_worker
from docsearch.server.metrics import Metrics
from docsearch.server.search_worker import SearchWorker
from docsearch.server.service import Service
from docsearch.server.vital_threads import VitalThreads
from toy_words import ToyEncoder

Serve = Callable[..., tuple[TestClient, Service]]
TESTS = Path(__file__).parents[1]
WAIT_S = 300
PROGRAM = """
import sys
from pathlib import Path
from docsearch import cli
from docsearch.server import app, search_worker, uploads
from docsearch.server.service import Service
from fake_encoder import FakeEncoder
search_worker.POLL_INTERVAL_S = 0.05
app.FAILED_SHUTDOWN_S = 300  # a busy machine may take longer than five seconds, and that would be told, too
opened = Service.open
Service.open = staticmethod(lambda settings, **_: opened(settings, encoder=FakeEncoder()))
{change}
sys.argv = ["docsearch", "serve", "--port", "0", "--index", sys.argv[1]]
cli.main()
"""


@contextmanager
def program(index: Path, change: str = "") -> Iterator[subprocess.Popen[str]]:
    """`docsearch serve` in a process of its own, with a `change` to its code."""
    command = [sys.executable, "-c", PROGRAM.format(change=change), str(index)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS), str(TESTS / "server")))}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def address(process: subprocess.Popen[str]) -> str:
    line = first_line(process, process.stderr)
    assert process.stderr is not None
    assert " answers at " in line, line + process.stderr.read()
    return urlsplit(line.partition(" answers at ")[2].partition(" ")[0]).netloc


def ending(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code and what it says at the end."""
    _, text = process.communicate(timeout=WAIT_S)
    return process.returncode, text


def test_a_server_that_cannot_start_says_why_in_a_line_and_ends(index: Path) -> None:
    (index / layout.UPLOADS).mkdir()
    (index / layout.UPLOADS / "0123456789abcdef").mkdir()
    change = """
def broken(*_):
    raise OSError(5, "Input/output error")
uploads.stored_uploads.delete_leftovers = broken
"""
    with program(index, change) as process:
        code, text = ending(process)
    assert code == 2
    assert text.startswith("docsearch: the server of ")
    assert "Input/output error" in text
    assert text.count("\n") == 1


def wait_until_refused(host: str, port: int) -> None:
    """Wait until a server takes no more connections."""
    deadline = time.monotonic() + WAIT_S
    with suppress(ConnectionError):
        while time.monotonic() < deadline:
            socket.create_connection((host, port)).close()
            time.sleep(0.01)
        pytest.fail("the server still takes connections")


def test_a_second_signal_ends_a_server_that_is_still_finishing_a_request(index: Path) -> None:
    change = """
import time
def encode(self, text):
    print("encoding", file=sys.stderr, flush=True)
    time.sleep(600)
FakeEncoder.encode_query = encode
"""
    with program(index, change) as process:
        host, _, port = (at := address(process)).rpartition(":")
        connection = http.client.HTTPConnection(at)
        connection.request("POST", "/v1/search", b'{"query": "revenue"}', {"Content-Type": "application/json"})
        assert first_line(process, process.stderr) == "encoding\n"
        process.send_signal(signal.SIGINT)
        wait_until_refused(host, int(port))  # the server has seen the signal
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        code, text = ending(process)
        connection.close()
    assert code == 128 + signal.SIGINT
    assert text == "docsearch: ended at once; requests in progress were not answered\n"


@pytest.mark.parametrize(
    ("thread", "change"),
    [
        ("search", "Searcher.search_many"),
        ("watch", "SearchWorker.try_refresh"),
        ("uploads", "uploads.UploadQueue._process"),
    ],
)
def test_the_death_of_a_thread_ends_the_server_with_a_message(index: Path, thread: str, change: str) -> None:
    patched = f"""
from docsearch.engine.searcher import Searcher
from docsearch.server.search_worker import SearchWorker
def dies(*_, **__):
    raise SystemExit("on purpose")
{change} = dies
"""
    with program(index, patched) as process:
        with closing(http.client.HTTPConnection(address(process), timeout=WAIT_S)) as connection, suppress(OSError):
            if thread == "search":
                connection.request("POST", "/v1/search", b'{"query": "revenue"}', {"Content-Type": "application/json"})
                assert connection.getresponse().status == 503
            elif thread == "uploads":
                connection.request("POST", "/v1/documents?name=a.png", b"\x89PNG\r\n\x1a\n")
                assert connection.getresponse().status in {202, 503}
        code, text = ending(process)
    assert code == 2
    assert text.startswith(f"docsearch: the server ended: the {thread} thread died: SystemExit: on purpose")
    assert text.count("\n") == 1


def test_readiness_ends_with_any_thread(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    client, service = serve()
    assert client.get("/readyz").status_code == 200
    died = threading.Event()
    service.threads.when_one_dies(died.set)
    assert service.uploads is not None

    def dies(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(service.uploads, "_process", dies)
    assert client.post("/v1/documents?name=a.png", content=b"\x89PNG\r\n\x1a\n").status_code == 202
    assert died.wait(WAIT_S)
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200


@pytest.fixture
def words(tmp_path: Path) -> Path:
    toy_words.write(tmp_path / "toy", {"a.pdf": [[3]]})
    return tmp_path / "toy"


def test_a_commit_that_cannot_be_opened_now_is_opened_later(
    words: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(search_worker, "POLL_INTERVAL_S", 0.01)
    real, refusals = opening.open_searcher, [0]
    worker = SearchWorker(words, ToyEncoder(), max_pending=2, metrics=Metrics())

    def open_searcher(*given: object, **named: object) -> object:
        refusals[0] += 1
        if refusals[0] <= 5:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return real(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(opening, "open_searcher", open_searcher)
    before = worker._searcher.snapshot.generation
    with closing(worker):
        worker.start()
        toy_words.write(words, {"b.pdf": [[3]]})
        deadline = time.monotonic() + WAIT_S
        while worker._searcher.snapshot.generation == before or not worker.ready:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert len([record for record in caplog.records if "Too many open files" in record.getMessage()]) == 1


def test_readiness_ends_when_the_last_commit_cannot_be_opened_again_and_again(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_worker, "POLL_INTERVAL_S", 3600.0)  # only the test tries
    client, service = serve()
    worker, real = service.search_worker, opening.open_searcher

    def fail(*_: object, **__: object) -> object:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(opening, "open_searcher", fail)
    for _ in range(search_worker.REFRESH_FAILURES - 1):
        worker.try_refresh()
    assert client.get("/readyz").status_code == 200
    worker.try_refresh()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "earlier state of the index" in answer.json()["status"]
    assert client.post("/v1/search", json={"query": "revenue"}).status_code == 200
    monkeypatch.setattr(opening, "open_searcher", real)
    worker.try_refresh()
    assert client.get("/readyz").status_code == 200


def test_a_commit_that_cannot_be_prepared_leaves_no_lock(words: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[object] = []
    real = opening.open_searcher

    def open_searcher(*given: object, **named: object) -> object:
        searcher = real(*given, **named)  # type: ignore[arg-type]
        closes = searcher.close
        monkeypatch.setattr(searcher, "prepare", lambda: 1 // 0)
        monkeypatch.setattr(searcher, "close", lambda: (closed.append(searcher), closes()))
        return searcher

    worker = SearchWorker(words, ToyEncoder(), max_pending=2, metrics=Metrics())
    monkeypatch.setattr(opening, "open_searcher", open_searcher)
    toy_words.write(words, {"b.pdf": [[3]]})
    with closing(worker), pytest.raises(ZeroDivisionError):
        worker.refresh()
    with pytest.raises(ZeroDivisionError):
        SearchWorker(words, ToyEncoder(), max_pending=2, metrics=Metrics())
    assert len(closed) == 2


def test_the_first_death_is_the_one_that_is_told() -> None:
    threads = VitalThreads()
    told: list[str | None] = []

    def fail(text: str) -> None:
        raise ValueError(text)

    for text in ("first", "second"):
        thread = threads.thread(text, lambda text=text: fail(text), lambda: None)  # type: ignore[misc]
        thread.start()
        thread.join()
    threads.when_one_dies(lambda: told.append(threads.failure))
    assert told == ["the first thread died: ValueError: first"]
