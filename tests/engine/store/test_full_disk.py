"""A full disk raises StorageFull and leaves the index as of its last commit."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from docsearch.engine import store
from docsearch.engine.errors import StorageFull, UsageError
from docsearch.engine.store import layout

Listing = Callable[[Path], dict[str, list[int]]]


@contextmanager
def file_size_limit(bytes_a_file: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_a_file, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def check_intact(index: Path, synthetic: ModuleType, listing: Listing, before: dict[str, list[int]]) -> None:
    """The index is as before, without other files, and a next run can add to it."""
    assert listing(index) == before
    with store.open_snapshot(index) as snapshot:
        assert snapshot.verify() == []
        assert len(list((index / layout.SEGMENTS).iterdir())) == snapshot.info()["segments"]
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        synthetic.add(writer, "d.pdf", count=40)
    assert listing(index) == {**before, "d.pdf": list(range(1, 41))}


@pytest.mark.parametrize("limit", [0, 200, 2_000, 20_000, 60_000])
def test_a_size_limit_leaves_the_last_good_state(
    filled: Path, synthetic: ModuleType, listing: Listing, limit: int
) -> None:
    before = listing(filled)
    with pytest.raises(StorageFull, match="everything committed before is intact"), file_size_limit(limit):
        fill(filled, synthetic)
    check_intact(filled, synthetic, listing, before)


def fill(index: Path, synthetic: ModuleType) -> None:
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        synthetic.add(writer, "d.pdf", count=3000, step=3000)


@pytest.mark.parametrize("failing", range(7))  # five files and two folders
def test_a_full_disk_at_any_sync_of_a_commit_leaves_the_last_good_state(
    filled: Path, synthetic: ModuleType, listing: Listing, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    before = listing(filled)
    calls = 0

    def fsync(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer:
            synthetic.add(writer, "d.pdf")
            with pytest.raises(StorageFull):
                writer.commit()
            with pytest.raises(UsageError, match="rolled back after an error"):
                synthetic.add(writer, "e.pdf")
    check_intact(filled, synthetic, listing, before)


def test_a_full_disk_while_compacting_loses_nothing(filled: Path, synthetic: ModuleType, listing: Listing) -> None:
    before = listing(filled)
    with (
        pytest.raises(StorageFull),
        file_size_limit(200),
        store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer,
    ):
        writer.compact()
    check_intact(filled, synthetic, listing, before)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB; skips where mounting is not allowed."""
    mount = shutil.which("mount")
    target = tmp_path / "disk"
    target.mkdir()
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=2m", "docsearch-test", str(target)]
    if mount is None or os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    yield target
    subprocess.run(["umount", "-l", str(target)], check=True)  # also while a map of it waits to be collected


@pytest.mark.parametrize("ballast_kb", [400, 600, 900])
def test_a_really_full_disk_leaves_the_last_good_state(
    small_disk: Path, synthetic: ModuleType, listing: Listing, ballast_kb: int
) -> None:
    index = small_disk / "index"
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        synthetic.add(writer, "a.pdf")
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(ballast_kb * 1024))
    committed: list[str] = []

    def fill_up() -> None:
        with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
            while True:
                path = f"{len(committed)}.pdf"
                synthetic.add(writer, path, count=100, step=100)
                writer.commit()
                committed.append(path)

    with pytest.raises(StorageFull):
        fill_up()
    ballast.unlink()
    assert listing(index) == {"a.pdf": list(range(1, 8)), **{path: list(range(1, 101)) for path in committed}}
    with store.open_snapshot(index) as snapshot:
        assert snapshot.verify() == []
    with store.open_writer(index, fingerprint=None) as writer:
        writer.remove(committed)
    assert listing(index) == {"a.pdf": [1, 2, 3, 4, 5, 6, 7]}
