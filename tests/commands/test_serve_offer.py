"""`docsearch serve` where there is no index: a terminal is asked what to make one of."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from docsearch.commands import serve
from docsearch.engine.errors import IndexNotFound
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
    with pytest.raises(IndexNotFound, match="or add --yes"):
        serve.with_an_index(Path("new"))
    assert not catalog.exists(Path("new"))


@pytest.mark.usefixtures("run")
def test_yes_makes_one_of_the_current_folder(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typer, "prompt", None)
    monkeypatch.chdir(docs)
    index = serve.with_an_index(Path(".docsearch"), yes=True)
    with open_snapshot(index) as snapshot:
        assert set(snapshot.documents()) == {"a.pdf", "sub/b.pdf"}


@pytest.mark.usefixtures("run", "terminal")
def test_a_folder_of_documents_is_offered_with_its_index_inside(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offered = []
    monkeypatch.setattr(typer, "prompt", lambda *_, default, **__: offered.append(default) or default)
    index = serve.with_an_index(docs)
    assert (index, offered) == (docs / ".docsearch", [str(docs)])
    assert serve.with_an_index(docs) == index
    with open_snapshot(index) as snapshot:
        assert set(snapshot.documents()) == {"a.pdf", "sub/b.pdf"}
