"""Shards: an index whose segments are divided among folders is the same index, also while and after they move."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from docsearch.engine import store
from docsearch.engine.errors import IndexDamaged, UsageError
from docsearch.engine.store import Snapshot, sharding, shards


def content(snapshot: Snapshot) -> tuple[object, ...]:
    """Everything that a search reads of an index."""
    rows = np.arange(len(snapshot))
    blocks = [block.coded.values.tobytes() for block in snapshot.blocks()]
    boxes = [snapshot.boxes(row).tobytes() for row in rows.tolist()]
    return snapshot.refs(rows), snapshot.generation, snapshot.lengths.tolist(), b"".join(blocks), boxes


def content_of(index: Path) -> tuple[object, ...]:
    with store.open_snapshot(index) as snapshot:
        return content(snapshot)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_divided_copy_is_the_same_index(filled: Path, tmp_path: Path, count: int) -> None:
    made = sharding.divide_copy(filled, tmp_path / "copy", count)
    assert [each.name for each in made] == list(shards.names(tmp_path / "copy"))
    assert sum(each.pages for each in made) == 21
    assert content_of(tmp_path / "copy") == content_of(filled)
    with store.open_snapshot(tmp_path / "copy") as snapshot:
        assert snapshot.verify() == []
        assert sum(snapshot.info()["shards"].values()) == 3  # type: ignore[union-attr]
    assert not [*(tmp_path / "copy" / "segments").iterdir()]


def test_a_divided_copy_takes_no_space_and_does_not_depend_on_the_original(filled: Path, tmp_path: Path) -> None:
    before = content_of(filled)
    sharding.divide_copy(filled, tmp_path / "copy", 2)
    file = tmp_path / "copy/shards/0000/segments/00000001/vectors.npy"
    assert file.samefile(filled / "segments/00000001/vectors.npy")
    with store.open_writer(filled, fingerprint=None) as writer:
        writer.remove(["a.pdf", "b.pdf"])
        writer.commit()
        writer.compact()
    assert content_of(tmp_path / "copy") == before


def test_segments_move_where_they_are_while_a_snapshot_is_open(filled: Path) -> None:
    before = content_of(filled)
    with store.open_snapshot(filled) as early:
        for count in (3, 2, 0, 1):
            with store.open_writer(filled, fingerprint=None) as writer:
                writer.divide(count)
            assert content_of(filled) == before
            assert len(shards.names(filled)) == count == len([*(filled / "shards").glob("*")])
        assert content(early) == before


def test_a_move_that_was_interrupted_is_finished_by_the_next(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content_of(filled)
    for stop in (1, 2, 3):

        def killed(done: int, _: int, stop: int = stop) -> None:
            if done == stop:
                raise KeyboardInterrupt

        with store.open_writer(filled, fingerprint=None) as writer, pytest.raises(KeyboardInterrupt):
            writer.divide(2 + stop % 2, killed)
        assert content_of(filled) == before
    with store.open_writer(filled, fingerprint=None) as writer:
        writer.divide(2)
    assert shards.names(filled) == ("0000", "0001")
    assert content_of(filled) == before


FILE_OPERATIONS = {
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "os.remove",
    "os.link",
    "shutil.copyfile",
    "shutil.rmtree",
    "open",
}


def is_killed(operation: int, work: Callable[[], object]) -> bool:
    """Whether a process that does some work was killed just before so many operations on files."""
    process = os.fork()
    if process == 0:
        done = 0

        def count(event: str, _: object) -> None:
            nonlocal done
            if event in FILE_OPERATIONS:
                done += 1
                if done == operation:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            signal.alarm(600)  # ends a child that waits for a lock that another thread held during the fork
            sys.addaudithook(count)
            work()
        except BaseException:  # noqa: BLE001 - this process must not go on with the tests
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    status = os.waitpid(process, 0)[1]
    assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL)
    return os.WIFSIGNALED(status)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_process_may_be_killed_before_any_operation_of_a_move(filled: Path) -> None:
    before = content_of(filled)
    turn = 0

    def divide() -> None:
        with store.open_writer(filled, fingerprint=None) as writer:
            writer.divide((2, 3, 0, 1)[turn % 4])

    operation = 1
    while is_killed(operation, divide):
        assert content_of(filled) == before, operation
        operation, turn = operation + 1, turn + 1
    assert operation > 20
    divide()
    assert content_of(filled) == before
    with store.open_snapshot(filled) as snapshot:
        assert snapshot.verify() == []
    assert len(list(shards.segment_entries(filled))) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_process_may_be_killed_before_any_operation_of_a_copy(filled: Path, tmp_path: Path) -> None:
    """The copy is there as a whole or not at all, and the next one is made."""
    before, copy = content_of(filled), tmp_path / "copy"
    operation = 1
    while is_killed(operation, lambda: sharding.divide_copy(filled, copy, 2)):
        assert content_of(filled) == before
        if copy.exists():
            assert content_of(copy) == before
            shutil.rmtree(copy)
        operation += 1
    assert operation > 20
    assert content_of(copy) == before


def test_new_pages_and_compactions_of_a_divided_index(filled: Path, synthetic: ModuleType) -> None:
    with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer:
        writer.divide(2)
        synthetic.add(writer, "d.pdf")
        writer.commit()
    with store.open_snapshot(filled) as snapshot:
        assert snapshot.info()["shards"] == {"0000": 2, "0001": 1, "none": 1}
        refs = {(ref.path, ref.page) for ref in snapshot.refs(np.arange(len(snapshot)))}
    with store.open_writer(filled, fingerprint=None) as writer:
        writer.compact()
        writer.divide(1)
    assert [entry.parent.parent.name for entry in shards.segment_entries(filled)] == ["0000"]
    with store.open_snapshot(filled) as snapshot:
        assert {(ref.path, ref.page) for ref in snapshot.refs(np.arange(len(snapshot)))} == refs
        assert snapshot.verify() == []


def test_dropped_segments_of_shards_are_deleted(filled: Path) -> None:
    with store.open_writer(filled, fingerprint=None) as writer:
        writer.divide(3)
        writer.remove(["b.pdf"])
    assert sorted(entry.name for entry in shards.segment_entries(filled)) == ["00000001", "00000003"]


def test_groups_are_neighbours_of_about_equal_size(filled: Path) -> None:
    with store.open_snapshot(filled) as snapshot:
        rows = snapshot.segment_rows
    assert sharding.divided(rows, 3) == [[1], [2], [3]]
    assert sorted(i for ids in sharding.divided(rows, 2) for i in ids) == [1, 2, 3]
    with pytest.raises(UsageError, match="has 3 segments"):
        sharding.divided(rows, 4)


def test_a_shard_that_is_missing_is_named(filled: Path, tmp_path: Path) -> None:
    sharding.divide_copy(filled, tmp_path / "copy", 3)
    (tmp_path / "copy/shards/0001").rename(tmp_path / "elsewhere")
    with store.open_snapshot(tmp_path / "copy") as snapshot, pytest.raises(IndexDamaged, match="shard 0001 is missing"):
        content(snapshot)
    with store.open_writer(tmp_path / "copy", fingerprint=None) as writer, pytest.raises(UsageError, match="0001"):
        writer.divide(2)


def test_a_damaged_list_of_shards_is_refused(filled: Path, tmp_path: Path) -> None:
    sharding.divide_copy(filled, tmp_path / "copy", 3)
    (tmp_path / "copy/shards.json").write_text('{"format": 1, "shards": ["../.."]}')
    with store.open_snapshot(tmp_path / "copy") as snapshot, pytest.raises(IndexDamaged, match="list of shards"):
        content(snapshot)


def test_a_copy_over_something_is_refused(filled: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy/notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="something in it already"):
        sharding.divide_copy(filled, tmp_path / "copy", 2)
