"""Connecting to a Ray cluster, and what is said where that is not possible."""

from __future__ import annotations

import importlib.util
import socket
import time
from typing import Any

import pytest

from docsearch.cluster import connection
from docsearch.engine.errors import UsageError


def test_without_ray_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(UsageError, match=r"needs ray; .*\[ray\]"), connection.connected("local"):
        pass


def test_an_address_that_does_not_answer_is_an_error_at_once() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(UsageError, match=r"no Ray cluster answers at 127\.0\.0\.1"):
            connection.check_answers(address)
    assert time.monotonic() - started < connection.ANSWERS_WITHIN_S + 1


@pytest.mark.parametrize("address", ["", "somewhere", "host:", "host:port", ":6379", "ray://host"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="is no address of a Ray cluster"):
        connection.check_answers(address)


def test_a_connected_process_keeps_its_cluster(three_nodes: Any) -> None:
    import ray

    with connection.connected("local"):
        assert len(ray.nodes()) == 3
    assert ray.is_initialized()
