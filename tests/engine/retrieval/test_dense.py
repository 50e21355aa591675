"""One vector a page: few are searched exactly, many by codes and then by themselves; what is added costs what it is."""

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

import toy_singles
from docsearch.engine.records import Candidates
from docsearch.engine.retrieval import dense, flat_scan, rabitq
from docsearch.engine.retrieval.candidates import open_candidates
from docsearch.engine.retrieval.dense import SingleVectors, gpu_index, open_single
from docsearch.engine.store import Snapshot, open_snapshot, open_writer

COUNT = 20


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes for 300 pages and more, and threads for few."""
    monkeypatch.setattr(single_vectors, "EXACT_PAGES", 300)
    monkeypatch.setattr(single_codes, "RECALL_AT", COUNT)
    monkeypatch.setattr(single_codes, "BLOCK_PAGES", 100)
    monkeypatch.setattr(inner_products, "LEAST_PIECE", 100)


def opened(snapshot: Snapshot) -> SingleVectors:
    found = open_single(snapshot)
    assert found is not None
    return found


def exact(snapshot: Snapshot, question: np.ndarray, rows: np.ndarray | None = None) -> Candidates:
    """What numpy says, in float32."""
    allowed = np.arange(len(snapshot)) if rows is None else rows
    scores = snapshot.single(allowed).astype(np.float32) @ question
    order = np.lexsort((allowed, -scores))[:COUNT]
    return Candidates(allowed[order], scores[order])


def assert_same(found: Candidates, want: Candidates) -> None:
    assert found.pages.tolist() == want.pages.tolist()
    np.testing.assert_allclose(found.scores, want.scores, atol=1e-5)


def recall(snapshot: Snapshot, singles: SingleVectors, questions: np.ndarray, rows: np.ndarray | None = None) -> float:
    """The mean share of the exact first pages that is found."""
    kept = [
        np.isin(exact(snapshot, q, rows).pages, singles.nearest(q, count=COUNT, rows=rows).pages).mean()
        for q in questions
    ]
    return float(np.mean(kept))


def parts(directory: Path) -> list[str]:
    return sorted(folder.name for folder in (directory / "cache").glob("codes-*"))


@pytest.mark.parametrize("pages", [1, 63, 700])
@pytest.mark.parametrize("dim", [1, 63, 129])
def test_few_pages_are_searched_exactly(tmp_path: Path, pages: int, dim: int) -> None:
    toy_singles.add(tmp_path / "index", "a", toy_singles.vectors(pages, dim=dim))
    with open_snapshot(tmp_path / "index") as snapshot:
        singles = opened(snapshot)
        assert singles.recall == 1
        for question in toy_singles.questions(3, dim):
            found, want = singles.nearest(question, count=COUNT), exact(snapshot, question)
            np.testing.assert_allclose(found.scores, want.scores, atol=1e-5)
            if dim > 1:  # with one number there are ties up to rounding
                assert_same(found, want)
    assert parts(tmp_path / "index") == []


def test_only_rows_asked_for_are_found(tmp_path: Path) -> None:
    toy_singles.add(tmp_path / "index", "a", toy_singles.vectors(400))
    with open_snapshot(tmp_path / "index") as snapshot:
        for count in (0, 1, 15, 300):
            rows = np.sort(np.random.default_rng(count).choice(400, count, replace=False))
            for question in toy_singles.questions(3):
                assert_same(opened(snapshot).nearest(question, count=COUNT, rows=rows), exact(snapshot, question, rows))


@pytest.mark.usefixtures("small_parts")
def test_many_pages_keep_what_is_stated(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    toy_singles.add(tmp_path / "index", "a", toy_singles.vectors(3000))
    with open_snapshot(tmp_path / "index") as snapshot, caplog.at_level(logging.INFO, "docsearch.engine"):
        singles = opened(snapshot)
        (part,) = singles.parts
        assert (part.codes.shape[0], part.stated.pages, part.stated.at) == (3000, 3000, COUNT)
        assert singles.recall == part.stated.recall >= rabitq.ENOUGH
        assert str(part.stated.recall) in caplog.text
        questions = toy_singles.questions(40)
        assert recall(snapshot, singles, questions) >= singles.recall - 0.01
        for question in questions:
            found = singles.nearest(question, count=COUNT)
            want = snapshot.single(found.pages).astype(np.float32) @ question
            np.testing.assert_allclose(found.scores, want, atol=1e-5)
            assert (np.diff(found.scores) <= 0).all()


@pytest.mark.usefixtures("small_parts")
def test_fewest_pages_are_looked_at_that_keep_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_singles.add(tmp_path / "index", "a", toy_singles.vectors(3000))
    times = []
    for enough in (0.5, 0.99):
        monkeypatch.setattr(single_codes, "ENOUGH", enough)
        with open_snapshot(tmp_path / "index") as snapshot:
            times.append(opened(snapshot).times)
        shutil.rmtree(tmp_path / "index" / "cache")
    assert times[0] < times[1]


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("count", [5, 200, 2500], ids=["few", "some", "most"])
def test_rows_are_kept_to_among_many_pages(tmp_path: Path, count: int) -> None:
    toy_singles.add(tmp_path / "index", "a", toy_singles.vectors(3000))
    rows = np.sort(np.random.default_rng(count).choice(3000, count, replace=False))
    with open_snapshot(tmp_path / "index") as snapshot:
        singles, questions = opened(snapshot), toy_singles.questions(20)
        assert recall(snapshot, singles, questions, rows) >= (1 if count < COUNT else 0.98)
        for question in questions:
            assert np.isin(singles.nearest(question, count=COUNT, rows=rows).pages, rows).all()


@pytest.mark.usefixtures("small_parts")
def test_what_is_added_and_removed_is_what_a_fresh_index_finds(tmp_path: Path) -> None:
    index = tmp_path / "index"
    questions = toy_singles.questions(20)
    for number, (name, pages) in enumerate((("a", 1000), ("b", 400), ("c", 30))):
        toy_singles.add(index, name, toy_singles.vectors(pages, seed=number))
        with open_snapshot(index) as snapshot:
            assert recall(snapshot, opened(snapshot), questions) >= 0.97
    assert len(parts(index)) == 2  # the last 30 pages are scanned
    with open_writer(index, fingerprint=None) as writer:
        writer.remove(["b.pdf"])
    with open_snapshot(index) as snapshot:
        grown = opened(snapshot)
        shutil.rmtree(index / "cache")
        fresh = opened(snapshot)
        for singles in (grown, fresh):
            found = [singles.nearest(question, count=COUNT) for question in questions]
            assert all(candidates.pages.max() < len(snapshot) for candidates in found)
            assert recall(snapshot, singles, questions) >= 0.97


@pytest.mark.usefixtures("small_parts")
def test_a_page_more_costs_no_new_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = tmp_path / "index"
    toy_singles.add(index, "a", toy_singles.vectors(1000))
    with open_snapshot(index) as snapshot:
        opened(snapshot)
    monkeypatch.setattr(single_codes, "build", lambda *_: pytest.fail("a part was made"))
    question = toy_singles.questions(1)
    toy_singles.add(index, "b", question.astype(np.float16))
    with open_snapshot(index) as snapshot:
        assert opened(snapshot).nearest(question[0], count=1).pages.tolist() == [1000]
    with open_writer(index, fingerprint=None) as writer:
        writer.remove(["b.pdf"])
    with open_snapshot(index) as snapshot:
        assert opened(snapshot).nearest(question[0], count=1).pages[0] < 1000


@pytest.mark.usefixtures("small_parts")
def test_parts_are_few_and_go_with_their_segments(tmp_path: Path) -> None:
    index = tmp_path / "index"
    for number in range(6):
        toy_singles.add(index, str(number), toy_singles.vectors(300, seed=number))
        with open_snapshot(index) as snapshot:
            assert len(opened(snapshot).parts) <= 3
    open_writer(index, fingerprint=None).close()  # sweeps what is old
    assert len(parts(index)) <= 3
    with open_writer(index, fingerprint=None) as writer:
        writer.compact()
    assert parts(index) == []


@pytest.mark.usefixtures("small_parts")
def test_parts_are_not_larger_than_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_vectors, "PART_PAGES", 600)
    for number in range(3):
        toy_singles.add(tmp_path / "index", str(number), toy_singles.vectors(300, seed=number))
    with open_snapshot(tmp_path / "index") as snapshot:
        singles = opened(snapshot)
        assert [len(part.codes) for part in singles.parts] == [600, 300]
        assert recall(snapshot, singles, toy_singles.questions(20)) >= 0.97


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("name", ["codes.npy", "centre.npy", "segments.npy", "stated.json"])
@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_bytes(file.read_bytes()[:90])])
def test_damaged_or_missing_file_is_made_again(tmp_path: Path, name: str, damage: Callable[[Path], None]) -> None:
    toy_singles.add(tmp_path / "index", "a", toy_singles.vectors(1000))
    (question,) = toy_singles.questions(1)
    with open_snapshot(tmp_path / "index") as snapshot:
        before = opened(snapshot).nearest(question, count=COUNT)
    file = tmp_path / "index" / "cache" / parts(tmp_path / "index")[0] / name
    size = file.stat().st_size
    damage(file)
    with open_snapshot(tmp_path / "index") as snapshot:
        assert_same(opened(snapshot).nearest(question, count=COUNT), before)
    assert file.stat().st_size == size


@pytest.mark.usefixtures("small_parts")
def test_a_build_that_is_interrupted_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_singles.add(tmp_path / "index", "a", toy_singles.vectors(1000))

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with open_snapshot(tmp_path / "index") as snapshot:
        monkeypatch.setattr(single_codes, "_measured", stop)
        with pytest.raises(KeyboardInterrupt):
            open_single(snapshot)
    assert list((tmp_path / "index" / "cache").iterdir()) == []


@pytest.mark.usefixtures("small_parts")
def test_index_that_cannot_be_written_to_is_searched(tmp_path: Path) -> None:
    toy_singles.add(tmp_path / "index", "a", toy_singles.vectors(1000))
    shutil.rmtree(tmp_path / "index" / "cache", ignore_errors=True)
    (tmp_path / "index" / "cache").write_text("no folder can be made here")
    with open_snapshot(tmp_path / "index") as snapshot:
        assert recall(snapshot, opened(snapshot), toy_singles.questions(20)) >= 0.97


@pytest.mark.usefixtures("small_parts")
def test_threads_find_the_same(tmp_path: Path) -> None:
    toy_singles.add(tmp_path / "index", "a", toy_singles.vectors(1500))
    toy_singles.add(tmp_path / "index", "b", toy_singles.vectors(100, seed=1))
    questions = toy_singles.questions(30)
    with open_snapshot(tmp_path / "index") as snapshot, ThreadPoolExecutor(6) as pool:
        singles = opened(snapshot)
        want = [singles.nearest(question, count=COUNT) for question in questions]
        for found in (pool.map(lambda q: singles.nearest(q, count=COUNT), questions) for _ in range(3)):
            for own, expected in zip(found, want, strict=True):
                assert_same(own, expected)


@pytest.mark.usefixtures("small_parts")
def test_codes_do_not_stay_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_singles.add(tmp_path / "index", "a", toy_singles.vectors(1000))
    (question,) = toy_singles.questions(1)
    let_go = []
    monkeypatch.setattr(single_vectors, "let_go", let_go.append)
    with open_snapshot(tmp_path / "index") as snapshot:
        singles = opened(snapshot)
        singles.nearest(question, count=COUNT)
        assert not let_go
        monkeypatch.setattr(single_vectors, "MAPPED_BYTES", 1)
        singles.nearest(question, count=COUNT)
        assert len(let_go) == 1


def test_index_without_pages_has_no_candidates(tmp_path: Path) -> None:
    toy_singles.add(tmp_path / "index", "a", toy_singles.vectors(3))
    with open_writer(tmp_path / "index", fingerprint=None) as writer:
        writer.remove(["a.pdf"])
    with open_snapshot(tmp_path / "index") as snapshot:
        assert open_candidates(snapshot, None).single is None


class FakeGpu:
    """FAISS with a GPU, as far as it is used; the index is the processor's."""

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


