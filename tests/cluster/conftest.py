"""Fixtures for tests on a Ray cluster, which skip where ray is not installed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import patience
from docsearch.cluster.indexing import coordinator
from docsearch.cluster.search import in_step, searcher
from local_cluster import local_cluster
from object_storage import Storage, serve

patience.prepare()  # before a test imports ray
HERE = Path(__file__).parent
SEGMENTS = 6


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ray leaves processes and sockets to its own clean-up, about which Python warns."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is given up, sent again or given to a second worker for want of time, except in tests of that."""
    monkeypatch.setattr(in_step, "WAIT_S", patience.DEADLINE_S)
    monkeypatch.setattr(searcher, "TIMEOUT_S", patience.DEADLINE_S)
    monkeypatch.setattr(coordinator, "NOTHING_STARTS_S", patience.DEADLINE_S)
    monkeypatch.setattr(coordinator, "STRAGGLER_MIN_S", patience.DEADLINE_S)


@pytest.fixture(scope="session")
def three_nodes(object_storage: Any) -> Iterator[Any]:
    """A cluster of three nodes that this process is connected to, for tests that leave its nodes alone."""
    pytest.importorskip("ray", reason="needs the extra ray")
    with local_cluster(3) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def segmented_index(sample_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of the sample documents in several segments: a copy of it is cut, which takes less than indexing."""
    from docsearch.engine.store import open_writer

    index = tmp_path_factory.mktemp("segmented") / "index"
    shutil.copytree(sample_index, index)
    with open_writer(index, fingerprint=None) as writer:
        writer.compact(None, None, shards=SEGMENTS)
    return index


@pytest.fixture(scope="session")
def object_storage() -> Iterator[Storage]:
    """A server of S3's protocol on this machine, which every process reaches: its environment names it."""
    pytest.importorskip("moto.server", reason="needs moto")
    pytest.importorskip("s3fs", reason="needs the extra s3")
    import boto3

    storage, server, thread = serve()
    given = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": storage.url,
        "AWS_MAX_ATTEMPTS": "1",  # what fails is not tried again by a library below
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        storage.client = boto3.client("s3")
        yield storage
    server.shutdown()
    thread.join()
    server.server_close()
