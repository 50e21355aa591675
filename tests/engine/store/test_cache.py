"""The cache of derived files: each is complete or missing, and old ones stay until new ones are complete."""

from __future__ import annotations

import errno
import gc
import os
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from docsearch.engine.store import checksums, layout
from docsearch.engine.store.cache import Cache
from docsearch.engine.store.checksums import DamagedFile, DerivedFolder


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path)


def names(cache: Cache) -> list[str]:
    return sorted(path.name for path in cache.path("any").parent.iterdir())


def test_a_new_folder_replaces_an_old_one_of_its_name(cache: Cache) -> None:
    for content in ("first", "second"):
        with cache.new_folder("lists-1-2", {}) as folder:
            (folder / "part").write_text(content)
        assert (cache.path("lists-1-2") / "part").read_text() == content
    assert names(cache) == ["lists-1-2"]
    assert cache.folders("lists-") == [cache.path("lists-1-2")]
    assert cache.folders("codes-") == []


def test_an_error_while_a_folder_is_written_keeps_the_old_one(cache: Cache) -> None:
    with cache.new_folder("lists-1-2", {}) as folder:
        (folder / "part").write_text("old")

    def fill_the_disk() -> None:
        with cache.new_folder("lists-1-2", {}) as folder:
            (folder / "part").write_text("half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        fill_the_disk()
    assert (cache.path("lists-1-2") / "part").read_text() == "old"
    assert names(cache) == ["lists-1-2"]


def test_files_of_a_folder_that_cannot_get_its_name_stay_readable(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Path:
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))

    monkeypatch.setattr(Path, "rename", refuse)
    with cache.new_folder("lists-1-2", {}) as folder:
        (folder / "part").write_text("content")
        opened = (folder / "part").open()
    with opened:
        assert opened.read() == "content"
    assert names(cache) == []


def test_a_file_that_cannot_be_written_is_left_out(cache: Cache) -> None:
    def fill_the_disk(path: Path) -> None:
        path.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    cache.write_file("pages.npy", fill_the_disk)
    assert names(cache) == []
    cache.write_file("pages.npy", lambda path: path.write_text("whole"))
    assert names(cache) == ["pages.npy"]


def test_without_a_cache_folder_there_are_no_derived_files(tmp_path: Path) -> None:
    (tmp_path / layout.CACHE).write_text("no folder")
    cache = Cache(tmp_path)
    cache.write_file("pages.npy", lambda path: path.write_text("whole"))
    assert cache.folders("lists-") == []
    with pytest.raises(OSError, match="cache"), cache.new_folder("pages", {}):
        pass


DIGESTS = {1: "0123456789abcdef", 2: "fedcba9876543210"}


