"""What a search leaves out is what the user, an ignore file or common sense says, and it is counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from docsearch.engine.errors import UsageError
from docsearch.indexer.discover import Discovery, find


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"%PDF-1.7")


def paths(found: Discovery) -> list[str]:
    return [document.path for document in found.documents]


def folders(found: Discovery) -> dict[str, tuple[str, ...]]:
    return {each.kind: each.paths for each in found.folders}


def test_folders_of_tools_are_left_out_and_listed(tmp_path: Path) -> None:
    put(tmp_path, "a.pdf", "web/node_modules/b.pdf", "src/__pycache__/c.pdf", ".git/d.pdf", "tools/e.pdf")
    put(tmp_path, "environment/f.pdf", "environment/pyvenv.cfg", "target/g.pdf", "target/CACHEDIR.TAG")
    found = find([tmp_path])
    assert paths(found) == ["a.pdf", "tools/e.pdf"]
    assert folders(found) == {
        "hidden": (".git",),
        "node_modules": ("web/node_modules",),
        "__pycache__": ("src/__pycache__",),
        "pyvenv.cfg": ("environment",),
        "CACHEDIR.TAG": ("target",),
    }


def test_a_folder_that_is_given_is_searched_whatever_it_is(tmp_path: Path) -> None:
    put(tmp_path, "node_modules/a.pdf", "node_modules/CACHEDIR.TAG")
    assert paths(find([tmp_path / "node_modules"])) == ["a.pdf"]


def test_an_ignore_file_holds_for_its_folder_and_those_below(tmp_path: Path) -> None:
    put(tmp_path, "a.pdf", "drafts/b.pdf", "deep/drafts/c.pdf", "deep/d.pdf", "deep/old/e.pdf", "old/f.pdf")
    (tmp_path / ".docsearchignore").write_text("# not finished\ndrafts/\n/a.pdf\n")
    (tmp_path / "deep/.docsearchignore").write_text("old\n")
    found = find([tmp_path])
    assert paths(found) == ["deep/d.pdf", "old/f.pdf"]
    assert found.ignored == 4


def test_the_inner_ignore_file_and_the_later_pattern_win(tmp_path: Path) -> None:
    put(tmp_path, "a.pdf", "b.pdf", "in/a.pdf", "in/b.pdf")
    (tmp_path / ".docsearchignore").write_text("*.pdf\n!b.pdf\n")
    (tmp_path / "in/.docsearchignore").write_text("!a.pdf\nb.pdf\n")
    assert paths(find([tmp_path])) == ["b.pdf", "in/a.pdf"]


def test_an_ignore_file_takes_in_what_is_left_out_by_default(tmp_path: Path) -> None:
    put(tmp_path, ".plans/a.pdf", "node_modules/b.pdf", ".other/c.pdf")
    (tmp_path / ".docsearchignore").write_text("!.plans/\n!node_modules/\n")
    assert paths(find([tmp_path])) == [".plans/a.pdf", "node_modules/b.pdf"]


@pytest.mark.parametrize("content", [b"\xff\xfe\xff", b"a\n!\n"])
def test_an_ignore_file_that_cannot_be_understood_stops_the_search(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, "a.pdf")
    (tmp_path / ".docsearchignore").write_bytes(content)
    with pytest.raises(UsageError, match=r"\.docsearchignore"):
        find([tmp_path])


def test_ignoring_everything_is_an_error_that_says_so(tmp_path: Path) -> None:
    put(tmp_path, "a.pdf", "b.pdf")
    (tmp_path / ".docsearchignore").write_text("*\n")
    with pytest.raises(UsageError, match=r"\.docsearchignore left out 2"):
        find([tmp_path])


def test_an_index_inside_the_folder_is_not_searched(tmp_path: Path) -> None:
    put(tmp_path, "a.pdf", ".docsearch/catalog.sqlite", ".docsearch/.uploads/1/b.pdf")
    found = find([tmp_path])
    assert (paths(found), found.folders) == (["a.pdf"], ())


def test_kinds_select_and_others_are_counted(tmp_path: Path) -> None:
    put(tmp_path, "a.pdf", "b.png", "c.TIF")
    found = find([tmp_path], kinds=["image"])
    assert paths(found) == ["b.png", "c.TIF"]
    assert [(each.kind, each.advice) for each in found.other_kinds] == [(".pdf", "--kinds pdf reads them")]
    assert paths(find([tmp_path], kinds=["pdf,image"])) == ["a.pdf", "b.png", "c.TIF"]
    assert paths(find([tmp_path], kinds=["all"])) == ["a.pdf", "b.png", "c.TIF"]


@pytest.mark.parametrize("kinds", [["pictures"], [""], ["pdf,word"]])
def test_a_kind_that_is_not_known_is_an_error_that_lists_them(tmp_path: Path, kinds: list[str]) -> None:
    with pytest.raises(UsageError, match="pdf, image"):
        find([tmp_path], kinds=kinds)


def test_a_given_file_of_a_kind_that_is_left_out_is_listed(tmp_path: Path) -> None:
    put(tmp_path, "a.pdf", "b.png")
    found = find([tmp_path / "a.pdf", tmp_path / "b.png"], kinds=["image"])
    assert paths(found) == ["b.png"]
    assert [(each.path, each.reason) for each in found.unreadable] == [("a.pdf", "of a kind that --kinds leaves out")]
