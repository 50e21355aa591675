"""Progress of long commands where nobody sees a bar: a line on stderr now and then, with the time left."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from docsearch.commands import progress
from docsearch.commands.indexing import ProgressLine
from docsearch.commands.progress import progress_bar
from docsearch.commands.train import _event_handler
from docsearch.indexer.report import Progress

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def lines_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)


def set_clock(monkeypatch: pytest.MonkeyPatch, *seconds: float) -> None:
    times: Iterator[float] = iter(seconds)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(times)))  # not that of other threads


def test_a_line_tells_the_time_that_the_rest_takes_at_the_speed_of_this_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_clock(monkeypatch, 0.0, 10.0, 40.0)
    text = "{task.completed:,}/{task.total:,} queries · ETA"
    with progress_bar(text=text, total=1100, completed=98, time_left=True, lines=True) as bar:
        bar.advance()
        assert capsys.readouterr().err == ""  # 10 s: too early for a line
        bar.advance()
    # Two queries took 40 s, so the 1,000 that are left take 20,000 s: those of an earlier run do not count.
    assert capsys.readouterr().err == "100/1,100 queries · ETA 5:33:20\n"


def test_the_time_left_of_indexing_leaves_out_what_comes_before_the_first_pages() -> None:
    def after(seconds: float, pages: int, share: int) -> Progress:
        """A percentage of one document of 1,000 pages, half of which earlier runs had embedded."""
        return Progress(0, 1, 10_000 * share, 1_000_000, 500_000, pages, 500, 0, seconds, "long.txt")

    line = ProgressLine()
    told = [line(each).rpartition("ETA ")[2] for each in (after(60, 0, 50), after(70, 50, 55), after(90, 150, 65))]
    # 10 % of the document took the last 20 s, and 35 % are left.
    assert told == ["?", "?", "1:10"]


def test_a_run_over_documents_without_pages_tells_the_time_left() -> None:
    failed = Progress(2, 10, 200, 1000, 0, 0, 0, 2, 5.0, "")
    assert ProgressLine()(failed).endswith("ETA 0:20 · 2 failed")


def test_batch_prints_lines_of_progress_in_a_pipe(run: Run, indexed: Path, lines_at_once: None) -> None:
    Path("q.txt").write_text("revenue\nminutes\n")
    err = run("batch", "q.txt", "-o", "a.jsonl")[2]
    assert re.search(r"^1/2 queries · ETA \d+:\d\d$", err, re.MULTILINE)
    assert run("batch", "q.txt", "-o", "b.jsonl", "--quiet")[2] == ""


def test_mine_prints_lines_of_progress_in_a_pipe(run: Run, indexed: Path, lines_at_once: None) -> None:
    rows = [{"query": "revenue", "path": "a.pdf", "page": 1}, {"query": "minutes", "path": "sub/b.pdf", "page": 1}]
    Path("labels.jsonl").write_text("\n".join(map(json.dumps, rows)))
    err = run("mine", "labels.jsonl", "-o", "rows.jsonl")[2]
    assert re.search(r"^1/2 rows · ETA \d+:\d\d$", err, re.MULTILINE)
    assert run("mine", "labels.jsonl", "-o", "rows.jsonl", "--quiet")[2] == ""


def test_train_prints_lines_of_progress_in_a_pipe(lines_at_once: None, capsys: pytest.CaptureFixture[str]) -> None:
    with _event_handler(as_json=False, quiet=False) as on_event:
        on_event({"event": "page", "page": 20, "pages": 1500})
        on_event({"event": "step", "step": 3, "steps": 500, "loss": 0.25, "eta_s": 75})
    assert capsys.readouterr().err == "page 20/1,500 rendered\nstep 3/500 · loss 0.250 · ETA 1:15\n"
    with _event_handler(as_json=False, quiet=True) as on_event:
        on_event({"event": "step", "step": 3, "steps": 500, "loss": 0.25, "eta_s": 75})
    assert capsys.readouterr().err == ""
