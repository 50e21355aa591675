"""`docsearch shard` and `compact --shards`: the divided index answers as the undivided one, in every command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def two_segments(run: Run, indexed: Path, make_pdf: Callable[..., Path]) -> Path:
    """The folder of an index of two commits."""
    make_pdf(indexed / "docs" / "later.pdf", ["revenue later", "more"])
    assert run("index", indexed / "docs")[0] == 0
    return indexed


def test_a_divided_copy_answers_as_the_index(run: Run, two_segments: Path) -> None:
    code, out, _ = run("shard", "--shards", "2", "--output", "divided", "--json")
    assert code == 0
    assert [each["name"] for each in json.loads(out)["shards"]] == ["0000", "0001"]
    (two_segments / "asked.txt").write_text("revenue chart\nmore\n")
    for command in (("query", "revenue chart", "--json"), ("facets", "--json")):
        whole = run(*command)
        assert whole[0] == 0
        assert run(*command, "--index", "divided") == whole
    assert run("batch", "asked.txt", "-o", "whole.jsonl")[0] == 0
    assert run("batch", "asked.txt", "-o", "divided.jsonl", "--index", "divided")[0] == 0
    assert (two_segments / "divided.jsonl").read_text() == (two_segments / "whole.jsonl").read_text()
    assert json.loads(run("info", "--json", "--index", "divided")[1])["shards"] == {"0000": 1, "0001": 1}
    assert run("verify", "--index", "divided")[0] == 0


def test_compact_divides_an_index_where_it_is(run: Run, two_segments: Path) -> None:
    whole = run("query", "revenue chart", "--json")
    code, out, _ = run("compact", "--shards", "1")
    assert code == 0
    assert "shard 0000: segments 1; pages" in out
    assert run("query", "revenue chart", "--json") == whole
    assert json.loads(run("compact", "--shards", "0", "--json")[1])["shards"] == []
    assert json.loads(run("info", "--json")[1])["shards"] == {}
    assert [each.name for each in (two_segments / ".docsearch/segments").iterdir()] == ["00000003"]


@pytest.mark.parametrize("shards", [2, 3, 5])
def test_compact_cuts_segments_so_that_each_shard_has_one(run: Run, two_segments: Path, shards: int) -> None:
    whole = run("query", "revenue chart", "--json")
    code, out, _ = run("compact", "--shards", shards, "--json")
    assert code == 0
    divided = json.loads(out)["shards"]
    assert len(divided) == shards
    assert all(each["pages"] for each in divided)
    assert run("query", "revenue chart", "--json") == whole
    assert run("verify")[0] == 0


def test_more_shards_than_pages_are_refused_and_nothing_changes(run: Run, two_segments: Path) -> None:
    before = sorted((two_segments / ".docsearch/segments").rglob("*"))
    code, _, err = run("compact", "--shards", 99)
    assert code == 2
    assert "a shard needs one at least: divide it into 5 or fewer" in err
    assert sorted((two_segments / ".docsearch/segments").rglob("*")) == before


def test_more_shards_than_segments_are_refused_and_nothing_is_made(run: Run, two_segments: Path) -> None:
    code, _, err = run("shard", "--shards", "9", "--output", "divided")
    assert code == 2
    assert "the index has 2 segments" in err
    assert not (two_segments / "divided").exists()
