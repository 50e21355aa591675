"""Hostile files through a complete run of `index`: each ends in the index or in its list of failures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docsearch.engine.store import open_snapshot
from docsearch.indexer import pipeline
from fake_encoder import FakeEncoder


@pytest.mark.slow
def test_every_hostile_file_is_in_the_index_or_has_failed_for_a_reason(corpora: Path, tmp_path: Path) -> None:
    robust = corpora / "robust"
    rows = [json.loads(line) for line in (robust / "manifest.jsonl").read_text("utf-8").splitlines()]
    files = [row["file"] for row in rows]
    # A folder is searched by file name suffix; files with other suffixes have to be given by path.
    named = [file for file in files if not file.lower().endswith(".pdf")]
    passwords = dict.fromkeys(row["known_password"] for row in rows if row["known_password"] is not None)
    report = pipeline.index_documents(
        [robust, *(robust / file for file in named)], tmp_path / "index", passwords=[*passwords], encoder=FakeEncoder()
    )
    with open_snapshot(tmp_path / "index") as snapshot:
        assert snapshot.verify() == []
        failures = snapshot.failures()
        paths = set(snapshot.documents())
        found = set(snapshot.paths().tolist()) | {failure.path for failure in failures}
    wanted = {file.rsplit("/", 1)[-1] if file in named else file for file in files}
    assert len(wanted) == len(files)
    assert paths >= wanted
    assert found >= wanted
    assert all(failure.reason for failure in failures)
    assert set(report.failed) == set(failures)
