"""`docsearch query --like`: pages like one of the index; `--task`: an index of another task is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from docsearch import open_index
from docsearch.cli import app
from docsearch.commands.like_page import find_page
from docsearch.engine.errors import UsageError
from docsearch.indexer import pipeline

Run = Callable[..., tuple[int, str, str]]
WORDS = ("turbine", "harbour", "invoice", "minutes", "zebra", "granite", "violin", "pepper")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of two text files of several pages, a copy of one with a line more, and a file in a folder."""
    folder = tmp_path_factory.mktemp("like")
    (folder / "docs/sub").mkdir(parents=True)
    for name, offset in (("a.txt", 0), ("b.txt", 3)):
        lines = [f"{WORDS[(number // 50 + offset) % 8]} {number}" for number in range(200)]
        (folder / "docs" / name).write_text("\n".join(lines))
    text = (folder / "docs/a.txt").read_text()
    (folder / "docs/sub/a2.txt").write_text("added\n" + text)
    (folder / "docs/sub/b.txt").write_text("violin 1\n")
    pipeline.index_documents([folder / "docs"], folder / "index", device="cpu")
    return folder / "index"


@pytest.mark.parametrize(
    ("like", "shows"),
    [
        ("a.txt:70", 70),
        ("a.txt:70-90", 80),
        ("a.txt", 1),
        ("a2.txt:130", 130),
        ("sub/b.txt", 1),
        ("./sub/b.txt:1", 1),
    ],
)
def test_a_place_is_the_page_that_shows_the_lines(index: Path, like: str, shows: int) -> None:
    with open_index(index) as opened:
        ref = find_page(like, opened.snapshot)
        assert ref.path.endswith(like.partition(":")[0].removeprefix("./"))
        (lines,) = opened.snapshot.lines([opened.snapshot.row(ref)])
    assert lines is not None
    assert lines[0] <= shows <= lines[1]


@pytest.mark.parametrize(
    ("like", "says"),
    [
        ("", "--like is empty"),
        ("c.txt:3", "no document of the index is called c.txt"),
        ("txt:3", "no document of the index is called txt"),
        ("a.txt:900", "no page shows these lines; the last one with text is 200"),
        ("a.txt:9-3", "the first line is behind the last"),
    ],
)
def test_a_place_that_is_none_is_told(index: Path, like: str, says: str) -> None:
    with open_index(index) as opened, pytest.raises(UsageError, match=says):
        find_page(like, opened.snapshot)


def test_a_page_of_a_document_without_lines_has_its_number(sample_index: Path) -> None:
    with open_index(sample_index) as opened:
        assert find_page("annual-report-2023.pdf:6", opened.snapshot).page == 6
        with pytest.raises(UsageError, match="has no page 99"):
            find_page("annual-report-2023.pdf:99", opened.snapshot)
        with pytest.raises(UsageError, match="no lines that are known"):
            find_page("annual-report-2023.pdf:6-7", opened.snapshot)


def test_near_duplicates_of_lines_are_found(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app(["query", "--like", "a.txt:70-90", "--index", str(index), "--json", "-k", "3"], standalone_mode=False)
    hits = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert hits[0]["path"] == "sub/a2.txt"
    assert hits[0]["lines"][0] <= 80 <= hits[0]["lines"][1]
    assert all(hit["path"] != "a.txt" or not hit["lines"][0] <= 70 <= hit["lines"][1] for hit in hits)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["words"], "leave a question out"),
        (["--mode", "text"], "leave --mode out"),
        (["--explain"], "leave --explain out"),
        (["--index", "other"], "leave several --index out"),
    ],
)
def test_what_cannot_be_asked_with_like_is_refused(index: Path, options: list[str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        app(["query", "--like", "a.txt:70", "--index", str(index), *options], standalone_mode=False)


def test_a_model_without_tasks_is_told(index: Path) -> None:
    with pytest.raises(UsageError, match="pixel, has no tasks"):
        app(["query", "turbine", "--task", "code", "--index", str(index)], standalone_mode=False)
