"""Fixtures of the tests of the command line: it runs in this process, with a model that has no weights."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from docsearch import cli
from docsearch.commands import progress
from docsearch.engine import searcher
from docsearch.engine.models import registry
from docsearch.indexer import page_model
from fake_encoder import SPEC, FakeEncoder

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command line in this process, in an empty folder, with a model that has no weights."""
    for module in (page_model, searcher):
        monkeypatch.setattr(module, "find_spec", lambda name, revision="": SPEC)
    monkeypatch.setattr(page_model, "load_page_encoder", lambda name, device: FakeEncoder())
    monkeypatch.setattr(searcher, "load_query_encoder", lambda name, revision="": FakeEncoder())
    monkeypatch.setattr(registry, "known_models", lambda: [SPEC])
    monkeypatch.setattr(progress, "LINE_EVERY_S", 3600.0)  # no line of progress, however long a busy machine takes
    monkeypatch.delenv("DOCSEARCH_INDEX", raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["docsearch", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture
def docs(tmp_path: Path, make_pdf: Callable[..., Path]) -> Path:
    """Two documents with three pages."""
    make_pdf(tmp_path / "docs/a.pdf", ["revenue chart", "notes"])
    make_pdf(tmp_path / "docs/sub/b.pdf", ["minutes of a meeting"])
    return tmp_path / "docs"


@pytest.fixture
def indexed(run: Run, docs: Path) -> Path:
    """A folder with an index of `docs` in the default place."""
    assert run("index", docs)[0] == 0
    return docs.parent
