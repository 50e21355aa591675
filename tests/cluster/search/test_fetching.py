"""Segments that a machine cannot read are fetched once, and are what was committed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from docsearch.cluster.search import fetching
from docsearch.cluster.search.pages import open_sharded_pages
from docsearch.cluster.search.shard import Shard
from docsearch.cluster.search.shard_pages import ShardSpec
from docsearch.engine.errors import IndexDamaged
from docsearch.engine.store import open_writer
from docsearch.engine.store.locks import FileLock
from late_pages import LateEncoder, directions, write
from patience import DEADLINE_S


@pytest.fixture
def spec(tmp_path: Path) -> ShardSpec:
    """The second shard of an index."""
    write(tmp_path / "index", 0)
    with open_writer(tmp_path / "index", fingerprint=LateEncoder(0).spec.fingerprint) as writer:
        writer.divide(3)
    with open_sharded_pages(tmp_path / "index") as pages:
        return pages.specs(None)[1]


def test_fetched_segments_give_the_same_maxima_and_are_fetched_once(
    spec: ShardSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "CHUNK_BYTES", 1000)
    source = fetching.SegmentSource(tmp_path / "index")
    calls: list[str] = []

    def read(segment: int | None, name: str, start: int, count: int) -> bytes:
        calls.append(name)
        return source.read(segment, name, start, count)

    assert fetching.has_all(tmp_path / "index", spec)
    assert not fetching.has_all(tmp_path / "elsewhere", spec)
    for _ in range(2):
        folder = fetching.fetch(spec, tmp_path / "store", read)
        assert fetching.has_all(folder, spec)
    assert len(calls) == sum(-(-file.bytes // 1000) + 1 for files in spec.files.values() for file in files)
    here, there = (Shard(spec, place, tmp_path / "cache") for place in (tmp_path / "index", folder))
    assert here.maxima(directions(), None).tolist() == there.maxima(directions(), None).tolist()


def test_two_workers_on_a_machine_fetch_a_segment_once(
    spec: ShardSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one comes while the first is in the middle, and waits for it."""
    source = fetching.SegmentSource(tmp_path / "index")
    names: list[str] = []
    come = threading.Semaphore(0)

    class NotedLock(FileLock):
        def __init__(self, path: Path, *, blocking: bool) -> None:
            come.release()
            super().__init__(path, blocking=blocking)

    def read(segment: int | None, name: str, start: int, count: int) -> bytes:
        if start == 0:
            if not names:
                assert come.acquire(timeout=DEADLINE_S), "the first one"
                assert come.acquire(timeout=DEADLINE_S), "and the second one"
            names.append(f"{segment}/{name}")
        return source.read(segment, name, start, count)

    monkeypatch.setattr(fetching, "FileLock", NotedLock)
    with ThreadPoolExecutor(2) as pool:
        folders = [
            each.result() for each in [pool.submit(fetching.fetch, spec, tmp_path / "store", read) for _ in range(2)]
        ]
    assert len(set(folders)) == 1
    assert fetching.has_all(folders[0], spec)
    assert sorted(names) == sorted({*names}), "each file once"


def test_what_was_damaged_on_the_way_is_refused(spec: ShardSpec, tmp_path: Path) -> None:
    source = fetching.SegmentSource(tmp_path / "index")
    with pytest.raises(IndexDamaged, match="checksum"):
        fetching.fetch(spec, tmp_path / "store", lambda *at: source.read(*at).replace(b"\x01", b"\x02"))
    assert not fetching.has_all(tmp_path / "store", spec)


def test_only_files_of_the_index_are_sent(tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    (tmp_path / "secret").write_text("secret")
    for name in ("../secret", "/etc/passwd"):
        with pytest.raises(ValueError, match="no file of a segment"):
            fetching.SegmentSource(tmp_path / "index").read(None, name, 0, 10)
