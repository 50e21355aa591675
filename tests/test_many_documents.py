"""The index of very many documents that a benchmark writes is valid, and its files count as unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest

from docsearch.engine.searcher import open_searcher
from docsearch.engine.store import open_snapshot
from docsearch.indexer import pipeline, source_folders

pytest.importorskip("benchmarks.registry", reason="run from the repository's root, with 'python -m pytest'")

from benchmarks import many_documents

DOCUMENTS = 130


def test_documents_are_indexed_searched_and_unchanged(sample_index: Path, tmp_path: Path) -> None:
    files, index = tmp_path / "files", tmp_path / "index"
    many_documents.write(index, files, sample_index, documents=DOCUMENTS)
    with open_snapshot(index) as snapshot:
        assert snapshot.verify() == []
        assert (len(snapshot), len(snapshot.documents())) == (DOCUMENTS, DOCUMENTS)
        assert set(snapshot.lengths.tolist()) == {many_documents.PATCHES}
        assert snapshot.copies is None
    assert source_folders.locate(many_documents.name(101), source_folders.recorded(index)).is_file()
    report = pipeline.index_documents([files], index)
    assert (report.documents, report.skipped, report.vanished) == (0, DOCUMENTS, 0)
    folder = many_documents.name(101).split("/")[0]
    with open_searcher(index) as searcher:
        hits = searcher.more_like(searcher.snapshot.refs([101])[0], path=f"{folder}/*", k=DOCUMENTS)
    assert hits
    assert {hit.ref.path.split("/")[0] for hit in hits} == {folder}
