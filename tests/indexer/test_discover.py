"""Every document below the given paths is found once, under a path that says where it is."""

from __future__ import annotations

import hashlib
import os
import sys
from functools import partial
from pathlib import Path

import pytest

from docsearch.engine.errors import DocumentError, NothingFound, UsageError
from docsearch.indexer.discover import Document, find
from unprivileged import as_user


def put(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"%PDF-1.7")


def names(*paths: Path) -> list[str]:
    return [document.path for document in find(paths).documents]


def test_document_paths_are_relative_to_their_folder_and_sorted(tmp_path: Path) -> None:
    put(*(tmp_path / name for name in ("b.pdf", "A.PDF", "sub/deep/c.tiff", "sub/d.JPeG", "e.webp", "f.png", "g.jpg")))
    put(tmp_path / "notes.numbers", tmp_path / "h.pdf.part")
    assert names(tmp_path) == ["A.PDF", "b.pdf", "e.webp", "f.png", "g.jpg", "sub/d.JPeG", "sub/deep/c.tiff"]


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    put(tmp_path / "a.pdf", tmp_path / ".b.pdf", tmp_path / ".docsearch/c.pdf")
    assert names(tmp_path) == ["a.pdf"]


def test_the_path_of_a_given_file_is_its_name(tmp_path: Path) -> None:
    put(tmp_path / "sub/a.pdf")
    assert names(tmp_path / "sub/a.pdf") == ["a.pdf"]


def test_a_document_reached_by_two_paths_is_found_once(tmp_path: Path) -> None:
    put(tmp_path / "sub/a.pdf")
    assert names(tmp_path, tmp_path / "sub", tmp_path / "sub/a.pdf", tmp_path / "sub/../sub/a.pdf") == ["sub/a.pdf"]


def test_equal_paths_get_as_many_folder_names_in_front_as_it_takes(tmp_path: Path) -> None:
    put(*(tmp_path / name for name in ("x/one/a.pdf", "y/one/a.pdf", "x/two/a.pdf", "x/one/b.pdf")))
    paths = [tmp_path / name for name in ("x/one", "y/one", "x/two")]
    assert names(*paths) == ["b.pdf", "two/a.pdf", "x/one/a.pdf", "y/one/a.pdf"]
    assert names(*reversed(paths)) == names(*paths)


def test_links_are_followed_but_no_folder_is_visited_twice(tmp_path: Path) -> None:
    put(tmp_path / "real/a.pdf", tmp_path / "elsewhere/b.pdf")
    (tmp_path / "real/loop").symlink_to(tmp_path / "real")
    (tmp_path / "real/again").symlink_to(tmp_path / "real/loop")
    (tmp_path / "real/0link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "real/c.pdf").symlink_to(tmp_path / "elsewhere/b.pdf")
    assert names(tmp_path / "real") == ["0link/b.pdf", "a.pdf", "c.pdf"]


def test_a_broken_link_is_listed(tmp_path: Path) -> None:
    put(tmp_path / "a.pdf")
    (tmp_path / "gone.pdf").symlink_to(tmp_path / "nothing.pdf")
    (tmp_path / "round.pdf").symlink_to(tmp_path / "round.pdf")
    found = find([tmp_path])
    assert [document.path for document in found.documents] == ["a.pdf"]
    assert [each.path for each in found.unreadable] == ["gone.pdf", "round.pdf"]
    assert all(each.reason for each in found.unreadable)


@pytest.mark.skipif(sys.platform == "win32", reason="needs Unix file permissions")
def test_a_folder_without_permission_is_listed(open_path: Path) -> None:
    put(open_path / "a.pdf", open_path / "locked/b.pdf")
    (open_path / "locked").chmod(0)
    try:
        found = as_user(partial(find, [open_path]), open_path)
    finally:
        (open_path / "locked").chmod(0o700)
    assert [document.path for document in found.documents] == ["a.pdf"]
    assert [each.path for each in found.unreadable] == ["locked"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems reject such names")
def test_a_name_that_is_not_valid_utf8_is_escaped_and_still_opens(tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"caf\xe9.pdf")
    put(file)
    [document] = find([tmp_path]).documents
    assert document.path == "caf\\xe9.pdf"
    assert document.file.read_bytes() == b"%PDF-1.7"


@pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes")
def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    put(tmp_path / "a.pdf")
    os.mkfifo(tmp_path / "b.pdf")
    assert names(tmp_path) == ["a.pdf"]


def test_a_given_file_counts_as_pdf_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "report.tmp").write_bytes(b"junk" * 200 + b"%PDF-1.4")
    assert names(tmp_path / "report.tmp") == ["report.tmp"]


def test_a_given_file_of_an_unsupported_type_is_listed_as_unreadable(tmp_path: Path) -> None:
    put(tmp_path / "a.pdf")
    (tmp_path / "notes.bin").write_text("notes")
    found = find([tmp_path / "notes.bin", tmp_path / "a.pdf"])
    assert [document.path for document in found.documents] == ["a.pdf"]
    assert [each.path for each in found.unreadable] == ["notes.bin"]


@pytest.mark.parametrize(
    ("name", "says"),
    [("missing", "no such file or folder"), ("empty", "no documents found"), ("notes.bin", "no documents found")],
)
def test_finding_nothing_is_an_error_that_says_what_was_searched(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.bin").write_text("notes")
    with pytest.raises(UsageError, match=says):
        find([tmp_path / name])
    with pytest.raises(UsageError, match="no PATH"):
        find([])


def test_the_hash_is_the_sha256_of_the_content(tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    file.write_bytes(b"%PDF" * 700_000)
    [document] = find([tmp_path]).documents
    assert document.sha256() == hashlib.sha256(b"%PDF" * 700_000).hexdigest()
    assert document.size == 2_800_000


def test_the_hash_of_a_file_that_vanished_is_an_error_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="No such file"):
        Document("a.pdf", tmp_path / "a.pdf", 0, 0).sha256()


@pytest.mark.parametrize("pattern", ["", "/"])
def test_an_empty_pattern_is_refused(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    with pytest.raises(UsageError, match="leaves nothing out"):
        find([tmp_path], exclude=[pattern])


def test_folders_with_nothing_in_them_are_told(tmp_path: Path) -> None:
    empty, full = tmp_path / "empty", tmp_path / "full"
    empty.mkdir()
    full.mkdir()
    (full / "a.pdf").touch()
    with pytest.raises(NothingFound, match=r"no documents found in .*: an empty folder$"):
        find([empty])
    assert [(each.kind, each.paths) for each in find([full, empty]).folders] == [("empty", ("empty",))]
