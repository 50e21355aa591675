"""Several indexes searched as one: the answers are those of one index of all their documents."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from docsearch import open_index
from docsearch.engine.errors import EncoderMismatch, UsageError
from docsearch.engine.hits import Hits
from docsearch.engine.records import PageRef
from docsearch.engine.retrieval import first_stage
from docsearch.engine.searcher import Searcher, open_searcher
from docsearch.engine.store import open_combined
from docsearch.indexer import pipeline
from fake_encoder import FakeEncoder

TOLERANCE = 1e-6
"""Rows are in another order, so sums over them are rounded in another way."""
QUESTIONS = (
    "revenue chart 2023",
    "invoice total",
    "notice period",
    "Stromrechnung",
    '"net sales" -europe',
    "quarterly revnue",
    "meeting minutes action items",
    "quick ratio",
)

MakePdf = Callable[..., Path]


@pytest.fixture(scope="module")
def halves(sample_docs: Path, sample_index: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """The index of the sample documents, and two of a half of them each."""
    folder = tmp_path_factory.mktemp("halves")
    with open_index(sample_index) as index:
        paths = sorted(index.snapshot.documents())
    made = []
    for number in range(2):
        files = [str(sample_docs / path) for path in paths[number::2]]
        made.append(folder / f"{number}.index")
        command = [sys.executable, "-m", "docsearch", "index", *files, "--index", str(made[-1]), "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
    return sample_index, made


@pytest.fixture(scope="module")
def searchers(halves: tuple[Path, list[Path]]) -> Iterator[tuple[Searcher, Searcher]]:
    """The searcher of the whole, and that of its halves."""
    whole, parts = halves
    with open_index(whole) as one, open_index(parts) as several:
        yield one, several


def pages(hits: Hits) -> list[tuple[str, int]]:
    return [(Path(hit.ref.path).name, hit.ref.page) for hit in hits]


def scores(hits: Hits) -> dict[tuple[str, int], float]:
    return {(Path(hit.ref.path).name, hit.ref.page): hit.score for hit in hits}


@pytest.mark.parametrize("mode", ["hybrid", "visual", "text"])
def test_scores_are_those_of_one_index_of_all_documents(searchers: tuple[Searcher, Searcher], mode: str) -> None:
    one, several = searchers
    for question in QUESTIONS:
        expected, found = (each.search(question, k=60, mode=mode) for each in (one, several))
        assert scores(found) == {page: pytest.approx(score, abs=TOLERANCE) for page, score in scores(expected).items()}
        assert found.corrections == expected.corrections
        if expected.confidence is not None:
            assert found.confidence == pytest.approx(expected.confidence, abs=1e-4)


def test_two_stages_and_like_and_heat_maps_see_all_indexes(
    halves: tuple[Path, list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_stage, "EXACT_VECTORS", 0)
    with open_index(halves[0]) as one, open_index(halves[1]) as several:
        for question in QUESTIONS[:4]:
            expected, found = (each.search(question, k=5, candidates=60) for each in (one, several))
            assert pages(found)[0] == pages(expected)[0]
            assert found[0].score == pytest.approx(expected[0].score, abs=TOLERANCE)
        best = found[0].ref
        assert several.more_like(best, k=3)
        assert several.text(best) == several.snapshot.text(several.snapshot.row(best))
        assert several.word_marks("notice period", best)


def test_derived_files_are_those_of_each_index(halves: tuple[Path, list[Path]]) -> None:
    """Searching several as one builds nothing that searching each does not use, and deletes nothing of it."""
    for index in halves[1]:
        with open_index(index) as each:
            each.prepare()
            each.search("revenue")
    before = {file: file.stat().st_mtime_ns for index in halves[1] for file in index.rglob("cache/*/*")}
    assert before
    with open_index(halves[1]) as several:
        several.prepare()
        several.search("revenue")
    assert {file: file.stat().st_mtime_ns for index in halves[1] for file in index.rglob("cache/*/*")} == before


def test_hits_say_which_index_they_are_of(
    searchers: tuple[Searcher, Searcher], halves: tuple[Path, list[Path]]
) -> None:
    one, several = searchers
    found = several.search("revenue chart 2023", k=60)
    assert {hit.ref.index for hit in found} == {str(index) for index in halves[1]}
    assert all(hit.as_dict()["index"] == hit.ref.index for hit in found)
    assert "index" not in one.search("revenue")[0].as_dict()
    refs = several.snapshot.refs(np.arange(len(several.snapshot)))
    assert [several.snapshot.row(ref) for ref in refs] == list(range(len(refs)))
    with pytest.raises(UsageError, match="none of the indexes"):
        several.snapshot.row(PageRef("x", "y", 1))


def index(folder: Path, docs: Path) -> Path:
    pipeline.index_documents([docs], folder, encoder=FakeEncoder())
    return folder


def test_ties_are_in_the_order_of_paths_and_then_of_indexes(tmp_path: Path, make_pdf: MakePdf) -> None:
    for name in ("one", "two"):
        make_pdf(tmp_path / name / "b.pdf", ["same"])
        make_pdf(tmp_path / name / "a.pdf", ["same"])
        (tmp_path / name / "a.pdf").write_bytes((tmp_path / name / "a.pdf").read_bytes() + name.encode())
        (tmp_path / name / "b.pdf").write_bytes((tmp_path / name / "b.pdf").read_bytes() + name.encode() * 2)
    indexes = {name: index(tmp_path / f"{name}.index", tmp_path / name) for name in ("two", "one")}
    with open_searcher(indexes, encoder=FakeEncoder()) as searcher:
        found = [(hit.ref.path, hit.ref.index) for hit in searcher.search("question")]
    assert found == [("a.pdf", "two"), ("a.pdf", "one"), ("b.pdf", "two"), ("b.pdf", "one")]


def test_copies_in_two_indexes_are_one_hit(tmp_path: Path, make_pdf: MakePdf) -> None:
    original = make_pdf(tmp_path / "one/a.pdf", ["page"])
    (tmp_path / "two").mkdir()
    (tmp_path / "two/b.pdf").write_bytes(original.read_bytes())
    indexes = {name: index(tmp_path / f"{name}.index", tmp_path / name) for name in ("one", "two")}
    with open_searcher(indexes, encoder=FakeEncoder()) as searcher:
        (hit,) = searcher.search("question")
        assert (hit.ref.path, hit.ref.index, hit.also) == ("a.pdf", "one", ("two: b.pdf",))
        assert len(searcher.search("question", all_copies=True)) == 2
        assert len(searcher.search("question", path="b.pdf")) == 1


def test_an_empty_index_among_them_adds_nothing(tmp_path: Path, make_pdf: MakePdf) -> None:
    make_pdf(tmp_path / "one/a.pdf", ["page"])
    make_pdf(tmp_path / "two/b.pdf", ["another"])
    indexes = {name: index(tmp_path / f"{name}.index", tmp_path / name) for name in ("one", "two")}
    (tmp_path / "two/b.pdf").unlink()
    make_pdf(tmp_path / "two/c/d.pdf", ["another"])
    pipeline.index_documents([tmp_path / "two/c"], indexes["two"], encoder=FakeEncoder(), prune=True)
    with open_searcher(indexes, encoder=FakeEncoder()) as searcher:
        assert [hit.ref.path for hit in searcher.search("question")] == ["a.pdf", "d.pdf"]


def test_indexes_of_different_models_are_refused(tmp_path: Path, make_pdf: MakePdf) -> None:
    make_pdf(tmp_path / "docs/a.pdf", ["page"])
    indexes = {name: tmp_path / name for name in ("one", "two")}
    pipeline.index_documents([tmp_path / "docs"], indexes["one"], encoder=FakeEncoder())
    pipeline.index_documents([tmp_path / "docs"], indexes["two"], encoder=FakeEncoder(), pool=2)
    with pytest.raises(EncoderMismatch, match="two: made with another model, or other settings, than one"):
        open_combined(indexes)


def test_a_closed_search_closes_all(tmp_path: Path, make_pdf: MakePdf) -> None:
    make_pdf(tmp_path / "docs/a.pdf", ["page"])
    indexes = {name: index(tmp_path / name, tmp_path / "docs") for name in ("one", "two")}
    searcher = open_searcher(indexes, encoder=FakeEncoder())
    searcher.close()
    searcher.close()
    with pytest.raises(UsageError, match="closed"):
        searcher.search("question")
