"""Searching with a GPU gives what searching without one does; on the GPU where there is one, else in Triton's
interpreter.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("triton", reason="needs triton: the extra 'gpu', on Linux")

import toy_words
from docsearch.engine import searcher
from docsearch.engine.errors import UsageError
from docsearch.engine.ranking import gpu, rerank
from docsearch.engine.ranking.gpu import GpuPages
from docsearch.engine.records import QueryVectors
from docsearch.engine.searcher import Searcher, open_index
from docsearch.engine.store import open_snapshot, open_writer
from toy_words import ToyEncoder

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
EVERYTHING, NOTHING = 1 << 30, 0
"""Memory in which all vectors fit, and none does."""
PAGES = {
    "a.pdf": [[1, 2, 3], [], [4, 5, 6, 7], [1, 2, 3]],
    "b.pdf": [[*range(10, 80)], [3]],
    "c.pdf": [[], [2, 9], [*range(100, 270)], [4, 5, 6, 7]],
}
ROWS = st.one_of(st.none(), st.lists(st.integers(0, 9), max_size=12))


@pytest.fixture(scope="module", params=["float16", "int8", "binary"])
def directory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("gpu") / "index"
    toy_words.write(made, PAGES)
    with open_writer(made, fingerprint=None) as writer:
        writer.compact(request.param)
    return made


@pytest.fixture(autouse=True)
def even_few_pages_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "COPIED_PAGES", 0)


def plain(text: str) -> QueryVectors:
    """A query as a language model's: plain MaxSim."""
    query = ToyEncoder().encode_query(text)
    return replace(query, in_context=True, floor=0.0, ceiling=1.0)


def same(got: list, wanted: list) -> None:
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(one.pages, other.pages)
        np.testing.assert_allclose(one.scores, other.scores, atol=2e-5)


@settings(deadline=None, max_examples=6)
@given(ROWS, st.sampled_from([1, 3, 10]), st.sampled_from([EVERYTHING, NOTHING]))
def test_plain_maxsim_ranks_alike_ties_and_empty_pages_included(
    directory: Path, rows: list[int] | None, k: int, memory: int
) -> None:
    asked = [plain("w1 w2"), plain("w4"), plain("w200 w9 w3")]
    chosen = None if rows is None else np.array(rows, np.int64)
    with open_snapshot(directory) as snapshot:
        pages = GpuPages(snapshot, DEVICE, memory=memory)
        wanted = rerank.rank(snapshot, asked, rows=chosen, k=k)
        same(rerank.rank(snapshot, asked, rows=chosen, k=k, scorer=pages), wanted)
        same(rerank.rank(snapshot, asked, rows=None, k=k, scorer=pages), rerank.rank(snapshot, asked, rows=None, k=k))
        assert pages.is_resident == (memory == EVERYTHING)
        same(rerank.rank(snapshot, asked, rows=chosen, k=k, scorer=pages), wanted)


@pytest.mark.parametrize("memory", [EVERYTHING, NOTHING])
@pytest.mark.parametrize("path", [None, "b.pdf", "*.pdf", "none/*"])
@pytest.mark.parametrize("how", [{"exact": True}, {"candidates": 4}])
def test_a_search_gives_the_same_hits(directory: Path, path: str | None, how: dict[str, int], memory: int) -> None:
    with open_index(directory, encoder=ToyEncoder(pairs=True)) as searcher:
        with_gpu = Searcher(
            searcher.snapshot, searcher.encoder, scorer=GpuPages(searcher.snapshot, DEVICE, memory=memory)
        )
        for text in ("w3", "w1 w2 w3", "w4 w5 w260"):
            wanted, got = (each.search(text, path=path, k=5, **how) for each in (searcher, with_gpu))
            assert [(hit.ref, hit.rank) for hit in got] == [(hit.ref, hit.rank) for hit in wanted]
            np.testing.assert_allclose([hit.score for hit in got], [hit.score for hit in wanted], atol=1e-4)


