"""Benchmarks of searches: answers of a server under load are checked, peers are compared with exact scores."""

from __future__ import annotations

from pathlib import Path

import pytest

from docsearch.engine.retrieval import dense, rabitq
from docsearch.engine.searcher import open_searcher
from docsearch.indexer import pipeline
from fake_encoder import FakeEncoder

pytest.importorskip("benchmarks.registry", reason="run from the repository's root, with 'python -m pytest'")

from benchmarks.cases import server_load, single_vectors, text_search
from benchmarks.running_server import Answered
from benchmarks.setting import Refused, Setting

REPOSITORY = Path(__file__).resolve().parents[3]


def test_text_search_finds_the_page_with_the_words() -> None:
    texts, pages = ["the revenue of 2023", "a letter", "revenue and cost"], [("a.pdf", 1), ("a.pdf", 2), ("b.pdf", 1)]
    for prepare in (text_search.fts5, text_search.bm25s):
        if prepare is text_search.bm25s:
            pytest.importorskip("bm25s")
        monkey = pytest.MonkeyPatch()
        with monkey.context() as patched:
            patched.setattr(text_search, "HITS", 2)
            assert prepare(texts, pages)('revenue "2023"?')[0] == ("a.pdf", 1)


@pytest.fixture
def small_index(tmp_path: Path) -> Path:
    pipeline.index_documents([REPOSITORY / "sample_docs/invoice-20418.pdf"], tmp_path / "index", encoder=FakeEncoder())
    return tmp_path / "index"


def test_a_wrong_answer_under_load_is_refused_and_one_of_an_unseen_snapshot_is_counted(small_index: Path) -> None:
    with open_searcher(small_index, encoder=FakeEncoder()) as searcher:
        hits = searcher.search("total", k=server_load.K)
        name = searcher.snapshot.generation
        right = Answered(name, tuple((hit.ref.path, hit.ref.page, round(hit.score, 6)) for hit in hits))
        kept = {name: searcher.snapshot}
        answers = {("total", name): [right], ("total", "gone"): [right]}
        assert server_load.check(answers, kept, FakeEncoder()) == 1
        path, page, score = right.hits[0]
        for wrong in (((path, page, score + 0.1),), ((path, page + 1, score),), ()):
            with pytest.raises(Refused, match="wrong answer to 'total'"):
                server_load.check({("total", name): [Answered(name, wrong)]}, kept, FakeEncoder())


@pytest.mark.slow
def test_a_server_under_load_gives_right_answers(tmp_path: Path) -> None:
    documents = [REPOSITORY / "sample_docs" / f"{name}.pdf" for name in ("invoice-20418", "letter-harbour-master")]
    pipeline.index_documents(documents[:1], tmp_path / "index")
    rows = server_load.measured(tmp_path / "index", ["invoice total", "letter"], documents[1:], clients=3, seconds=4)
    alone, again, together = rows
    assert alone["p95_ms"]
    assert again["queries"] == alone["queries"]
    assert together["queries"]
    assert together["uploads"]
    assert together["snapshots"]


def test_single_vectors_are_compared_with_exact_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCSEARCH_BENCH_PAGES", "700")
    monkeypatch.setattr(dense, "EXACT_PAGES", 300)
    monkeypatch.setattr(rabitq, "RECALL_AT", 20)
    for name, small in {
        "DIM": 64,
        "QUESTIONS": 10,
        "COUNT": 20,
        "RECALL_TOLERANCE": 0.1,
    }.items():
        monkeypatch.setattr(single_vectors, name, small)
    rows = list(single_vectors.run(Setting(None, cache=tmp_path / "cache")))
    assert [row["pages"] for row in rows] == [700, 700, 1, 14, 350, 701, 700, 700, 700, 700, 299]
    ours = [float(str(row["recall@20"])) for row in rows if str(row["what"]).startswith("docsearch")]
    assert min(ours) > 0.9
    monkeypatch.setattr(single_vectors, "RECALL_TOLERANCE", -2.0)
    with pytest.raises(Refused, match="the index reports"):
        next(single_vectors.run(Setting(None, cache=tmp_path / "cache")))
