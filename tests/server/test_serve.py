from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from started_program import first_line

from docsearch.engine.searcher import open_searcher
from docsearch.indexer import pipeline
from docsearch.server import app
from docsearch.server.settings import ServerSettings

SERVE = [sys.executable, "-m", "docsearch", "serve", "--index"]


def test_a_host_that_other_machines_reach_is_refused_without_a_token(tmp_path: Path) -> None:
    done = subprocess.run([*SERVE, tmp_path, "--host", "0.0.0.0"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("docsearch: 0.0.0.0 can be reached from other machines: give a --token")
    assert done.stderr.count("\n") == 1


def test_a_server_without_an_index_says_how_to_make_one(tmp_path: Path) -> None:
    done = subprocess.run([*SERVE, tmp_path / "none"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "docsearch index" in done.stderr


def test_answers_are_sent_without_waiting_for_acknowledgements(
    tmp_path: Path, make_pdf: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Head and body are sent separately; Nagle's algorithm would delay the body by 40 ms."""
    index = tmp_path / "index"
    pipeline.index_documents([make_pdf(tmp_path / "a.pdf", ["annual revenue"])], index)
    accepted: list[int] = []

    def accept_one(server: app.Server, sockets: list[socket.socket]) -> None:
        server.config.app.state.collections.close()
        (listening,) = sockets
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as connection:
            accepted.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(app.Server, "run", accept_one)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    app.serve(ServerSettings(index, port=0), lambda _address: None)
    assert accepted == [1]


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_server_answers_until_a_signal_stops_it(tmp_path: Path, sample_docs: Path, ending: signal.Signals) -> None:
    pipeline.index_documents([sample_docs / "invoice-20418.pdf"], tmp_path / "index")
    command = [*SERVE, tmp_path / "index", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        address = first_line(process, process.stderr).partition(" answers at ")[2].partition(" ")[0]
        body = json.dumps({"query": "invoice total", "k": 1}).encode()
        request = urllib.request.Request(f"{address}v1/search", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as response:
            (answer,) = json.load(response)["answers"]
        process.send_signal(ending)
        assert process.wait(300) == 0
        assert process.stderr.read() == ""
    with open_searcher(tmp_path / "index") as searcher:
        (hit,) = searcher.search("invoice total", k=1)
    assert [(h["path"], h["page"], h["score"]) for h in answer["hits"]] == [
        (hit.ref.path, hit.ref.page, round(hit.score, 6))
    ]


@pytest.mark.slow
def test_an_error_names_the_port_that_is_taken(tmp_path: Path, make_pdf: Callable[..., Path]) -> None:
    make_pdf(tmp_path / "docs/a.pdf", ["annual revenue"])
    pipeline.index_documents([tmp_path / "docs"], tmp_path / "index")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [*SERVE, tmp_path / "index", "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"port {port}" in done.stderr
