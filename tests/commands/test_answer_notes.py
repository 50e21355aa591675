"""`query` and `batch` say that there is no good match, or no match, and still end with 0."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from docsearch.commands.answer_notes import answer_notes
from docsearch.engine import searcher
from docsearch.engine.confidence import Calibration
from fake_encoder import SPEC, FakeEncoder

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def trust(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`trust(bias)` gives the model a calibration: every answer has the confidence 1 / (1 + exp(-bias))."""

    def set_bias(bias: float) -> None:
        encoder = FakeEncoder()
        encoder.spec = replace(SPEC, calibration=Calibration(bias, (0.0,) * 5, 0.1))
        monkeypatch.setattr(searcher, "load_query_encoder", lambda name, revision="": encoder)

    return set_bias


def test_query_says_that_there_is_no_good_match(run: Run, indexed: Path, trust: Callable[[float], None]) -> None:
    trust(-3.0)
    code, out, err = run("query", "revenue")
    assert (code, len(out.splitlines())) == (0, 4)
    assert err.startswith("no good match: these are the closest pages (confidence 0.05); try other words")
    code, out, err = run("query", "revenue", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert {(row["confidence"], row["no_good_match"], row["unread_letters"]) for row in rows} == {(0.0474, True, "")}
    trust(3.0)
    code, out, err = run("query", "revenue", "--json")
    assert (json.loads(out.splitlines()[0])["confidence"], err) == (0.9526, "")


def test_a_model_without_a_calibration_says_nothing_about_its_matches(run: Run, indexed: Path) -> None:
    _, out, err = run("query", "revenue", "--json")
    row = json.loads(out.splitlines()[0])
    assert (row["confidence"], row["no_good_match"], err) == (None, False, "")


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_no_hits_are_no_error_and_are_said(
    run: Run, indexed: Path, trust: Callable[[float], None], option: list[str]
) -> None:
    trust(3.0)
    code, out, err = run("query", "revenue", "--path", "none.pdf", *option)
    assert (code, out) == (0, "")
    assert err == "no page matches in documents that match none.pdf\n"


@pytest.mark.parametrize("command", [["query", "revenue"], ["batch", "q.txt", "-o", "a.jsonl"]])
def test_zero_hits_cannot_be_asked_for(run: Run, indexed: Path, command: list[str]) -> None:
    Path("q.txt").write_text("revenue\n")
    code, _, err = run(*command, "-k", "0")
    assert code == 2
    assert "-k" in err


def test_answers_of_batch_have_their_confidence(run: Run, indexed: Path, trust: Callable[[float], None]) -> None:
    trust(-3.0)
    Path("q.csv").write_text("query,path\nrevenue,\nnotes,none.pdf\n")
    err = run("batch", "q.csv", "-o", "a.jsonl")[2]
    assert err.endswith("; 1 without hits; 1 without a good match\n")
    first, second = (json.loads(line) for line in Path("a.jsonl").read_text().splitlines())
    assert (first["confidence"], first["no_good_match"], first["unread_letters"]) == (0.0474, True, "")
    assert (second["confidence"], second["no_good_match"], second["hits"]) == (0.0, True, [])
    run("batch", "q.csv", "-o", "a.csv")
    with Path("a.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["confidence"], row["no_good_match"]) for row in rows] == [("0.0474", "True")] * 3 + [("0.0", "True")]


def test_what_was_searched_for_instead_is_said() -> None:
    about = {
        "confidence": 0.9,
        "no_good_match": False,
        "unread_letters": "",
        "corrections": {"margni\n": "margin"},
        "missing_phrases": ["net sales"],
    }
    assert [*answer_notes(about, "pixel", is_empty=False)] == [
        r"showing results for 'margin': no page has 'margni\n'",
        'no page has the phrase "net sales": showing pages with its words',
    ]
