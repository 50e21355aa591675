"""One writer at a time, known by its process id; readers never wait for it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from docsearch.engine import store
from docsearch.engine.errors import EncoderMismatch, IndexLocked, UsageError
from docsearch.engine.store import layout, locks
from docsearch.engine.store.locks import FileLock


def test_a_second_writer_is_told_who_writes(filled: Path, synthetic: ModuleType, tmp_path: Path) -> None:
    command = [sys.executable, str(synthetic.__file__), str(filled), str(tmp_path / "log"), "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(IndexLocked, match=rf"process {other.pid} is writing .* wait until it ends"):
            store.open_writer(filled, fingerprint=synthetic.FINGERPRINT)
        with store.open_snapshot(filled) as snapshot:
            assert len(snapshot) >= 21
        other.kill()
    store.open_writer(filled, fingerprint=synthetic.FINGERPRINT).close()


def test_a_second_writer_in_the_same_process_is_refused_too(filled: Path) -> None:
    with (
        store.open_writer(filled, fingerprint=None),
        pytest.raises(IndexLocked, match=str(os.getpid())),
    ):
        store.open_writer(filled, fingerprint=None)


def test_a_refused_writer_leaves_the_lock_free(filled: Path) -> None:
    for _ in range(2):
        with pytest.raises(EncoderMismatch, match="another encoder"):
            store.open_writer(filled, fingerprint={"name": "other"})
    store.open_writer(filled, fingerprint=None).close()


def test_the_writers_lock_file_has_the_process_id_at_a_fixed_width(filled: Path) -> None:
    with store.open_writer(filled, fingerprint=None):
        content = (filled / layout.WRITER_LOCK).read_bytes()
    assert (len(content), int(content)) == (locks.PID_BYTES, os.getpid())


def test_an_exclusive_lock_excludes_every_other(tmp_path: Path) -> None:
    held = FileLock(tmp_path / "lock")
    for shared in (False, True):
        with pytest.raises(BlockingIOError):
            FileLock(tmp_path / "lock", shared=shared)
    held.release()
    held.release()
    FileLock(tmp_path / "lock").release()


def test_shared_locks_exclude_only_an_exclusive_one(tmp_path: Path) -> None:
    held = [FileLock(tmp_path / "lock", shared=True) for _ in range(2)]
    for lock in held:
        with pytest.raises(BlockingIOError):
            FileLock(tmp_path / "lock")
        lock.release()
    FileLock(tmp_path / "lock").release()


def test_a_blocking_lock_waits_until_the_file_is_free(tmp_path: Path) -> None:
    held, taken = FileLock(tmp_path / "lock"), threading.Event()

    def take() -> None:
        FileLock(tmp_path / "lock", shared=True, blocking=True).release()
        taken.set()

    thread = threading.Thread(target=take)
    thread.start()
    assert not taken.wait(0.05)
    held.release()
    thread.join()
    assert taken.is_set()


@contextmanager
def forked() -> Iterator[None]:
    """While a child process exists that was forked here, with every file open that is open here."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        os.read(reader, 1)  # until the parent closes its end, or is gone
        os._exit(0)
    os.close(reader)
    try:
        yield
    finally:
        os.close(writer)
        os.waitpid(child, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_writer_that_ends_frees_the_index_although_a_forked_process_goes_on(filled: Path) -> None:
    """Also one that is about to become another program, as every child process is for a moment."""
    writer = store.open_writer(filled, fingerprint=None)
    with forked():
        with pytest.raises(IndexLocked):
            store.open_writer(filled, fingerprint=None)
        writer.close()
        store.open_writer(filled, fingerprint=None).close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_that_ends_leaves_its_parent_the_lock(tmp_path: Path) -> None:
    held = FileLock(tmp_path / "lock")
    child = os.fork()
    if child == 0:
        held.release()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    with pytest.raises(BlockingIOError):
        FileLock(tmp_path / "lock")
    held.release()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_shared_lock_is_held_as_long_as_a_forked_process_has_it(tmp_path: Path) -> None:
    held = FileLock(tmp_path / "lock", shared=True)
    with forked():
        held.release()
        with pytest.raises(BlockingIOError):
            FileLock(tmp_path / "lock")
    FileLock(tmp_path / "lock").release()


def test_a_failure_that_is_no_conflict_is_the_systems_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FileLock(tmp_path / "missing" / "lock")


@pytest.mark.skipif(locks.fcntl is None, reason="this system has no flock")
def test_a_lock_that_waits_and_is_denied_is_not_taken_for_a_conflict(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    with pytest.raises(UsageError, match="access to the index was denied"):
        store.open_snapshot(filled)


@pytest.mark.parametrize("is_writable", [False, True])
def test_only_a_read_only_index_is_read_without_a_lock(
    filled: Path, monkeypatch: pytest.MonkeyPatch, is_writable: bool
) -> None:
    def refuse(path: Path, *_: object) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), os.fspath(path))

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "access", lambda *_: is_writable)
    if is_writable:
        with pytest.raises(UsageError, match=r"readers\.lock"):
            store.open_snapshot(filled)
    else:
        with store.open_snapshot(filled) as snapshot:
            assert len(snapshot) == 21
