"""The law of sharded search: hits, scores and ties are those of the undivided index to the last bit.

The shards compute in this process; `test_ray_search.py` has them in others.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import toy_dense
import toy_words
from docsearch.cluster.search.fan_out import Call
from docsearch.cluster.search.pages import open_sharded_pages
from docsearch.engine.errors import UsageError
from docsearch.engine.models.encoder import QueryEncoder
from docsearch.engine.query import weighting
from docsearch.engine.retrieval import dense, first_stage, rabitq
from docsearch.engine.retrieval.dense import open_dense_index
from docsearch.engine.searcher import open_searcher
from docsearch.engine.store import open_snapshot, open_writer, sharding
from late_pages import InProcess, LateEncoder, answer, open_in_process, write

QUESTIONS = ("w1 w2 w3", "w4", "w5 w5 w17 w30", "w39 w0")


def check(index: Path, tmp_path: Path, encoder: QueryEncoder, questions: Sequence[str], shards: int = 3) -> None:
    """Answers of an index and of a divided copy are the same: exact, of candidates, with filters, of many at once."""
    sharding.divide_copy(index, tmp_path / "divided", shards)
    with (
        open_searcher(index, encoder=encoder) as one,
        open_in_process(tmp_path / "divided", encoder, tmp_path / "cache") as several,
    ):
        for question in questions:
            for options in ({"exact": True}, {"candidates": 7}, {"k": 100}, {"path": "*2*"}, {"all_copies": True}):
                found, expected = (each.search(question, **options) for each in (several, one))  # type: ignore[arg-type]
                assert answer(found) == answer(expected), (question, options)
        for options in ({"exact": True}, {"candidates": 7}):
            found, expected = ([*each.search_many(iter([*questions] * 3), **options)] for each in (several, one))  # type: ignore[arg-type]
            assert [answer(hits) for _, hits in found] == [answer(hits) for _, hits in expected], options
        best = one.search(questions[0])[0].ref
        assert several.more_like(best, k=5) == one.more_like(best, k=5)
        assert several.scores(questions[0], [best]) == one.scores(questions[0], [best])


@pytest.mark.parametrize("dense_dim", [0, 16])
@pytest.mark.parametrize("is_large", [False, True])
def test_a_contextual_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dense_dim: int, is_large: bool) -> None:
    if is_large:
        monkeypatch.setattr(first_stage, "EXACT_VECTORS_UNKNOWN", 0)
    write(tmp_path / "index", dense_dim)
    check(tmp_path / "index", tmp_path, LateEncoder(dense_dim), QUESTIONS)


@pytest.mark.parametrize("codec", ["int8", "residual", "binary"])
@pytest.mark.parametrize("is_large", [False, True])
def test_a_model_of_single_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: str, is_large: bool) -> None:
    """With pairs of neighbouring tokens and weights by document frequency, on documents that are copies in part."""
    if is_large:
        monkeypatch.setattr(first_stage, "EXACT_VECTORS", 0)
    else:
        monkeypatch.setattr(weighting, "SAMPLE_PAGES", 11)
    rng = np.random.default_rng(11)
    for part in range(5):
        pages = {f"{part}-{i}.pdf": [rng.integers(0, 60, 12).tolist() for _ in range(4)] for i in range(4)}
        toy_words.write(tmp_path / "index", pages, codec, sha256=lambda path: path[-5:])
    check(tmp_path / "index", tmp_path, toy_words.ToyEncoder(pairs=True), ("w1 w2", "w7", "w8 w9 w10 w11"))


@pytest.mark.parametrize("candidates", [None, 12])
def test_a_batch_asks_each_shard_a_few_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, candidates: int | None
) -> None:
    """However many questions there are: one call has the maxima of all, and pairs are asked for together.

    In two stages, too: a question's scores of stage 1, its candidates' maxima and pairs go with those of the others.
    """
    if candidates is not None:
        monkeypatch.setattr(first_stage, "EXACT_VECTORS", 0)
    rng = np.random.default_rng(11)
    for part in range(3):
        pages = {f"{part}-{i}.pdf": [rng.integers(0, 60, 12).tolist() for _ in range(4)] for i in range(4)}
        toy_words.write(tmp_path / "index", pages)
    sharding.divide_copy(tmp_path / "index", tmp_path / "divided", 3)
    encoder = toy_words.ToyEncoder(pairs=True)
    counts = []
    with open_in_process(tmp_path / "divided", encoder, tmp_path / "cache") as several:
        send, calls = several.snapshot.send, list[Call]()  # type: ignore[attr-defined]

        def counted(asked: Sequence[Call], **options: float) -> list[object]:
            calls.extend(asked)
            return list(send(asked, **options))

        several.snapshot.send = counted  # type: ignore[attr-defined]
        for number in (4, 32):
            calls.clear()
            questions = [f"w{i} w{i + 1} w{i + 2}" for i in range(number)]
            answers = list(several.search_many(iter(questions), k=3, candidates=candidates))
            assert all(hits for _, hits in answers)
            counts.append(len(calls))
    assert counts[1] <= counts[0] + 3 * 3, counts


def test_documents_whose_first_page_is_in_another_shard(tmp_path: Path) -> None:
    write(tmp_path / "index", 0)
    sharding.divide_copy(tmp_path / "index", tmp_path / "divided", 5)
    with open_sharded_pages(tmp_path / "divided") as pages:
        specs = pages.specs(None)
        assert [len(spec.own) for spec in specs] == [len(shard.rows) for shard in pages.shard_rows]
        assert sum(len(spec.own) for spec in specs) == len(pages)
        assert any(len(spec.own) < len(spec.table) for spec in specs)


def test_dense_vectors_alone(tmp_path: Path) -> None:
    for part in range(4):
        toy_dense.add(tmp_path / "index", f"{part}", toy_dense.vectors(50, part))
    sharding.divide_copy(tmp_path / "index", tmp_path / "divided", 3)
    with open_snapshot(tmp_path / "index") as whole, open_sharded_pages(tmp_path / "divided") as pages:
        pages.send = InProcess(pages, LateEncoder(0), tmp_path / "cache")
        several, one = pages.open_candidates(None).dense_index, open_dense_index(whole)
        assert several is not None
        assert one is not None
        for vector in toy_dense.queries(5):
            for rows in (None, np.arange(3, 190, 7), np.zeros(0, np.int64)):
                found, expected = (each.nearest(vector, count=9, rows=rows) for each in (several, one))
                assert found.pages.tolist() == expected.pages.tolist()
                assert found.scores.tolist() == expected.scores.tolist()


@pytest.fixture
def coded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes of dense vectors from 100 pages on, which choose so few pages that they miss some of the best."""
    monkeypatch.setattr(dense, "EXACT_PAGES", 100)
    monkeypatch.setattr(rabitq, "OVERSAMPLING", (2,))
    monkeypatch.setattr(rabitq, "BLOCK_PAGES", 64)


