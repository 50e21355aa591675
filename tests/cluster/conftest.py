"""Fixtures for tests on a Ray cluster, which skip where ray is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_cluster import local_cluster

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ray leaves processes and sockets to its own clean-up, about which Python warns."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


@pytest.fixture(scope="session")
def three_nodes() -> Iterator[Any]:
    """A cluster of three nodes that this process is connected to, for tests that leave its nodes alone."""
    pytest.importorskip("ray", reason="needs the extra ray")
    with local_cluster(3) as cluster:
        yield cluster
