"""The class Index: changes, and searches that see them; what hits show; tables of pages and hits."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from docsearch import DocsearchError, Index, IndexNotFound, Query, UsageError, index_documents, open_index
from docsearch.engine.compression import codecs
from fake_encoder import FakeEncoder


@pytest.fixture
def harbour(tmp_path: Path, make_pdf: Callable[..., Path]) -> Path:
    make_pdf(tmp_path / "docs/harbour.pdf", ["harbour dues", "pilotage fees"])
    make_pdf(tmp_path / "docs/forest.pdf", ["timber prices"])
    return tmp_path


def first(index: Index, question: str) -> str:
    hits = index.search(question, k=1)
    return f"{hits[0].ref.path} {hits[0].ref.page}" if hits else ""


def test_each_search_sees_what_was_added_updated_and_removed(harbour: Path, make_pdf: Callable[..., Path]) -> None:
    with Index(harbour / "index") as index:
        assert len(index) == 0
        with pytest.raises(IndexNotFound):
            index.search("harbour")
        assert index.add(harbour / "docs").documents == 2
        assert (len(index), first(index, "pilotage")) == (3, "harbour.pdf 2")
        make_pdf(harbour / "docs/lake.pdf", ["ferry timetable"])
        assert index.update().documents == 1
        assert first(index, "ferry") == "lake.pdf 1"
        (harbour / "docs/lake.pdf").rename(harbour / "docs/sea.pdf")
        assert index.update().moved == 1
        assert first(index, "ferry") == "sea.pdf 1"
        removed = index.remove("harbour.pdf", "sea*")
        assert (removed.documents, removed.pages, len(index)) == (2, 3, 1)
        with pytest.raises(UsageError, match="nothing was removed"):
            index.remove("forest.pdf", "nothing.pdf")
        assert len(index) == 1
        assert [ref.path for ref in index.pages()] == ["forest.pdf"]


def test_commits_of_others_are_seen_and_old_hits_still_read_their_pages(
    harbour: Path, make_pdf: Callable[..., Path]
) -> None:
    with Index(harbour / "index") as index:
        index.add([harbour / "docs"])
        old = index.search("pilotage", k=1)
        make_pdf(harbour / "more/lake.pdf", ["ferry timetable"])
        index_documents([harbour / "more"], harbour / "index")
        assert first(index, "ferry") == "lake.pdf 1"
        index.remove("harbour.pdf")
        assert old[0].text.strip() == "pilotage fees"
        assert first(index, "pilotage") != "harbour.pdf 2"
    with pytest.raises(UsageError, match="closed"):
        _ = old[0].text
    with pytest.raises(UsageError, match="closed"):
        index.search("ferry")


def test_an_index_keeps_its_own_model(harbour: Path) -> None:
    encoder = FakeEncoder()
    with Index(harbour / "index", encoder=encoder) as index:
        index.add(harbour / "docs")
        assert index.info()["model"] == "fake"
    with Index(harbour / "index", model="pixel") as index, pytest.raises(UsageError, match="fake"):
        index.add(harbour / "docs")


def test_threads_search_while_one_changes_the_index(harbour: Path, make_pdf: Callable[..., Path]) -> None:
    failed: list[Exception] = []
    with Index(harbour / "index") as index:
        index.add(harbour / "docs")
        done = threading.Event()

        def search() -> None:
            try:
                while not done.is_set():
                    assert first(index, "timber") == "forest.pdf 1"
            except Exception as err:  # noqa: BLE001 - told by the assertion below
                failed.append(err)

        threads = [threading.Thread(target=search) for _ in range(2)]
        for thread in threads:
            thread.start()
        for number in range(3):
            make_pdf(harbour / f"docs/new{number}.pdf", [f"ferry {number}"])
            index.update()
        done.set()
        for thread in threads:
            thread.join()
    assert failed == []


def test_strings_are_questions(sample_index: Path) -> None:
    asked = ["revenue chart 2023", Query("q", "invoice total", path="invoice*")]
    with open_index(sample_index) as index:
        found = list(index.search_many(asked, k=2))
        assert [query.query_id for query, _ in found] == ["0", "q"]
        assert found[0][1] == index.search("revenue chart 2023", k=2)
        with pytest.raises(UsageError, match="list of questions"):
            list(index.search_many("revenue"))


def test_a_hit_shows_its_page_and_where_it_matches(sample_index: Path) -> None:
    with Index(sample_index) as index:
        (hit,) = index.search("revenue chart 2023", k=1)
        page, marked = hit.image(), hit.heatmap()
        assert page.size == marked.size
        assert page.width > 1000
        assert page.tobytes() != marked.tobytes()
        ((_, (same,)),) = index.search_many(["revenue chart 2023"], k=1)
        assert same.heatmap().tobytes() == marked.tobytes()
        (similar,) = index.more_like(hit.ref, k=1)
        assert similar.image().width > 500
        with pytest.raises(UsageError, match="no word to mark"):
            similar.heatmap()
    with pytest.raises(UsageError, match="closed"):
        hit.image()


def test_a_page_whose_document_is_gone_is_reported(harbour: Path) -> None:
    with Index(harbour / "index") as index:
        index.add(harbour / "docs")
        (hit,) = index.search("timber", k=1)
        shutil.rmtree(harbour / "docs")
        for show in (hit.image, hit.heatmap):
            with pytest.raises(DocsearchError, match="not where it was indexed"):
                show()


def test_pages_are_listed_by_path_and_number_and_filtered(sample_index: Path) -> None:
    with open_index(sample_index) as index:
        pages = index.pages()
        assert len(pages) == len(index.snapshot)
        assert [(ref.path, ref.page) for ref in pages] == sorted((ref.path, ref.page) for ref in pages)
        assert {ref.path for ref in index.pages(path="invoice*")} == {"invoice-20418.pdf"}
        long = index.pages(where="pages > 3")
        assert 0 < len(long) < len(pages)
        assert list(long[1:3]) == [long[1], long[2]]
        assert repr(index.pages(path="invoice*")).endswith("of 1 documents")


def test_vectors_are_those_that_are_scored(sample_index: Path) -> None:
    with open_index(sample_index) as index:
        ref = index.pages(path="invoice*")[0]
        vectors = index.vectors(ref)
        row = index.snapshot.row(ref)
        (stored,) = index.snapshot.blocks(rows=np.array([row]))
        assert vectors.dtype == np.float16
        assert vectors.shape == (int(index.snapshot.lengths[row]), index.encoder.spec.dim)
        np.testing.assert_array_equal(vectors, codecs.decode(stored.coded).astype(np.float16))
        with pytest.raises(UsageError, match="not in this index"):
            index.vectors(type(ref)(ref.doc_id, ref.path, 99))


def test_hits_and_pages_become_tables(sample_index: Path) -> None:
    pytest.importorskip("pandas")
    with open_index(sample_index) as index:
        hits = index.search("revenue chart 2023", k=3)
        table = hits.to_pandas()
        assert list(table.columns) == ["rank", "score", "path", "page", "doc_id", "also"]
        assert table["page"].tolist() == [hit.ref.page for hit in hits]
        detailed = hits.to_pandas(details=True)
        assert detailed["text"].tolist() == [hit.text for hit in hits]
        assert str(detailed["modified"].dtype).endswith("UTC]")
        assert list(index.search("revenue", path="nothing").to_pandas(details=True).columns) == list(detailed.columns)
        pages = index.pages(path="annual*").to_pandas()
        assert pages["path"].unique().tolist() == ["annual-report-2023.pdf"]
        assert pages["page"].tolist() == list(range(1, len(pages) + 1))
        assert pages["vectors"].tolist() == [len(index.vectors(ref)) for ref in index.pages(path="annual*")]
        assert (pages["pages"] == len(pages)).all()
        assert pages["kind"].unique().tolist() == ["pdf"]
    with open_index([sample_index, str(shutil.copytree(sample_index, sample_index.parent / "copy"))]) as both:
        assert set(both.pages().to_pandas()["index"]) == {str(sample_index), str(sample_index.parent / "copy")}


def test_a_table_without_pandas_says_what_to_install(sample_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pandas", None)
    with open_index(sample_index) as index, pytest.raises(UsageError, match=r"\[pandas\]"):
        index.search("revenue").to_pandas()
