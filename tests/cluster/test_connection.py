"""Connecting to a Ray cluster, and what is said where that is not possible."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from docsearch import open_index
from docsearch.cluster import connection
from docsearch.engine.errors import UsageError
from docsearch.indexer import pipeline
from fake_encoder import FakeEncoder


def test_without_ray_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(UsageError, match=r"needs ray; .*\[ray\]"), connection.connected("local"):
        pass


def test_an_address_that_does_not_answer_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told by what the machine answered, not by the end of the wait for an answer."""
    monkeypatch.setattr(connection, "ANSWERS_WITHIN_S", 3600.0)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(UsageError, match=r"no Ray cluster answers at 127\.0\.0\.1.*refused"):
            connection.check_answers(address)


@pytest.mark.parametrize("address", ["", "somewhere", "host:", "host:port", ":6379", "ray://host"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="is no address of a Ray cluster"):
        connection.check_answers(address)


def test_a_token_is_found_where_ray_looks_for_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in connection.TOKEN_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert not connection.has_token()
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    assert connection.has_token()
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray/auth_token").write_text("secret")
    assert connection.has_token()


def test_another_token_is_an_error_that_says_where_it_belongs(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="needs the extra ray")

    def refuse(**_: Any) -> None:
        raise ray.exceptions.AuthenticationError("InvalidAuthToken")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", refuse)
    monkeypatch.setattr(connection, "check_answers", lambda _address: None)
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    with pytest.raises(UsageError, match=r"another token: set RAY_AUTH_MODE=token.*auth_token"):
        connection.connected("head:6379").__enter__()
    assert "RAY_AUTH_MODE" not in os.environ, (
        "a cluster without tokens would end the workers of a driver that sends one"
    )


def test_a_machine_that_is_too_busy_for_ray_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="needs the extra ray")

    def too_late(**_: Any) -> None:
        raise Exception("The current node timed out during startup. This could happen because …")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", too_late)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(UsageError, match=r"did not start .*: The current node timed out during startup; it may be too"):
        connection.connected("local").__enter__()


@pytest.mark.slow
def test_a_program_elsewhere_searches_through_the_client_server(
    three_nodes: Any, tmp_path: Path, make_pdf: Callable[..., Path]
) -> None:
    """At ray://HOST:PORT/FOLDER, with and without an event loop, in a process that is no part of the cluster."""
    make_pdf(tmp_path / "docs/a.pdf", ["harbour dues", "pilotage fees"])
    index = tmp_path / "index"
    pipeline.index_documents([tmp_path / "docs"], index, encoder=FakeEncoder())
    with open_index(index, encoder=FakeEncoder()) as alone:
        expected = [[hit.ref.page, hit.score] for hit in alone.search("dues")]
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    options = [f"--address={three_nodes.address}", "--host=127.0.0.1", f"--port={port}", "--mode=specific-server"]
    server = subprocess.Popen([sys.executable, "-m", "ray.util.client.server", *options])
    try:
        while server.poll() is None:
            with suppress(UsageError):
                connection.check_answers(f"ray://127.0.0.1:{port}")
                break
            time.sleep(0.2)
        program = Path(__file__).with_name("search_elsewhere.py")
        done = subprocess.run(
            [sys.executable, program, f"ray://127.0.0.1:{port}{index}"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert [json.loads(line) for line in done.stdout.splitlines()] == [expected, expected]
    finally:
        server.terminate()
        server.wait()


def test_a_connected_process_keeps_its_cluster(three_nodes: Any) -> None:
    import ray

    with connection.connected("local"):
        assert len(ray.nodes()) == 3
    assert ray.is_initialized()
