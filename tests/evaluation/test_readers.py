"""Question files in each form: what is read, and what a malformed one says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from docsearch.engine.errors import UsageError
from docsearch.evaluation import readers
from docsearch.evaluation.questions import Judgement, Question, Questions


def lines(file: Path, *rows: Mapping[str, object]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return file


def only(questions: Questions) -> Question:
    (question,) = questions.items
    return question


def places(question: Question) -> dict[tuple[str, int | None], int]:
    return {(each.path, each.page): each.grade for each in question.judgements}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"path": "a.pdf", "page": 3}, {("a.pdf", 3): 1}),
        ({"doc": "a.pdf", "pages": [3, 4]}, {("a.pdf", 3): 1, ("a.pdf", 4): 1}),
        ({"file": "sub\\a.pdf", "pages": "[3, 4]"}, {("sub\\a.pdf", 3): 1, ("sub\\a.pdf", 4): 1}),
        ({"path": "a.pdf", "page": "3", "score": "2"}, {("a.pdf", 3): 2}),
        ({"path": "a.pdf", "page": 3.0, "grade": 2.0}, {("a.pdf", 3): 2}),
        ({"path": "a.pdf"}, {("a.pdf", None): 1}),
        (
            {"relevant": [{"path": "a.pdf", "page": 1}, {"doc": "b.pdf", "page": 2, "score": 2}]},
            {("a.pdf", 1): 1, ("b.pdf", 2): 2},
        ),
    ],
)
def test_an_answer_has_many_forms(
    tmp_path: Path, row: dict[str, object], expected: dict[tuple[str, int | None], int]
) -> None:
    question = only(readers.read(lines(tmp_path / "q.jsonl", {"query": "x", **row})))
    assert places(question) == expected
    assert question.of_documents == (None in {page for _, page in expected})


def test_rows_of_one_question_are_merged(tmp_path: Path) -> None:
    file = lines(
        tmp_path / "q.jsonl",
        {"query": "same text", "path": "a.pdf", "page": 1},
        {"query": "same text", "path": "b.pdf", "page": 2},
        {"query_id": 7, "query": "same text", "path": "c.pdf", "page": 3, "score": 0},
        {"query_id": "7", "query": "same text", "path": "c.pdf", "page": 4},
    )
    first, second = readers.read(file).items
    assert (first.query_id, places(first)) == ("1", {("a.pdf", 1): 1, ("b.pdf", 2): 1})
    assert (second.query_id, places(second)) == ("7", {("c.pdf", 3): 0, ("c.pdf", 4): 1})
    assert second.where == f"{file}:3"


def test_a_number_for_an_id_is_one_that_no_row_has(tmp_path: Path) -> None:
    rows = ({"query": "x", "path": "a.pdf"}, {"query": "y", "path": "a.pdf", "query_id": "1"})
    assert [each.query_id for each in readers.read(lines(tmp_path / "q.jsonl", *rows)).items] == ["row-1", "1"]


def test_other_columns_are_groups_and_long_ones_are_not(tmp_path: Path) -> None:
    row = {"query": "x", "path": "a.pdf", "page": 1, "language": "french", "query_types": ["boolean", "numerical"]}
    about = {"verified": True, "answer": "long " * 30, "alt": None, "scope": "document", "boxes": [[1, 0, 0, 9, 9.5]]}
    question = only(readers.read(lines(tmp_path / "q.jsonl", {**row, **about})))
    assert question.columns == {
        "language": ("french",),
        "query_types": ("boolean", "numerical"),
        "verified": ("true",),
        "scope": ("document",),
    }
    assert question.inside
    assert question.judgements[0].boxes == ((0.0, 0.0, 9.0, 9.5),)


def test_questions_without_an_answer_are_counted(tmp_path: Path) -> None:
    rows = ({"query": "a", "path": "a.pdf", "page": 1}, {"query": "b"}, {"query": "c", "doc": "a.pdf", "pages": []})
    questions = readers.read(lines(tmp_path / "q.jsonl", *rows))
    assert (len(questions), questions.unjudged) == (1, 2)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"path": "a.pdf"}, "'query' is missing"),
        ({"query": "x", "path": "a.pdf", "page": 0}, "a whole number from 1, not 0"),
        ({"query": "x", "path": "a.pdf", "page": "iv"}, "a whole number from 1, not 'iv'"),
        ({"query": "x", "path": "a.pdf", "page": "9" * 5000}, "a whole number from 1, not '999"),
        ({"query": "x", "path": "a.pdf", "page": 1e300}, "a whole number from 1, not 1000"),
        ({"query": "x", "path": "a.pdf", "page": "[" * 100_000}, "pages are like 3"),
        ({"query": "x", "path": "a.pdf", "page": 1, "score": 10**400}, "at most 1,000, not 1000"),
        ({"query": "x", "path": "a.pdf", "page": 1, "boxes": [[1, 10**400, 0, 1, 1]]}, "'boxes' is not a list"),
        ({"query": "x", "path": "a.pdf", "page": 1, "boxes": [[1, float("nan"), 0, 1, 1]]}, "'boxes' is not a list"),
        ({"query": "x", "path": "a.pdf", "page": True}, "a whole number from 1"),
        ({"query": "x", "page": 2}, "a page without its document"),
        ({"query": "x", "path": 3, "page": 2}, "is not text"),
        ({"query": "x", "path": "a.pdf", "page": 1, "score": "high"}, "whole number, not 'high'"),
        ({"query": "x", "path": "a.pdf", "page": 1, "score": 0.5}, "whole number, not 0.5"),
        ({"query": "x", "relevant": "a.pdf"}, "'relevant' is not a list"),
        ({"query": "x", "query_id": [], "path": "a.pdf"}, "'query_id' is neither"),
        ({"query": "x", "path": "a.pdf", "page": 1, "boxes": [[1, 2]]}, "'boxes' is not a list"),
        ({"query": "other", "query_id": "1", "path": "a.pdf", "page": 1}, "has another question at"),
        ({"query": "first", "query_id": "1", "path": "a.pdf", "page": 1, "score": 2}, "has two grades"),
    ],
)
def test_a_bad_row_is_named_with_its_line(tmp_path: Path, row: dict[str, object], message: str) -> None:
    file = lines(tmp_path / "q.jsonl", {"query": "first", "query_id": "1", "path": "a.pdf", "page": 1}, row)
    with pytest.raises(UsageError, match=message) as raised:
        readers.read(file)
    assert str(raised.value).startswith(f"{file}:2: ")


def test_pages_and_whole_documents_do_not_mix(tmp_path: Path) -> None:
    rows = ({"query": "x", "path": "a.pdf", "page": 1}, {"query": "x", "path": "b.pdf"})
    with pytest.raises(UsageError, match="both pages and whole documents"):
        readers.read(lines(tmp_path / "q.jsonl", *rows))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{oops}\n", "q.jsonl:1: not JSON"),
        (b"[]\n", "q.jsonl:1: not an object"),
        (b"\n\n", "no questions"),
        (b'\n{"query": "\xff"}\n', "q.jsonl:2: not UTF-8"),
    ],
)
def test_a_broken_file_is_no_traceback(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "q.jsonl").write_bytes(content)
    with pytest.raises(UsageError, match=message):
        readers.read(tmp_path / "q.jsonl")


@pytest.mark.parametrize(("suffix", "separator"), [(".csv", ","), (".csv", ";"), (".tsv", "\t")])
def test_tables(tmp_path: Path, suffix: str, separator: str) -> None:
    file = tmp_path / f"q{suffix}"
    rows = (["query", "path", "page", "language"], ["notice period", "a.pdf", '"[3, 4]"', "english"])
    file.write_text("\ufeff" + "".join(separator.join(row) + "\r\n" for row in rows), "utf-8")
    question = only(readers.read(file))
    assert places(question) == {("a.pdf", 3): 1, ("a.pdf", 4): 1}
    assert question.columns == {"language": ("english",)}


def test_headers_of_a_spreadsheet_may_have_capitals(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text('Question,File, Pages ,Author\nx,a.pdf,"3, 4",Ann\n')
    question = only(readers.read(tmp_path / "q.csv"))
    assert places(question) == {("a.pdf", 3): 1, ("a.pdf", 4): 1}
    assert question.columns == {"Author": ("Ann",)}


def test_a_table_in_another_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_bytes(b"query,path\n" + 5000 * b"x,a.pdf\n" + "Prüfung,a.pdf\n".encode("cp1252"))
    with pytest.raises(UsageError, match=r"q\.csv:5002: not UTF-8 \(byte 3\); save it as UTF-8"):
        readers.read(tmp_path / "q.csv")


def test_empty_rows_of_a_spreadsheet_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text("query;path;page\n;;\nx;a.pdf;3\n;;\n")
    assert places(only(readers.read(tmp_path / "q.csv"))) == {("a.pdf", 3): 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,page\na.pdf,1\n", "q.csv:1: no column 'query'"),
        ("", "the file is empty"),
        ("query,path\nx,a.pdf,3\n", "q.csv:2: this row does not have as many fields"),
        ("query,path,page,Page\nx,a.pdf,1,2\n", "q.csv:1: the header has the column 'page' twice"),
        ("query,path,page\nx,a.pdf,two\n", "q.csv:2: a page is a whole number"),
        ('query,path\n"x,a.pdf\n', "not CSV"),
    ],
)
def test_a_malformed_table_is_named_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "q.csv").write_text(content)
    with pytest.raises(UsageError, match=message):
        readers.read(tmp_path / "q.csv")


def beir(folder: Path, *qrels: str) -> Path:
    (folder / "qrels").mkdir()
    lines(
        folder / "queries.jsonl",
        {"_id": "q1", "text": "notice", "metadata": {"language": "english"}},
        {"_id": "q2", "text": "unjudged"},
    )
    lines(folder / "corpus.jsonl", {"_id": "d1", "path": "a b.pdf", "page": 2}, {"_id": "d2", "image": "images/d2.png"})
    (folder / "qrels/test.tsv").write_text("\n".join(qrels) + "\n")
    return folder


def test_a_beir_folder(tmp_path: Path) -> None:
    found = readers.read(beir(tmp_path, "query-id\tcorpus-id\tscore", "q1\td1\t2", "q1\td2\t1.0", "q1\tc%20d.pdf#7\t0"))
    question = only(found)
    assert places(question) == {("a b.pdf", 2): 2, ("images/d2.png", 1): 1, ("c d.pdf", 7): 0}
    assert question.columns == {"language": ("english",)}
    assert found.unjudged == 1


@pytest.mark.parametrize(
    ("qrel", "message"),
    [
        ("q1 0 d1 1", r"test.tsv:2: expected query-id, corpus-id and score"),
        ("q9\td1\t1", r"test.tsv:2: the question 'q9' is not in"),
        ("q1\td1\tyes", r"test.tsv:2: the score of an answer"),
        ("q1\td1\t1\nq1\td1\t2", r"test.tsv:3: a b.pdf, page 2 has two grades"),
    ],
)
def test_a_malformed_beir_folder(tmp_path: Path, qrel: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        readers.read(beir(tmp_path, "query-id\tcorpus-id\tscore", qrel))


def test_another_folder_is_not_beir(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a BEIR folder: it has no qrels"):
        readers.read(tmp_path)


def trec(folder: Path, qrels: str, topics: str = "q1\tnotice period\nq2\tunjudged\n") -> tuple[Path, Path]:
    (folder / "qrels.txt").write_text(qrels)
    (folder / "topics.tsv").write_text(topics)
    return folder / "qrels.txt", folder / "topics.tsv"


def test_trec_qrels_with_topics(tmp_path: Path) -> None:
    qrels, topics = trec(tmp_path, "q1 0 a%20b.pdf#3 2\nq1\t0\tc.pdf#1\t-1\n")
    found = readers.read(qrels, topics=topics)
    assert places(only(found)) == {("a b.pdf", 3): 2, ("c.pdf", 1): 0}
    assert (only(found).text, found.unjudged) == ("notice period", 1)


def test_a_number_too_long_for_a_page_is_part_of_the_name(tmp_path: Path) -> None:
    name = f"a.pdf#{'9' * 5000}"
    qrels, topics = trec(tmp_path, f"q1 0 {name} 1\n")
    assert only(readers.read(qrels, topics=topics)).judgements == (Judgement(name, None),)


def test_trec_documents(tmp_path: Path) -> None:
    qrels, topics = trec(tmp_path, "q1 0 a.pdf 1\n")
    assert only(readers.read(qrels, topics=topics)).judgements == (Judgement("a.pdf", None),)


@pytest.mark.parametrize(
    ("qrels", "topics", "message"),
    [
        ("q1 0 a.pdf\n", "q1\tx\n", "qrels.txt:1: qrels have 4 fields"),
        ("q9 0 a.pdf 1\n", "q1\tx\n", "qrels.txt:1: the question 'q9' is not in"),
        ("q1 0 a.pdf 1\nq1 0 a.pdf 0\n", "q1\tx\n", "qrels.txt:2: a.pdf has two grades"),
        ("q1 0 a.pdf 1\n", "q1 x\n", "topics.tsv:1: expected an id, a tab"),
        ("q1 0 a.pdf 1\n", "q1\tx\nq1\ty\n", "topics.tsv:2: the id 'q1' is also at"),
    ],
)
def test_malformed_trec_files(tmp_path: Path, qrels: str, topics: str, message: str) -> None:
    files = trec(tmp_path, qrels, topics)
    with pytest.raises(UsageError, match=message):
        readers.read(files[0], topics=files[1])


def test_other_files_say_what_questions_are(tmp_path: Path) -> None:
    trec(tmp_path, "q1 0 a.pdf 1\n")
    with pytest.raises(UsageError, match="TREC qrels need the questions, too: --topics"):
        readers.read(tmp_path / "qrels.txt")
    with pytest.raises(UsageError, match="no such file or folder"):
        readers.read(tmp_path / "nothing.jsonl")
