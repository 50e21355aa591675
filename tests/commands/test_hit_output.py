"""What `docsearch query` shows of hits: formats, snippets, documents as one, links, and pages opened in a viewer."""

from __future__ import annotations

import csv
import io
import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from docsearch import open_index
from docsearch.cli import app
from docsearch.commands import hit_output, hyperlinks, open_page
from docsearch.engine.errors import UsageError

Run = Callable[..., tuple[int, str, str]]
QUESTION = ("query", "revenue chart 2023", "-k", "4")


@pytest.fixture
def asked(sample_index: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`asked(…)`: what a question with these options prints in a process of its own."""
    monkeypatch.delenv("DOCSEARCH_INDEX", raising=False)

    def ask(*options: str, environment: dict[str, str] | None = None) -> str:
        command = [sys.executable, "-m", "docsearch", *QUESTION, "--index", str(sample_index), *options]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env={**os.environ, **(environment or {})}
        )
        return done.stdout

    return ask


def test_json_has_the_passage_and_its_matches(asked: Callable[..., str]) -> None:
    best = json.loads(asked("--json").splitlines()[0])
    passage = best["snippet"]
    words = {passage["text"][start:end].lower() for start, end in passage["spans"]}
    assert {"revenue", "chart", "2023"} <= words
    assert best["title"] == "Annual report 2023"
    assert best["modified"].endswith("Z")
    assert best["recognised"] == []
    assert "snippet" not in json.loads(asked("--json", "--no-snippets").splitlines()[0])
    assert asked("--format", "json") == asked("--json")


def test_pages_without_text_tell_what_the_model_sees(sample_index: Path) -> None:
    with open_index(sample_index) as index:
        found = index.search("menu", path="canteen-menu.png", k=1)
        assert found
        details = found[0].details
    assert (details.text, details.snippet) == ("", None)
    assert [each.word for each in details.recognised] == ["menu"]
    x0, y0, x1, y1 = details.recognised[0].box
    assert 0 <= x0 < x1 <= 1
    assert 0 <= y0 < y1 <= 1


def test_hits_read_the_index_when_they_are_asked(sample_index: Path) -> None:
    with open_index(sample_index) as index:
        hits = index.search("revenue chart 2023", k=2)
        assert hits[0].text == index.text(hits[0].ref)
        assert hits[0].snippet is not None
        assert hits[0].title == "Annual report 2023"
    with pytest.raises(UsageError, match="closed"):
        _ = hits[0].text
    again = pickle.loads(pickle.dumps(hits[0]))
    assert again == hits[0]
    with pytest.raises(UsageError, match="does not know its index"):
        _ = again.text


def test_csv_has_a_row_for_each_hit(asked: Callable[..., str]) -> None:
    rows = list(csv.DictReader(io.StringIO(asked("--format", "csv"))))
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4"]
    assert "Revenue" in rows[0]["snippet"]
    assert rows[0]["title"] == "Annual report 2023"
    assert "snippet" not in csv.DictReader(io.StringIO(asked("--format", "csv", "--no-snippets"))).fieldnames  # type: ignore[operator]


def test_paths_are_files_once_each(asked: Callable[..., str]) -> None:
    paths = asked("--format", "paths").splitlines()
    assert len(paths) == len(set(paths))
    assert all(Path(path).is_file() for path in paths)


def test_documents_are_shown_once_with_their_pages(asked: Callable[..., str]) -> None:
    documents = [json.loads(line) for line in asked("--json", "--group-by", "document").splitlines()]
    assert len(documents) == 4
    assert len({each["doc_id"] for each in documents}) == 4
    assert [each["rank"] for each in documents] == [1, 2, 3, 4]
    assert documents[0]["pages"][0] == {"page": documents[0]["page"], "score": documents[0]["score"]}
    assert len(documents[0]["pages"]) > 1
    table = asked("--group-by", "document").splitlines()
    assert table[1].split("\t")[3].startswith(f"{documents[0]['page']}, ")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--explain", "--format", "paths"), "--explain has no place in --format paths"),
        (("--explain", "--format", "csv"), "--explain has no place in --format csv"),
        (("--snippets", "--format", "paths"), "--snippets has no place in --format paths"),
        (("--rerank", ""), "--rerank is empty"),
    ],
)
def test_options_that_would_change_nothing_are_refused(options: tuple[str, ...], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        app(["query", "ships", *options], standalone_mode=False)


def test_documents_are_asked_for_with_enough_pages() -> None:
    assert hit_output.hits_wanted(3) == 30
    assert hit_output.hits_wanted(500) == 1000
    assert hit_output.hits_wanted(5000) == 5000


@pytest.mark.skipif(os.name != "posix", reason="a program in a shell")
def test_a_page_is_opened_in_the_viewer_that_is_named(asked: Callable[..., str], tmp_path: Path) -> None:
    viewer, opened = tmp_path / "viewer", tmp_path / "opened"
    viewer.write_text(f'#!/bin/sh\necho "$@" > {opened}.part; mv {opened}.part {opened}\n')
    viewer.chmod(0o755)
    for options, rank in ((["--open"], 0), (["--open", "2"], 1)):
        opened.unlink(missing_ok=True)
        out = asked("--json", *options, environment={"DOCSEARCH_VIEWER": f"{viewer} -p {{page}} {{file}}"})
        hit = json.loads(out.splitlines()[rank])
        deadline = time.monotonic() + 300
        while not opened.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        flag, page, file = opened.read_text().split()
        assert (flag, page) == ("-p", str(hit["page"]))
        assert file.endswith(hit["path"])


def test_a_hit_that_is_not_there_is_not_opened(run: Run, indexed: Path) -> None:
    code, _, err = run("query", "revenue", "--open", "99")
    assert code == 2
    assert "--open 99: there are only" in err
    (indexed / "docs/a.pdf").unlink()
    code, _, err = run("query", "revenue", "--open", "1", "--path", "a.pdf")
    assert code == 2
    assert "not where it was indexed" in err


def test_a_viewer_that_cannot_be_started_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(open_page.VIEWER, str(tmp_path / "nothing"))
    with pytest.raises(UsageError, match="cannot be started"):
        open_page.open_page(tmp_path / "a.pdf", 3)
    monkeypatch.setenv(open_page.VIEWER, "evince '{file}")
    with pytest.raises(UsageError, match="is no command: No closing quotation"):
        open_page.open_page(tmp_path / "a.pdf", 3)
    monkeypatch.delenv(open_page.VIEWER)
    monkeypatch.setattr(open_page.shutil, "which", lambda name: None)
    monkeypatch.setattr(open_page.webbrowser, "open", lambda url: url == (tmp_path / "a.pdf").as_uri() + "#page=3")
    assert open_page.open_page(tmp_path / "a.pdf", 3) == "the browser"
    with pytest.raises(UsageError, match=open_page.VIEWER):
        open_page.open_page(tmp_path / "a.pdf", 4)


@pytest.mark.parametrize(
    ("environment", "known"),
    [
        ({}, False), ({"TERM": "xterm-256color"}, False), ({"TERM": "linux"}, False), ({"TERM": "foot-extra"}, True),
        ({"VTE_VERSION": "4902"}, False), ({"VTE_VERSION": "7600"}, True), ({"WT_SESSION": "a"}, True),
        ({"TERM_PROGRAM": "vscode"}, True), ({"TERM_PROGRAM": "Apple_Terminal"}, False),
        ({"TERM_PROGRAM": "vscode", "FORCE_HYPERLINK": "0"}, False), ({"FORCE_HYPERLINK": "1"}, True),
    ],
)  # fmt: skip
def test_terminals_with_hyperlinks_are_known(environment: dict[str, str], known: bool) -> None:
    assert hyperlinks.are_known(environment) is known


@pytest.mark.skipif(os.name != "posix", reason="a terminal of the system")
@pytest.mark.parametrize("linked", ["0", "1"])
def test_a_terminal_shows_marked_passages_and_links(sample_index: Path, linked: str) -> None:
    import pty

    master, slave = pty.openpty()
    command = [sys.executable, "-m", "docsearch", *QUESTION, "--index", str(sample_index)]
    environment = {**os.environ, "TERM": "xterm-256color", "FORCE_HYPERLINK": linked, "COLUMNS": "100"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(command, stdout=slave, stdin=slave, stderr=subprocess.DEVNULL, env=environment) as process:
        os.close(slave)
        shown = b""
        try:
            while piece := os.read(master, 65536):
                shown += piece
        except OSError:  # the terminal was closed
            pass
        process.wait()
    os.close(master)
    text = shown.decode()
    assert "\x1b[1;33m" in text
    assert ("\x1b]8;" in text and "annual-report-2023.pdf#page=6" in text) is (linked == "1")
