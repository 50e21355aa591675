"""Query files and answer files, without a search engine."""

from __future__ import annotations

import csv
import errno
import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import portalocker
import pyarrow as pa
import pytest
from pyarrow import parquet

from docsearch.commands.answer_files import AnswerFile, RunSettings, unanswered
from docsearch.commands.answer_formats import ANSWER_KEYS
from docsearch.commands.query_files import QueryRow, read_queries
from docsearch.engine.errors import UsageError
from docsearch.engine.hits import Hits
from docsearch.engine.printable import printable
from docsearch.engine.records import Hit, PageRef

ROWS = [QueryRow("q1", "first"), QueryRow("q2", "second, with é", "a/*.pdf"), QueryRow("q3", "third")]

RUN = RunSettings(k=2, candidates=None, exact=False, all_copies=False, mode="visual", snapshot="s1")


def hits(row: QueryRow, count: int = 2) -> Hits:
    found = (Hit(PageRef("id", f"a folder/{row.query_id}.pdf", rank), 1 / rank, rank) for rank in range(1, count + 1))
    return Hits(found, row.text, confidence=0.25, no_good_match=True)


def answer(out: Path, rows: Iterable[QueryRow], *, resume: bool = False, run: RunSettings = RUN) -> int:
    asked = 0
    with AnswerFile(out, run, resume=resume) as answers:
        for row in unanswered(iter(rows), answers):
            answers.write(row, hits(row))
            asked += 1
    return asked


def stop_after_first(out: Path, *, resume: bool = False) -> AnswerFile:
    """A run that is interrupted after its first answer."""
    stopped = AnswerFile(out, RUN, resume=resume)
    stopped.write(ROWS[0], hits(ROWS[0]))
    stopped.__exit__(KeyboardInterrupt)
    return stopped


