"""The docsearch commands of README and docs/ run as they are written, in a folder that has what they name.

Those of the tutorials run in test_tutorials.py. What needs a network, another model, a cluster or another program is
listed in `NOT_RUN` with the reason, and what tests it instead.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from docsearch import cli
from docsearch.commands import open_page
from docsearch.indexer import watch
from docsearch.server import app
from docsearch.server.agents import serving
from documented import PRESENT, commands, name
from documented_folder import DEFAULT_INDEX, moved
from stand_in import StandIn, running

NOT_RUN = {
    r"--ray ": "a Ray cluster: tests/cluster",
    r"^train ": "minutes: the tutorial on fine-tuning runs it",
    r"--model (?!MODEL)|models/ours|(ours|src|texts|matching|colqwen)\.index": "other models: tests/engine/models",
    r"^query --like .*--task ": "an index of jina-embeddings-v4: tests/commands/test_like.py",
    r"--rerank ": "a cross-encoder: tests/engine/ranking",
    r"--dataset ": "a benchmark: tests/commands/test_eval_dataset.py",
    r"--ocr": "a program for OCR, with its languages: tests/indexer",
    r"--format qdrant": "Qdrant's server: tests/integrations/test_qdrant.py",
    r"--cross-language": "the extra cross-language: tests/commands/test_cross_language.py",
}
NEEDED = {"--format lance": "lance", "mcp ": "mcp", "export pages/": "pyarrow", "import ": "pyarrow"}
"""Packages that commands need; without them they are left out."""
FRESH = re.compile(r"^import |^index (vault|.*--codec )")
"""Commands that make an index, in the place of one that the folder has already."""
LANGUAGE_MODEL = re.compile(r"http://localhost:(?:11434|8000)/v1")
DOCUMENTS = [document for document in PRESENT if document.parent.name != "tutorials" and commands(document)]
SLOW = {"README.md", "docs/cli.md", "docs/evaluation.md"}
"""Documents whose commands take more than a few seconds together."""


@pytest.fixture
def folder(documented_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, where nothing opens a window, and servers and watchers end at once."""
    here = moved(documented_folder, tmp_path / "folder")
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCSEARCH_VIEWER", "true {file}")
    monkeypatch.setenv("DOCSEARCH_EDITOR", "true {file}")
    monkeypatch.delenv("DOCSEARCH_INDEX", raising=False)
    monkeypatch.setattr("webbrowser.open", lambda url: True)
    monkeypatch.setattr(open_page, "_start", lambda command, name: name)
    monkeypatch.setattr(app, "serve", lambda settings, on_listening: on_listening("http://127.0.0.1:8750"))
    monkeypatch.setattr(serving, "serve", lambda collections, **settings: None)
    monkeypatch.setattr(watch.Watcher, "run", lambda self, apply: apply(None))
    return here


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(document, id=name(document), marks=[pytest.mark.slow] if name(document) in SLOW else [])
        for document in DOCUMENTS
    ],
)
def test_commands_run_as_they_are_written(
    document: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    failed = []
    with running(StandIn()) as language_model:
        for words in commands(document):
            line = shlex.join(words)
            if reason_not_to_run(line):
                continue
            arguments = [given(word, folder, language_model.url) for word in words]
            if words[0] == "mcp" and "--install" in words:
                arguments.append("--yes")  # nobody is here to be asked
            if "-o" in words:  # of an example before
                Path(arguments[arguments.index("-o") + 1]).unlink(missing_ok=True)
            monkeypatch.setattr(sys, "argv", ["docsearch", *arguments])
            with (
                without_the_index(arguments) if FRESH.search(line) else open_as_it_is(),
                pytest.raises(SystemExit) as ended,
            ):
                cli.main()
            printed = capfd.readouterr()
            if ended.value.code not in (0, None):
                failed.append(f"$ docsearch {line}\n{ended.value.code}: {printed.err or printed.out}")
    assert failed == [], "\n".join(failed)


def test_what_is_not_run_is_still_documented() -> None:
    lines = [shlex.join(words) for document in DOCUMENTS for words in commands(document)]
    assert [pattern for pattern in NOT_RUN if not any(re.search(pattern, line) for line in lines)] == []
    assert sum(reason_not_to_run(line) == "" for line in lines) > len(lines) / 2


def reason_not_to_run(line: str) -> str:
    """Why a command is left out here; "" if it runs."""
    for pattern, reason in NOT_RUN.items():
        if re.search(pattern, line):
            return reason
    for start, package in NEEDED.items():
        if start in line and importlib.util.find_spec(package) is None:
            return f"needs {package}"
    return ""


def given(word: str, folder: Path, language_model: str) -> str:
    """A word of a command with what a reader has in the place of placeholders, absolute folders and other programs."""
    word = re.sub(r"^/(data|shared)/", rf"{folder}/\1/", word)
    word = re.sub(r"^\$\(openssl rand -hex 16\)$", "0" * 32, word)
    return "pixel" if word == "MODEL" else LANGUAGE_MODEL.sub(language_model, word)


@contextmanager
def open_as_it_is() -> Iterator[None]:
    yield


@contextmanager
def without_the_index(arguments: list[str]) -> Iterator[None]:
    """Set the index of a command aside meanwhile, so that the command makes it."""
    index = Path(arguments[arguments.index("--index") + 1] if "--index" in arguments else DEFAULT_INDEX)
    aside = index.with_name(f"{index.name}.aside")
    was_there = index.exists()
    if was_there:
        index.rename(aside)
    yield
    if was_there:
        shutil.rmtree(index, ignore_errors=True)
        aside.rename(index)
