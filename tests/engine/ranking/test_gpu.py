"""Scoring on a GPU finds what the CPU finds; on a GPU where there is one, else in Triton's interpreter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hypothesis_profiles import examples

pytest.importorskip("triton", reason="needs triton: the extra 'gpu', on Linux")

import toy_words
from docsearch.engine.errors import UsageError
from docsearch.engine.page_maxima import token_maxima
from docsearch.engine.ranking import accelerator, gpu, rerank
from docsearch.engine.ranking.gpu import GpuPages
from docsearch.engine.records import QueryVectors
from docsearch.engine.scoring import match, top_k, weighted_sum
from docsearch.engine.searcher import Searcher, open_searcher
from docsearch.engine.store import open_snapshot, open_writer
from toy_words import ToyEncoder

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
EVERYTHING, NOTHING = 1 << 30, 0
"""Device memory in bytes that fits all vectors, and none."""
SAME = 0.0 if DEVICE.type == "cuda" else 1e-6
"""The same bits on a GPU; the interpreter multiplies with numpy, whose sums depend on the place of a row."""
PAGES = {
    "a.pdf": [[1, 2, 3], [], [4, 5, 6, 7], [1, 2, 3]],
    "b.pdf": [[*range(10, 80)], [3]],
    "c.pdf": [[], [2, 9], [*range(100, 270)], [4, 5, 6, 7]],
}
ROWS = st.one_of(st.none(), st.lists(st.integers(0, 9), max_size=12))


@pytest.fixture(scope="module", params=["float16", "int8", "binary"])
def directory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    index = tmp_path_factory.mktemp("gpu") / "index"
    toy_words.write(index, PAGES)
    with open_writer(index, fingerprint=None) as writer:
        writer.compact(request.param)
    return index


@pytest.fixture(autouse=True)
def even_few_pages_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "COPIED_PAGES", 0)


def plain(text: str) -> QueryVectors:
    """A query that is scored by plain MaxSim, as a language model's."""
    query = ToyEncoder().encode_query(text)
    return replace(query, contextual=True, floor=0.0, ceiling=1.0)


def assert_same(got: list, wanted: list) -> None:
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(one.pages, other.pages)
        np.testing.assert_allclose(one.scores, other.scores, atol=2e-5)


@settings(max_examples=examples(6))
@given(ROWS, st.sampled_from([1, 3, 10]), st.sampled_from([EVERYTHING, NOTHING]))
def test_ranking_of_plain_maxsim_equals_the_cpus_with_ties_and_empty_pages(
    directory: Path, rows: list[int] | None, k: int, memory: int
) -> None:
    queries = [plain("w1 w2"), plain("w4"), plain("w200 w9 w3")]
    chosen = None if rows is None else np.array(rows, np.int64)
    with open_snapshot(directory) as snapshot:
        pages = GpuPages(snapshot, DEVICE, memory=memory)
        wanted = rerank.rank(snapshot, queries, rows=chosen, k=k)
        assert_same(rerank.rank(snapshot, queries, rows=chosen, k=k, scorer=pages), wanted)
        assert_same(
            rerank.rank(snapshot, queries, rows=None, k=k, scorer=pages), rerank.rank(snapshot, queries, rows=None, k=k)
        )
        assert pages.is_resident == (memory == EVERYTHING)
        assert_same(rerank.rank(snapshot, queries, rows=chosen, k=k, scorer=pages), wanted)


def maxima_and_query(pages: int, tokens: int, seed: int, *, one_floor: bool) -> tuple[np.ndarray, QueryVectors]:
    """Maxima (pages, tokens), some of them of empty pages, and a plain MaxSim query."""
    rng = np.random.default_rng(seed)
    maxima = rng.uniform(-0.2, 1.2, (pages, tokens)).astype(np.float32)
    maxima[rng.random(pages) < 0.2] = -np.inf
    weights = rng.random(tokens).astype(np.float32)
    floor = 0.25 if one_floor else rng.uniform(0.1, 0.4, tokens).astype(np.float32)
    vectors = np.zeros((tokens, 4), np.float32)
    return maxima, QueryVectors(
        vectors, weights / weights.sum(), vectors[0], ("",) * tokens, floor, floor + np.float32(0.5), contextual=True
    )