def test_a_gpu_is_asked_for_all_pages_and_the_processor_for_some(tmp_path: Path) -> None:
    toy_singles.add(tmp_path / "index", "a", toy_singles.vectors(500))
    with open_snapshot(tmp_path / "index") as snapshot:
        gpu = gpu_index(snapshot, FakeGpu())
        assert gpu is not None
        singles = SingleVectors(snapshot, [], gpu=gpu)
        for question in toy_singles.questions(5):
            assert_same(singles.nearest(question, count=COUNT), exact(snapshot, question))
        gpu.reset()  # what follows does not ask it
        rows = np.arange(0, 500, 3)
        assert_same(singles.nearest(question, count=COUNT, rows=rows), exact(snapshot, question, rows))
        assert len(singles.nearest(question, count=500).pages) == 0


def test_without_a_gpu_or_its_memory_the_processor_searches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_singles.add(tmp_path / "index", "a", toy_singles.vectors(50))
    with open_snapshot(tmp_path / "index") as snapshot:
        assert gpu_index(snapshot, SimpleNamespace()) is None
        assert gpu_index(snapshot, FakeGpu(0)) is None
        assert gpu_index(snapshot, FakeGpu(is_full=True)) is None
        monkeypatch.setattr(single_vectors, "GPU_BYTES", 1000)
        assert gpu_index(snapshot, FakeGpu()) is None


def test_codes_are_made_in_a_process_that_draws_pages_too() -> None:
    code = (
        "import faiss, numpy, pymupdf\n"  # both are made with SWIG, and share its table of types
        "from docsearch.engine.retrieval.flat_scan import OneBit, Stretch, largest\n"
        "vectors = numpy.eye(64, dtype=numpy.float32)\n"
        "coding = OneBit(vectors.mean(axis=0))\n"
        "stretch = Stretch(coding, coding.encode(vectors), numpy.arange(64))\n"
        "print(largest(vectors[7], [stretch], 1).pages.tolist())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[7]"
