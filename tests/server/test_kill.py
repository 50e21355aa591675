"""A real server, killed at critical moments: the next one indexes exactly what it acknowledged."""

from __future__ import annotations

import http.client
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from docsearch.engine.store import layout, open_snapshot
from live_server import WAIT_S, Running, running

MakePdf = Callable[..., Path]


def pages_of(index: Path, name: str) -> list[int]:
    with open_snapshot(index) as snapshot:
        assert snapshot.verify() == []
        return sorted(ref.page for ref in snapshot.refs(range(len(snapshot))) if ref.path.endswith(name))


def half_sent(server: Running, content: bytes) -> http.client.HTTPConnection:
    """A connection that has sent the first half of an upload."""
    connection = server.connection()
    connection.putrequest("POST", "/v1/documents?name=half.pdf")
    connection.putheader("Content-Length", str(4 << 20))
    connection.endheaders()
    connection.send(content + b" " * (2 << 20))
    return connection


@pytest.fixture
def long(tmp_path: Path, make_pdf: MakePdf) -> bytes:
    return make_pdf(tmp_path / "long.pdf", [f"page {n}" for n in range(40)]).read_bytes()


@pytest.fixture
def hold(tmp_path: Path) -> Path:
    """A folder to hold uploads, see `live_server.Held`."""
    (tmp_path / "hold").mkdir()
    return tmp_path / "hold"


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_was_acknowledged_survives_a_kill_at_once_and_while_it_is_indexed(
    index: Path, long: bytes, hold: Path
) -> None:
    with running(index, hold) as server:
        status, answer = server.ask("POST", "/v1/documents?name=long.pdf", long)
        server.kill()
    assert (status, answer["state"]) == (202, "waiting")
    (hold / "waits").unlink(missing_ok=True)
    with running(index, hold) as server:
        wait_until((hold / "waits").exists)  # some pages are embedded, and others are not
        server.kill()
    with running(index) as server:
        end = server.ended(str(answer["upload"]))
        assert (end["state"], end["pages_done"]) == ("done", 40)
    assert pages_of(index, "long.pdf") == list(range(1, 41))


def test_an_upload_that_was_cut_off_by_a_kill_leaves_nothing(index: Path, long: bytes) -> None:
    with running(index) as server:
        connection = half_sent(server, long)
        wait_until(lambda: bool(list((index / layout.UPLOADS).glob(f"{layout.TEMPORARY}*/half.pdf"))))
        server.kill()
        connection.close()
    with running(index) as server:
        assert server.ask("GET", "/v1/uploads")[1] == {"uploads": []}
        assert list((index / layout.UPLOADS).iterdir()) == []
    assert pages_of(index, "half.pdf") == []


def test_a_client_that_goes_away_leaves_nothing_and_the_server_goes_on(index: Path, long: bytes) -> None:
    with running(index) as server:
        connection = half_sent(server, long)
        wait_until(lambda: bool(list((index / layout.UPLOADS).glob("*/half.pdf"))))
        connection.close()
        wait_until(lambda: not list((index / layout.UPLOADS).iterdir()))
        status, answer = server.ask("POST", "/v1/documents?name=long.pdf", long)
        assert status == 202
        assert server.ended(str(answer["upload"]))["state"] == "done"


def test_shutdown_does_not_wait_for_open_event_streams(index: Path, long: bytes, hold: Path) -> None:
    with running(index, hold) as server:
        upload = server.ask("POST", "/v1/documents?name=long.pdf", long)[1]["upload"]
        wait_until((hold / "waits").exists)
        connection = server.connection()
        connection.request("GET", f"/v1/uploads/{upload}/events")
        response = connection.getresponse()
        assert response.readline().startswith(b"data: ")
        server.process.send_signal(signal.SIGTERM)
        response.read()  # to its end, which comes although the upload goes on
        (hold / "go").touch()
        assert server.process.wait(WAIT_S) == 0
        connection.close()
    with running(index) as server:  # it may have been done before the first one closed
        wait_until(lambda: all(each["state"] == "done" for each in server.ask("GET", "/v1/uploads")[1]["uploads"]))  # type: ignore[attr-defined]
    assert pages_of(index, "long.pdf") == list(range(1, 41))