def write_part(cache: Cache, name: str, seed: int) -> Path:
    """A folder with an array of 2.5 blocks and a small file."""
    with cache.new_folder(name, DIGESTS) as folder:
        numbers = np.random.default_rng(seed).integers(0, 256, 5 * checksums.BLOCK_BYTES // 2, np.uint8)
        np.save(folder / "large.npy", numbers)
        (folder / "small.json").write_text("{}")
    return cache.path(name)


@pytest.mark.parametrize("name", ["large.npy", "small.json", checksums.MANIFEST])
def test_any_changed_byte_of_a_folder_is_found(cache: Cache, name: str) -> None:
    file = write_part(cache, "lists-1-2", 0) / name
    whole = file.read_bytes()
    for position in (0, len(whole) // 3, len(whole) - 2):
        file.write_bytes(whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :])
        with pytest.raises(DamagedFile):
            DerivedFolder(file.parent, DIGESTS).verify()
    file.write_bytes(whole)
    DerivedFolder(file.parent, DIGESTS).verify()


def test_only_blocks_that_are_read_are_verified(cache: Cache) -> None:
    file = write_part(cache, "lists-1-2", 0) / "large.npy"
    whole = file.read_bytes()
    file.write_bytes(whole[: 2 * checksums.BLOCK_BYTES] + bytes(len(whole) - 2 * checksums.BLOCK_BYTES))
    mapped = DerivedFolder(file.parent, DIGESTS).map("large.npy")
    size = len(mapped.array)
    mapped.verify(np.array([0, size]), np.array([checksums.BLOCK_BYTES, size]))
    assert not mapped.is_whole
    with pytest.raises(DamagedFile, match="block 2"):
        mapped.verify(np.array([size - 1]), np.array([size]))
    with pytest.raises(DamagedFile, match="block 2"):
        mapped.verify_all()
    file.write_bytes(whole)
    mapped = DerivedFolder(file.parent, DIGESTS).map("large.npy")
    mapped.verify_all()
    assert mapped.is_whole


def test_folders_with_the_blocks_of_earlier_versions_are_read(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksums, "BLOCK_BYTES", checksums.BLOCK_BYTES_BEFORE)
    file = write_part(cache, "lists-1-2", 0) / "large.npy"
    monkeypatch.undo()
    folder = DerivedFolder(file.parent, DIGESTS)
    folder.verify()
    mapped = folder.map("large.npy")
    mapped.verify_all()
    assert len(mapped._checksums) == 3
    assert checksums.BLOCK_BYTES < checksums.BLOCK_BYTES_BEFORE
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(DamagedFile, match="block 2"):
        DerivedFolder(file.parent, DIGESTS).map("large.npy").verify_all()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pread")
def test_an_open_file_is_verified_and_closed_with_its_array(cache: Cache) -> None:
    file = write_part(cache, "lists-1-2", 0) / "large.npy"
    mapped = DerivedFolder(file.parent, DIGESTS).map("large.npy")
    mapped.open()
    mapped.verify_all()
    assert os.pread(mapped.descriptor, 100, mapped.start) == bytes(mapped.array[:100])
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    damaged = DerivedFolder(file.parent, DIGESTS).map("large.npy")
    damaged.open()
    with pytest.raises(DamagedFile, match="block 2"):
        damaged.verify(np.array([len(damaged.array) - 1]), np.array([len(damaged.array)]))
    descriptor, opened = mapped.descriptor, os.fstat(mapped.descriptor)
    del mapped
    gc.collect()
    with suppress(OSError):  # a thread of another test may have opened a file since, under the number that is free
        assert not os.path.samestat(os.fstat(descriptor), opened)


def test_blocks_are_read_ahead_together_before_they_are_first_verified(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapped = DerivedFolder(write_part(cache, "lists-1-2", 0).resolve(), DIGESTS).map("large.npy")
    asked: list[int] = []
    monkeypatch.setattr(checksums, "will_need", lambda part: asked.append(len(part)))
    size, block = len(mapped.array), checksums.BLOCK_BYTES
    for _ in range(2):
        mapped.verify(np.array([0, size - 1, block]), np.array([10, size, block + 10]))
    assert asked == [
        (size + 128) % block,
        block,
    ]  # the last block and the second; the first has the header and was read
    mapped.verify_all()
    assert mapped.is_whole


@pytest.mark.parametrize("name", ["", "large.npy"], ids=["folders", "files"])
def test_what_is_in_the_place_of_another_is_found(cache: Cache, name: str) -> None:
    parts = write_part(cache, "lists-1-2", 1), write_part(cache, "lists-1-3", 2)
    one, two, aside = parts[0] / name, parts[1] / name, parts[0].parent / "aside"
    one.rename(aside)
    two.rename(one)
    aside.rename(two)
    problems = cache.delete_damaged(DIGESTS)
    assert [problem.split(": ")[0] for problem in problems] == [str(one), str(two)]
    assert names(cache) == []


def test_a_folder_made_from_other_segments_is_refused(cache: Cache) -> None:
    part = write_part(cache, "lists-1-2", 1)
    with pytest.raises(DamagedFile, match="other segments"):
        DerivedFolder(part, {**DIGESTS, 2: "0" * 16})
    DerivedFolder(part, {1: DIGESTS[1]})  # segment 2 no longer exists


@pytest.mark.parametrize("damage", ["zeros", "cut", "empty", "other name", "no checksum"])
def test_a_damaged_file_is_refused_and_deleted_by_verify(cache: Cache, damage: str) -> None:
    numbers = np.arange(1000)
    cache.write_file("pages-1.npy", lambda path: np.save(path, numbers))
    file = cache.path("pages-1.npy")
    np.testing.assert_array_equal(cache.read_array("pages-1.npy"), numbers)
    assert cache.delete_damaged({}) == []
    whole = file.read_bytes()
    if damage == "other name":
        file = file.rename(file.with_name("pages-2.npy"))
    elif damage == "no checksum":
        np.save(file, numbers)
    else:
        file.write_bytes({"zeros": whole[:4096] + bytes(len(whole) - 4096), "cut": whole[:-9], "empty": b""}[damage])
    with pytest.raises(ValueError, match="checksum"):
        cache.read_array(file.name)
    (problem,) = cache.delete_damaged({})
    assert problem.startswith(f"{file}: ")
    assert "made again" in problem
    assert names(cache) == []


def test_verify_leaves_folders_of_earlier_versions_alone(cache: Cache) -> None:
    part = write_part(cache, "lists-1-2", 0)
    (part / checksums.MANIFEST).unlink()
    assert cache.delete_damaged(DIGESTS) == []
    assert part.exists()
