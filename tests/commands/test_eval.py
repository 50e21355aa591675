"""`docsearch eval`: what is printed and written, and what is refused."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from docsearch.evaluation.metrics import METRICS

Run = Callable[..., tuple[int, str, str]]
ROWS = (
    {"query": "revenue chart", "path": "a.pdf", "page": 1, "kind": "chart"},
    {"query": "minutes", "path": "b.pdf", "page": 1, "kind": "text"},
    {"query": "elsewhere", "path": "gone.pdf", "page": 7, "kind": "text"},
    {"query": "unanswerable", "kind": "text"},
)


@pytest.fixture
def questions(indexed: Path) -> Path:
    file = indexed / "questions.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return file


def objects(out: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]


def test_json_is_one_object_per_system(run: Run, questions: Path) -> None:
    code, out, err = run("eval", questions, "--json", "--group-by", "kind")
    (found,) = objects(out)
    assert code == 0
    assert found["system"] == ".docsearch"
    assert (found["questions"], found["questions_without_answer"], found["answers"]) == (3, 1, 3)
    assert found["answers_not_in_index"] == [{"path": "gone.pdf", "page": 7}]
    assert set(found["groups"]) == {"chart", "text"}  # type: ignore[call-overload]
    assert "warning: 1 of 3 answers are not in .docsearch and count as not found: gone.pdf, page 7" in err
    assert "1 question without an answer left out" in err


def test_columns_have_a_line_for_each_metric_and_group(run: Run, questions: Path) -> None:
    _, out, _ = run("eval", questions, "--group-by", "kind")
    rows = list(csv.DictReader(io.StringIO(out), delimiter="\t"))
    assert [row["metric"] for row in rows if row["group"] == ""] == [*METRICS, "ms_median", "ms_p95"]
    assert {row["group"]: row["questions"] for row in rows} == {"": "3", "chart": "1", "text": "2"}


def test_combinations_are_compared_with_the_first(run: Run, questions: Path) -> None:
    code, out, _ = run("eval", questions, "--candidates", 1, "--exact", "--json")
    first, second, compared = objects(out)
    assert code == 0
    assert (first["system"], second["system"]) == ("1 candidates", "exact")
    assert (compared["first"], compared["second"]) == ("1 candidates", "exact")
    differences = compared["differences"]
    assert isinstance(differences, dict)
    assert differences["mrr"].keys() == {"mean", "low", "high", "p_value"}


def test_inside_and_where(run: Run, questions: Path) -> None:
    _, out, _ = run("eval", questions, "--where", "kind=text", "--inside", "--json")
    (found,) = objects(out)
    assert found["questions"] == 2
    assert found["metrics"]["success@1"]["mean"] == 0.5  # type: ignore[index]


def test_files_are_written(run: Run, questions: Path) -> None:
    options = ("--run", "out.run", "--qrels", "out.qrels", "--html", "report.html", "--quiet")
    assert run("eval", questions, *options)[0] == 0
    assert Path("out.run").read_text().splitlines()[0].split()[::5] == ["1", "docsearch"]
    assert Path("out.qrels").read_text().splitlines() == ["1 0 a.pdf#1 1", "2 0 sub/b.pdf#1 1", "3 0 gone.pdf#7 1"]
    assert Path("report.html").read_text("utf-8").startswith("<!doctype html>")


def test_what_is_written_can_be_read_again(run: Run, questions: Path) -> None:
    _, before, _ = run("eval", questions, "--json", "--qrels", "out.qrels")
    Path("topics.tsv").write_text("".join(f"{i}\t{row['query']}\n" for i, row in enumerate(ROWS, 1)))
    _, after, _ = run("eval", "out.qrels", "--topics", "topics.tsv", "--json")
    assert objects(before)[0]["metrics"] == objects(after)[0]["metrics"]


def test_a_system_that_finds_nothing_is_told(run: Run, indexed: Path) -> None:
    row = {"query": "revenue", "path": "a.pdf", "page": 1, "within": "nothing/*"}
    Path("q.jsonl").write_text(json.dumps(row) + "\n")
    _, _, err = run("eval", "q.jsonl")
    assert "warning: .docsearch: no question has a hit in .docsearch" in err


def test_topics_are_not_overwritten(run: Run, indexed: Path) -> None:
    Path("qrels.txt").write_text("1 0 a.pdf#1 1\n")
    Path("topics.txt").write_text("1\trevenue chart\n")
    code, _, err = run("eval", "qrels.txt", "--topics", "topics.txt", "--qrels", "topics.txt")
    assert (code, "would overwrite topics.txt" in err) == (2, True)
    assert Path("topics.txt").read_text() == "1\trevenue chart\n"


def test_answers_missing_in_one_index_are_told_once(run: Run, questions: Path) -> None:
    _, _, err = run("eval", questions, "--candidates", 1, "--exact", "--html", "report.html")
    assert err.count("are not in .docsearch and count as not found") == 1
    assert Path("report.html").read_text("utf-8").count("answers are not in .docsearch") == 1


def test_questions_are_generated_and_asked(run: Run, indexed: Path, make_pdf: Callable[..., Path]) -> None:
    make_pdf(indexed / "docs/c.pdf", ["the harbour master signed the lease in spring"])
    assert run("index", indexed / "docs")[0] == 0
    code, out, err = run("eval", "--generate", 5, "-o", "made.jsonl")
    assert (code, out) == (0, "")
    assert "synthetic" in err
    rows = objects(Path("made.jsonl").read_text())
    assert rows
    assert all(row["synthetic"] and row["path"] for row in rows)
    code, _, err = run("eval", "made.jsonl", "--json")
    assert code == 0
    assert "these questions are synthetic" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give either QUESTIONS"),
        (("questions.jsonl", "--from-marks"), "give either QUESTIONS"),
        (("questions.jsonl", "--group-by", "nothing"), "no question has the column 'nothing'; the columns are: kind"),
        (("questions.jsonl", "--where", "kind"), "write COLUMN=VALUE"),
        (("questions.jsonl", "--where", "kind=figure"), "in questions.jsonl; the values of 'kind' are chart, text"),
        (("questions.jsonl", "--where", "color=red"), "in questions.jsonl; the columns are kind"),
        (("questions.jsonl", "--mode", "visual", "--mode", "visual"), "there is nothing to compare"),
        (("questions.jsonl", "-o", "x.jsonl"), "-o is where --generate"),
        (("questions.jsonl", "--html", "report.pdf"), "reports are written as .html"),
        (("questions.jsonl", "--candidates", "1", "--exact", "--run", "x.run"), "--run writes what one system found"),
        (("--dataset", ""), "--dataset is empty"),
        (("--generate", "5", "--seed", "-1"), "greater than or equal to 0"),
        (("--from-marks",), "no hit was marked right"),
        (("--from-marks", "--topics", "questions.jsonl"), "--topics has the questions of QUESTIONS"),
        (("questions.jsonl", "--generate", "5"), "give either QUESTIONS"),
        (("--from-marks", "--generate", "5"), "give either QUESTIONS"),
        (("--generate", "5", "-o", "x.jsonl", "--html", "x.html"), "nothing is measured while questions are written"),
        (("questions.jsonl", "--run", "x.txt", "--qrels", "./x.txt"), "name the same file"),
        (("nothing.jsonl",), "no such file"),
        (("--generate", "5"), "no page has text that sets it apart"),
    ],
)
def test_what_makes_no_sense_is_refused(run: Run, questions: Path, arguments: tuple[str, ...], message: str) -> None:
    code, out, err = run("eval", *arguments)
    assert (code, out) == (2, "")
    assert message in err