@settings(max_examples=examples(30))
@given(st.integers(1, 60), st.integers(1, 8), st.booleans(), st.integers(0, 1000))
def test_coarse_scores_equal_scoring(pages: int, tokens: int, one_floor: bool, seed: int) -> None:
    maxima, query = maxima_and_query(pages, tokens, seed, one_floor=one_floor)
    wanted = weighted_sum(match(maxima, query), query.weights)
    found = gpu.coarse_scores(torch.from_numpy(maxima).to(DEVICE), query).cpu().numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@settings(max_examples=examples(30))
@given(st.integers(1, 60), st.integers(1, 8), st.sampled_from([1, 3, 70]), st.booleans(), st.integers(0, 1000))
def test_pages_scored_again_include_the_exact_top_k(
    pages: int, tokens: int, k: int, one_floor: bool, seed: int
) -> None:
    maxima, query = maxima_and_query(pages, tokens, seed, one_floor=one_floor)
    maxima = np.round(maxima, 2)  # many scores are equal or close
    rows = np.arange(pages)
    exact = top_k(rows, weighted_sum(match(maxima, query), query.weights), k, rows)
    error = np.random.default_rng(seed + 1).uniform(-gpu.COARSE_ERROR, gpu.COARSE_ERROR, maxima.shape)
    coarse = torch.from_numpy((maxima + error).astype(np.float32)).to(DEVICE)
    assert set(exact.pages.tolist()) <= set(gpu.may_reach_top_k(coarse, query, k).tolist())


@pytest.mark.parametrize("memory", [EVERYTHING, NOTHING])
@pytest.mark.parametrize("path", [None, "b.pdf", "*.pdf", "none/*"])
@pytest.mark.parametrize("options", [{"exact": True}, {"candidates": 4}])
def test_a_search_finds_the_hits_of_the_cpu(
    directory: Path, path: str | None, options: dict[str, int], memory: int
) -> None:
    with open_searcher(directory, encoder=ToyEncoder(pairs=True)) as searcher:
        with_gpu = Searcher(
            searcher.snapshot, searcher.encoder, scorer=GpuPages(searcher.snapshot, DEVICE, memory=memory)
        )
        for text in ("w3", "w1 w2 w3", "w4 w5 w260"):
            wanted, got = (each.search(text, path=path, k=5, **options) for each in (searcher, with_gpu))
            assert [(hit.ref, hit.rank) for hit in got] == [(hit.ref, hit.rank) for hit in wanted]
            np.testing.assert_allclose([hit.score for hit in got], [hit.score for hit in wanted], atol=1e-4)