def test_blocks_that_come_one_by_one_are_scored_as_one(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    query = plain("w1 w40 w110").every
    with open_snapshot(directory) as snapshot:
        at_once = GpuPages(snapshot, DEVICE, memory=EVERYTHING).token_maxima(query, None)
        monkeypatch.setattr(gpu, "STREAMED_VECTORS", 5)
        for memory in (EVERYTHING, NOTHING):
            pages = GpuPages(snapshot, DEVICE, memory=memory)
            np.testing.assert_array_equal(pages.token_maxima(query, None), at_once)
            np.testing.assert_array_equal(pages.token_maxima(query, np.array([1, 8])), at_once[[1, 8]])


def test_queries_that_need_too_much_memory_together_are_asked_apart(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [plain(text) for text in ("w1 w2", "w4", "w200 w9 w3", "w110")]
    with open_snapshot(directory) as snapshot:
        wanted = rerank.rank(snapshot, asked, rows=None, k=3)
        monkeypatch.setattr(gpu, "MAXIMA_BYTES", 4 * len(snapshot) * 4)
        assert [len(some) for some in gpu._groups(asked, len(snapshot))] == [2, 2]
        same(rerank.rank(snapshot, asked, rows=None, k=3, scorer=GpuPages(snapshot, DEVICE, memory=EVERYTHING)), wanted)


def test_an_index_in_two_codecs_is_streamed(directory: Path) -> None:
    with open_snapshot(directory) as snapshot:
        assert GpuPages(snapshot, DEVICE, memory=EVERYTHING).fits
        facts = snapshot.info() | {"segments_by_codec": {"int8": 1, "binary": 1}}
        snapshot.info = lambda: facts  # type: ignore[method-assign]
        assert not GpuPages(snapshot, DEVICE, memory=EVERYTHING).fits


def test_a_codec_that_the_kernel_does_not_know_is_left_to_the_processor(tmp_path: Path) -> None:
    toy_words.write(tmp_path / "index", PAGES, "residual")
    with open_index(tmp_path / "index", encoder=ToyEncoder(pairs=True)) as searcher:
        pages = GpuPages(searcher.snapshot, DEVICE, memory=EVERYTHING)
        assert not pages.takes(None)
        assert not pages.takes(np.arange(len(searcher.snapshot)))
        with_gpu = Searcher(searcher.snapshot, searcher.encoder, scorer=pages)
        assert with_gpu.search("w1 w2 w3", exact=True) == searcher.search("w1 w2 w3", exact=True)
        assert not pages.is_resident


def test_a_few_pages_are_left_to_the_processor(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "COPIED_PAGES", 3)
    with open_snapshot(directory) as snapshot:
        pages = GpuPages(snapshot, DEVICE, memory=EVERYTHING)
        assert not pages.takes(np.arange(2))
        assert pages.takes(np.arange(3))
        assert pages.takes(None)
        rerank.rank(snapshot, [plain("w1")], rows=None, k=1, scorer=pages)
        assert pages.takes(np.arange(2)), "they are on the device now"


@pytest.mark.skipif(DEVICE.type == "cuda", reason="says what happens without a GPU")
def test_a_gpu_that_is_not_there_is_refused_or_done_without(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no CUDA GPU"):
        open_index(directory, encoder=ToyEncoder(), device="cuda")
    monkeypatch.setattr(search, "NVIDIA_DRIVER", directory)  # a driver, but no GPU that torch sees
    with open_index(directory, encoder=ToyEncoder(), device="auto") as searcher:
        assert searcher.search("w9")[0].ref.path == "c.pdf"


def test_what_the_benchmark_times_is_right() -> None:
    """Its check passes for both ways docsearch has, and for float32 queries at the tighter tolerance."""
    cases = pytest.importorskip("benchmarks.cases.maxsim_gpu", reason="run from the repository's root")
    queries, pages = cases.drawn(DEVICE, 2, 5), cases.drawn(DEVICE, 9, 7)
    exact = cases.ours(queries, pages)
    assert [each.tolerance for each in exact] == [cases.TOLERANCE, cases.EXACT_TOLERANCE]
    for each in exact:
        cases.check(each, queries, pages)
