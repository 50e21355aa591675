"""Dense index: few pages are searched exactly, many by RaBitQ codes and then by their vectors, in parts that grow."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import faiss
import numpy as np
import pytest

import toy_dense
from docsearch.engine.records import Candidates
from docsearch.engine.retrieval import dense, flat_scan, rabitq
from docsearch.engine.retrieval.candidates import open_candidates
from docsearch.engine.retrieval.dense import DenseIndex, gpu_index, open_dense_index
from docsearch.engine.retrieval.rabitq import MeasuredRecall
from docsearch.engine.store import Snapshot, checksums, open_snapshot, open_writer

COUNT = 20


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """RaBitQ codes from 300 pages on, in small blocks, and threads for 100 vectors."""
    monkeypatch.setattr(dense, "EXACT_PAGES", 300)
    monkeypatch.setattr(rabitq, "RECALL_AT", COUNT)
    monkeypatch.setattr(rabitq, "BLOCK_PAGES", 100)
    monkeypatch.setattr(flat_scan, "MIN_PIECE_VECTORS", 100)


def opened(snapshot: Snapshot) -> DenseIndex:
    found = open_dense_index(snapshot)
    assert found is not None
    return found


def exact(snapshot: Snapshot, query: np.ndarray, rows: np.ndarray | None = None) -> Candidates:
    """The exact result of numpy in float32."""
    allowed = np.arange(len(snapshot)) if rows is None else rows
    scores = snapshot.dense_vectors(allowed).astype(np.float32) @ query
    order = np.lexsort((allowed, -scores))[:COUNT]
    return Candidates(allowed[order], scores[order])


def assert_same(found: Candidates, want: Candidates) -> None:
    assert found.pages.tolist() == want.pages.tolist()
    np.testing.assert_allclose(found.scores, want.scores, atol=1e-5)


def recall(snapshot: Snapshot, dense_index: DenseIndex, queries: np.ndarray, rows: np.ndarray | None = None) -> float:
    """The mean share of the exact first pages that are found."""
    kept = [
        np.isin(exact(snapshot, q, rows).pages, dense_index.nearest(q, count=COUNT, rows=rows).pages).mean()
        for q in queries
    ]
    return float(np.mean(kept))


def parts(directory: Path) -> list[str]:
    return sorted(folder.name for folder in (directory / "cache").glob("codes-*"))


@pytest.mark.parametrize("pages", [1, 63, 700])
@pytest.mark.parametrize("dim", [1, 63, 129])
def test_few_pages_are_searched_exactly(tmp_path: Path, pages: int, dim: int) -> None:
    toy_dense.add(tmp_path / "index", "a", toy_dense.vectors(pages, dim=dim))
    with open_snapshot(tmp_path / "index") as snapshot:
        dense_index = opened(snapshot)
        assert dense_index.recall == 1
        for query in toy_dense.queries(3, dim):
            found, want = dense_index.nearest(query, count=COUNT), exact(snapshot, query)
            np.testing.assert_allclose(found.scores, want.scores, atol=1e-5)
            if dim > 1:  # with one dimension there are ties up to rounding
                assert_same(found, want)
    assert parts(tmp_path / "index") == []


def test_only_allowed_rows_are_found(tmp_path: Path) -> None:
    toy_dense.add(tmp_path / "index", "a", toy_dense.vectors(400))
    with open_snapshot(tmp_path / "index") as snapshot:
        for count in (0, 1, 15, 300):
            rows = np.sort(np.random.default_rng(count).choice(400, count, replace=False))
            for query in toy_dense.queries(3):
                assert_same(opened(snapshot).nearest(query, count=COUNT, rows=rows), exact(snapshot, query, rows))


@pytest.mark.usefixtures("small_parts")
def test_many_pages_reach_the_measured_recall(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    toy_dense.add(tmp_path / "index", "a", toy_dense.vectors(3000))
    with open_snapshot(tmp_path / "index") as snapshot, caplog.at_level(logging.INFO, "docsearch.engine"):
        dense_index = opened(snapshot)
        (part,) = dense_index.parts
        assert (part.codes.shape[0], part.measured.pages, part.measured.k) == (3000, 3000, COUNT)
        assert dense_index.recall == part.measured.recall >= rabitq.MIN_RECALL
        assert str(part.measured.recall) in caplog.text
        queries = toy_dense.queries(40)
        assert recall(snapshot, dense_index, queries) >= dense_index.recall - 0.01
        for query in queries:
            found = dense_index.nearest(query, count=COUNT)
            want = snapshot.dense_vectors(found.pages).astype(np.float32) @ query
            np.testing.assert_allclose(found.scores, want, atol=1e-5)
            assert (np.diff(found.scores) <= 0).all()


def test_measured_recall_is_stored_under_the_keys_of_format_1() -> None:
    measured = MeasuredRecall(pages=3000, oversampling=4, recall=0.993, k=200, queries=64)
    stored = '{"pages": 3000, "times": 4, "recall": 0.993, "at": 200, "asked": 64}'
    assert measured.to_json() == stored
    assert MeasuredRecall.from_json(stored) == measured


@pytest.mark.usefixtures("small_parts")
def test_oversampling_is_the_least_that_reaches_the_minimum_recall(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy_dense.add(tmp_path / "index", "a", toy_dense.vectors(3000))
    factors = []
    for least in (0.5, 0.99):
        monkeypatch.setattr(rabitq, "MIN_RECALL", least)
        with open_snapshot(tmp_path / "index") as snapshot:
            factors.append(opened(snapshot).oversampling)
        shutil.rmtree(tmp_path / "index" / "cache")
    assert factors[0] < factors[1]


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("count", [5, 200, 2500], ids=["few", "some", "most"])
def test_only_allowed_rows_are_found_among_many_pages(tmp_path: Path, count: int) -> None:
    toy_dense.add(tmp_path / "index", "a", toy_dense.vectors(3000))
    rows = np.sort(np.random.default_rng(count).choice(3000, count, replace=False))
    with open_snapshot(tmp_path / "index") as snapshot:
        dense_index, queries = opened(snapshot), toy_dense.queries(20)
        assert recall(snapshot, dense_index, queries, rows) >= (1 if count < COUNT else 0.98)
        for query in queries:
            assert np.isin(dense_index.nearest(query, count=COUNT, rows=rows).pages, rows).all()


@pytest.mark.usefixtures("small_parts")
def test_index_after_additions_and_removals_keeps_the_recall_of_a_fresh_one(tmp_path: Path) -> None:
    index = tmp_path / "index"
    queries = toy_dense.queries(20)
    for number, (name, pages) in enumerate((("a", 1000), ("b", 400), ("c", 30))):
        toy_dense.add(index, name, toy_dense.vectors(pages, seed=number))
        with open_snapshot(index) as snapshot:
            assert recall(snapshot, opened(snapshot), queries) >= 0.97
    assert len(parts(index)) == 2  # the last 30 pages are scanned
    with open_writer(index, fingerprint=None) as writer:
        writer.remove(["b.pdf"])
    with open_snapshot(index) as snapshot:
        grown = opened(snapshot)
        shutil.rmtree(index / "cache")
        fresh = opened(snapshot)
        for dense_index in (grown, fresh):
            found = [dense_index.nearest(query, count=COUNT) for query in queries]
            assert all(candidates.pages.max() < len(snapshot) for candidates in found)
            assert recall(snapshot, dense_index, queries) >= 0.97


@pytest.mark.usefixtures("small_parts")
def test_one_more_page_builds_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = tmp_path / "index"
    toy_dense.add(index, "a", toy_dense.vectors(1000))
    with open_snapshot(index) as snapshot:
        opened(snapshot)
    monkeypatch.setattr(rabitq, "build", lambda *_: pytest.fail("a part was built"))
    query = toy_dense.queries(1)
    toy_dense.add(index, "b", query.astype(np.float16))
    with open_snapshot(index) as snapshot:
        assert opened(snapshot).nearest(query[0], count=1).pages.tolist() == [1000]
    with open_writer(index, fingerprint=None) as writer:
        writer.remove(["b.pdf"])
    with open_snapshot(index) as snapshot:
        assert opened(snapshot).nearest(query[0], count=1).pages[0] < 1000


@pytest.mark.usefixtures("small_parts")
def test_parts_are_few_and_are_deleted_with_their_segments(tmp_path: Path) -> None:
    index = tmp_path / "index"
    for number in range(6):
        toy_dense.add(index, str(number), toy_dense.vectors(300, seed=number))
        with open_snapshot(index) as snapshot:
            assert len(opened(snapshot).parts) <= 3
    open_writer(index, fingerprint=None).close()  # deletes outdated parts
    assert len(parts(index)) <= 3
    with open_writer(index, fingerprint=None) as writer:
        writer.compact()
    assert parts(index) == []


@pytest.mark.usefixtures("small_parts")
def test_parts_are_not_larger_than_the_maximum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense, "PART_PAGES", 600)
    for number in range(3):
        toy_dense.add(tmp_path / "index", str(number), toy_dense.vectors(300, seed=number))
    with open_snapshot(tmp_path / "index") as snapshot:
        dense_index = opened(snapshot)
        assert [len(part.codes) for part in dense_index.parts] == [600, 300]
        assert recall(snapshot, dense_index, toy_dense.queries(20)) >= 0.97


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("name", ["codes.npy", "centre.npy", "segments.npy", "stated.json"])
@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_bytes(file.read_bytes()[:90])])
def test_part_with_a_damaged_or_missing_file_is_built_again(
    tmp_path: Path, name: str, damage: Callable[[Path], None]
) -> None:
    toy_dense.add(tmp_path / "index", "a", toy_dense.vectors(1000))
    (query,) = toy_dense.queries(1)
    with open_snapshot(tmp_path / "index") as snapshot:
        before = opened(snapshot).nearest(query, count=COUNT)
    file = tmp_path / "index" / "cache" / parts(tmp_path / "index")[0] / name
    size = file.stat().st_size
    damage(file)
    with open_snapshot(tmp_path / "index") as snapshot:
        assert_same(opened(snapshot).nearest(query, count=COUNT), before)
    assert file.stat().st_size == size


@pytest.mark.usefixtures("small_parts")
def test_zeroed_codes_are_built_again_and_lose_no_page(tmp_path: Path) -> None:
    """As a power cut leaves them: as long as before, with zeros."""
    toy_dense.add(tmp_path / "index", "a", toy_dense.vectors(1000))
    (query,) = toy_dense.queries(1)
    with open_snapshot(tmp_path / "index") as snapshot:
        before = opened(snapshot).nearest(query, count=COUNT)
    file = tmp_path / "index" / "cache" / parts(tmp_path / "index")[0] / "codes.npy"
    whole = file.read_bytes()
    for start in (256, len(whole) // 2):
        file.write_bytes(whole[:start] + bytes(len(whole) - start))
        with open_snapshot(tmp_path / "index") as snapshot:
            assert_same(opened(snapshot).nearest(query, count=COUNT), before)
        assert file.read_bytes() == whole


@pytest.mark.usefixtures("small_parts")
def test_codes_are_verified_at_the_first_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksums, "BLOCK_BYTES", 1 << 12)
    toy_dense.add(tmp_path / "index", "a", toy_dense.vectors(1000))
    (query,) = toy_dense.queries(1)
    with open_snapshot(tmp_path / "index") as snapshot:
        before = opened(snapshot).nearest(query, count=COUNT)
    file = tmp_path / "index" / "cache" / parts(tmp_path / "index")[0] / "codes.npy"
    whole = file.read_bytes()
    file.write_bytes(whole[: 1 << 13] + bytes(len(whole) - (1 << 13)))
    with open_snapshot(tmp_path / "index") as snapshot:
        index = opened(snapshot)
        assert file.read_bytes() != whole
        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(lambda _: index.nearest(query, count=COUNT), range(8)):
                assert_same(found, before)
        assert file.read_bytes() == whole


@pytest.mark.usefixtures("small_parts")
def test_an_interrupted_build_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_dense.add(tmp_path / "index", "a", toy_dense.vectors(1000))

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with open_snapshot(tmp_path / "index") as snapshot:
        monkeypatch.setattr(rabitq, "_measure_recall", stop)
        with pytest.raises(KeyboardInterrupt):
            open_dense_index(snapshot)
    assert list((tmp_path / "index" / "cache").iterdir()) == []


@pytest.mark.usefixtures("small_parts")
def test_index_that_cannot_be_written_to_is_searched(tmp_path: Path) -> None:
    toy_dense.add(tmp_path / "index", "a", toy_dense.vectors(1000))
    shutil.rmtree(tmp_path / "index" / "cache", ignore_errors=True)
    (tmp_path / "index" / "cache").write_text("no folder can be made here")
    with open_snapshot(tmp_path / "index") as snapshot:
        assert recall(snapshot, opened(snapshot), toy_dense.queries(20)) >= 0.97


@pytest.mark.usefixtures("small_parts")
def test_concurrent_searches_find_the_same(tmp_path: Path) -> None:
    toy_dense.add(tmp_path / "index", "a", toy_dense.vectors(1500))
    toy_dense.add(tmp_path / "index", "b", toy_dense.vectors(100, seed=1))
    queries = toy_dense.queries(30)
    with open_snapshot(tmp_path / "index") as snapshot, ThreadPoolExecutor(6) as pool:
        dense_index = opened(snapshot)
        want = [dense_index.nearest(query, count=COUNT) for query in queries]
        for found in (pool.map(lambda q: dense_index.nearest(q, count=COUNT), queries) for _ in range(3)):
            for own, expected in zip(found, want, strict=True):
                assert_same(own, expected)


@pytest.mark.usefixtures("small_parts")
def test_codes_are_released_after_enough_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_dense.add(tmp_path / "index", "a", toy_dense.vectors(1000))
    (query,) = toy_dense.queries(1)
    released = []
    monkeypatch.setattr(dense, "release", released.append)
    with open_snapshot(tmp_path / "index") as snapshot:
        dense_index = opened(snapshot)
        dense_index.nearest(query, count=COUNT)
        assert not released
        monkeypatch.setattr(dense, "MAPPED_BYTES", 1)
        dense_index.nearest(query, count=COUNT)
        assert len(released) == 1


def test_index_without_pages_has_no_candidates(tmp_path: Path) -> None:
    toy_dense.add(tmp_path / "index", "a", toy_dense.vectors(3))
    with open_writer(tmp_path / "index", fingerprint=None) as writer:
        writer.remove(["a.pdf"])
    with open_snapshot(tmp_path / "index") as snapshot:
        assert open_candidates(snapshot, None).dense_index is None


class FakeGpu:
    """The part of FAISS's GPU interface that is used; the index itself is on the CPU."""

    class GpuIndexFlatConfig:
        useFloat16 = False  # noqa: N815

    StandardGpuResources = object

    def __init__(self, gpus: int = 1, *, is_full: bool = False) -> None:
        self._gpus, self._is_full = gpus, is_full

    def get_num_gpus(self) -> int:
        return self._gpus

    def GpuIndexFlatIP(self, resources: object, dim: int, config: GpuIndexFlatConfig) -> faiss.Index:  # noqa: N802
        if self._is_full:
            raise RuntimeError("out of memory")
        assert config.useFloat16
        return faiss.IndexFlatIP(dim)


