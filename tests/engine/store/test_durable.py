"""Atomic, durable writes: after any failure the old content is there, and nothing else."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from docsearch.engine.store import durable, layout

KILLED_HALFWAY = """
import os, signal, sys
from pathlib import Path
from docsearch.engine.store import durable
with getattr(durable, sys.argv[1])(Path(sys.argv[2])) as temporary:
    (temporary / "part" if temporary.is_dir() else temporary).write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files and folders that were synced, in order."""
    names: list[str] = []
    fsync = os.fsync

    def record(descriptor: int) -> None:
        names.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc to name a descriptor's file")
    monkeypatch.setattr(os, "fsync", record)
    return names


def fail(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def replace_file(file: Path, content: str = "new") -> None:
    with durable.atomic_file(file) as temporary:
        temporary.write_text(content)


def fill_folder(folder: Path) -> None:
    with durable.atomic_folder(folder) as temporary:
        (temporary / "inner").mkdir()
        (temporary / "inner/part").write_text("new")


def test_a_file_is_replaced_by_its_new_content(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    for content in ("first", "second"):
        replace_file(file, content)
        assert file.read_text() == content
    assert list(tmp_path.iterdir()) == [file]


def test_old_content_is_visible_until_the_new_is_complete(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_text("old")
    with durable.atomic_file(file) as temporary:
        temporary.write_text("half")
        assert file.read_text() == "old"
    assert file.read_text() == "half"


@pytest.mark.parametrize("error", [OSError, ValueError, KeyboardInterrupt])
def test_an_error_while_writing_keeps_the_old_file_and_leaves_nothing(
    tmp_path: Path, error: type[BaseException]
) -> None:
    file = tmp_path / "file.txt"
    file.write_text("old")

    def stop_halfway() -> None:
        with durable.atomic_file(file) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        stop_halfway()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("write", [replace_file, fill_folder])
def test_a_failing_sync_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None]
) -> None:
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write(tmp_path / "final")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("writer", ["atomic_file", "atomic_folder"])
def test_a_killed_process_leaves_only_a_temporary_name(tmp_path: Path, writer: str) -> None:
    final = tmp_path / "final"
    command = [sys.executable, "-c", KILLED_HALFWAY, writer, str(final)]
    assert subprocess.run(command, timeout=600, check=False).returncode == -9
    assert not final.exists()
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(layout.TEMPORARY)


def test_a_file_is_synced_before_its_rename_and_the_folder_after_it(tmp_path: Path, synced: list[str]) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    replace_file(folder / "file.txt")
    temporary, parent = synced
    assert temporary.startswith(layout.TEMPORARY)
    assert parent == "folder"


def test_a_folder_is_synced_with_everything_in_it_then_its_parent(tmp_path: Path, synced: list[str]) -> None:
    parent = tmp_path / "parent"
    parent.mkdir()
    fill_folder(parent / "final")
    assert (parent / "final/inner/part").read_text() == "new"
    *content, temporary, last = synced
    assert content == ["part", "inner"]
    assert temporary.startswith(layout.TEMPORARY)
    assert last == "parent"


def test_cache_files_are_not_synced(tmp_path: Path, synced: list[str]) -> None:
    with durable.atomic_file(tmp_path / "file", sync=False) as temporary:
        temporary.write_text("derived")
    with durable.atomic_folder(tmp_path / "folder", sync=False) as temporary:
        (temporary / "part").write_text("derived")
    assert synced == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_temporary_names_are_unique_and_keep_folder_and_suffix(tmp_path: Path) -> None:
    final = tmp_path / "file.npy"
    names = {durable.temporary_path(final) for _ in range(100)}
    assert len(names) == 100
    for name in names:
        assert (name.parent, name.suffix) == (tmp_path, ".npy")
        assert name.name.startswith(f"{layout.TEMPORARY}{os.getpid()}-")


def test_concurrent_writers_each_write_a_whole_file(tmp_path: Path) -> None:
    file, contents = tmp_path / "file.txt", [str(i) * 100_000 for i in range(8)]
    threads = [threading.Thread(target=replace_file, args=(file, content)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert file.read_text() in contents
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_does_not_replace_one_that_has_files(tmp_path: Path) -> None:
    fill_folder(tmp_path / "final")
    with pytest.raises(OSError, match=os.strerror(errno.ENOTEMPTY)):
        fill_folder(tmp_path / "final")
    assert [path.name for path in tmp_path.iterdir()] == ["final"]


def test_a_symbolic_link_keeps_pointing_to_the_new_content(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere/file.txt", tmp_path / "link.txt"
    target.write_text("old")
    link.symlink_to(target)
    replace_file(link)
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        replace_file(pipe)
        assert os.read(reading, 10) == b"new"
    finally:
        os.close(reading)
    assert pipe.is_fifo()


def test_a_file_system_that_cannot_sync_folders_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", refuse)
    durable.sync_folder(tmp_path)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        durable.sync_folder(tmp_path)


def test_a_file_keeps_the_mode_of_the_one_it_replaces(tmp_path: Path) -> None:
    file = tmp_path / "private.png"
    file.write_bytes(b"old")
    file.chmod(0o600)
    with durable.atomic_file(file) as temporary:
        temporary.write_bytes(b"new")
    assert file.read_bytes() == b"new"
    assert file.stat().st_mode & 0o777 == 0o600
