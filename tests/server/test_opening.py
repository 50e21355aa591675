"""A server in front of shards: the API is the same, and a lost shard is refused or named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from docsearch.cluster.search import searcher as cluster_searcher
from docsearch.cluster.search.opening import OpenOnRay
from docsearch.engine.errors import UsageError
from docsearch.engine.store import open_writer
from docsearch.indexer import pipeline
from docsearch.server.service import Service
from fake_encoder import FakeEncoder

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
Serve = Callable[..., tuple[TestClient, Service]]
ASKED = {"queries": ["revenue chart", "minutes"], "k": 20}


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    ray = pytest.importorskip("ray", reason="needs the extra ray")
    started = not ray.is_initialized()
    if started:
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    if started:
        ray.shutdown()


def divide(index: Path, shards: int) -> None:
    with open_writer(index, fingerprint=None) as writer:
        writer.divide(shards)


def hits(client: TestClient) -> list[Any]:
    return [each["hits"] for each in client.post("/v1/search", json=ASKED).json()["answers"]]


def test_a_server_in_front_of_shards(
    ray: Any, serve: Serve, index: Path, make_pdf: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers as one without, follows commits and moves of segments, and names a shard that it lost."""
    monkeypatch.setattr(cluster_searcher, "TIMEOUT_S", 30.0)
    make_pdf(index.parent / "docs/c.pdf", ["revenue again"])
    pipeline.index_documents([index.parent / "docs"], index, encoder=FakeEncoder())
    divide(index, 2)
    alone, _ = serve(read_only=True)
    client, service = serve(ray="auto", partial=True)
    assert hits(client) == hits(alone)
    make_pdf(index.parent / "docs/d.pdf", ["revenue the third time"])
    pipeline.index_documents([index.parent / "docs"], index, encoder=FakeEncoder())
    divide(index, 3)
    service.search_worker.refresh()
    assert len(hits(client)[0]) == 5
    searcher = service.search_worker._next or service.search_worker._searcher
    assert isinstance(searcher, cluster_searcher.ShardedSearcher)
    assert searcher.snapshot.names == {"0000", "0001", "0002"}
    for actor in searcher.workers.actors("0002"):
        ray.kill(actor)
    (answer,) = client.post("/v1/search", json={"queries": ["what is new"], "k": 20}).json()["answers"]
    assert (answer["missing_shards"], answer["missing_pages"]) == (["0002"], 1)
    assert len(answer["hits"]) == 4


def test_without_partial_a_lost_shard_is_an_error(
    ray: Any, serve: Serve, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_searcher, "TIMEOUT_S", 1.0)
    client, service = serve(ray="auto")
    searcher = service.search_worker._searcher
    assert isinstance(searcher, cluster_searcher.ShardedSearcher)
    for actor in searcher.workers.actors(""):
        ray.kill(actor)
    response = client.post("/v1/search", json={"queries": ["what is new"]})
    assert response.status_code == 503
    assert "does not answer" in response.json()["error"]
    assert response.headers["Retry-After"]


def test_several_indexes_are_refused(ray: Any, index: Path) -> None:
    opening = OpenOnRay("auto", replicas=1, partial=False)
    try:
        with pytest.raises(UsageError, match="searches one index"):
            opening.open({"a": index, "b": index}, encoder=FakeEncoder())
    finally:
        opening.close()
