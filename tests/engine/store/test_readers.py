"""What a commit dropped stays on disk while a snapshot may read it, and goes with the last one that might."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import unprivileged
from docsearch.engine import store
from docsearch.engine.errors import UsageError
from docsearch.engine.store import catalog, garbage, layout, readers
from docsearch.engine.store.locks import FileLock

READER = """
import os, sys
from pathlib import Path
from docsearch.engine import store
from docsearch.engine.store import snapshot as _  # imported before privileges are dropped
if "other user" in sys.argv:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
snapshot = store.open_snapshot(Path(sys.argv[1]))
print(len(snapshot), flush=True)
sys.stdin.readline()
print(snapshot.verify(), flush=True)
snapshot.close()
"""
"""Opens an index, waits for a line, reads all of the index, and closes it."""


def segments(index: Path) -> list[str]:
    return sorted(entry.name for entry in (index / layout.SEGMENTS).iterdir())


def registers(index: Path) -> list[str]:
    return sorted(entry.name for entry in (index / layout.READERS).iterdir())


def compact(index: Path) -> None:
    with store.open_writer(index, fingerprint=None) as writer:
        writer.compact()


@contextmanager
def reading(index: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has the index open; it is killed at the end."""
    command = [sys.executable, "-c", READER, str(index), *options]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:  # type: ignore[call-overload]
        try:
            assert process.stdout.readline().strip().isdecimal(), process.stderr.read()
            yield process
        finally:
            process.kill()


def test_an_open_snapshot_is_registered_for_its_generation_and_leaves_the_gate_free(filled: Path) -> None:
    with store.open_snapshot(filled) as snapshot, readers.no_snapshot_opens(filled, wait=False) as is_held:
        assert is_held
        assert readers.registered(filled, snapshot.generation) == {snapshot.generation}
    with readers.no_snapshot_opens(filled, wait=False) as is_held:
        assert is_held
        assert readers.registered(filled, snapshot.generation) == set()


def test_a_snapshot_waits_while_something_is_deleted(filled: Path) -> None:
    opened = threading.Event()

    def read() -> None:
        with store.open_snapshot(filled):
            opened.set()

    thread = threading.Thread(target=read)
    with readers.no_snapshot_opens(filled):
        thread.start()
        assert not opened.wait(0.05)
    thread.join()
    assert opened.is_set()


def test_a_compaction_under_an_open_snapshot_frees_the_disk_when_it_is_closed(filled: Path) -> None:
    with store.open_snapshot(filled) as earlier:
        compact(filled)
        assert segments(filled) == ["00000001", "00000002", "00000003", "00000004"]
        with store.open_snapshot(filled) as later:
            assert earlier.verify() == later.verify() == []
        assert segments(filled) == ["00000001", "00000002", "00000003", "00000004"]
    assert segments(filled) == ["00000004"]
    with store.open_snapshot(filled) as later:
        assert (len(later), later.verify()) == (21, [])


def test_snapshots_of_the_last_generation_keep_nothing(filled: Path) -> None:
    earlier = store.open_snapshot(filled)
    compact(filled)
    with store.open_snapshot(filled) as later:
        earlier.close()
        assert segments(filled) == ["00000004"]
        assert later.verify() == []


def test_a_segment_that_loses_its_last_page_goes_with_the_last_reader(filled: Path) -> None:
    with store.open_snapshot(filled) as earlier:
        with store.open_writer(filled, fingerprint=None) as writer:
            writer.remove(["b.pdf"])
        assert earlier.verify() == []
        assert len(segments(filled)) == 3
    assert segments(filled) == ["00000001", "00000003"]


def test_the_last_of_several_earlier_snapshots_frees_the_disk(filled: Path) -> None:
    first, second = store.open_snapshot(filled), store.open_snapshot(filled)
    compact(filled)
    first.close()
    assert len(segments(filled)) == 4
    assert second.verify() == []
    second.close()
    assert segments(filled) == ["00000004"]


def test_a_reader_in_another_process_frees_the_disk_when_it_moves_on(filled: Path) -> None:
    with reading(filled) as process:
        compact(filled)
        assert len(segments(filled)) == 4
        out, err = process.communicate("go on\n")
        assert out == "[]\n", err
    assert segments(filled) == ["00000004"]


