"""`docsearch query` as people type it: questions without quotes, and answers without hits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from docsearch import open_index
from docsearch.engine.errors import UsageError
from fake_encoder import FakeEncoder

Run = Callable[..., tuple[int, str, str]]


def test_a_question_needs_no_quotes(run: Run, indexed: Path) -> None:
    quoted = run("query", "revenue chart 2023", "--json")
    assert quoted[0] == 0
    assert quoted[1]
    assert run("query", "revenue", "chart", "2023", "--json") == quoted
    assert run("query", "revenue", "--json", "chart", "-k", "10", "2023") == quoted
    assert run("query", "caf\udce9", "revenue", "--json")[0] == 0


@pytest.mark.parametrize("arguments", [[], [""], ["", " "]])
def test_an_empty_question_is_refused(run: Run, indexed: Path, arguments: list[str]) -> None:
    code, out, err = run("query", *arguments)
    assert (code, out) == (2, "")
    assert "the question is empty" in err


def test_a_question_of_left_out_words_alone_is_refused(run: Run, indexed: Path) -> None:
    code, out, err = run("query", "--", "-revenue")
    assert (code, out) == (2, "")
    assert "nothing is asked for besides what is left out (-revenue)" in err


@pytest.mark.parametrize("k", ["0", "-1"])
def test_no_hits_cannot_be_asked_for(run: Run, indexed: Path, k: str) -> None:
    (indexed / "q.txt").write_text("revenue\n", "utf-8")
    for command in (["query", "revenue"], ["batch", "q.txt", "-o", "out.jsonl"]):
        code, out, err = run(*command, "-k", k)
        assert (code, out) == (2, "")
        assert "-k" in err


@pytest.mark.parametrize("count", [0, -1])
def test_no_hits_cannot_be_asked_for_in_python(indexed: Path, count: int) -> None:
    with open_index(indexed / ".docsearch", encoder=FakeEncoder()) as index:
        for asked in ({"k": count}, {"candidates": count}):
            with pytest.raises(UsageError, match=f"1 or more, not {count}"):
                index.search("revenue", **asked)


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_zero_hits_are_said_and_no_error(run: Run, indexed: Path, as_json: list[str]) -> None:
    nothing = ("query", "revenue", "--path", "nothing/*", *as_json)
    assert run(*nothing) == (0, "", "no page matches in documents that match nothing/*\n")
    code, out, err = run(*nothing, "--heatmap", "hit.png", "--save-pages", "hits")
    assert (code, out) == (0, "")
    assert err == "no page matches in documents that match nothing/*; no picture was saved\n"
    assert not (indexed / "hit.png").exists()
    assert not (indexed / "hits").exists()
    run("remove", "*")
    assert run("query", "revenue", *as_json) == (0, "", "no page matches\n")


def test_batch_counts_queries_without_hits(run: Run, indexed: Path) -> None:
    rows = [{"query": "revenue"}, {"query": "revenue", "path": "nothing/*"}]
    (indexed / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    code, _, err = run("batch", "q.jsonl", "-o", "out.csv")
    assert code == 0
    assert err.endswith("; 1 without hits\n")


def test_options_without_effect_are_refused(run: Run, indexed: Path) -> None:
    (indexed / "q.txt").write_text("revenue\n", "utf-8")
    for command in (["query", "revenue"], ["batch", "q.txt", "-o", "out.jsonl"]):
        for options, reason in (
            (("--rerank-hits", "5"), "no effect without --rerank"),
            (("--exact", "--candidates", "50"), "--candidates has no effect"),
        ):
            code, out, err = run(*command, *options)
            assert (code, out) == (2, ""), options
            assert reason in err
    assert not (indexed / "out.jsonl").exists()
    code, _, err = run("eval", "q.txt", "--rerank-hits", "5")
    assert (code, "no effect without --rerank" in err) == (2, True)


def test_pages_of_encrypted_documents_are_drawn_with_their_password(
    run: Run, tmp_path: Path, make_pdf: Callable[..., Path]
) -> None:
    make_pdf(tmp_path / "vault/a.pdf", ["revenue chart"], password="secret")
    assert run("index", "vault", "--password", "secret")[0] == 0
    code, _, err = run("query", "revenue", "--save-pages", "pages", "--heatmap", "hit.png")
    assert (code, "pass the right one with --password" in err) == (2, True)
    code, _, err = run("query", "revenue", "--save-pages", "pages", "--heatmap", "hit.png", "--password", "secret")
    assert code == 0, err
    assert (tmp_path / "hit.png").exists()
    assert [file.name for file in (tmp_path / "pages").iterdir()] == ["01-a-page-1.png"]
