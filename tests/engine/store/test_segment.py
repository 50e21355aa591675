"""Memory maps of segments: how many stay open, and what stays resident."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import toy_words
from docsearch.engine.store import open_snapshot, segment

resource = pytest.importorskip("resource", reason="this system limits no descriptors")
NONE = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("limits", "files", "expected", "raised"),
    [
        ((1024, 4096), 100, 100, None),
        ((1024, 4096), 1000, 1000, 2000),
        ((1024, 4096), 9000, 2048, 4096),
        ((1024, 1024), 9000, 512, None),
        ((1024, NONE), 9000, 9000, 18000),
        ((NONE, NONE), 9000, 9000, None),
    ],
)
def test_segments_may_use_half_the_descriptors_of_a_limit_raised_for_them(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], files: int, expected: int, raised: int | None
) -> None:
    requested: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, limit: requested.append(limit))
    assert segment.descriptors_for(files) == expected
    assert requested == ([] if raised is None else [(raised, limits[1])])


def test_a_limit_that_cannot_be_raised_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert segment.descriptors_for(9000) == 512


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
def test_an_index_with_more_segments_than_can_be_open_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(9):
        toy_words.write(tmp_path / "index", {f"{i}.pdf": [[i, i + 1]]})

    def rows_and_descriptors() -> tuple[list[int], int]:
        with open_snapshot(tmp_path / "index") as snapshot:
            rows = [row for batch in snapshot.views() for block in batch for row in block.rows.tolist()]
            return rows, len(list(Path("/proc/self/fd").iterdir()))

    every, many = rows_and_descriptors()
    monkeypatch.setattr(segment, "OPEN_SEGMENTS", 2)
    monkeypatch.setattr(segment, "descriptors_for", lambda _: 0)
    few_rows, few = rows_and_descriptors()
    np.testing.assert_array_equal(few_rows, every)
    assert every == [*range(9)]
    assert few < many


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="asks Linux what is in memory")
def test_a_large_index_does_not_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mapped() -> int:
        lines = Path("/proc/self/smaps").read_text("utf-8").splitlines()
        ours = [i for i, line in enumerate(lines) if str(tmp_path) in line and line.endswith("vectors.npy")]
        return sum(int(next(line for line in lines[i:] if line.startswith("Rss:")).split()[1]) for i in ours)

    toy_words.write(tmp_path / "index", {"a.pdf": [[*range(200)]] * 50})
    sums = []
    for is_large in (False, True):
        monkeypatch.setattr(segment, "MAPPED_BYTES", 1 if is_large else 1 << 29)
        with open_snapshot(tmp_path / "index") as snapshot:
            sums.append(sum(int(block.coded.values.astype(int).sum()) for block in snapshot.blocks(max_vectors=1000)))
            list(snapshot.views(np.array([0])))
            assert (mapped() == 0) == is_large
    assert sums[0] == sums[1]


def test_scattered_pages_are_asked_for_at_once_while_the_process_reads_from_a_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy_words.write(tmp_path / "index", {"a.pdf": [[*range(20)]] * 9})
    asked, read = [], iter([5, 5, 9, 9])
    monkeypatch.setattr(segment, "MAPPED_BYTES", 1)
    monkeypatch.setattr(segment, "will_need", lambda array: asked.append(len(array)))
    monkeypatch.setattr(segment, "blocks_read", lambda: next(read))
    with open_snapshot(tmp_path / "index") as snapshot:
        for expected in (3, 0, 3, 0):
            asked.clear()
            batches = list(snapshot.views(np.array([0, 3, 4, 8])))
            assert [row for batch in batches for block in batch for row in block.rows.tolist()] == [0, 3, 4, 8]
            lengths = snapshot.lengths[[0, 3, 4, 8]]
            arrays = {"int8": 3}[snapshot.codec]  # codes, scales and boxes
            runs = [lengths[0], lengths[1] + lengths[2], lengths[3]]
            assert asked == [length for length in runs for _ in range(arrays)][: arrays * expected]