@pytest.mark.usefixtures("coded")
def test_codes_of_dense_vectors_choose_the_pages_that_those_of_one_index_choose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts of segments in several shards, pages in no part yet, removed pages; also after the workers start again."""
    index, cache = tmp_path / "index", tmp_path / "cache"

    def not_again(*_: object) -> None:
        raise AssertionError("codes are made once")

    for part in range(4):
        toy_dense.add(index, f"{part}", toy_dense.vectors(90, part))
        if part in {2, 3}:
            with open_snapshot(index) as whole:
                assert open_dense_index(whole) is not None
    with open_writer(index, fingerprint=None) as writer:
        writer.remove(["1.pdf"])
    toy_dense.add(index, "4", toy_dense.vectors(40, 5))
    sharding.divide_copy(index, tmp_path / "divided", 3)
    missed = 0
    for _ in range(2):
        with open_snapshot(index) as whole, open_sharded_pages(tmp_path / "divided") as pages:
            pages.send = InProcess(pages, LateEncoder(0), cache)
            several, one = pages.open_candidates(None).dense_index, open_dense_index(whole)
            assert several is not None
            assert one is not None
            assert one.parts
            for vector in toy_dense.queries(20):
                for rows in (None, np.arange(3, 300, 2), np.arange(5), np.zeros(0, np.int64)):
                    found, expected = (each.nearest(vector, count=9, rows=rows) for each in (several, one))
                    assert found.pages.tolist() == expected.pages.tolist()
                    assert found.scores.tolist() == expected.scores.tolist()
                exact = one.nearest_exactly(vector, count=9).pages.tolist()
                assert several.nearest_exactly(vector, count=9).pages.tolist() == exact
                missed += several.nearest(vector, count=9).pages.tolist() != exact
        monkeypatch.setattr(rabitq.GivenCodes, "build", not_again)
    assert missed > 0, "the codes were not used"


@pytest.mark.usefixtures("coded")
def test_damaged_codes_of_a_worker_are_made_again(tmp_path: Path) -> None:
    for part in range(2):
        toy_dense.add(tmp_path / "index", f"{part}", toy_dense.vectors(90, part))
    sharding.divide_copy(tmp_path / "index", tmp_path / "divided", 2)
    (vector,) = toy_dense.queries(1)
    answers = []
    for _ in range(2):
        with open_sharded_pages(tmp_path / "divided") as pages:
            pages.send = InProcess(pages, LateEncoder(0), tmp_path / "cache")
            several = pages.open_candidates(None).dense_index
            assert several is not None
            answers.append(several.nearest(vector, count=9).pages.tolist())
        files = list((tmp_path / "cache").glob("*/**/codes.npy"))
        assert len(files) == 2
        for file in files:
            content = bytearray(file.read_bytes())
            content[-8:] = b"\xff" * 8
            file.write_bytes(content)
    assert answers[0] == answers[1]


@pytest.mark.usefixtures("coded")
def test_a_contextual_model_whose_pages_are_found_by_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_stage, "EXACT_VECTORS_UNKNOWN", 0)
    write(tmp_path / "index", 16)
    check(tmp_path / "index", tmp_path, LateEncoder(16), QUESTIONS)


def test_new_segments_and_removed_pages(tmp_path: Path) -> None:
    """Segments that are in no shard yet are searched, and removed pages are not."""
    encoder = LateEncoder(0)
    write(tmp_path / "index", 0, documents=4)
    with open_writer(tmp_path / "index", fingerprint=encoder.spec.fingerprint) as writer:
        writer.divide(2)
    write(tmp_path / "index", 0, first=4, documents=6)
    with open_writer(tmp_path / "index", fingerprint=None) as writer:
        writer.remove(["1.pdf", "4.pdf"])
    with (
        open_searcher(tmp_path / "index", encoder=encoder) as one,
        open_in_process(tmp_path / "index", encoder, tmp_path / "cache") as several,
    ):
        for question in QUESTIONS:
            assert answer(several.search(question, k=200)) == answer(one.search(question, k=200))


def test_without_a_shard_answers_are_those_of_an_index_without_its_pages(tmp_path: Path) -> None:
    encoder = toy_words.ToyEncoder(pairs=True)
    rng = np.random.default_rng(11)
    drawn = [{f"{part}-{i}.pdf": [rng.integers(0, 60, 12).tolist()] * 2 for i in range(8)} for part in range(3)]
    for part in drawn:
        toy_words.write(tmp_path / "index", part)
    for part in (drawn[0], drawn[2]):
        toy_words.write(tmp_path / "less", part)
    sharding.divide_copy(tmp_path / "index", tmp_path / "divided", 3)
    with (
        open_searcher(tmp_path / "less", encoder=encoder) as one,
        open_in_process(tmp_path / "divided", encoder, tmp_path / "cache", ["0001"]) as several,
    ):
        assert len(several.snapshot) == len(one.snapshot)
        for question in ("w1 w2", "w7"):
            found, expected = (
                [(hit.ref.path, hit.ref.page, hit.score) for hit in each.search(question, k=100)]
                for each in (several, one)
            )
            assert found == expected
        missing = next(iter(drawn[1]))
        with open_snapshot(tmp_path / "index") as whole:
            (ref,) = [ref for ref in whole.refs(np.arange(len(whole))) if (ref.path, ref.page) == (missing, 1)]
        with pytest.raises(UsageError, match="does not answer"):
            several.text(ref)


def test_what_a_missing_shard_leaves_deletes_nothing_of_the_cache(tmp_path: Path) -> None:
    write(tmp_path / "index", 0)
    with open_searcher(tmp_path / "index", encoder=LateEncoder(0)) as one:
        one.search("w1", candidates=5)
    sharding.divide_copy(tmp_path / "index", tmp_path / "divided", 3)
    before = sorted(tmp_path.glob("divided/cache/**/*"))
    assert before
    with open_in_process(tmp_path / "divided", LateEncoder(0), tmp_path / "cache", ["0000", "0002"]) as several:
        several.search("w1", candidates=5)
    assert sorted(tmp_path.glob("divided/cache/**/*")) == before
