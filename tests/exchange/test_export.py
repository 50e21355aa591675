"""Exports hold what the index holds, in parts that a killed run continues."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest
from PIL import Image
from typer.testing import CliRunner

from docsearch import UsageError, open_index
from docsearch.cli import app
from docsearch.engine.compression import codecs
from docsearch.engine.compression.codecs import Coded
from docsearch.engine.store import Snapshot, open_snapshot
from docsearch.exchange import arrow, folder, pages


@pytest.fixture
def few_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of ten pages."""
    monkeypatch.setattr(pages, "PART_PAGES", 10)


def vectors_of(snapshot: Snapshot) -> np.ndarray:
    return np.concatenate([codecs.decode(block.coded).astype(np.float16) for block in snapshot.blocks()])


def test_parquet_has_every_page_as_the_index_has_it(sample_index: Path, tmp_path: Path, few_pages: None) -> None:
    with open_snapshot(sample_index) as snapshot:
        done = folder.export(snapshot, tmp_path, file_format="parquet")
        assert (done.pages, done.pages_before) == (len(snapshot), 0)
        table = parquet.read_table(tmp_path)
        rows = range(len(snapshot))
        refs = snapshot.refs(rows)
        assert table["id"].to_pylist() == [f"{ref.doc_id}-{ref.page}" for ref in refs]
        assert table["path"].to_pylist() == [ref.path for ref in refs]
        assert table["page"].to_pylist() == [ref.page for ref in refs]
        assert table["text"].to_pylist() == [snapshot.text(row) for row in rows]
        np.testing.assert_array_equal(np.stack([table["width"], table["height"]], 1), snapshot.sizes(rows))
        flat = table["vectors"].combine_chunks().flatten()
        np.testing.assert_array_equal(flat.flatten().to_numpy().reshape(len(flat), -1), vectors_of(snapshot))
        assert [len(each) for each in table["vectors"].to_pylist()] == snapshot.lengths.tolist()
        boxes = np.concatenate([snapshot.boxes(row) for row in rows])
        np.testing.assert_array_equal(table["boxes"].combine_chunks().flatten().flatten().to_numpy(), boxes.ravel())
        np.testing.assert_array_equal(table["words"].combine_chunks().flatten(), snapshot.words().values)
    assert len(list(tmp_path.glob("part-*.parquet"))) > 2
    manifest = json.loads((tmp_path / folder.MANIFEST).read_text())
    assert manifest["complete"]
    assert manifest["model"]["name"] == "pixel"


def test_stored_codes_decode_to_the_vectors(sample_index: Path, tmp_path: Path) -> None:
    with open_snapshot(sample_index) as snapshot:
        folder.export(snapshot, tmp_path, file_format="npz", vectors="stored", path="invoice*")
        with np.load(tmp_path / "part-00000.npz", allow_pickle=False) as part:
            description = json.loads(str(part["description"]))
            coded = Coded(description["codec"], part["codes"], part["scales"], description["dim"])
            decoded = codecs.decode(coded)
            row = snapshot.paths().tolist().index(part["path"][0])
            (block,) = snapshot.blocks(rows=np.array([row]))
            np.testing.assert_array_equal(decoded[: part["offsets"][1]], codecs.decode(block.coded))
            first = bytes(part["text"][: part["text_offsets"][1]]).decode()
            assert first == snapshot.text(row)
            assert set(part["path"]) == {path for path in snapshot.paths() if str(path).startswith("invoice")}


def test_without_vectors_there_are_ids_and_texts(sample_index: Path, tmp_path: Path) -> None:
    with open_snapshot(sample_index) as snapshot:
        folder.export(snapshot, tmp_path, file_format="parquet", vectors="none")
    names = parquet.read_schema(tmp_path / "part-00000.parquet").names
    assert names == ["id", "doc_id", "path", "page", "width", "height", "text", "headings", "ocr_engine"]


def test_a_killed_export_goes_on(
    sample_index: Path, tmp_path: Path, few_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_snapshot(sample_index) as snapshot:
        whole = folder.export(snapshot, tmp_path / "whole", file_format="parquet")
        seen: list[int] = []

        def stop_after_two(done: int, total: int) -> None:
            seen.append(done)
            if len(seen) == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            folder.export(snapshot, tmp_path / "killed", file_format="parquet", on_progress=stop_after_two)
        assert not json.loads((tmp_path / "killed" / folder.MANIFEST).read_text())["complete"]
        again = folder.export(snapshot, tmp_path / "killed", file_format="parquet")
    assert (again.pages, again.pages_before) == (whole.pages, seen[1])
    for file in (tmp_path / "whole").iterdir():
        assert (tmp_path / "killed" / file.name).read_bytes() == file.read_bytes()


def test_a_folder_with_something_else_is_left_alone(sample_index: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with open_snapshot(sample_index) as snapshot:
        with pytest.raises(UsageError, match=r"is not empty and has no _manifest\.json"):
            folder.export(snapshot, tmp_path, file_format="npz")
        folder.export(snapshot, tmp_path / "a", file_format="npz", vectors="none")
        with pytest.raises(UsageError, match="has an export of another index, of another state"):
            folder.export(snapshot, tmp_path / "a", file_format="npz", vectors="none", path="invoice*")
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["notes.txt"]


def test_maxsim_of_the_export_is_that_of_the_index(sample_index: Path, tmp_path: Path) -> None:
    with open_index(sample_index) as index:
        folder.export(index.snapshot, tmp_path, file_format="parquet")
        table = parquet.read_table(tmp_path)
        query = index.encode("revenue chart 2023")
        from docsearch.engine.page_maxima import token_maxima

        ours = token_maxima(index.snapshot, query.vectors, np.arange(len(index.snapshot)))
        flat = table["vectors"].combine_chunks()
        values = flat.flatten().flatten().to_numpy().astype(np.float32).reshape(-1, index.snapshot.info()["dim"])
        offsets = flat.offsets.to_numpy()
        theirs = np.maximum.reduceat(values @ query.vectors.T, offsets[:-1], axis=0)
    np.testing.assert_allclose(ours, theirs, atol=2e-3)


def test_the_command_writes_thumbnails(sample_index: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app,
        ["export", str(tmp_path), "--index", str(sample_index), "--vectors", "none", "--path", "invoice*",
         "--thumbnails", "120", "--json"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    table = parquet.read_table(tmp_path)
    assert json.loads(done.stdout)["pages"] == len(table)
    with Image.open(io.BytesIO(table["thumbnail"][0].as_py())) as picture:
        assert (picture.format, picture.width) == ("JPEG", 120)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["http://localhost:6333"], "with --format qdrant only"),
        (["pages", "--collection", "reports"], "--collection is for --format qdrant only"),
        (["file.txt"], "a file, but an export is a folder"),
    ],
)
def test_what_an_export_to_a_folder_has_no_use_for_is_refused(
    sample_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.txt").write_text("mine")
    done = CliRunner().invoke(app, ["export", *arguments, "--index", str(sample_index)])
    assert isinstance(done.exception, UsageError)
    assert says in str(done.exception)
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]


def test_rows_are_taken_without_a_copy() -> None:
    values = np.arange(12, dtype=np.float16).reshape(6, 2)
    assert arrow.rows_of(values).flatten().buffers()[1].address == values.ctypes.data
