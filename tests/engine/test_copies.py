"""Files with the same content are one hit: in every way of searching, with filters, and without a change of scores."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import toy_words
from docsearch.engine.query import weighting
from docsearch.engine.ranking import gpu, rerank
from docsearch.engine.records import Hit, PageRef, Query, QueryVectors
from docsearch.engine.retrieval import first_stage
from docsearch.engine.searcher import Searcher, open_searcher
from docsearch.engine.store import open_writer
from docsearch.engine.where.paths import path_matches
from hypothesis_profiles import examples
from toy_words import ToyEncoder

QUESTIONS = ["w1 w2", "w3", "w0 w4 w5", "w1 w7"]
WAYS: list[dict[str, object]] = [{"exact": True}, {"candidates": 4}, {"candidates": 1000}]
Pages = list[list[int]]


class Contextual(ToyEncoder):
    def encode_query(self, text: str) -> QueryVectors:
        return replace(super().encode_query(text), contextual=True)


ENCODERS = [ToyEncoder(), ToyEncoder(pairs=True), Contextual()]


def write(directory: Path, contents: list[Pages], paths: Mapping[str, int]) -> None:
    """Write documents in the order of `paths`, a segment each; those of one content are copies."""
    for path, content in paths.items():
        toy_words.write(directory, {path: contents[content]}, noise=0.0, sha256=lambda path: f"content {paths[path]}")


def collapsed(hits: list[Hit]) -> list[tuple[str, int, float, tuple[str, ...]]]:
    return [(hit.ref.path, hit.ref.page, hit.score, hit.also) for hit in hits]


def found(searcher: Searcher, **options: object) -> list[list[tuple[str, int, float, tuple[str, ...]]]]:
    queries = [Query(text, text, path) for text in QUESTIONS for path in (None, "b/*", "1.pdf")]
    return [collapsed(hits) for _, hits in searcher.search_many(queries, **options)]  # type: ignore[arg-type]


WORDS = st.lists(st.integers(0, 7), min_size=1, max_size=4)
PATHS = [f"{folder}/{name}.pdf" for folder in "abc" for name in "123"]


@st.composite
def collections(draw: st.DrawFn) -> tuple[list[Pages], dict[str, int]]:
    """Contents, and paths with the content of each, in the order of their indexing."""
    contents = draw(st.lists(st.lists(WORDS, min_size=1, max_size=3), min_size=1, max_size=4))
    paths = draw(st.lists(st.sampled_from(PATHS), unique=True, min_size=1, max_size=len(PATHS)))
    return contents, {path: draw(st.integers(0, len(contents) - 1)) for path in paths}


@settings(max_examples=examples(12))
@given(collections(), st.sampled_from(ENCODERS), st.integers(1, 6))
def test_hits_are_those_of_all_copies_with_one_of_each_content(
    collection: tuple[list[Pages], dict[str, int]], encoder: ToyEncoder, k: int
) -> None:
    contents, paths = collection
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), contents, paths)
        with open_searcher(folder, encoder=encoder) as searcher:
            for way in ({"exact": True}, {"candidates": 1000}):
                every = found(searcher, k=1000, all_copies=True, **way)
                queries = [path for _ in QUESTIONS for path in (None, "b/*", "1.pdf")]
                for hits, pattern, answer in zip(every, queries, found(searcher, k=k, **way), strict=True):
                    assert all(not also for *_, also in hits)
                    wanted: dict[tuple[int, int], tuple[str, int, float, tuple[str, ...]]] = {}
                    for path, page, score, _ in hits:
                        others = [p for p, content in sorted(paths.items()) if content == paths[path] and p != path]
                        also = tuple(p for p in others if pattern is None or path_matches(p, pattern))
                        wanted.setdefault((paths[path], page), (path, page, score, also))
                    assert answer == [*wanted.values()][:k]


@settings(max_examples=examples(12))
@given(collections(), st.sampled_from(ENCODERS), st.sampled_from(WAYS), st.integers(1, 6))
def test_hits_are_those_of_the_index_without_the_copies(
    collection: tuple[list[Pages], dict[str, int]], encoder: ToyEncoder, way: dict[str, object], k: int
) -> None:
    contents, paths = collection
    first = {content: min(path for path in paths if paths[path] == content) for content in paths.values()}
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), contents, paths)
        with open_searcher(folder, encoder=encoder) as searcher:
            hits = [collapsed(searcher.search(text, k=k, **way)) for text in QUESTIONS]  # type: ignore[arg-type]
        with open_writer(Path(folder), fingerprint=None) as writer:
            writer.remove(set(paths) - set(first.values()))
        with open_searcher(folder, encoder=encoder) as searcher:
            alone = [collapsed(searcher.search(text, k=k, **way)) for text in QUESTIONS]  # type: ignore[arg-type]
    assert [[hit[:3] for hit in each] for each in hits] == [[hit[:3] for hit in each] for each in alone]


def random_contents(count: int, pages: int = 6) -> list[Pages]:
    rng = np.random.default_rng(3)
    return [[rng.integers(0, 40, 8).tolist() for _ in range(pages)] for _ in range(count)]


@pytest.mark.parametrize("counted_by", ["a sample", "the inverted index"])
def test_more_copies_change_no_score(tmp_path: Path, counted_by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if counted_by == "a sample":
        monkeypatch.setattr(weighting, "SAMPLE_PAGES", 7)
    else:
        monkeypatch.setattr(first_stage, "EXACT_VECTORS", 1)
    contents = random_contents(6)
    originals = {f"m{i}.pdf": i for i in range(6)}
    write(tmp_path, contents, originals)

    def scores() -> list[list[tuple[int, float]]]:
        with open_searcher(tmp_path, encoder=ToyEncoder(pairs=True)) as searcher:
            answers = [searcher.search(text, k=50) for text in QUESTIONS]
            return [[(hit.ref.page, hit.score) for hit in hits] for hits in answers]

    before = scores()
    copies = {f"{place}/copy {i}.pdf": 4 for i in range(20) for place in ("a", "z")}
    write(tmp_path, contents, copies)
    with open_searcher(tmp_path, encoder=ToyEncoder(pairs=True)) as searcher:
        assert len(searcher.snapshot) == 46 * 6
    assert [sorted(each) for each in scores()] == [sorted(each) for each in before]


def test_copies_do_not_decide_how_an_index_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, random_contents(2), {f"{i}.pdf": i % 2 for i in range(9)})
    with open_searcher(tmp_path, encoder=ToyEncoder()) as searcher:
        assert searcher.snapshot.copies is not None
        own = int(searcher.snapshot.lengths[searcher.snapshot.copies.counted].sum())
        for most, is_skipped in ((own, True), (own - 1, False)):
            monkeypatch.setattr(first_stage, "EXACT_VECTORS", most)
            assert first_stage.FirstStage(searcher.snapshot, ToyEncoder().visual_words, on_gpu=False).is_skipped is (
                is_skipped
            )


def test_maxima_with_copies_are_not_computed_where_most_pages_are_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, random_contents(2), {f"{i}.pdf": i % 2 for i in range(9)})
    computed: list[int] = []
    with open_searcher(tmp_path, encoder=ToyEncoder()) as searcher:
        maxima_of = searcher.cache._maxima_of

        def counted(vectors: np.ndarray, rows: np.ndarray | None) -> np.ndarray:
            computed.append(len(searcher.snapshot) if rows is None else len(rows))
            return maxima_of(vectors, rows)

        searcher.cache._maxima_of = counted
        searcher.search("w1 w2", exact=True)
    assert max(computed) == 2 * 6


def test_copies_do_not_crowd_other_pages_out_of_the_candidates(tmp_path: Path) -> None:
    contents = [[[1, 2]], *([[1, 10 + i]] for i in range(9))]
    copies = {f"a/copy {i:02}.pdf": 0 for i in range(50)}
    write(tmp_path, contents, copies | {f"b/{i}.pdf": i for i in range(1, 10)})
    with open_searcher(tmp_path, encoder=ToyEncoder()) as searcher:
        hits = searcher.search("w1 w2", k=10, candidates=10)
        assert [hit.ref.path for hit in hits] == ["a/copy 00.pdf", *(f"b/{i}.pdf" for i in range(1, 10))]
        assert hits[0].also == tuple(f"a/copy {i:02}.pdf" for i in range(1, 50))
        assert hits == searcher.search("w1 w2", k=10, exact=True)
        each = searcher.search("w1 w2", k=60, exact=True, all_copies=True)
        assert len(each) == 59
        assert {hit.score for hit in each[:50]} == {hits[0].score}


def test_a_filter_shows_the_copy_that_it_selects(tmp_path: Path) -> None:
    write(tmp_path, [[[1, 2]], [[1]]], {"a/x.pdf": 0, "b/x.pdf": 0, "c/x.pdf": 0, "d.pdf": 1})
    with open_searcher(tmp_path, encoder=ToyEncoder()) as searcher:
        for way in WAYS:
            (hit,) = searcher.search("w2", path="b/*", **way)  # type: ignore[arg-type]
            assert (hit.ref.path, hit.also) == ("b/x.pdf", ())
            (hit,) = searcher.search("w2", path="x.pdf", **way)  # type: ignore[arg-type]
            assert (hit.ref.path, hit.also) == ("a/x.pdf", ("b/x.pdf", "c/x.pdf"))
            (hit,) = searcher.search("w2", path="[bc]/x.pdf", **way)  # type: ignore[arg-type]
            assert (hit.ref.path, hit.also) == ("b/x.pdf", ("c/x.pdf",))


def test_pages_like_a_page_leave_out_its_copies_unless_asked_for(tmp_path: Path) -> None:
    write(tmp_path, [[[1, 2, 3]], [[1, 2, 9]]], {"a.pdf": 0, "b.pdf": 0, "c.pdf": 1, "d.pdf": 1})
    with open_searcher(tmp_path, encoder=ToyEncoder()) as searcher:
        for path in ("a.pdf", "b.pdf"):
            row = searcher.snapshot.document(path=path)
            assert row is not None
            ref = PageRef(row.id, path, 1)
            (hit,) = searcher.more_like(ref)
            assert (hit.ref.path, hit.also) == ("c.pdf", ("d.pdf",))
            others = [hit.ref.path for hit in searcher.more_like(ref, all_copies=True)]
            assert others == [*sorted({"a.pdf", "b.pdf"} - {path}), "c.pdf", "d.pdf"]


@pytest.mark.parametrize("encoder", [ToyEncoder(pairs=True), Contextual()])
def test_a_gpu_finds_the_same_hits_and_copies(
    tmp_path: Path, encoder: ToyEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "COPIED_PAGES", 1)
    write(tmp_path, random_contents(4, pages=2), {f"{i}.pdf": i % 4 for i in range(7)})
    with open_searcher(tmp_path, encoder=encoder) as searcher:
        pages = gpu.GpuPages(searcher.snapshot, torch.device("cpu"), memory=1 << 30)
        with_gpu = Searcher(searcher.snapshot, encoder, scorer=pages)
        for text in QUESTIONS:
            wanted, found = (
                {(hit.ref, hit.also): hit.score for hit in each.search(text, exact=True)}
                for each in (searcher, with_gpu)
            )
            assert found == pytest.approx(wanted, abs=1e-5)
        assert pages.is_resident


def test_without_its_first_copy_a_hit_is_the_next_one(tmp_path: Path) -> None:
    write(tmp_path, [[[1, 2]], [[1]]], {"a.pdf": 0, "b.pdf": 0, "c.pdf": 0, "d.pdf": 1})
    with open_searcher(tmp_path, encoder=ToyEncoder()) as before:
        old = before.search("w1 w2")
        with open_writer(tmp_path, fingerprint=None) as writer:
            writer.remove(["a.pdf"])
        assert before.search("w1 w2") == old
    with open_searcher(tmp_path, encoder=ToyEncoder()) as after:
        new = after.search("w1 w2")
    assert (old[0].ref.path, old[0].also) == ("a.pdf", ("b.pdf", "c.pdf"))
    assert (new[0].ref.path, new[0].also) == ("b.pdf", ("c.pdf",))
    assert [hit.score for hit in new] == [hit.score for hit in old]
    assert new[1].ref.path == "d.pdf"


def test_an_index_without_copies_is_searched_without_a_list_of_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, random_contents(3), {"a.pdf": 0, "b.pdf": 1, "c.pdf": 2})
    asked = []
    with open_searcher(tmp_path, encoder=ToyEncoder()) as searcher:
        ranked = rerank.rank
        monkeypatch.setattr(rerank, "rank", lambda *a, **how: asked.append(how["rows"]) or ranked(*a, **how))
        searcher.search("w1 w2", exact=True)
    assert asked == [None]


def test_a_batch_answers_with_copies_as_single_queries_do(tmp_path: Path) -> None:
    write(tmp_path, random_contents(4), {f"{i}.pdf": i % 4 for i in range(10)})
    queries = [Query(str(i), QUESTIONS[i % 4], "[0-5].pdf" if i % 3 else None) for i in range(40)]
    with open_searcher(tmp_path, encoder=ToyEncoder(pairs=True)) as searcher:
        for way in WAYS:
            for query, hits in searcher.search_many(queries, **way):  # type: ignore[arg-type]
                assert hits == searcher.search(query.text, path=query.path, **way)  # type: ignore[arg-type]
