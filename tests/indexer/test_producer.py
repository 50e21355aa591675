"""A document that another program would lay out is laid out again; one with pages of its own is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("pymupdf", reason="lays out text")

from docsearch.engine.store import open_snapshot
from docsearch.indexer import pipeline
from docsearch.indexer.plan import plan
from docsearch.indexer.render import producer
from fake_encoder import FakeEncoder


@pytest.fixture
def folder(tmp_path: Path, make_pdf: Callable[..., Path]) -> Path:
    make_pdf(tmp_path / "docs/a.pdf", ["a"])
    (tmp_path / "docs/b.txt").write_text("turbine\n" * 100)
    return tmp_path / "docs"


def pages(directory: Path) -> dict[str, list[int]]:
    with open_snapshot(directory) as snapshot:
        found: dict[str, list[int]] = {}
        for ref in snapshot.refs(range(len(snapshot))):
            found.setdefault(ref.path, []).append(ref.page)
        return found


def test_a_new_version_of_the_program_lays_a_document_out_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "index"
    pipeline.index_documents([folder], index, encoder=FakeEncoder())
    with open_snapshot(index) as snapshot:
        before, ids = snapshot.producers(), {path: row.id for path, row in snapshot.documents().items()}
    assert list(before) == ["b.txt"]
    assert before["b.txt"].startswith("MuPDF ")
    assert pipeline.index_documents([folder], index, encoder=FakeEncoder()).skipped == 2

    monkeypatch.setattr(producer, "_package", lambda name, distribution: f"{name} 99")
    assert [(each.path, each.why) for each in plan([folder], index).to_read] == [("b.txt", "compare")]
    kept = pages(index)
    report = pipeline.index_documents([folder], index, encoder=FakeEncoder())
    assert (report.documents, report.pages, report.skipped) == (1, len(kept["b.txt"]), 1)
    assert pages(index) == kept
    with open_snapshot(index) as snapshot:
        assert snapshot.producers() == {"b.txt": "MuPDF 99"}
        assert {path: row.id for path, row in snapshot.documents().items()} == ids
    assert pipeline.index_documents([folder], index, encoder=FakeEncoder()).skipped == 2


def test_a_layout_that_ends_early_begins_again(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = tmp_path / "index"
    pipeline.index_documents([folder], index, encoder=FakeEncoder())
    monkeypatch.setattr(producer, "_package", lambda name, distribution: f"{name} 99")

    def interrupt(progress: pipeline.Progress) -> None:
        raise pipeline.Interrupted

    kept = pages(index)
    with pytest.raises(pipeline.Interrupted):
        pipeline.index_documents([folder], index, encoder=FakeEncoder(), on_progress=interrupt)
    assert pages(index) == kept
    assert pipeline.index_documents([folder], index, encoder=FakeEncoder()).documents == 1
    assert pages(index) == kept
