"""Where the workers of shards are started."""

from __future__ import annotations

from typing import Any

from docsearch.cluster.search.workers import nodes_in_turn


def node(name: str, cpus: float | None, *, is_alive: bool = True) -> dict[str, Any]:
    return {"NodeID": name, "Alive": is_alive, "Resources": {} if cpus is None else {"CPU": cpus}}


def test_nodes_without_processors_get_no_worker() -> None:
    """The head of a cluster that only coordinates, and the node of a server: replicas would share what is left."""
    listed = [
        node("head", 0.0),
        node("two", 8.0),
        node("driver", None),
        node("one", 4.0),
        node("gone", 8.0, is_alive=False),
    ]
    assert nodes_in_turn(listed) == ["one", "two"]


def test_where_no_node_has_processors_all_take_turns() -> None:
    assert nodes_in_turn([node("two", None), node("one", 0.0)]) == ["one", "two"]
