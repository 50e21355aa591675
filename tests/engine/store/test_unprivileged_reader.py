"""A reader who may not write to the index's folder sees one state of it, whatever a writer does meanwhile."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

import unprivileged
from docsearch.engine import store
from docsearch.engine.errors import IndexDamaged, IndexLocked, UsageError
from docsearch.engine.store import layout, private_copy

READER = """
import os, shutil, sys, tempfile
from pathlib import Path
from docsearch.engine.store import open_snapshot
os.setgroups([]); os.setgid(65534); os.setuid(65534)
with open_snapshot(Path(sys.argv[1])) as snapshot:
    print(len(snapshot), flush=True)
    sys.stdin.readline()
    texts = [snapshot.text(row) for row in range(len(snapshot))]
    vectors = sum(len(block.coded) for block in snapshot.blocks())
    print(len(snapshot.documents()), len(set(texts)), vectors, snapshot.verify(), flush=True)
"""
"""Opens an index as another user, waits for a line, and then reads all of it. What it imports when it is needed is
imported before: that user may not have access to the folder of the Python installation.
"""


@pytest.fixture
def shared_index(synthetic: ModuleType) -> Iterator[Path]:
    """An index of three documents, 7 pages each, in a folder that other users may read, but not change."""
    with tempfile.TemporaryDirectory(dir=unprivileged.place()) as folder:
        Path(folder).chmod(0o755)
        index = Path(folder) / "index"
        with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
            for path in ("a.pdf", "b.pdf", "c.pdf"):
                synthetic.add(writer, path)
                writer.commit()
        yield index


def change_everything(index: Path, synthetic: ModuleType) -> None:
    """Remove, replace and add documents, so that SQLite reuses pages of the catalog; then rewrite it as a whole."""
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        writer.remove(["a.pdf"])
        writer.commit()
        for number in range(30):
            synthetic.add(writer, f"new/{number}.pdf")
        synthetic.add(writer, "b.pdf", version=1)
        writer.commit()
        writer.compact()


@pytest.mark.parametrize("writes_first", [False, True], ids=["no writer at first", "a writer has it open"])
def test_a_reader_of_another_user_keeps_its_state_while_a_writer_changes_everything(
    shared_index: Path, synthetic: ModuleType, writes_first: bool
) -> None:
    if not unprivileged._is_root():
        pytest.skip("needs root, to read as another user")
    writer = store.open_writer(shared_index, fingerprint=None) if writes_first else None
    command = [sys.executable, "-c", READER, str(shared_index)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as reader:  # type: ignore[call-overload]
        assert reader.stdout.readline() == "21\n", reader.stderr.read()
        if writer is not None:
            writer.close()
        change_everything(shared_index, synthetic)
        out, err = reader.communicate("go on\n")
        assert out == "3 21 45 []\n", err
    with store.open_snapshot(shared_index) as snapshot:
        assert snapshot.verify() == []


def read_all(index: Path) -> tuple[int, list[str]]:
    with store.open_snapshot(index) as snapshot:
        return len(snapshot), snapshot.verify()


def test_a_reader_without_the_right_to_write_takes_in_what_a_killed_writer_left(
    shared_index: Path, synthetic: ModuleType
) -> None:
    program = (
        "import importlib.util, os, sys; from pathlib import Path\n"
        "spec = importlib.util.spec_from_file_location('synthetic', sys.argv[1])\n"
        "synthetic = importlib.util.module_from_spec(spec); spec.loader.exec_module(synthetic)\n"
        "writer = synthetic.store.open_writer(Path(sys.argv[2]), fingerprint=None)\n"
        "synthetic.add(writer, 'd.pdf'); writer.commit(); os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(synthetic.__file__), str(shared_index)], check=False)
    assert (shared_index / f"{layout.CATALOG}-wal").stat().st_size
    with read_as_another_user(shared_index):
        assert read_all(shared_index) == (28, [])


@contextmanager
def read_as_another_user(index: Path) -> Iterator[None]:
    """Open snapshots through private copies, as for a user who may not write to the index."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(private_copy, "is_needed", lambda _: True)
        yield


def test_a_copy_leaves_no_file(shared_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = sorted(file.name for file in shared_index.iterdir())
    with read_as_another_user(shared_index), store.open_snapshot(shared_index) as snapshot:
        assert snapshot.text(0) == "a.pdf version 0 page 1"
        assert list(tmp_path.iterdir()) == []
    assert sorted(file.name for file in shared_index.iterdir()) == before


def test_a_change_while_the_catalog_is_copied_starts_the_copy_again(
    shared_index: Path, synthetic: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, changes = private_copy._copy, iter(range(1))

    def copy_slowly(file: Path, target: Path) -> None:
        copy(file, target)
        if next(changes, None) is not None:
            change_everything(shared_index, synthetic)

    monkeypatch.setattr(private_copy, "_copy", copy_slowly)
    with read_as_another_user(shared_index):
        assert read_all(shared_index) == (32 * 7, [])
    monkeypatch.setattr(private_copy, "_state", lambda _: object())
    monkeypatch.setattr(private_copy, "WAIT_S", 0)
    with read_as_another_user(shared_index), pytest.raises(IndexLocked, match="keeps changing"):
        store.open_snapshot(shared_index)


def test_no_room_for_a_copy_is_told(shared_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_the_disk(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copyfile", fill_the_disk)
    with read_as_another_user(shared_index), pytest.raises(UsageError, match="set TMPDIR"):
        store.open_snapshot(shared_index)


def test_a_catalog_is_taken_for_immutable_only_on_a_read_only_file_system(
    shared_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert private_copy.is_needed(shared_index)
    monkeypatch.setattr(private_copy, "is_on_read_only_file_system", lambda _: True)
    assert not private_copy.is_needed(shared_index)
    assert read_all(shared_index) == (21, [])
    (shared_index / f"{layout.CATALOG}-wal").touch()
    assert private_copy.is_needed(shared_index)


def test_damage_is_never_answered_with_the_advice_to_delete(shared_index: Path) -> None:
    path = shared_index / layout.CATALOG
    path.write_bytes(path.read_bytes()[:4096] + bytes(4096 * 3))
    with pytest.raises(IndexDamaged, match="restore it from a copy") as caught:
        store.open_snapshot(shared_index)
    assert "delete" not in str(caught.value)