def test_the_registration_of_a_killed_reader_vanishes_with_it(filled: Path) -> None:
    with reading(filled) as process:
        compact(filled)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(segments(filled)) == 4
    store.open_writer(filled, fingerprint=None).close()
    assert segments(filled) == ["00000004"]


def test_nothing_is_deleted_while_a_reader_of_an_earlier_version_is_open(filled: Path) -> None:
    earlier_version = FileLock(filled / layout.READERS_LOCK, shared=True)
    with store.open_snapshot(filled):
        compact(filled)
    assert len(segments(filled)) == 4
    store.open_writer(filled, fingerprint=None).close()
    assert len(segments(filled)) == 4
    earlier_version.release()
    store.open_writer(filled, fingerprint=None).close()
    assert segments(filled) == ["00000004"]


def test_an_index_of_an_earlier_version_gets_registers(filled: Path) -> None:
    generation = registers(filled)
    for file in (filled / layout.READERS).iterdir():
        file.unlink()
    (filled / layout.READERS).rmdir()
    with store.open_snapshot(filled) as snapshot:
        assert registers(filled) == generation == [snapshot.generation]
        compact(filled)
    assert segments(filled) == ["00000004"]


def test_only_the_register_of_the_last_generation_and_those_held_stay(filled: Path, synthetic: ModuleType) -> None:
    with store.open_snapshot(filled) as snapshot, store.open_writer(filled, fingerprint=None) as writer:
        for number in range(5):
            synthetic.add(writer, f"{number}.pdf")
            writer.commit()
        with store.open_snapshot(filled) as later:
            assert registers(filled) == sorted([snapshot.generation, later.generation])
    store.open_writer(filled, fingerprint=None).close()
    assert registers(filled) == [later.generation]


def test_a_reader_that_moves_on_during_a_commit_leaves_the_new_register(
    filled: Path, synthetic: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, created = readers.create_register, []

    def create_and_clean(directory: Path, generation: str) -> None:
        create(directory, generation)
        if not created:
            garbage.delete_after_reading(directory)
        created.append(generation)

    with store.open_writer(filled, fingerprint=None) as writer:
        monkeypatch.setattr(readers, "create_register", create_and_clean)
        synthetic.add(writer, "d.pdf")
        writer.commit()
        assert registers(filled) == [created[0]]


@pytest.mark.parametrize("generation", ["../../stray", "", "0" * 65, "ABC", "a/b"])
def test_a_generation_that_is_no_hash_names_no_file(filled: Path, generation: str) -> None:
    before = sorted(filled.rglob("*"))
    lock = readers.ReaderLock(filled)
    lock.register(generation)
    readers.create_register(filled, generation)
    assert sorted(filled.rglob("*")) == before
    with readers.no_snapshot_opens(filled, wait=False) as is_held:
        assert not is_held  # it holds the gate instead
    lock.release()


def test_a_link_in_the_place_of_a_register_is_not_followed(filled: Path, tmp_path: Path) -> None:
    (register,) = (filled / layout.READERS).iterdir()
    register.unlink()
    register.symlink_to(tmp_path / "elsewhere")
    with store.open_snapshot(filled):
        assert not (tmp_path / "elsewhere").exists()
        with readers.no_snapshot_opens(filled, wait=False) as is_held:
            assert not is_held


def test_a_folder_of_registers_that_is_a_link_is_refused(filled: Path, tmp_path: Path) -> None:
    (filled / layout.READERS).rename(tmp_path / "elsewhere")
    (filled / layout.READERS).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="symbolic link"):
        store.open_snapshot(filled)


@pytest.mark.parametrize("has_register", [True, False], ids=["registered", "by an earlier version"])
def test_a_reader_of_another_user_keeps_what_it_reads(synthetic: ModuleType, has_register: bool) -> None:
    if not unprivileged._is_root():
        pytest.skip("needs root, to read as another user")
    with tempfile.TemporaryDirectory(dir=unprivileged.place()) as folder:
        Path(folder).chmod(0o755)
        index = Path(folder) / "index"
        with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
            for path in ("a.pdf", "b.pdf"):
                synthetic.add(writer, path)
                writer.commit()
        (register,) = (index / layout.READERS).iterdir()
        if not has_register:
            register.unlink()
        with reading(index, "other user") as process:
            with readers.no_snapshot_opens(index, wait=False) as is_held:
                assert is_held == has_register
            compact(index)
            assert len(segments(index)) == 3
            out, err = process.communicate("go on\n")
            assert out == "[]\n", err
        store.open_writer(index, fingerprint=None).close()
        assert segments(index) == ["00000003"]