def test_all_pages_are_searched_on_the_gpu_and_some_on_the_cpu(tmp_path: Path) -> None:
    toy_dense.add(tmp_path / "index", "a", toy_dense.vectors(500))
    with open_snapshot(tmp_path / "index") as snapshot:
        gpu = gpu_index(snapshot, FakeGpu())
        assert gpu is not None
        dense_index = DenseIndex(snapshot, [], gpu=gpu)
        for query in toy_dense.queries(5):
            assert_same(dense_index.nearest(query, count=COUNT), exact(snapshot, query))
        gpu.reset()  # the rest does not use it
        rows = np.arange(0, 500, 3)
        assert_same(dense_index.nearest(query, count=COUNT, rows=rows), exact(snapshot, query, rows))
        assert len(dense_index.nearest(query, count=500).pages) == 0


def test_without_a_gpu_or_its_memory_there_is_no_gpu_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_dense.add(tmp_path / "index", "a", toy_dense.vectors(50))
    with open_snapshot(tmp_path / "index") as snapshot:
        assert gpu_index(snapshot, SimpleNamespace()) is None
        assert gpu_index(snapshot, FakeGpu(0)) is None
        assert gpu_index(snapshot, FakeGpu(is_full=True)) is None
        monkeypatch.setattr(dense, "GPU_BYTES", 1000)
        assert gpu_index(snapshot, FakeGpu()) is None


def test_codes_are_built_in_a_process_that_also_imports_pymupdf() -> None:
    program = (
        "import faiss, numpy, pymupdf\n"  # both are made with SWIG and share its table of types
        "from docsearch.engine.retrieval.flat_scan import RaBitQ, VectorBlock, search\n"
        "vectors = numpy.eye(64, dtype=numpy.float32)\n"
        "coding = RaBitQ(vectors.mean(axis=0))\n"
        "block = VectorBlock(coding, coding.encode(vectors), numpy.arange(64))\n"
        "print(search(vectors[7], [block], 1, block.rows).pages.tolist())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[7]"
