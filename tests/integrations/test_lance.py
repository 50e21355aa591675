"""A Lance dataset has the pages of the index, finds the same by MaxSim, and a killed export goes on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lance", reason="needs the extra lance")

import lance
from typer.testing import CliRunner

from docsearch import UsageError, open_index
from docsearch.cli import app
from docsearch.engine.page_maxima import token_maxima
from docsearch.engine.store import open_snapshot
from docsearch.exchange import lance as lance_export
from docsearch.exchange import pages

TOP = 10


@pytest.fixture(scope="module")
def dataset(sample_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lance") / "pages.lance"
    done = CliRunner().invoke(app, ["export", str(folder), "--index", str(sample_index), "--format", "lance", "--json"])
    assert done.exit_code == 0, done.output
    with open_snapshot(sample_index) as snapshot:
        assert json.loads(done.stdout)["pages"] == len(snapshot)
    return folder


def test_the_first_ten_are_the_same_for_every_sample_question(
    dataset: Path, sample_index: Path, sample_docs: Path
) -> None:
    opened = lance.dataset(str(dataset))
    questions = [json.loads(line)["query"] for line in (sample_docs / "queries.jsonl").read_text("utf-8").splitlines()]
    with open_index(sample_index) as index:
        rows = np.arange(len(index.snapshot))
        ids = [f"{ref.doc_id}-{ref.page}" for ref in index.snapshot.refs(rows)]
        for question in questions:
            vectors = index.encode(question).vectors
            ours = token_maxima(index.snapshot, vectors, rows).astype(np.float64).sum(axis=1)
            nearest = {"column": "vectors", "q": vectors, "k": TOP, "metric": "dot"}
            found = opened.to_table(columns=["id", "_distance"], nearest=nearest)["id"].to_pylist()
            best = np.sort(ours)[::-1][:TOP]
            np.testing.assert_allclose(ours[[ids.index(each) for each in found]], best, atol=5e-3)


def test_rows_are_those_of_the_index(dataset: Path, sample_index: Path) -> None:
    table = lance.dataset(str(dataset)).to_table(columns=["path", "page", "text"])
    with open_snapshot(sample_index) as snapshot:
        refs = snapshot.refs(range(len(snapshot)))
        assert table["path"].to_pylist() == [ref.path for ref in refs]
        assert table["page"].to_pylist() == [ref.page for ref in refs]
        assert table["text"].to_pylist() == [snapshot.text(row) for row in range(len(snapshot))]


def test_a_killed_export_goes_on(sample_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PART_PAGES", 10)
    seen: list[int] = []

    def stop_after_two(done: int, total: int) -> None:
        seen.append(done)
        if len(seen) == 2:
            raise KeyboardInterrupt

    folder = tmp_path / "pages.lance"
    with open_snapshot(sample_index) as snapshot:
        with pytest.raises(KeyboardInterrupt):
            lance_export.export(snapshot, folder, on_progress=stop_after_two)
        assert lance.dataset(str(folder)).count_rows() == seen[1]
        again = lance_export.export(snapshot, folder)
        assert (again.pages, again.pages_before) == (len(snapshot), seen[1])
        ids = lance.dataset(str(folder)).to_table(columns=["id"])["id"].to_pylist()
        assert len(set(ids)) == len(ids) == len(snapshot)
        assert lance_export.export(snapshot, folder).pages_before == len(snapshot)


def test_something_else_in_the_folder_is_left_alone(dataset: Path, sample_index: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with open_snapshot(sample_index) as snapshot:
        with pytest.raises(UsageError, match="is not empty and no Lance dataset"):
            lance_export.export(snapshot, tmp_path)
        with pytest.raises(UsageError, match="a dataset of another index, of another state"):
            lance_export.export(snapshot, dataset, vectors="none")
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]
