"""Snapshots: rows, blocks and texts of one state of the index, whatever a writer does."""

from __future__ import annotations

import gc
import mmap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docsearch.engine import store
from docsearch.engine.compression.codecs import decode
from docsearch.engine.errors import IndexDamaged, IndexNotFound, UsageError
from docsearch.engine.records import PageRef, PagesToStore, PageVectors, Ragged
from docsearch.engine.store import blocks, layout
from hypothesis_profiles import UNTIMED, examples

OPENING_MS = 50  # of processor time for 3,000 pages; under 5 on a machine that is not old


def every_row(
    snapshot: store.Snapshot, rows: list[int] | None = None, max_vectors: int = 65536
) -> dict[int, list[float]]:
    """The decoded vectors of each row, read in blocks."""
    found: dict[int, list[float]] = {}
    wanted = None if rows is None else np.array(rows, np.int64)
    for block in snapshot.blocks(max_vectors, wanted):
        pages = Ragged(decode(block.coded), block.offsets)
        for row, page in zip(block.rows.tolist(), pages, strict=True):
            assert row not in found
            found[row] = page.ravel().tolist()
    return found


def test_a_missing_index_is_reported_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFound, match="docsearch index PATH"):
        store.open_snapshot(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_catalog_that_is_no_database_is_damage(tmp_path: Path) -> None:
    (tmp_path / layout.CATALOG).write_bytes(b"no database " * 100)
    with pytest.raises(IndexDamaged, match="docsearch index"):
        store.open_snapshot(tmp_path)


def test_rows_follow_segments_and_slots(filled: Path) -> None:
    with store.open_snapshot(filled) as snapshot:
        assert [ref.page for ref in snapshot.refs([0, 6, 7, 20])] == [1, 7, 1, 7]
        assert snapshot.paths().tolist() == ["a.pdf"] * 7 + ["b.pdf"] * 7 + ["c.pdf"] * 7
        assert snapshot.dense_vectors()[:, 0].tolist() == [1, 2, 3, 4, 5, 6, 7] * 3
        assert snapshot.lengths.tolist() == [2, 3, 0, 1, 2, 3, 4] * 3
        assert snapshot.text(8) == "b.pdf version 0 page 2"
        assert snapshot.sizes([3]).tolist() == [[595.0, 595.0]]


def test_a_reader_keeps_its_state_while_a_writer_commits_and_compacts(filled: Path, synthetic: ModuleType) -> None:
    with store.open_snapshot(filled) as untouched, store.open_snapshot(filled) as snapshot:
        before = every_row(snapshot)
        with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer:
            writer.remove(["a.pdf"])
            synthetic.add(writer, "b.pdf", version=1)
            writer.compact()
            with store.open_snapshot(filled) as newer:
                assert len(newer) == 14
        # `untouched` has opened no file of a segment yet: all must still exist.
        assert every_row(untouched) == every_row(snapshot) == before
        assert untouched.paths().tolist()[0] == "a.pdf"
        assert untouched.text(7) == "b.pdf version 0 page 1"
        assert untouched.verify() == []
    with store.open_writer(filled, fingerprint=None):
        assert [folder.name for folder in (filled / layout.SEGMENTS).iterdir()] == ["00000005"]


@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture, *UNTIMED])
@given(rows=st.lists(st.integers(0, 20), max_size=30), max_vectors=st.integers(1, 20), view=st.integers(1, 20))
def test_blocks_have_each_row_once_at_any_block_size(
    filled: Path, rows: list[int], max_vectors: int, view: int
) -> None:
    with pytest.MonkeyPatch.context() as patch, store.open_snapshot(filled) as snapshot:
        patch.setattr(blocks, "VIEW_VECTORS", view)
        whole = every_row(snapshot)
        assert every_row(snapshot, rows, max_vectors) == {row: whole[row] for row in set(rows)}
        found = list(snapshot.blocks(max_vectors))
        assert np.concatenate([block.rows for block in found]).tolist() == list(range(21))
        assert all(len(block.coded) <= max_vectors or len(block.rows) == 1 for block in found)


def test_words_and_dense_vectors_follow_any_order_of_rows(index: Path, synthetic: ModuleType) -> None:
    with store.open_writer(index, fingerprint={"name": "any"}) as writer:
        begun = writer.begin_document("a.pdf", "0" * 64, 1, 1)
        pages = synthetic.pages(begun.doc_id, "a.pdf", "0" * 64, [1, 2, 3, 4])
        writer.add_pages(PagesToStore(pages, [""] * 4, np.ones((4, 2)), np.arange(6, dtype=np.uint16)))
    with store.open_snapshot(index) as snapshot:
        words = snapshot.words([3, 0, 2, 1])
        assert [page.tolist() for page in words] == [[5], [0, 1], [], [2, 3, 4]]
        assert snapshot.dense_vectors([3, 0, 2, 1])[:, 0].tolist() == [4, 1, 3, 2]


