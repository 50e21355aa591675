"""The cache of derived files: each is complete or missing, and old ones stay until new ones are complete."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from docsearch.engine.store import layout
from docsearch.engine.store.cache import Cache


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path)


def names(cache: Cache) -> list[str]:
    return sorted(path.name for path in cache.path("any").parent.iterdir())


def test_a_new_folder_replaces_an_old_one_of_its_name(cache: Cache) -> None:
    for content in ("first", "second"):
        with cache.new_folder("lists-1-2") as folder:
            (folder / "part").write_text(content)
        assert (cache.path("lists-1-2") / "part").read_text() == content
    assert names(cache) == ["lists-1-2"]
    assert cache.folders("lists-") == [cache.path("lists-1-2")]
    assert cache.folders("codes-") == []


def test_an_error_while_a_folder_is_written_keeps_the_old_one(cache: Cache) -> None:
    with cache.new_folder("lists-1-2") as folder:
        (folder / "part").write_text("old")

    def fill_the_disk() -> None:
        with cache.new_folder("lists-1-2") as folder:
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
    with cache.new_folder("lists-1-2") as folder:
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
    with pytest.raises(OSError, match="cache"), cache.new_folder("pages"):
        pass
