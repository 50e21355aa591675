"""The Searcher from query to hits: exact and two-stage search, filters, batches, weights and refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import toy_words
from docsearch.engine.compression import codecs
from docsearch.engine.errors import EncoderMismatch, IndexNotFound, UsageError
from docsearch.engine.models.pixel import spec as pixel_spec
from docsearch.engine.query.weighting import drop_weak_expansion
from docsearch.engine.records import PageRef, Query, QueryExpansion, QueryVectors
from docsearch.engine.searcher import Searcher, open_searcher
from docsearch.engine.store import open_writer
from docsearch.evaluation import stage_recall
from toy_words import ToyEncoder

QUESTIONS = ["w3 w17", "w250", "w9 w99 w199", "w3"]


def random_pages(seed: int = 0) -> dict[str, list[list[int]]]:
    rng = np.random.default_rng(seed)
    return {
        f"{folder}/{name}.pdf": [rng.choice(300, 25, replace=False).tolist() for _ in range(12)]
        for folder in ("a", "b")
        for name in ("one", "two", "three")
    }


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    directory = tmp_path_factory.mktemp("toy") / "index"
    toy_words.write(directory, random_pages() | {"empty.pdf": [[], [3, 17]]})
    with open_searcher(directory, encoder=ToyEncoder()) as opened:
        yield opened


def test_page_with_all_words_comes_first(searcher: Searcher) -> None:
    best = searcher.search("w3 w17")[0]
    assert (best.ref.path, best.ref.page, best.rank) == ("empty.pdf", 2, 1)
    assert 0.8 < best.score <= 1


def test_pages_that_match_nothing_are_no_hits(searcher: Searcher) -> None:
    pages = random_pages()
    holding = sum(250 in page for contents in pages.values() for page in contents)
    assert len(searcher.search("w250", k=100)) == holding


@pytest.mark.parametrize("text", QUESTIONS)
def test_two_stages_over_all_pages_equal_exact(searcher: Searcher, text: str) -> None:
    assert searcher.search(text, candidates=1000, k=20) == searcher.search(text, exact=True, k=20)


def test_a_filter_that_selects_few_pages_needs_no_candidates(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = searcher.search("w3 w17", path="b/*", exact=True)
    found = searcher.first_stage.candidates
    monkeypatch.setattr(found, "find", None)
    assert searcher.search("w3 w17", path="b/*", candidates=36) == wanted
    with pytest.raises(TypeError):
        searcher.search("w3 w17", path="b/*", candidates=35)


@pytest.mark.parametrize("text", QUESTIONS)
def test_a_few_candidates_keep_the_first_hit(searcher: Searcher, text: str) -> None:
    assert searcher.search(text, candidates=10)[0] == searcher.search(text, exact=True)[0]


@pytest.mark.parametrize("path", ["b/*", "one.pdf", "b/two.pdf", "*three*"])
@pytest.mark.parametrize("options", [{"exact": True}, {"candidates": 15}])
def test_filter_keeps_what_it_allows_and_loses_nothing(searcher: Searcher, path: str, options: dict[str, int]) -> None:
    wanted = {"b/*": "b/", "one.pdf": "one.pdf", "b/two.pdf": "b/two.pdf", "*three*": "three"}[path]
    unfiltered = [h for h in searcher.search("w3 w17", exact=True, k=100) if wanted in h.ref.path]
    filtered = searcher.search("w3 w17", path=path, k=3, **options)
    assert [(h.ref, round(h.score, 5)) for h in filtered] == [(h.ref, round(h.score, 5)) for h in unfiltered[:3]]


def test_filter_that_matches_nothing_gives_no_hits(searcher: Searcher) -> None:
    assert searcher.search("w3", path="none/*") == []


@pytest.mark.parametrize("options", [{}, {"candidates": 12}])
def test_batch_answers_as_single_queries_do(searcher: Searcher, options: dict[str, int]) -> None:
    queries = [Query(str(i), QUESTIONS[i % 4], "b/*" if i % 3 == 0 else None) for i in range(40)]
    for query, hits in searcher.search_many(queries, **options):
        alone = searcher.search(query.text, path=query.path, **options)
        assert [h.ref for h in hits] == [h.ref for h in alone]
        np.testing.assert_allclose([h.score for h in hits], [h.score for h in alone], atol=1e-5)


def test_equal_pages_come_in_the_order_of_the_index(tmp_path: Path) -> None:
    toy_words.write(tmp_path / "index", {"same.pdf": [[1, 2]] * 5})
    with open_searcher(tmp_path / "index", encoder=ToyEncoder()) as searcher:
        first, again = searcher.search("w1"), searcher.search("w1")
    assert first == again
    assert sorted(first, key=lambda h: (-h.score, h.ref.page)) == first


def test_row_without_words_gets_no_hits_and_does_not_end_the_batch(searcher: Searcher) -> None:
    answers = list(searcher.search_many([Query("1", "w3"), Query("2", " "), Query("3", "w9")]))
    assert [bool(hits) for _, hits in answers] == [True, False, True]


def test_question_without_words_is_refused(searcher: Searcher) -> None:
    with pytest.raises(UsageError):
        searcher.search(" ")


def test_common_words_weigh_less(tmp_path: Path) -> None:
    pages = [[0, i] for i in range(1, 30)]
    toy_words.write(tmp_path / "index", {"a.pdf": pages})
    encoder = ToyEncoder()
    with open_searcher(tmp_path / "index", encoder=encoder) as searcher:
        (weighed,) = searcher.weigh([encoder.encode_query("w0 w7")])
    assert weighed.weights[1] > 5 * weighed.weights[0]
    assert weighed.weights.sum() == pytest.approx(1)


def test_stage_one_keeps_the_exact_top_ten(searcher: Searcher) -> None:
    measured = stage_recall.measure(searcher, QUESTIONS, candidates=40)
    assert measured.recall_at_10 >= 0.95
    assert measured.same_first == 1


def test_info_says_how_the_index_is_searched(searcher: Searcher) -> None:
    assert "exact" in str(searcher.info()["search"])


CLOSED: dict[str, Callable[[Searcher, PageRef], object]] = {
    "search": lambda searcher, _: searcher.search("w3 w17"),
    "search exactly": lambda searcher, _: searcher.search("w3 w17", exact=True),
    "search in two stages": lambda searcher, _: searcher.search("w3 w17", candidates=5),
    "search in a folder": lambda searcher, _: searcher.search("w3 w17", path="a/*"),
    "more like": lambda searcher, ref: searcher.more_like(ref),
    "search many": lambda searcher, _: next(searcher.search_many([Query("1", "w3"), Query("2", "w9")])),
    "encode": lambda searcher, _: searcher.encode("w3"),
    "weigh": lambda searcher, _: searcher.weigh([]),
    "prepare": lambda searcher, _: searcher.prepare(),
    "info": lambda searcher, _: searcher.info(),
    "scores": lambda searcher, ref: searcher.scores("w3", [ref]),
    "heat map": lambda searcher, ref: searcher.heatmap("w3", ref, np.zeros((9, 9, 3), np.uint8)),
    "overlay": lambda searcher, ref: searcher.overlay("w3", ref, (9, 9)),
    "marks": lambda searcher, ref: searcher.word_marks("w3", ref),
    "text": lambda searcher, ref: searcher.text(ref),
}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Searcher, PageRef]:
    directory = tmp_path_factory.mktemp("closed") / "index"
    toy_words.write(directory, random_pages())
    with open_searcher(directory, encoder=ToyEncoder()) as searcher:
        ref = searcher.search("w3 w17")[0].ref
        for ask in CLOSED.values():  # what they cache must not answer later
            ask(searcher, ref)
    return searcher, ref


@pytest.mark.parametrize("what", CLOSED)
def test_a_closed_index_says_so(closed: tuple[Searcher, PageRef], what: str) -> None:
    with pytest.raises(UsageError, match=r"index: the index was closed; open it again"):
        CLOSED[what](*closed)


def test_words_that_stand_together_come_before_the_same_words_apart(tmp_path: Path) -> None:
    apart, together = [7, 1, 2, 3, 4, 9], [1, 2, 7, 9, 3, 4]
    toy_words.write(tmp_path / "index", {"a.pdf": [apart, together, apart]})
    with open_searcher(tmp_path / "index", encoder=ToyEncoder(pairs=True)) as searcher:
        hits = searcher.search("w7 w9")
    assert hits[0].ref.page == 2
    assert hits[1].score < 0.9 * hits[0].score <= 0.9


def test_skipping_pairs_by_their_bounds_does_not_change_the_first_k(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    pages = [[int(w) for w in rng.choice(12, 8, replace=False)] for _ in range(400)]
    toy_words.write(tmp_path / "index", {"a.pdf": pages})
    with open_searcher(tmp_path / "index", encoder=ToyEncoder(pairs=True)) as searcher:
        every = searcher.search("w3 w5 w7", k=400)
        for k in (1, 5, 40):
            few = searcher.search("w3 w5 w7", k=k)
            assert [hit.ref for hit in few] == [hit.ref for hit in every[:k]]


@pytest.mark.parametrize("options", [{"exact": True}, {"candidates": 3}])
def test_matches_on_the_first_page_count_on_the_other_pages(tmp_path: Path, options: dict[str, int]) -> None:
    pages = {"a.pdf": [[50], [7], [8]], "b.pdf": [[60], [7, 9], [50]]}
    toy_words.write(tmp_path / "index", pages)
    with open_searcher(tmp_path / "index", encoder=ToyEncoder()) as searcher:
        hits = searcher.search("w50 w7", **options)
    assert (hits[0].ref.path, hits[0].ref.page) == ("a.pdf", 2)
    assert ("a.pdf", 3) not in {(hit.ref.path, hit.ref.page) for hit in hits}, "it has no match of its own"


def test_index_without_pages_gives_no_hits(tmp_path: Path) -> None:
    with open_writer(tmp_path / "index", fingerprint=toy_words.SPEC.fingerprint):
        pass
    with open_searcher(tmp_path / "index", encoder=ToyEncoder()) as searcher:
        assert searcher.search("w3") == []
        assert searcher.search("w3", candidates=5) == []


def test_missing_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFound):
        open_searcher(tmp_path / "nothing")


def test_index_of_another_model_is_refused(tmp_path: Path) -> None:
    with open_writer(tmp_path / "index", fingerprint={**toy_words.SPEC.fingerprint, "revision": "0"}):
        pass
    with pytest.raises(EncoderMismatch):
        open_searcher(tmp_path / "index", encoder=ToyEncoder())


def test_an_index_of_an_earlier_revision_is_searched_as_that_revision_does(tmp_path: Path) -> None:
    earlier = pixel_spec.EARLIER["8"]
    open_writer(tmp_path / "empty", fingerprint=earlier.fingerprint).close()
    with open_searcher(tmp_path / "empty") as searcher:
        assert searcher.encoder.spec == earlier
        assert searcher.search("東京").unread_letters == "東京"
    toy_words.write(tmp_path / "index", {"a.pdf": [[1]]}, fingerprint=earlier.fingerprint)
    with pytest.raises(EncoderMismatch, match=r"revision 8 of the model pixel.* index the documents again"):
        open_writer(tmp_path / "index", fingerprint=pixel_spec.SPEC.fingerprint)


def test_contextual_queries_score_as_plain_maxsim(tmp_path: Path) -> None:
    """Neither IDF nor first-page weight applies."""
    pages = [[50], [7], [0, 7], *([0, i] for i in range(100, 120))]
    toy_words.write(tmp_path / "index", {"a.pdf": pages})

    class Contextual(ToyEncoder):
        def encode_query(self, text: str) -> QueryVectors:
            return replace(super().encode_query(text), contextual=True, floor=0.0)

    with open_searcher(tmp_path / "index", encoder=Contextual()) as searcher:
        hits = searcher.search("w50 w7 w0", k=100)
        query = Contextual().encode_query("w50 w7 w0")
        for hit in hits:
            (block,) = searcher.snapshot.blocks(rows=np.array([hit.ref.page - 1]))
            wanted = (query.vectors @ codecs.decode(block.coded).T).max(axis=1).clip(0, 1).mean()
            assert hit.score == pytest.approx(wanted, abs=1e-5)
    assert [hit.ref.page for hit in hits[:1]] == [3]


@pytest.mark.parametrize(
    ("candidates", "stages"), [(None, "encode weigh rerank"), (15, "encode weigh candidates rerank")]
)
def test_stages_of_a_batch_are_reported_with_their_time(
    searcher: Searcher, candidates: int | None, stages: str
) -> None:
    reported: dict[str, float] = {}
    queries = [Query(text, text) for text in QUESTIONS]
    list(
        searcher.search_many(
            queries, candidates=candidates, on_stage=lambda stage, seconds: reported.update({stage: seconds})
        )
    )
    assert set(reported) == set(stages.split())
    assert all(seconds > 0 for seconds in reported.values())


def test_overlay_has_the_given_size_and_refuses_an_unknown_word(searcher: Searcher) -> None:
    ref = searcher.search("w3 w17")[0].ref
    whole = searcher.overlay("w3 w17", ref, (60, 80))[:, :, 3]
    assert whole.shape == (80, 60)
    assert [marks.word for marks in searcher.word_marks("w3 w17", ref)] == ["w3", "w17"]
    with pytest.raises(UsageError, match="no word 2"):
        searcher.overlay("w3 w17", ref, (60, 80), word=2)


def test_weak_expansion_terms_are_dropped() -> None:
    vectors, weights = np.eye(3, dtype=np.float32), np.array([0.9, 0.06, 0.04], np.float32)
    expansion = QueryExpansion(np.eye(3, dtype=np.float32), np.array([0, 1, 2]), np.array([0.3, 0.3, 0.6], np.float32))
    query = QueryVectors(vectors, weights, vectors[0], ("a", "b", "c"), expansion=expansion)
    kept = drop_weak_expansion(query).expansion
    assert kept is not None
    assert (kept.tokens.tolist(), kept.weights.tolist()) == ([0, 2], pytest.approx([0.3, 0.6]))
    few = replace(
        query, expansion=QueryExpansion(expansion.vectors[1:2], expansion.tokens[1:2], expansion.weights[1:2])
    )
    assert drop_weak_expansion(few).expansion is None
    assert drop_weak_expansion(replace(query, expansion=None)).expansion is None
