"""Query files and answer files, without a search engine."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from docsearch.commands.query_files import AnswerFile, QueryRow, read_queries, unanswered
from docsearch.engine.errors import UsageError
from docsearch.engine.records import Hit, PageRef

ROWS = [QueryRow("q1", "first"), QueryRow("q2", "second, with é", "a/*.pdf"), QueryRow("q3", "third")]


def hits(row: QueryRow, count: int = 2) -> list[Hit]:
    return [Hit(PageRef("id", f"a folder/{row.query_id}.pdf", rank), 1 / rank, rank) for rank in range(1, count + 1)]


def answer(out: Path, rows: Iterable[QueryRow], *, resume: bool = False) -> int:
    asked = 0
    with AnswerFile(out, resume=resume) as answers:
        for row in unanswered(iter(rows), answers):
            answers.write(row, hits(row))
            asked += 1
    return asked


def test_a_text_file_has_one_query_per_line_numbered_by_line(tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("first\n\n  second  \r\n", "utf-8")
    assert list(read_queries(tmp_path / "q.txt")) == [QueryRow("1", "first"), QueryRow("3", "second")]


def test_every_format_reads_the_same_rows(tmp_path: Path) -> None:
    rows = [{"query_id": row.query_id, "query": row.text, "path": row.path} for row in ROWS]
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (tmp_path / "q.csv").write_text('query_id,query,path\nq1,first,\nq2,"second, with é",a/*.pdf\nq3,third,\n', "utf-8")
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "q.parquet")
    for suffix in ("jsonl", "csv", "parquet"):
        assert list(read_queries(tmp_path / f"q.{suffix}")) == ROWS, suffix


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "q.txt").write_bytes("café\nthé\n".encode(encoding))
    assert [row.text for row in read_queries(tmp_path / "q.txt")] == ["café", "thé"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("q.jsonl", b'{"query": "a"}\n{"query": \n', "q.jsonl:2: not JSON"),
        ("q.jsonl", b'{"query": "a"}\n[1]\n', "q.jsonl:2: not an object"),
        ("q.jsonl", b'\n{"query_id": 1}\n', "q.jsonl:2: 'query' is missing"),
        ("q.jsonl", b'{"query": 5}\n', "q.jsonl:1: 'query' is not text"),
        ("q.jsonl", b'{"query": "a", "query_id": [1]}\n', "q.jsonl:1: 'query_id' is neither"),
        ("q.csv", b"id,text\n1,a\n", "q.csv:1: no column 'query'"),
        ("q.csv", b"query_id,query\n1,a\n2,b,c\n", "q.csv:3: this row does not have as many fields"),
        ("q.csv", b'query_id,query\n1,"a\n', "q.csv:2: not CSV"),
        ("q.csv", b"query_id,query\n1,a\0b\n", "q.csv:2: a NUL byte"),
        ("q.parquet", b"PAR1 no", "not a Parquet file"),
        ("q.docx", b"", "query files are .txt .csv .jsonl .parquet"),
    ],
)
def test_an_error_names_the_invalid_row(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError) as error:
        list(read_queries(tmp_path / name))
    assert words in str(error.value)


def test_answers_have_the_promised_keys_and_keep_the_type_of_the_id(tmp_path: Path) -> None:
    answer(tmp_path / "out.jsonl", [QueryRow(7, "seven")])
    (line,) = (tmp_path / "out.jsonl").read_text("utf-8").splitlines()
    written = json.loads(line)
    assert (written["query_id"], written["query"], len(written["hits"])) == (7, "seven", 2)
    assert set(written["hits"][0]) == {"path", "page", "score", "doc_id"}


def test_a_trec_run_has_six_fields_per_line(tmp_path: Path) -> None:
    answer(tmp_path / "out.trec", ROWS)
    lines = [line.split() for line in (tmp_path / "out.trec").read_text("utf-8").splitlines()]
    assert [len(line) for line in lines] == [6] * 6
    assert lines[0] == ["q1", "Q0", "a%20folder/q1.pdf#1", "1", "1.000000", "docsearch"]


def test_a_parquet_file_of_answers_reads_back(tmp_path: Path) -> None:
    answer(tmp_path / "out.parquet", ROWS)
    rows = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["query_id"] for row in rows] == ["q1", "q2", "q3"]
    assert rows[0]["hits"][1]["page"] == 2
    assert [file.name for file in tmp_path.iterdir()] == ["out.parquet"]


@pytest.mark.parametrize("suffix", ["jsonl", "trec"])
def test_a_run_cut_off_anywhere_is_completed_without_repeating(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out.{suffix}"
    answer(out, ROWS)
    whole = out.read_bytes()
    for length in range(len(whole) + 1):
        out.write_bytes(whole[:length])
        answer(out, ROWS, resume=True)
        assert out.read_bytes() == whole, length


def test_a_complete_run_is_not_searched_again(tmp_path: Path) -> None:
    answer(tmp_path / "out.jsonl", ROWS)
    assert answer(tmp_path / "out.jsonl", ROWS, resume=True) == 0
    assert answer(tmp_path / "out.jsonl", ROWS) == 3


def test_parquet_answers_are_resumed_from_the_lines_beside_them(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    stopped = AnswerFile(out, resume=False)
    stopped.write(ROWS[0], hits(ROWS[0]))
    stopped.__exit__(KeyboardInterrupt)
    assert not out.exists()
    assert answer(out, ROWS, resume=True) == 2
    assert parquet.read_table(out).num_rows == 3


def test_answers_to_other_queries_are_not_resumed(tmp_path: Path) -> None:
    answer(tmp_path / "out.jsonl", ROWS)
    with pytest.raises(UsageError, match="from another run"):
        answer(tmp_path / "out.jsonl", [QueryRow("other", "x")], resume=True)


def test_an_unknown_format_of_answers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.jsonl \.parquet \.trec"):
        AnswerFile(tmp_path / "out.xlsx", resume=False)
