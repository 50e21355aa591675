"""Pictures of a collection become pages under names of their own, a few at a time, and a killed run continues."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from docsearch.engine.errors import UsageError
from docsearch.engine.searcher import open_searcher
from docsearch.engine.store import open_snapshot
from docsearch.indexer.pictures import Picture, index_pictures
from docsearch.indexer.report import IndexReport, Interrupted, Progress
from fake_encoder import FakeEncoder
from published_layouts import picture


def pictures(*shown: str) -> list[Picture]:
    """A picture for each word, called 0, 1, …"""
    return [Picture(str(number), picture(each), f"text of {each}") for number, each in enumerate(shown)]


def run(directory: Path, given: list[Picture], **options: object) -> IndexReport:
    options = {"encoder": FakeEncoder(), "names": [each.name for each in given], **options}
    return index_pictures(given, directory, **options)  # type: ignore[arg-type]


def texts(directory: Path) -> dict[str, str]:
    with open_snapshot(directory) as snapshot:
        assert snapshot.verify() == []
        rows = range(len(snapshot))
        return {ref.path: snapshot.text(row) for row, ref in zip(rows, snapshot.refs(rows), strict=True)}


def test_identical_pictures_keep_their_names(tmp_path: Path) -> None:
    report = run(tmp_path / "index", pictures("alpha", "beta", "alpha"))
    assert (report.documents, report.pages, report.failed) == (3, 3, ())
    assert texts(tmp_path / "index") == {"0": "text of alpha", "1": "text of beta", "2": "text of alpha"}
    with open_searcher(tmp_path / "index", encoder=FakeEncoder()) as searcher:
        hits = searcher.search("anything", k=10)
    assert sorted(hit.ref.path for hit in hits) == ["0", "1", "2"]
    assert all(hit.also == () for hit in hits)


def test_a_second_run_reads_pictures_and_embeds_nothing(tmp_path: Path) -> None:
    run(tmp_path / "index", pictures("alpha", "beta"))
    encoder = FakeEncoder()
    report = run(tmp_path / "index", pictures("alpha", "beta"), encoder=encoder)
    assert (report.skipped, report.pages, encoder.pages) == (2, 0, 0)


def test_a_picture_with_other_content_is_replaced(tmp_path: Path) -> None:
    run(tmp_path / "index", pictures("alpha", "beta"))
    report = run(tmp_path / "index", pictures("alpha", "gamma"))
    assert (report.skipped, report.pages) == (1, 1)
    assert texts(tmp_path / "index")["1"] == "text of gamma"


def test_an_interrupted_run_continues_where_it_stopped(tmp_path: Path) -> None:
    given = pictures(*(f"page {number}" for number in range(40)))

    def stop(progress: Progress) -> None:
        if progress.pages >= 16:
            raise Interrupted

    with pytest.raises(Interrupted):
        run(tmp_path / "index", given, on_progress=stop)
    stored = len(texts(tmp_path / "index"))
    assert 16 <= stored < 40
    encoder = FakeEncoder()
    report = run(tmp_path / "index", given, encoder=encoder)
    assert encoder.pages == 40 - stored
    assert len(texts(tmp_path / "index")) == 40
    assert report.failed == ()


def test_a_broken_picture_fails_alone(tmp_path: Path) -> None:
    given = [Picture("a", picture("alpha")), Picture("b", b"no picture"), Picture("c", picture("gamma"))]
    report = run(tmp_path / "index", given)
    assert [(each.path, each.page) for each in report.failed] == [("b", None)]
    assert sorted(texts(tmp_path / "index")) == ["a", "c"]


def test_an_index_of_other_documents_is_refused_before_anything_is_embedded(tmp_path: Path) -> None:
    run(tmp_path / "index", pictures("alpha"))
    encoder = FakeEncoder()
    with pytest.raises(UsageError, match="has 1 documents that are not of this collection, '0' among them"):
        run(tmp_path / "index", [Picture("other", picture("beta"))], encoder=encoder)
    assert encoder.pages == 0


def test_only_a_few_pictures_are_on_disk_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    waiting = []

    def given() -> Iterator[Picture]:
        for number in range(60):
            waiting.append(len(list(tmp_path.glob("docsearch-pictures-*/*"))))
            yield Picture(str(number), picture(f"page {number}"))

    names = [str(number) for number in range(60)]
    index_pictures(given(), tmp_path / "index", names=names, encoder=FakeEncoder())
    assert max(waiting) <= 40
    assert not list(tmp_path.glob("docsearch-pictures-*"))


def test_progress_counts_pictures(tmp_path: Path) -> None:
    seen: list[Progress] = []
    run(tmp_path / "index", pictures("alpha", "beta", "gamma"), on_progress=seen.append)
    assert (seen[-1].documents, seen[-1].documents_total, seen[-1].bytes_total, seen[-1].pages) == (3, 3, 3, 3)
