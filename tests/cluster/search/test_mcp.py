"""`docsearch mcp --ray`: the answers to an agent come from the workers of a divided index, and follow its commits."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from docsearch.cluster.search.opening import OpenOnRay
from docsearch.engine.errors import UsageError
from docsearch.engine.latest import LatestSearcher
from docsearch.engine.store import open_writer, sharding
from late_pages import LateEncoder, write
from patience import DEADLINE_S


@pytest.fixture
def opening(three_nodes: Any) -> Iterator[OpenOnRay]:
    found = OpenOnRay("auto", replicas=1, partial=False)
    yield found
    found.close()


def test_an_agent_gets_the_answers_of_the_undivided_index(
    three_nodes: Any, segmented_index: Path, tmp_path: Path
) -> None:
    pytest.importorskip("mcp")
    from mcp import Client, StdioServerParameters

    divided = tmp_path / "divided"
    sharding.divide_copy(segmented_index, divided, 2)

    async def answers(index: Path, *options: str) -> list[Any]:
        arguments = ["-m", "docsearch", "mcp", "--index", str(index), *options]
        with anyio.fail_after(DEADLINE_S):
            async with Client(StdioServerParameters(command=sys.executable, args=arguments)) as client:
                asked = {"query": "revenue chart 2023", "k": 3}
                calls = (("search", asked), ("facets", {}), ("list_documents", {"limit": 3}))
                found = [await client.call_tool(name, given) for name, given in calls]
                assert not any(each.is_error for each in found), found
                return [each.structured_content for each in found]

    async def both() -> list[list[Any]]:
        found: list[list[Any]] = [[], []]

        async def ask(number: int, *arguments: Any) -> None:
            found[number] = await answers(*arguments)

        async with anyio.create_task_group() as group:
            group.start_soon(ask, 0, segmented_index)
            group.start_soon(ask, 1, divided, "--ray", three_nodes.address)
        return found

    whole, of_shards = anyio.run(both)
    assert whole[0]["hits"][0]["page"] == 6
    assert of_shards == whole


def test_a_commit_is_seen_and_the_workers_of_earlier_states_end(opening: OpenOnRay, tmp_path: Path) -> None:
    encoder, index = LateEncoder(0), tmp_path / "index"
    write(index, 0, documents=4)
    with open_writer(index, fingerprint=None) as writer:
        writer.divide(2)
    latest = LatestSearcher(index, encoder=encoder, opening=opening)
    try:
        first = latest.current()
        assert latest.current() is first
        workers = first.workers  # type: ignore[attr-defined]
        assert sorted(first.snapshot.names) == ["0000", "0001"]  # type: ignore[attr-defined]
        with open_writer(index, fingerprint=None) as writer:
            writer.divide(1)
        second = latest.current()
        assert second is not first, "segments have moved"
        assert sorted(second.snapshot.names) == ["0000"]  # type: ignore[attr-defined]
        assert [hit.ref.path for hit in first.search("w1 w2")] == [hit.ref.path for hit in second.search("w1 w2")]
        assert workers.actors("0001")
        del first
        end = time.monotonic() + DEADLINE_S
        while "0001" in workers.names and time.monotonic() < end:
            gc.collect()
            time.sleep(0.05)
        assert workers.names == {"0000"}
    finally:
        latest.close()


def test_several_indexes_are_refused(opening: OpenOnRay, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one index"):
        opening.open({"a": tmp_path, "b": tmp_path})