def test_streamed_blocks_are_scored_as_one(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    query = plain("w1 w40 w110").every
    with open_snapshot(directory) as snapshot:
        at_once = GpuPages(snapshot, DEVICE, memory=EVERYTHING).token_maxima(query, None)
        monkeypatch.setattr(gpu, "STREAMED_VECTORS", 5)
        for memory in (EVERYTHING, NOTHING):
            pages = GpuPages(snapshot, DEVICE, memory=memory)
            np.testing.assert_allclose(pages.token_maxima(query, None), at_once, rtol=0, atol=SAME)
            np.testing.assert_allclose(pages.token_maxima(query, np.array([1, 8])), at_once[[1, 8]], rtol=0, atol=SAME)


def test_queries_are_split_into_groups_that_fit_the_memory(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = [plain(text) for text in ("w1 w2", "w4", "w200 w9 w3", "w110")]
    with open_snapshot(directory) as snapshot:
        wanted = rerank.rank(snapshot, queries, rows=None, k=3)
        monkeypatch.setattr(gpu, "MAXIMA_BYTES", 4 * len(snapshot) * 4)
        assert [len(group) for group in gpu._groups(queries, len(snapshot))] == [2, 2]
        assert_same(
            rerank.rank(snapshot, queries, rows=None, k=3, scorer=GpuPages(snapshot, DEVICE, memory=EVERYTHING)), wanted
        )


def test_an_index_in_two_codecs_is_streamed(directory: Path) -> None:
    with open_snapshot(directory) as snapshot:
        assert GpuPages(snapshot, DEVICE, memory=EVERYTHING).fits
        facts = snapshot.info() | {"segments_by_codec": {"int8": 1, "binary": 1}}
        snapshot.info = lambda: facts  # type: ignore[method-assign]
        assert not GpuPages(snapshot, DEVICE, memory=EVERYTHING).fits


@pytest.mark.parametrize("memory", [EVERYTHING, NOTHING], ids=["resident", "streamed"])
def test_pages_in_residual_have_the_maxima_that_the_cpu_finds(tmp_path: Path, memory: int) -> None:
    toy_words.write(tmp_path / "index", PAGES, "residual")
    with open_searcher(tmp_path / "index", encoder=ToyEncoder(pairs=True)) as searcher:
        pages = GpuPages(searcher.snapshot, DEVICE, memory=memory)
        assert pages.accepts(None)
        query = searcher.encoder.encode_query("w1 w2 w3").vectors
        wanted = token_maxima(searcher.snapshot, query, None)
        np.testing.assert_allclose(pages.token_maxima(query, None), wanted, atol=2e-5)
        assert pages.is_resident == (memory == EVERYTHING)


def test_an_unknown_codec_is_scored_by_the_cpu(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu.kernel, "CODECS", ())
    with open_snapshot(directory) as snapshot:
        pages = GpuPages(snapshot, DEVICE, memory=EVERYTHING)
        assert not pages.accepts(None)


def test_a_few_pages_are_scored_by_the_cpu(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "COPIED_PAGES", 3)
    with open_snapshot(directory) as snapshot:
        pages = GpuPages(snapshot, DEVICE, memory=EVERYTHING)
        assert not pages.accepts(np.arange(2))
        assert pages.accepts(np.arange(3))
        assert pages.accepts(None)
        rerank.rank(snapshot, [plain("w1")], rows=None, k=1, scorer=pages)
        assert not pages.accepts(np.arange(2)), "what earlier queries loaded must not change where a page is scored"


@pytest.mark.skipif(DEVICE.type == "cuda", reason="tests what happens without a GPU")
def test_a_missing_gpu_is_an_error_for_cuda_and_none_for_auto(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no CUDA GPU"):
        open_searcher(directory, encoder=ToyEncoder(), device="cuda")
    monkeypatch.setattr(accelerator, "NVIDIA_DRIVER", directory)  # a driver, but no GPU for torch
    with open_searcher(directory, encoder=ToyEncoder(), device="auto") as searcher:
        assert searcher.search("w9")[0].ref.path == "c.pdf"


def test_what_the_benchmark_times_is_correct() -> None:
    """Both of docsearch's contenders pass its check, with float32 queries at the tighter tolerance."""
    cases = pytest.importorskip("benchmarks.cases.maxsim_gpu", reason="run from the repository's root")
    queries, pages = cases.drawn(DEVICE, 2, 5), cases.drawn(DEVICE, 9, 7)
    exact = cases.ours(queries, pages)
    assert [each.tolerance for each in exact] == [cases.TOLERANCE, cases.EXACT_TOLERANCE]
    for each in exact:
        cases.check(each, queries, pages)


@pytest.mark.parametrize("codec", gpu.kernel.CODECS)
def test_what_the_benchmark_of_codecs_times_is_correct(codec: str) -> None:
    cases = pytest.importorskip("benchmarks.cases.maxsim_gpu_codecs", reason="run from the repository's root")
    refused = pytest.importorskip("benchmarks.setting").Refused
    pages = cases.random_pages(codec, DEVICE, 9, 7)
    cases.check(codec, pages, 7)
    wrong = replace(pages, offsets=(pages.offsets + 1).clamp(max=63))
    with pytest.raises(refused, match="differs from the reference"):
        cases.check(codec, wrong, 7)