def test_first_pages_are_the_first_indexed_pages_of_the_same_document(index: Path, synthetic: ModuleType) -> None:
    with store.open_writer(index, fingerprint={"name": "any"}) as writer:
        for path, numbers in {"a.pdf": [3, 4], "b.pdf": [1, 2], "c.pdf": [7]}.items():
            begun = writer.begin_document(path, "0" * 64, 1, 1)
            pages = synthetic.pages(begun.doc_id, path, "0" * 64, numbers)
            writer.add_pages(PagesToStore(pages, [""] * len(numbers), np.ones((len(numbers), 2))))
            writer.commit()
        begun = writer.begin_document("a.pdf", "0" * 64, 1, 1)
        writer.add_pages(PagesToStore(synthetic.pages(begun.doc_id, "a.pdf", "0" * 64, [2]), [""], np.ones((1, 2))))
    with store.open_snapshot(index) as snapshot:
        refs = snapshot.refs(np.arange(len(snapshot)))
        first = snapshot.refs(snapshot.first_pages())
        assert [snapshot.row(ref) for ref in refs] == [*range(6)]
        with pytest.raises(UsageError, match="page 9: not in this index"):
            snapshot.row(replace(refs[0], page=9))
    assert [(ref.path, ref.page) for ref in refs] == [
        *(("a.pdf", 3), ("a.pdf", 4), ("b.pdf", 1), ("b.pdf", 2), ("c.pdf", 7), ("a.pdf", 2))
    ]
    assert [ref.page for ref in first] == [2, 2, 1, 1, 7, 2]


