"""`--mode`: what pages are found by, in `query` and `batch`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
