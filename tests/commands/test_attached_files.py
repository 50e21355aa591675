"""Documents that lie in others on the command line: they are opened as copies, and named by what they lie in."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from docsearch.commands import open_page

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def packed(run: Run, docs: Path) -> Path:
    """`docs` with an archive that b.pdf lies in, indexed."""
    with zipfile.ZipFile(docs / "all.zip", "w") as archive:
        archive.write(docs / "sub/b.pdf", "folder/b.pdf")
    (docs / "sub/b.pdf").unlink()
    assert run("index", docs, "--archives", "-q")[0] == 0
    return docs


def test_a_copy_is_opened_and_its_place_told(run: Run, packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_page, "open_page", lambda file, page, line: f"a viewer of {file.name}")
    code, _, err = run("query", "minutes", "--path", "*b.pdf", "--open")
    assert code == 0, err
    (line,) = [line for line in err.splitlines() if "taken out of" in line]
    copy = Path(line.rpartition(" into ")[2])
    assert copy.name == "b.pdf"
    assert copy.read_bytes().startswith(b"%PDF")
    assert "all.zip/folder/b.pdf, page 1: opened with a viewer of b.pdf" in err


def test_lists_of_paths_have_the_file_that_it_lies_in(run: Run, packed: Path) -> None:
    out = run("query", "minutes", "--path", "*b.pdf", "--format", "paths")[1]
    assert out.splitlines() == [str(packed / "all.zip")]


def test_an_archive_that_is_not_opened_is_told_with_the_option(run: Run, docs: Path) -> None:
    with zipfile.ZipFile(docs / "all.zip", "w") as archive:
        archive.write(docs / "a.pdf", "a.pdf")
    assert "--archives opens them" in run("index", docs)[1]
    code, _, err = run("index", docs / "all.zip", "--index", "other")
    assert code != 0
    assert "--archives opens them" in err


def test_update_opens_archives_as_index_did(run: Run, packed: Path) -> None:
    with zipfile.ZipFile(packed / "all.zip", "a") as archive:
        archive.write(packed / "a.pdf", "later.pdf")
    assert run("update", "-q")[0] == 0
    assert "all.zip/later.pdf" in run("query", "revenue", "--all-copies", "-k", "20")[1]
