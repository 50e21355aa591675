"""Vectors made elsewhere become an index that answers as the one they came from."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from typer.testing import CliRunner

from docsearch import EncoderMismatch, UsageError, open_index
from docsearch.cli import app
from docsearch.engine.store import open_snapshot
from docsearch.engine.where.documents import DocumentFilter
from docsearch.exchange import folder, importing
from docsearch.indexer import properties

NAMED = {"name": "my-model"}


def rows(count: int = 3, dim: int = 8, **columns: Any) -> dict[str, Any]:
    generator = np.random.default_rng(1)
    return {
        "path": ["a.pdf"] * count,
        "page": list(range(1, count + 1)),
        "vectors": [generator.standard_normal((4, dim)).astype(np.float32).tolist() for _ in range(count)],
        **columns,
    }


@pytest.fixture
def write(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    def make(columns: dict[str, Any], name: str = "vectors.parquet") -> Path:
        parquet.write_table(pa.table(columns), tmp_path / name)
        return tmp_path / name

    return make


def test_an_export_comes_back_with_the_same_answers(sample_index: Path, tmp_path: Path) -> None:
    with open_snapshot(sample_index) as snapshot:
        folder.export(snapshot, tmp_path / "pages", file_format="parquet")
        pages = len(snapshot)
    done = CliRunner().invoke(app, ["import", str(tmp_path / "pages"), "--index", str(tmp_path / "copy"), "--quiet"])
    assert done.exit_code == 0, done.output
    with open_index(sample_index) as index, open_index(tmp_path / "copy") as copy:
        assert len(copy.snapshot) == pages
        for question in ("revenue chart 2023", "invoice total", "Kündigungsfrist"):
            ours, theirs = index.search(question, k=5), copy.search(question, k=5)
            assert [(hit.ref.path, hit.ref.page) for hit in theirs] == [(hit.ref.path, hit.ref.page) for hit in ours]
            np.testing.assert_allclose([hit.score for hit in theirs], [hit.score for hit in ours], atol=5e-3)


def test_what_read_a_text_by_ocr_is_exported_and_imported(write: Callable[..., Path], tmp_path: Path) -> None:
    engines = ["Tesseract 5.3.0, eng", "", None]
    file = write(rows(3, text=["net income", "gross income", ""], ocr_engine=engines))
    importing.run(file, tmp_path / "copy", fingerprint=NAMED)
    with open_snapshot(tmp_path / "copy") as snapshot:
        assert snapshot.ocr_engines(range(3)) == ["Tesseract 5.3.0, eng", "", ""]
        assert snapshot.verify() == []
        assert DocumentFilter(snapshot).paths(None, "ocr_engine like 'Tesseract%'") == frozenset({"a.pdf"})
        folder.export(snapshot, tmp_path / "pages", file_format="parquet")
    assert parquet.read_table(tmp_path / "pages").column("ocr_engine").to_pylist() == ["Tesseract 5.3.0, eng", "", ""]


def test_text_layers_imported_instead_of_ocr_leave_no_engine_behind(write: Callable[..., Path], tmp_path: Path) -> None:
    for engines, found in ((["Tesseract 5.3.0, eng", "RapidOCR 3.1.0"], frozenset({"a.pdf"})), (["", ""], frozenset())):
        file = write(rows(2, text=["net income", ""], ocr_engine=engines))
        importing.run(file, tmp_path / "copy", fingerprint=NAMED, columns=properties.columns)
        with open_snapshot(tmp_path / "copy") as snapshot:
            assert DocumentFilter(snapshot).paths(None, "ocr_engine like 'Tesseract%'") == found
            assert DocumentFilter(snapshot).paths(None, "ocr_engine is null") == {"a.pdf"} - found


def test_imported_documents_have_the_columns_that_path_and_text_tell(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    file = write(
        rows(
            3,
            text=[
                "the notice period is in the contract of the tenant and this is what they have to do for us with that",
                "",
                "",
            ],
        )
    )
    done = CliRunner().invoke(app, ["import", str(file), "--index", str(tmp_path / "other"), "--model", "pixel"])
    assert "vectors of 8 dimensions, but pixel makes vectors of 128" in str(done.exception)
    assert not (tmp_path / "other").exists()
    done = CliRunner().invoke(app, ["import", str(file), "--index", str(tmp_path / "copy"), "--name", "mine"])
    assert done.exit_code == 0, done.output
    with open_snapshot(tmp_path / "copy") as snapshot:
        wanted = DocumentFilter(snapshot).paths(None, "kind = 'pdf' and has_text and language = 'en'")
    assert wanted == {"a.pdf"}


def test_a_second_import_adds_nothing_and_a_killed_one_goes_on(write: Callable[..., Path], tmp_path: Path) -> None:
    file = write(rows(70))

    def stop(done: int, total: int) -> None:
        if done > 32:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        importing.run(file, tmp_path / "index", fingerprint=NAMED, on_progress=stop)
    first = importing.run(file, tmp_path / "index", fingerprint=NAMED)
    assert first.pages + first.pages_before == 70
    again = importing.run(file, tmp_path / "index", fingerprint=NAMED)
    assert (again.documents, again.pages, again.pages_before) == (1, 0, 70)
    with open_snapshot(tmp_path / "index") as snapshot:
        assert len(snapshot) == 70
        assert snapshot.documents()["a.pdf"].state == "done"


def test_pages_between_others_that_are_missing_are_said(write: Callable[..., Path], tmp_path: Path) -> None:
    importing.run(write(rows(3, page=[1, 2, 5])), tmp_path / "index", fingerprint=NAMED)
    with open_snapshot(tmp_path / "index") as snapshot:
        assert [failure.page for failure in snapshot.failures()] == [3, 4]


def test_text_boxes_sizes_and_dense_vectors_are_taken(write: Callable[..., Path], tmp_path: Path) -> None:
    boxes = [[[0, 0, 10, 10]] * 4] * 3
    more = {"text": ["one", None, "three"], "width": [100.0] * 3, "boxes": boxes, "single": [[1.0, 2.0]] * 3}
    importing.run(write(rows(3, **more)), tmp_path / "index", fingerprint=NAMED)
    with open_snapshot(tmp_path / "index") as snapshot:
        assert [snapshot.text(row) for row in range(3)] == ["one", "", "three"]
        assert snapshot.sizes([0]).tolist() == [[100.0, 792.0]]
        assert snapshot.boxes(1).tolist() == boxes[1]
        assert snapshot.dense_vectors([2]).tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (rows(2, path=["a", ""]), "row 2: path '' and page 2 are not a page of a document"),
        (rows(2, page=[1, 0]), "row 2: path 'a.pdf' and page 0 are not a page of a document"),
        (rows(2, page=[1, 1]), "row 2: page 1 of a.pdf is there twice"),
        (rows(2, vectors=[[[1.0, 2.0]], []]), "row 2: has no vectors"),
        (rows(2, vectors=[[[1.0, 2.0]], [[float("nan"), 1.0]]]), "row 2: a vector has numbers that are not finite"),
        (
            rows(2, vectors=[[[1.0, 2.0]], [[1e9, 1.0]]]),
            "row 2: a vector has .* too large",
        ),
        (rows(2, vectors=[[[1.0, 2.0], [1.0]], [[1.0, 1.0]]]), "row 1: vectors must be a list of lists"),
        (rows(2, vectors=["x", "y"]), "vectors must be a list of lists"),
        (rows(2, boxes=[[[0, 0, 1, 1]] * 3] * 2), "row 1: 4 vectors came with boxes of shape"),
        (rows(2, words=[[1, 2], [1]]), "row 1: 4 vectors came with 2 words"),
        ({"path": ["a"], "page": [1]}, "has no column vectors; it has path, page"),
        (rows(2, vectors=[[[1.0] * 8], [[1.0] * 4]]), "vectors of different dimensions"),
    ],
)
def test_a_malformed_file_is_an_error_and_leaves_no_page(
    columns: dict[str, Any], message: str, write: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message), np.errstate(over="ignore"):
        importing.run(write(columns), tmp_path / "index", fingerprint=NAMED)
    if (tmp_path / "index").exists():
        with open_snapshot(tmp_path / "index") as snapshot:
            assert len(snapshot) == 0


def test_what_made_the_vectors_has_to_be_said_and_to_agree(write: Callable[..., Path], tmp_path: Path) -> None:
    file = write(rows(2))
    with pytest.raises(UsageError, match="name it with --model or --name"):
        importing.run(file, tmp_path / "index")
    importing.run(file, tmp_path / "index", fingerprint=NAMED)
    with pytest.raises(EncoderMismatch):
        importing.run(
            write(rows(2, path=["b.pdf"] * 2), "b.parquet"), tmp_path / "index", fingerprint={"name": "other"}
        )


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all"])
def test_a_file_that_is_not_parquet_is_an_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(UsageError, match="cannot be read as Parquet"):
        importing.run(tmp_path / "x.parquet", tmp_path / "index", fingerprint=NAMED)
    with pytest.raises(UsageError, match="no Parquet file there"):
        importing.run(tmp_path / "nothing", tmp_path / "index", fingerprint=NAMED)


def test_an_export_that_comes_back_into_its_index_keeps_the_columns(sample_index: Path, tmp_path: Path) -> None:
    shutil.copytree(sample_index, tmp_path / "own")
    with open_snapshot(sample_index) as snapshot:
        folder.export(snapshot, tmp_path / "pages", file_format="parquet")
        ids = [row.id for row in snapshot.documents().values()]
        before = snapshot.columns.of(ids)
    done = CliRunner().invoke(app, ["import", str(tmp_path / "pages"), "--index", str(tmp_path / "own"), "--quiet"])
    assert done.exit_code == 0, done.output
    with open_snapshot(tmp_path / "own") as snapshot:
        after = snapshot.columns.of(ids)
    of_the_file = ("modified", "size")  # an export has no files
    plain = [
        {
            doc_id: {name: value for name, value in its.items() if name not in of_the_file}
            for doc_id, its in each.items()
        }
        for each in (before, after)
    ]
    assert plain[1] == plain[0]
    assert any("title" in its for its in plain[0].values())
