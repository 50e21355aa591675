"""Commands that search with --ray: the same output as without, and options that have no effect are refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import docsearch
from docsearch.cluster.search import searcher as cluster_searcher
from docsearch.engine.errors import UsageError
from fake_encoder import FakeEncoder

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    "command", [("query", "x"), ("batch", "asked.txt", "-o", "answers.jsonl"), ("serve",), ("mcp",)]
)
def test_options_of_a_cluster_without_one_are_refused(run: Run, indexed: Path, command: tuple[str, ...]) -> None:
    (indexed / "asked.txt").write_text("revenue\n")
    for option in (("--replicas", "2"), ("--partial",)):
        code, _, err = run(*command, *option)
        assert code == 2
        assert "need --ray" in err


def test_several_indexes_on_a_cluster_are_refused(run: Run, indexed: Path) -> None:
    code, _, err = run("query", "x", "--index", ".docsearch", "--index", "other", "--ray", "local")
    assert code == 2
    assert "--ray searches one index" in err
    with pytest.raises(UsageError, match="one index is searched"):
        docsearch.open_index([".docsearch", "other"], ray="local")


@pytest.mark.parametrize("command", [("query", "x"), ("mcp",)])
def test_an_address_without_a_cluster_is_told(
    run: Run, indexed: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray", reason="needs the extra ray")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)  # the cluster of other tests does not count
    code, _, err = run(*command, "--ray", "localhost:1")
    assert code == 2
    assert "no Ray cluster answers at localhost:1" in err


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cluster of one node that stays for the test; the model of the tests instead of the index's."""
    ray = pytest.importorskip("ray", reason="needs the extra ray")
    monkeypatch.setattr(cluster_searcher, "find_spec", lambda name, revision="": FakeEncoder().spec)
    monkeypatch.setattr(cluster_searcher, "load_query_encoder", lambda name, revision="": FakeEncoder())
    started = not ray.is_initialized()
    if started:
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    if started:
        ray.shutdown()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_answers_of_commands_are_the_same(run: Run, indexed: Path, cluster: None) -> None:
    (indexed / "asked.txt").write_text("".join(f"revenue chart {i}\n" for i in range(100)))
    whole = run("query", "revenue chart", "--json")
    assert whole[0] == 0
    on_ray = run("query", "revenue chart", "--json", "--ray", "local", "--replicas", "2")
    assert on_ray[:2] == whole[:2]
    assert run("batch", "asked.txt", "-o", "whole.jsonl")[0] == 0
    assert run("batch", "asked.txt", "-o", "ray.jsonl", "--ray", "local")[0] == 0
    assert (indexed / "ray.jsonl").read_text() == (indexed / "whole.jsonl").read_text()
    with docsearch.open_index(".docsearch", encoder=FakeEncoder(), ray="local") as index:
        assert [hit.as_dict() for hit in index.search("revenue chart", k=10)] == [
            {key: hit[key] for key in ("rank", "score", "path", "page", "doc_id", "also")}
            for hit in map(json.loads, whole[1].splitlines())
        ]
