"""Columns from users: tables and files beside documents, their types, their changes, and their mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pymupdf
import pytest

from docsearch.engine.errors import UsageError
from docsearch.engine.store import open_snapshot
from docsearch.engine.store.column_values import Value
from docsearch.indexer import pipeline
from docsearch.indexer.metadata_report import MetadataReport
from docsearch.indexer.report import IndexReport
from fake_encoder import FakeEncoder


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "old").mkdir(parents=True)
    for path in ("a.pdf", "b.pdf", "old/a.pdf"):
        document = pymupdf.open()
        document.new_page(width=200, height=260).insert_text((20, 40), path)
        document.set_metadata({"title": f"Title of {path}"})
        document.save(folder / path)
    return folder


def run(docs: Path, **options: object) -> IndexReport:
    encoder = options.pop("encoder", None) or FakeEncoder()
    return pipeline.index_documents([docs], docs.parent / "index", encoder=encoder, **options)  # type: ignore[arg-type]


def columns(docs: Path) -> dict[str, dict[str, Value]]:
    """What users say of each document, and its title."""
    with open_snapshot(docs.parent / "index") as snapshot:
        paths = {row.id: row.path for row in snapshot.documents().values()}
        names = {*snapshot.columns.user_types(), "title", "keywords"}
        found = snapshot.columns.of(paths)
    return {paths[i]: {name: value for name, value in its.items() if name in names} for i, its in found.items()}


def types(docs: Path) -> dict[str, str]:
    with open_snapshot(docs.parent / "index") as snapshot:
        return dict(snapshot.columns.user_types())


def table(docs: Path, text: str, name: str = "metadata.csv") -> Path:
    file = docs.parent / name
    file.write_text(text, "utf-8")
    return file


CSV = """path,Year,tag:list,due,done,code,team
old/a.pdf,2020,audit; tax,2024-02-29,true,007,
b.pdf,2021.5,law,2024-03,FALSE,12,Größe
"""
ROWS = [
    {
        "path": "old/a.pdf",
        "Year": 2020,
        "tag": ["audit", "tax"],
        "due": "2024-02-29",
        "done": True,
        "code": "007",
        "team": None,
    },
    {"path": "b.pdf", "Year": 2021.5, "tag": ["law"], "due": "2024-03", "done": False, "code": "12", "team": "Größe"},
]
OLD = {"year": 2020.0, "tag": ("audit", "tax"), "due": "2024-02-29", "done": True, "code": "007"}
B = {"year": 2021.5, "tag": ("law",), "due": "2024-03", "done": False, "code": "12", "team": "Größe"}
TYPES = {"year": "number", "tag": "list", "due": "date", "done": "flag", "code": "text", "team": "text"}


def written(docs: Path, suffix: str) -> Path:
    if suffix == ".csv":
        return table(docs, CSV)
    if suffix == ".jsonl":
        return table(docs, "\n".join(json.dumps(row) for row in ROWS), "metadata.jsonl")
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    file = docs.parent / "metadata.parquet"
    parquet.write_table(pa.Table.from_pylist(ROWS), file)
    return file


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_table_gives_documents_columns_with_types(docs: Path, suffix: str) -> None:
    report = run(docs, metadata=written(docs, suffix))
    found = columns(docs)
    assert found["b.pdf"] == B | {"title": "Title of b.pdf"}
    assert found["old/a.pdf"] == OLD | {"title": "Title of old/a.pdf"}
    assert found["a.pdf"] == {"title": "Title of a.pdf"}
    assert types(docs) == TYPES
    assert report.metadata == MetadataReport(TYPES, 2, ())


def test_changed_metadata_is_taken_over_without_embedding_again(docs: Path) -> None:
    run(docs, metadata=table(docs, CSV))
    with open_snapshot(docs.parent / "index") as snapshot:
        generation = snapshot.generation
    table(docs, "path,year,title\nb.pdf,1999,Mine\n")
    encoder = FakeEncoder()
    report = run(docs, encoder=encoder)  # the index remembers the table
    assert (encoder.pages, report.skipped) == (0, 3)
    assert report.metadata is not None
    assert report.metadata.changed == 2
    assert columns(docs)["b.pdf"] == {"year": 1999.0, "title": "Mine"}
    assert columns(docs)["old/a.pdf"] == {"title": "Title of old/a.pdf"}
    assert types(docs) == {"year": "number"}
    with open_snapshot(docs.parent / "index") as snapshot:
        assert snapshot.generation == generation
    again = run(docs)
    assert again.metadata is not None
    assert again.metadata.changed == 0


def test_globs_and_file_names_match_several_documents_and_later_rows_count_more(docs: Path) -> None:
    run(docs, metadata=table(docs, "path,team,year\n*.pdf,all,1\na.pdf,named,\nold/*,,3\n"))
    found = columns(docs)
    assert found["b.pdf"] == {"team": "all", "year": 1.0, "title": "Title of b.pdf"}
    assert found["a.pdf"] == {"team": "named", "year": 1.0, "title": "Title of a.pdf"}
    assert found["old/a.pdf"] == {"team": "named", "year": 3.0, "title": "Title of old/a.pdf"}


def test_a_file_beside_a_document_counts_before_the_table(docs: Path) -> None:
    (docs / "b.pdf.json").write_text('{"team": "beside", "year": 5, "keywords": ["k"], "seen": "2024-01"}')
    run(docs, metadata=table(docs, "path,team,year,code\nb.pdf,table,4,x\n"))
    wanted = {"team": "beside", "year": 5.0, "code": "x", "seen": "2024-01", "keywords": ("k",)}
    assert columns(docs)["b.pdf"] == wanted | {"title": "Title of b.pdf"}
    (docs / "b.pdf.json").unlink()
    run(docs)
    assert columns(docs)["b.pdf"] == {"team": "table", "year": 4.0, "code": "x", "title": "Title of b.pdf"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"team": ', "b.pdf.json:1: not JSON"),
        ('{\n"team": x}', "b.pdf.json:2: not JSON"),
        ('{"team": ' + "1" * 5000 + "}", "b.pdf.json:1: not JSON that can be read"),
        ("[1]", "metadata is a JSON object"),
        ('{"team": {"name": "x"}}', "'team' is neither text"),
        ('{"pages": 3}', "filled by docsearch itself"),
        ('{"year": "soon"}', "'year' is a number, not 'soon'"),
    ],
)
def test_a_file_beside_a_document_that_is_wrong_is_told_and_costs_nothing(docs: Path, text: str, says: str) -> None:
    (docs / "b.pdf.json").write_text(text)
    report = run(docs, metadata=table(docs, "path,year\na.pdf,4\n"))
    assert report.documents == 3
    assert report.metadata is not None
    assert any(says in problem for problem in report.metadata.problems)


def test_what_is_recorded_stays_while_the_table_or_the_documents_are_away(docs: Path) -> None:
    (docs / "b.pdf.json").write_text('{"team": "beside"}')
    file = table(docs, "path,year\na.pdf,4\n")
    run(docs, metadata=file)
    before = columns(docs)
    file.unlink()
    about = run(docs).metadata
    assert about is not None
    assert "the table" in about.problems[0]
    assert "is gone" in about.problems[0]
    assert columns(docs) == before
    table(docs, "path,year\na.pdf,4\n")
    docs.rename(docs.parent / "unmounted")
    other = docs.parent / "other"
    other.mkdir()
    document = pymupdf.open()
    document.new_page()
    document.save(other / "z.pdf")
    pipeline.index_documents([other], docs.parent / "index", encoder=FakeEncoder())
    assert {path: its for path, its in columns(docs).items() if path != "z.pdf"} == before


def test_the_table_can_be_forgotten(docs: Path) -> None:
    run(docs, metadata=table(docs, CSV))
    run(docs, forget_metadata=True)
    run(docs)
    assert columns(docs)["b.pdf"] == {"title": "Title of b.pdf"}
    assert types(docs) == {}


def test_rows_that_match_nothing_are_told(docs: Path) -> None:
    report = run(docs, metadata=table(docs, "path,team\na.pdf,x\ngone.pdf,x\n"))
    assert report.metadata is not None
    (problem,) = report.metadata.problems
    assert problem.endswith("metadata.csv:3 (gone.pdf)")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("m.csv", "", "m.csv:1: the file is empty"),
        ("m.csv", "file,team\na.pdf,x\n", "m.csv:1: no column 'path'"),
        ("m.csv", "path,team\na.pdf\n", "m.csv:2: 1 values, but the first line names 2 columns"),
        ("m.csv", "path,team\n,x\n", "m.csv:2: 'path' is empty"),
        ("m.csv", "path,team,TEAM\n", "m.csv:1: the column 'team' is there twice"),
        ("m.csv", "path,size\n", "m.csv:1: the column 'size' is filled by docsearch itself"),
        ("m.csv", "path,year:number\na.pdf,2020\nb.pdf,soon\n", "m.csv:3: 'year' is a number, not 'soon'"),
        ("m.csv", "path,due:date\na.pdf,2024-13\n", "m.csv:2: 'due' is a date"),
        ("m.csv", 'path,team\na.pdf,"x\n', "not CSV"),
        ("m.jsonl", '{"path": "a.pdf"}\n{"path": ', "m.jsonl:2: not JSON"),
        ("m.jsonl", '{"path": "a.pdf", "y": ' + "1" * 5000 + "}", "m.jsonl:1: not JSON that can be read"),
        ("m.jsonl", "[1]", "m.jsonl:1: a row is a JSON object"),
        ("m.jsonl", '{"team": "x"}', "m.jsonl:1: 'path' is missing"),
        ("m.jsonl", '{"path": "a.pdf", "y": 1}\n{"path": "b.pdf", "y": "x"}', "m.jsonl:2: 'y' is text, but number in"),
        ("m.jsonl", '{"path": "a.pdf", "y": [1]}', "m.jsonl:1: 'y' is a list of something other than texts"),
        ("m.jsonl", '{"path": "a.pdf", "y": 1e999}', "m.jsonl:1: 'y' is not a finite number"),
        ("m.txt", "x", "metadata is a file that ends in"),
        ("m.parquet", "x", "not a Parquet file"),
    ],
)
def test_mistakes_in_a_table_are_told_with_file_and_line_before_anything_is_indexed(
    docs: Path, name: str, text: str, says: str
) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    with pytest.raises(UsageError) as raised:
        run(docs, metadata=table(docs, text, name))
    assert says in str(raised.value)
    assert not (docs.parent / "index").exists()


def test_a_table_that_is_missing_or_not_utf8_is_told(docs: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        run(docs, metadata=docs / "none.csv")
    (docs.parent / "m.csv").write_bytes(b"path,team\na.pdf,Gr\xf6\xdfe\n")
    with pytest.raises(UsageError, match="not UTF-8"):
        run(docs, metadata=docs.parent / "m.csv")
