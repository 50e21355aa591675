"""Files that are not documents are counted by kind, never left out in silence."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from docsearch.engine.errors import UsageError
from docsearch.indexer import pipeline
from docsearch.indexer.discover import find
from docsearch.indexer.kinds import EXPORT_PICTURE
from docsearch.indexer.other_kinds import KINDS_SHOWN, PATHS_KEPT, OtherKind, summary
from fake_encoder import FakeEncoder

MakePdf = Callable[..., Path]


def kinds(folder: Path) -> dict[str, int]:
    return {each.kind: each.files for each in find([folder]).other_kinds}


@pytest.fixture
def folder(tmp_path: Path, make_pdf: MakePdf) -> Path:
    return make_pdf(tmp_path / "docs/a.pdf", ["a"]).parent


def test_files_of_other_kinds_are_counted_by_their_extension(folder: Path) -> None:
    for name in ("a.cr2", "sub/B.CR2", "c.blend", "LICENSE", "minutes.of the 3rd meeting", "\x1b[31m.\x1b[0m"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("text")
    assert kinds(folder) == {".cr2": 2, ".blend": 1, "no extension": 1, "other name": 2}
    assert find([folder]).other_kinds[0] == OtherKind(".cr2", 2, ("a.cr2", "sub/B.CR2"), EXPORT_PICTURE)


def test_hidden_documents_are_counted_but_not_other_hidden_files(folder: Path) -> None:
    for name in (".a.pdf", ".DS_Store", ".git/b.pdf", ".folder.pdf/c.pdf"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("text")
    assert kinds(folder) == {"hidden": 1}


@pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes")
def test_pipes_sockets_devices_and_broken_links_are_counted_whatever_their_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(folder / "pipe.pdf")
    os.mkfifo(folder / "pipe")
    (folder / "null.png").symlink_to("/dev/null")
    (folder / "notes.blend").symlink_to("nothing")
    monkeypatch.chdir(folder)  # a socket's address has to be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("agent.pdf")
        assert kinds(folder) == {"pipe": 2, "broken link": 1, "device": 1, "socket": 1}


@pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes")
def test_a_given_pipe_is_a_failure_that_says_so(folder: Path) -> None:
    os.mkfifo(folder / "b.pdf")
    found = find([folder / "a.pdf", folder / "b.pdf"])
    assert [(each.path, each.reason) for each in found.unreadable] == [("b.pdf", "a pipe, not a regular file")]


def test_a_folder_of_other_kinds_alone_is_an_error_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "a.blend").write_text("text")
    with pytest.raises(UsageError, match=r"\(1 file of another kind was skipped: \.blend 1\)"):
        find([tmp_path])


def test_the_report_lists_other_kinds_with_their_first_paths(folder: Path, tmp_path: Path) -> None:
    for number in range(PATHS_KEPT + 5):
        (folder / f"{number:02}.blend").write_text("text")
    report = pipeline.index_documents([folder], tmp_path / "index", encoder=FakeEncoder())
    (kind,) = asdict(report)["other_kinds"]
    assert (kind["kind"], kind["files"], len(kind["paths"])) == (".blend", PATHS_KEPT + 5, PATHS_KEPT)
    assert kind["paths"][0] == "00.blend"


def test_the_summary_names_the_most_frequent_kinds_and_counts_the_others() -> None:
    assert summary(()) == ""
    assert summary([OtherKind(".blend", 1_200, ()), OtherKind("pipe", 1, ())]) == (
        "1,201 files of other kinds were skipped: .blend 1,200, pipe 1"
    )
    many = [OtherKind(f".{number}", 2, ()) for number in range(KINDS_SHOWN + 3)]
    assert summary(many).endswith(", others 6")


def test_the_summary_says_once_what_would_make_kinds_readable() -> None:
    found = [OtherKind(".pages", 2, (), "export them as PDF"), OtherKind(".key", 1, (), "export them as PDF")]
    assert summary(found).split("\n")[1:] == ["  .pages .key: export them as PDF"]