def test_a_text_file_has_one_query_per_line_numbered_by_line(tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("first\n\n  second  \r\n", "utf-8")
    assert list(read_queries(tmp_path / "q.txt")) == [QueryRow("1", "first"), QueryRow("3", "second")]


def test_blank_lines_and_comments_of_a_text_file_are_no_queries(tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("# a comment\n \t\n  # another\nwhat is #1?\n", "utf-8")
    assert list(read_queries(tmp_path / "q.txt")) == [QueryRow("4", "what is #1?")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1e"])
def test_only_a_line_feed_ends_a_line(tmp_path: Path, encoding: str, separator: str) -> None:
    text = f"one{separator}two"
    for name, line in (("q.txt", text), ("q.jsonl", json.dumps({"query": text}, ensure_ascii=False))):
        (tmp_path / name).write_bytes(f"{line}\n{line}\n".encode(encoding))
        if name == "q.jsonl" and separator < " ":
            continue  # JSON escapes these
        assert [row.text for row in read_queries(tmp_path / name)] == [text, text], name
    (tmp_path / "q.csv").write_bytes(f"query\n{text}\n".encode(encoding))
    assert [row.text for row in read_queries(tmp_path / "q.csv")] == [text]


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
        ("q.jsonl", b'{"query": "a", "query_id": ' + b"1" * 5000 + b"}", "q.jsonl:1: not JSON that can be read"),
        ("q.jsonl", b"[" * 100_000, "q.jsonl:1: not JSON that can be read"),
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
    assert set(written["hits"][0]) == {"path", "page", "score", "doc_id", "also"}


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
    assert rows[0]["hits"][1]["also"] == []
    assert [file.name for file in tmp_path.iterdir()] == ["out.parquet"]


def test_a_csv_file_has_a_row_per_hit(tmp_path: Path) -> None:
    rows = [QueryRow("q1", "first,\nor second"), QueryRow("q2", "nothing")]
    with AnswerFile(tmp_path / "out.csv", RUN, resume=False) as answers:
        first, second = hits(rows[0])
        answers.write(rows[0], Hits([first, replace(second, also=("b/é; 1.pdf", "c\x07.pdf"))], confidence=0.75))
        answers.write(rows[1], Hits(confidence=0.0, no_good_match=True, unread_letters="数"))
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        read = list(csv.reader(stream))
    about = ["0.75", "False", "", "visual"]
    assert read == [
        ["query_id", "query", "rank", "score", "path", "page", "doc_id", "also", *ANSWER_KEYS],
        ["q1", "first,\nor second", "1", "1.0", "a folder/q1.pdf", "1", "id", "", *about],
        ["q1", "first,\nor second", "2", "0.5", "a folder/q1.pdf", "2", "id", r'["b/é; 1.pdf", "c\\x07.pdf"]', *about],
        ["q2", "nothing", "", "", "", "", "", "", "0.0", "True", "数", "visual"],
    ]


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "trec", "parquet"])
def test_a_run_cut_off_anywhere_is_completed_without_repeating(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out.{suffix}"
    answer(out, ROWS)
    whole = out.read_bytes()
    assert answer(tmp_path / "lines.jsonl", ROWS) == 3
    lines = (tmp_path / "lines.jsonl").read_bytes()
    partial = tmp_path / f"out.{suffix}.partial"
    for length in range(0, len(lines) + 1, 7):
        partial.write_bytes(lines[:length])
        assert answer(out, ROWS, resume=True) == 3 - lines[:length].count(b"\n"), length
        assert out.read_bytes() == whole, length
        assert not partial.exists()


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "trec", "parquet"])
def test_old_answers_stay_until_the_new_ones_are_whole(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out.{suffix}"
    out.write_bytes(b"old")
    stopped = stop_after_first(out)
    assert out.read_bytes() == b"old"
    assert stopped.partial.stat().st_size > 0
    assert answer(out, ROWS) == 3
    assert sorted(file.name for file in tmp_path.iterdir()) == [out.name]


def test_a_finished_file_of_json_lines_cut_off_or_with_more_queries_is_continued(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    answer(out, ROWS)
    whole = out.read_bytes()
    out.write_bytes(whole[:-5])
    assert answer(out, ROWS, resume=True) == 1
    assert answer(out, [*ROWS, QueryRow("q4", "fourth")], resume=True) == 1
    assert out.read_bytes().startswith(whole)


def test_a_link_to_the_partial_answers_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("precious", "utf-8")
    for make in (os.link, os.symlink):
        make(tmp_path / "other", tmp_path / "out.jsonl.partial")
        answer(tmp_path / "out.jsonl", ROWS)
        assert (tmp_path / "other").read_text("utf-8") == "precious"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"k": 5}, "made with -k 2 --mode visual, not -k 5"),
        ({"exact": True}, "made with -k 2 --mode visual, not -k 2 --exact"),
        ({"all_copies": True}, "made with -k 2 --mode visual, not -k 2 --all-copies"),
        ({"candidates": 9}, "made with -k 2 --mode visual, not -k 2 --candidates 9"),
        ({"snapshot": "s2"}, "the index is not the one"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_answers_made_with_other_settings_are_not_mixed(
    tmp_path: Path, changed: dict[str, Any], words: str, finished: bool
) -> None:
    out = tmp_path / "out.jsonl"
    if finished:
        answer(out, ROWS[:1])
    else:
        stop_after_first(out)
    kept = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(UsageError, match=words):
        answer(out, ROWS, resume=True, run=replace(RUN, **changed))
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == kept
    assert answer(out, ROWS, run=replace(RUN, **changed)) == 3


def test_what_is_not_an_answer_is_neither_resumed_nor_changed(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    for line, words in (
        ("my notes", "not an answer"),
        (json.dumps({"query_id": "q1", "query": "first"}), "with which options"),
    ):
        out.write_text(f"{line}\n", "utf-8")
        with pytest.raises(UsageError, match=words):
            answer(out, ROWS, resume=True)
        assert out.read_text("utf-8") == f"{line}\n"


def test_answers_of_a_version_without_copies_are_not_resumed(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    run = {"k": 2, "candidates": None, "exact": False, "snapshot": "s1"}
    out.write_text(json.dumps({"query_id": "q1", "query": "first", "hits": [], "run": run}) + "\n", "utf-8")
    with pytest.raises(UsageError, match="an earlier docsearch began it"):
        answer(out, ROWS, resume=True)


def test_a_complete_run_is_not_searched_again(tmp_path: Path) -> None:
    answer(tmp_path / "out.jsonl", ROWS)
    assert answer(tmp_path / "out.jsonl", ROWS, resume=True) == 0
    assert answer(tmp_path / "out.jsonl", ROWS) == 3


def test_parquet_answers_are_resumed_from_the_lines_beside_them(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    stop_after_first(out)
    assert not out.exists()
    assert answer(out, ROWS, resume=True) == 2
    assert parquet.read_table(out).num_rows == 3


def test_answers_to_other_queries_are_not_resumed(tmp_path: Path) -> None:
    answer(tmp_path / "out.jsonl", ROWS)
    with pytest.raises(UsageError, match="from another run"):
        answer(tmp_path / "out.jsonl", [QueryRow("other", "x")], resume=True)
    with pytest.raises(UsageError, match="from another run"):
        answer(tmp_path / "out.jsonl", [QueryRow("q1", "another question with this id")], resume=True)


def test_an_unknown_format_of_answers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.jsonl \.csv \.parquet \.trec"):
        AnswerFile(tmp_path / "out.xlsx", RUN, resume=False)


@pytest.mark.parametrize("text", ["=1+2", "+1+2", "-2+3", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")'])
def test_no_text_in_a_csv_file_is_a_formula(tmp_path: Path, text: str) -> None:
    with AnswerFile(tmp_path / "out.csv", RUN, resume=False) as answers:
        answers.write(QueryRow(text, text), Hits([Hit(PageRef("id", f"{text}.pdf", 1), 0.5, 1)]))
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as stream:
        _, (query_id, query, _, _, path, *_) = csv.reader(stream)
    assert query_id == query == (f"'{text}" if "\r" not in text else "\\r=1")
    assert path == (f"'{text}.pdf" if text.isprintable() else f"{printable(text)}.pdf")


def test_numbers_and_other_text_in_a_csv_file_stay_as_they_are(tmp_path: Path) -> None:
    with AnswerFile(tmp_path / "out.csv", RUN, resume=False) as answers:
        answers.write(QueryRow("-1", "2 - 1 = 1"), Hits([Hit(PageRef("id", "a=b.pdf", 1), 0.5, 1)]))
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as stream:
        (cells,) = csv.DictReader(stream)
    assert (cells["query_id"], cells["query"], cells["path"]) == ("-1", "2 - 1 = 1", "a=b.pdf")


@pytest.mark.parametrize("resume", [False, True])
def test_two_runs_do_not_write_the_same_answers(tmp_path: Path, resume: bool) -> None:
    out = tmp_path / "out.jsonl"
    with AnswerFile(out, RUN, resume=False) as first:
        first.write(ROWS[0], hits(ROWS[0]))
        first.flush()
        with pytest.raises(UsageError, match="another 'docsearch batch' is writing this file"):
            AnswerFile(out, RUN, resume=resume)
        first.write(ROWS[1], hits(ROWS[1]))
    assert [json.loads(line)["query_id"] for line in out.read_text("utf-8").splitlines()] == ["q1", "q2"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.jsonl"]
    assert answer(out, ROWS, resume=True) == 1


def test_a_lock_file_that_a_killed_run_left_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl.lock").touch()
    assert answer(tmp_path / "out.jsonl", ROWS) == 3
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.jsonl"]


def test_a_file_system_without_locks_takes_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise portalocker.LockException from OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(portalocker, "lock", refuse)
    assert answer(tmp_path / "out.jsonl", ROWS) == 3
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.jsonl"]


def test_rows_may_have_a_mode_and_a_number_of_hits(tmp_path: Path) -> None:
    rows = [QueryRow("1", "a", mode="text", k=5), QueryRow("2", "b"), QueryRow("3", "c", k=7)]
    (tmp_path / "q.csv").write_text("query,mode,k\na,text,5\nb,,\nc,,7.0\n", "utf-8")
    lines = [{"query": "a", "mode": "text", "k": 5}, {"query": "b", "mode": None, "k": None}, {"query": "c", "k": "7"}]
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    counts = pa.array([5.0, float("nan"), 7.0])  # as pandas writes whole numbers with gaps
    table = pa.table({"query": ["a", "b", "c"], "mode": ["text", None, ""], "k": counts})
    parquet.write_table(table, tmp_path / "q.parquet")
    for suffix in ("csv", "jsonl", "parquet"):
        assert list(read_queries(tmp_path / f"q.{suffix}")) == rows, suffix


@pytest.mark.parametrize("k", [0, -1, 2.5, True, "many", "1e3", [3], 10**12, "9" * 5000])
def test_a_number_of_hits_that_is_none_is_refused(tmp_path: Path, k: object) -> None:
    (tmp_path / "q.jsonl").write_text(json.dumps({"query": "a", "k": k}), "utf-8")
    with pytest.raises(UsageError, match=r"q\.jsonl:1: 'k' is not a whole number from 1 on"):
        list(read_queries(tmp_path / "q.jsonl"))


def test_columns_that_mean_nothing_are_noted_but_not_the_answers_for_eval(tmp_path: Path) -> None:
    row = {"query": "a", "top_k": "5", "in": "b.pdf", "page": "3", "relevance": "1"}
    (tmp_path / "q.csv").write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n", "utf-8")
    (tmp_path / "q.jsonl").write_text(json.dumps(row), "utf-8")
    parquet.write_table(pa.Table.from_pylist([row]), tmp_path / "q.parquet")
    for suffix in ("csv", "jsonl", "parquet"):
        assert [each.unused for each in read_queries(tmp_path / f"q.{suffix}")] == [{"top_k", "in"}], suffix


def test_resume_notices_that_a_row_asks_for_something_else(tmp_path: Path) -> None:
    asked = [QueryRow("q1", "first", path="a.pdf", mode="text"), ROWS[1]]
    stopped = AnswerFile(tmp_path / "out.jsonl", RUN, resume=False)
    stopped.write(asked[0], hits(asked[0]))
    stopped.__exit__(KeyboardInterrupt)
    for changed in (ROWS[0], replace(asked[0], mode="visual"), replace(asked[0], where="pages > 2")):
        with pytest.raises(UsageError, match="has an answer to 'q1' that the queries do not ask for at that place"):
            answer(tmp_path / "out.jsonl", [changed, ROWS[1]], resume=True)
    assert answer(tmp_path / "out.jsonl", asked, resume=True) == 1