def test_the_page_table_of_a_large_index_is_cached(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def contents() -> tuple[object, ...]:
        with store.open_snapshot(filled) as snapshot:
            rows = np.arange(len(snapshot))
            return (
                snapshot.refs(rows),
                snapshot.sizes(rows).tolist(),
                next(iter(snapshot.blocks())).coded.dim,
            )

    expected = contents()
    monkeypatch.setattr("docsearch.engine.store.page_table.CACHED_PAGES", 1)
    assert contents() == expected
    (cached,) = (filled / "cache").glob("pages-*.npy")
    monkeypatch.setattr("docsearch.engine.store.page_table.read", None)
    assert contents() == expected
    monkeypatch.undo()
    monkeypatch.setattr("docsearch.engine.store.page_table.CACHED_PAGES", 1)
    whole = cached.read_bytes()
    for damaged in (whole[:-9], whole[:200] + bytes(len(whole) - 200), whole[:128] + bytes(72) + whole[200:]):
        cached.write_bytes(damaged)
        assert contents() == expected
        assert cached.read_bytes() == whole
    with store.open_snapshot(filled) as snapshot:
        ref = snapshot.refs([0])[0]
    with store.open_writer(filled, fingerprint=None) as writer:
        writer.remove([ref.path])
    assert ref not in contents()[0]  # type: ignore[operator]


def test_words_of_an_index_without_visual_words_are_refused(filled: Path) -> None:
    with store.open_snapshot(filled) as snapshot, pytest.raises(ValueError, match="no visual words"):
        snapshot.words()


def test_the_generation_changes_if_and_only_if_pages_do(filled: Path, synthetic: ModuleType) -> None:
    def generation() -> str:
        with store.open_snapshot(filled) as snapshot:
            return snapshot.generation

    seen = [generation()]
    with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer:
        writer.touch_document("a.pdf", 1, 5)
        writer.move_document("a.pdf", "z.pdf", 1, 5)
        writer.fail_document("x.pdf", "broken")
        writer.commit()
        assert generation() == seen[0]
        for change in (lambda: synthetic.add(writer, "d.pdf"), lambda: writer.remove(["z.pdf"]), writer.compact):
            change()
            writer.commit()
            seen.append(generation())
    assert len(set(seen)) == 4


def large(index: Path, pages: int, vectors: int, dim: int) -> None:
    """Write one document of pages with equally many vectors, in segments of 256 pages."""
    values = np.random.default_rng(0).standard_normal((256 * vectors, dim)).astype(np.float16)
    with store.open_writer(index, fingerprint={"name": "large"}) as writer:
        begun = writer.begin_document("large.pdf", "0" * 64, 1, 1)
        for first in range(1, pages + 1, 256):
            numbers = range(first, min(first + 256, pages + 1))
            total = len(numbers) * vectors
            refs = tuple(PageRef(begun.doc_id, "large.pdf", number) for number in numbers)
            ragged = Ragged(values[:total], np.arange(len(numbers) + 1) * vectors)
            single = np.zeros((len(numbers), 256), np.float16)
            words = np.zeros(total, np.uint16)
            batch = PageVectors(refs, ragged, np.zeros((total, 4), np.uint16), single)
            writer.add_pages(PagesToStore(batch, ["some text"] * len(numbers), np.ones((len(numbers), 2)), words))
        writer.finish_document(begun.doc_id, pages)


def test_opening_3000_pages_takes_milliseconds(index: Path) -> None:
    large(index, pages=3000, vectors=4, dim=8)
    best = 1e9
    for _ in range(5):
        start = time.thread_time()
        with store.open_snapshot(index) as snapshot:
            assert len(snapshot) == 3000
            snapshot.refs([5, 2999])
            snapshot.paths()
        best = min(best, time.thread_time() - start)
    assert best * 1000 < OPENING_MS


def test_a_scan_reads_the_memory_map_without_a_copy(index: Path) -> None:
    large(index, pages=256, vectors=100, dim=16)
    with store.open_snapshot(index) as snapshot:
        found = list(snapshot.blocks(10_000))
        assert [len(block.rows) for block in found] == [100, 100, 56]
        for block in found:
            base: object = block.coded.values
            while isinstance(base, np.ndarray):
                base = base.base
            assert isinstance(base, mmap.mmap)
            assert block.coded.values.flags.c_contiguous


def test_a_page_of_600_vectors_of_128_takes_less_than_100_kb(index: Path) -> None:
    large(index, pages=256, vectors=600, dim=128)
    with store.open_snapshot(index) as snapshot:
        assert float(str(snapshot.info()["bytes_per_page"])) < 100_000


def test_a_snapshot_serves_many_threads(filled: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with store.open_snapshot(filled) as snapshot, ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(snapshot.text, list(range(21)) * 5))
        assert texts[:21] == texts[21:42]


def test_maps_are_closed_with_the_snapshot_without_the_garbage_collector(filled: Path) -> None:
    """A server opens a snapshot after each commit: the maps of earlier ones would add up."""
    maps = Path("/proc/self/maps")
    if not maps.is_file():
        pytest.skip("needs /proc")
    gc.disable()
    try:
        with store.open_snapshot(filled) as snapshot:
            assert sum(len(block.rows) for block in snapshot.blocks()) == len(snapshot)
            assert str(filled / layout.SEGMENTS) in maps.read_text()
        del snapshot
        assert str(filled / layout.SEGMENTS) not in maps.read_text()
    finally:
        gc.enable()


def test_outdated_derived_files_are_deleted_when_no_snapshot_is_open(filled: Path, synthetic: ModuleType) -> None:
    with store.open_snapshot(filled) as snapshot:
        stale = snapshot.cache.path(f"pages-{snapshot.generation}.faiss")
        stale.write_bytes(b"derived")
        with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer:
            synthetic.add(writer, "d.pdf")
        assert stale.exists()
    with store.open_snapshot(filled) as snapshot:
        fresh = snapshot.cache.path(f"pages-{snapshot.generation}.faiss")
        fresh.write_bytes(b"derived")
    store.open_writer(filled, fingerprint=None).close()
    assert fresh.exists()
    assert not stale.exists()


def test_a_compaction_deletes_the_cache(filled: Path) -> None:
    with store.open_snapshot(filled) as snapshot:
        path = snapshot.cache.path("pages.faiss")
        path.write_bytes(b"derived")
    with store.open_writer(filled, fingerprint=None) as writer:
        writer.compact()
    assert not path.exists()


READS: dict[str, Callable[[store.Snapshot], object]] = {
    "refs": lambda snapshot: snapshot.refs([0]),
    "row": lambda snapshot: snapshot.row(PageRef("", "a.pdf", 1)),
    "paths": lambda snapshot: snapshot.paths(),
    "one document": lambda snapshot: snapshot.document(path="a.pdf"),
    "copies": lambda snapshot: snapshot.copies,
    "sizes": lambda snapshot: snapshot.sizes([0]),
    "lengths": lambda snapshot: snapshot.lengths,
    "dense vectors": lambda snapshot: snapshot.dense_vectors(),
    "dense vectors of a segment": lambda snapshot: snapshot.segment_dense(1, 1),
    "blocks": lambda snapshot: next(snapshot.blocks()),
    "views": lambda snapshot: next(snapshot.views()),
    "boxes": lambda snapshot: snapshot.boxes(0),
    "text": lambda snapshot: snapshot.text(0),
    "documents": lambda snapshot: snapshot.documents(),
    "failures": lambda snapshot: snapshot.failures(),
    "info": lambda snapshot: snapshot.info(),
    "verify": lambda snapshot: snapshot.verify(),
    "locations": lambda snapshot: snapshot.locations(),
}


@pytest.mark.parametrize("what", READS)
def test_a_closed_snapshot_says_so(filled: Path, what: str) -> None:
    with store.open_snapshot(filled) as snapshot:
        snapshot.refs([0])
    with pytest.raises(UsageError, match="the index was closed; open it again"):
        READS[what](snapshot)
