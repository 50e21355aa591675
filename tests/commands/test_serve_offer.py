"""`docsearch serve` where there is no index: a terminal is asked what to make one of."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from docsearch.commands import serve
from docsearch.engine.store import catalog, open_snapshot


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "is_terminal", lambda: True)


@pytest.mark.usefixtures("run", "terminal")
def test_a_terminal_is_asked_for_a_folder_and_gets_an_index(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4 no")
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: str(docs))
    assert serve.with_an_index(Path("new")) == Path("new")
    with open_snapshot(Path("new")) as snapshot:
        assert {path for path, row in snapshot.documents().items() if row.state == "done"} == {"a.pdf", "sub/b.pdf"}
    monkeypatch.setattr(typer, "prompt", None)  # not asked again
    assert serve.with_an_index(Path("new")) == Path("new")


@pytest.mark.usefixtures("run")
def test_elsewhere_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "is_terminal", lambda: False)
    monkeypatch.setattr(typer, "prompt", None)
    assert serve.with_an_index(Path("new")) == Path("new")
    assert not catalog.exists(Path("new"))