def test_a_reader_that_moves_on_leaves_what_a_writer_has_not_committed(filled: Path, synthetic: ModuleType) -> None:
    writer = store.open_writer(filled, fingerprint=None)
    earlier = store.open_snapshot(filled)
    writer.compact()
    (filled / layout.SEGMENTS / "00000099").mkdir()
    (filled / layout.SEGMENTS / ".tmp-1-00000000").mkdir()
    synthetic.add(writer, "d.pdf")
    earlier.close()
    assert segments(filled) == [".tmp-1-00000000", "00000004", "00000099"]
    writer.commit()
    writer.close()
    with store.open_snapshot(filled) as snapshot:
        assert snapshot.verify() == []
        assert set(snapshot.documents()) == {"a.pdf", "b.pdf", "c.pdf", "d.pdf"}


def test_outdated_derived_files_go_with_the_last_reader_and_unfinished_ones_stay(filled: Path) -> None:
    cache = filled / layout.CACHE
    with store.open_snapshot(filled) as earlier:
        for name in ("lists-00000001-00000003", "lists-00000004-00000004", ".tmp-1-00000000"):
            (cache / name).mkdir(parents=True)
        (cache / f"pages-{earlier.generation}.npy").touch()
        compact(filled)
        assert len(list(cache.iterdir())) == 4
        later = store.open_snapshot(filled)
        (cache / f"pages-{later.generation}.npy").touch()
    kept = {"lists-00000004-00000004", f"pages-{later.generation}.npy"}
    assert {entry.name for entry in cache.iterdir()} == kept | {".tmp-1-00000000"}
    later.close()
    compact(filled)
    assert {entry.name for entry in cache.iterdir()} == kept


def test_a_reader_that_may_not_write_deletes_nothing(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.open_snapshot(filled):
        compact(filled)
        monkeypatch.setattr(garbage.private_copy, "is_needed", lambda _: True)
    assert len(segments(filled)) == 4


def test_an_error_while_garbage_is_deleted_does_not_reach_the_reader(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Path) -> None:
        raise OSError("no such luck")

    with store.open_snapshot(filled):
        compact(filled)
        monkeypatch.setattr(catalog, "open_to_read", fail)
    assert len(segments(filled)) == 4


def test_readers_and_compactions_at_once_read_whole_pages_and_leave_no_garbage(
    filled: Path, synthetic: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A reader gives up deleting when others hold the gate for long, as on a busy machine; a later writer deletes then.
    monkeypatch.setattr(readers, "GATE_ATTEMPTS", 60_000)
    stopped, failures = threading.Event(), []

    def read(pause: Callable[[], float]) -> None:
        while not stopped.is_set():
            try:
                with store.open_snapshot(filled) as snapshot:
                    stopped.wait(pause())
                    vectors = sum(len(block.coded) for block in snapshot.blocks())
                    if vectors != int(snapshot.lengths.sum()) or snapshot.dense_vectors().shape[0] != len(snapshot):
                        failures.append("pages are missing")
            except Exception as err:  # noqa: BLE001 - told below
                failures.append(repr(err))

    generators = [np.random.default_rng(seed) for seed in range(4)]
    threads = [threading.Thread(target=read, args=(lambda rng=rng: rng.uniform(0, 0.02),)) for rng in generators]
    for thread in threads:
        thread.start()
    for number in range(10):
        with store.open_writer(filled, fingerprint=None) as writer:
            synthetic.add(writer, "b.pdf", version=number + 1)
            writer.commit()
            writer.compact()
    stopped.set()
    for thread in threads:
        thread.join()
    assert failures == []
    with store.open_snapshot(filled) as snapshot:
        live = [f"{segment:08d}" for segment in snapshot.segment_digests]
    assert segments(filled) == live
