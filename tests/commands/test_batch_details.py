"""Answers of `docsearch batch --snippets`: hits have the details that they have elsewhere."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pyarrow import parquet

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_hits_of_answers_have_details(run: Run, indexed: Path, suffix: str) -> None:
    Path("q.txt").write_text("minutes\n")
    out = Path(f"answers{suffix}")
    code, _, err = run("batch", "q.txt", "-o", out, "--snippets", "-q")
    assert code == 0, err
    if suffix == ".jsonl":
        (line,) = out.read_text().splitlines()
        hits = json.loads(line)["hits"]
        own = [json.loads(each) for each in run("query", "minutes", "--json")[1].splitlines()]
        names = ("label", "title", "modified", "snippet", "recognised")
        assert [{name: hit[name] for name in names} for hit in hits] == [
            {name: hit[name] for name in names} for hit in own
        ]
    elif suffix == ".csv":
        hits = list(csv.DictReader(out.read_text().splitlines()))
        assert {"label", "title", "modified", "snippet"} <= set(hits[0])
    else:
        hits = parquet.read_table(out).to_pylist()[0]["hits"]
    by_path = {hit["path"]: hit for hit in hits}
    assert "minutes of a meeting" in str(by_path["sub/b.pdf"]["snippet"])
    assert by_path["sub/b.pdf"]["modified"].startswith("20")


def test_answers_without_details_are_not_continued_with_them(run: Run, indexed: Path) -> None:
    Path("q.txt").write_text("minutes\n")
    assert run("batch", "q.txt", "-o", "a.jsonl", "-q")[0] == 0
    assert "title" not in json.loads(Path("a.jsonl").read_text())["hits"][0]
    code, _, err = run("batch", "q.txt", "-o", "a.jsonl", "--snippets", "--resume", "-q")
    assert code == 2
    assert "--snippets" in err


def test_details_have_no_place_in_a_trec_file(run: Run, indexed: Path) -> None:
    Path("q.txt").write_text("minutes\n")
    code, _, err = run("batch", "q.txt", "-o", "a.trec", "--snippets")
    assert code == 2
    assert "no place in .trec files" in err


def test_documents_that_failed_are_not_counted_as_documents(run: Run, indexed: Path, docs: Path) -> None:
    (docs / "broken.pdf").write_bytes(b"%PDF-nonsense")
    run("index", docs)
    facts = json.loads(run("info", "--json")[1])
    assert (facts["documents"], facts["documents_failed"]) == (2, 1)
