"""Where commands write: what may not be written over is refused before the search; an old output stays until then."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from PIL import Image

from docsearch.commands import pictures
from docsearch.engine import images
from docsearch.engine.searcher import Searcher

Run = Callable[..., tuple[int, str, str]]
LINKS = {"the same name": lambda _old, _new: None, "hard link": os.link, "symbolic link": os.symlink}


@pytest.fixture
def no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search fails: what is refused has to be refused before it."""

    def fail(*_: object, **__: object) -> NoReturn:
        raise AssertionError("searched before the output was checked")

    for name in ("search", "search_many"):
        monkeypatch.setattr(Searcher, name, fail)


@pytest.fixture
def files(indexed: Path) -> Path:
    """The folder of an index, with an indexed picture and query files."""
    (indexed / "q.jsonl").write_text('{"query": "revenue"}\n{"query": "minutes"}\n', "utf-8")
    (indexed / "q.txt").write_text("revenue\n", "utf-8")
    (indexed / "labels.jsonl").write_text('{"query": "revenue", "path": "a.pdf", "page": 1}\n', "utf-8")
    return indexed


def refused(run: Run, *arguments: str | Path) -> str:
    code, out, err = run(*arguments)
    assert (code, out) == (2, ""), err
    assert err.count("\n") == 1
    return err


@pytest.mark.usefixtures("no_search")
@pytest.mark.parametrize("link", LINKS)
def test_an_output_that_is_the_input_is_refused(run: Run, files: Path, link: str) -> None:
    before = (files / "q.jsonl").read_bytes()
    out = "q.jsonl" if link == "the same name" else "out.jsonl"
    LINKS[link]("q.jsonl", out)
    assert "would overwrite q.jsonl" in refused(run, "batch", "q.jsonl", "-o", out)
    assert (files / "q.jsonl").read_bytes() == before
    labels = "labels.jsonl" if link == "the same name" else "rows.jsonl"
    LINKS[link]("labels.jsonl", labels)
    assert "would overwrite labels.jsonl" in refused(run, "mine", "labels.jsonl", "-o", labels)


@pytest.mark.usefixtures("no_search")
def test_an_image_to_search_by_is_not_written_over(run: Run, files: Path) -> None:
    Image.new("RGB", (60, 40)).save("form.png")
    os.link("form.png", "hit.png")
    assert "would overwrite form.png" in refused(run, "query", "--image", "form.png", "--heatmap", "hit.png")


@pytest.mark.usefixtures("no_search")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["query", "x", "--heatmap", "report.pdf"], "written as .png .jpg .jpeg, not '.pdf'"),
        (["mine", "labels.jsonl", "-o", "a.pdf"], "written as .jsonl, not '.pdf'"),
        (["batch", "q.txt", "-o", "a.pdf"], "written as .jsonl .csv .parquet .trec, not '.pdf'"),
    ],
)
def test_an_output_of_another_kind_is_refused(run: Run, files: Path, arguments: list[str], words: str) -> None:
    assert words in refused(run, *arguments)


OUTPUTS = {
    "heat map": (["query", "x", "--heatmap"], "hit.png"),
    "answers": (["batch", "q.txt", "-o"], "out.jsonl"),
    "rows": (["mine", "labels.jsonl", "-o"], "rows.jsonl"),
}


@pytest.mark.usefixtures("no_search")
@pytest.mark.parametrize("what", OUTPUTS)
def test_a_missing_folder_is_told_before_the_search(run: Run, files: Path, what: str) -> None:
    arguments, name = OUTPUTS[what]
    assert "there is no folder nowhere; make it first" in refused(run, *arguments, f"nowhere/{name}")
    (files / "folder.png").mkdir()
    (files / "folder.jsonl").mkdir()
    assert "this is a folder" in refused(run, *arguments, f"folder{Path(name).suffix}")


@pytest.mark.usefixtures("no_search")
@pytest.mark.parametrize("what", OUTPUTS)
@pytest.mark.parametrize("place", [".docsearch", ".docsearch/segments", "link", "other"])
def test_a_file_inside_an_index_is_refused(run: Run, files: Path, what: str, place: str) -> None:
    arguments, name = OUTPUTS[what]
    Path("link").symlink_to(".docsearch/segments")
    (files / "other").mkdir()
    (files / "other/catalog.sqlite").touch()
    assert "inside the index" in refused(run, *arguments, f"{place}/{name}")


@pytest.mark.usefixtures("no_search")
def test_pages_are_not_saved_where_they_cannot_be(run: Run, files: Path) -> None:
    assert "inside the index" in refused(run, "query", "x", "--save-pages", ".docsearch/hits")
    assert "q.txt is a file" in refused(run, "query", "x", "--save-pages", "q.txt/hits")
    assert "inside the index" in refused(run, "train", "pixel", "q.jsonl", "-o", ".docsearch/model")


@pytest.mark.parametrize("link", LINKS)
def test_an_indexed_document_is_not_written_over(run: Run, files: Path, link: str) -> None:
    Image.new("RGB", (200, 260), "white").save("docs/01-a-page-1.png")
    assert run("index", "docs")[0] == 0
    before = (files / "docs/01-a-page-1.png").read_bytes()
    out = "docs/01-a-page-1.png" if link == "the same name" else "hit.png"
    LINKS[link](files / "docs/01-a-page-1.png", out)
    words = "would overwrite the indexed document 01-a-page-1.png"
    assert words in refused(run, "query", "revenue", "--heatmap", out)
    code, _, err = run("query", "revenue chart", "--path", "a.pdf", "-k", "1", "--save-pages", "docs")
    assert (code, words in err) == (2, True)
    assert (files / "docs/01-a-page-1.png").read_bytes() == before


def test_a_heat_map_has_the_format_of_its_name(run: Run, files: Path) -> None:
    for name, kind in (("hit.png", "PNG"), ("hit.jpg", "JPEG"), ("hit.JPEG", "JPEG"), ("hit", "PNG")):
        assert run("query", "revenue chart", "--heatmap", name)[0] == 0
        with Image.open(name) as picture:
            assert picture.format == kind


def test_an_old_picture_stays_where_the_new_one_cannot_be_written(
    run: Run, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("query", "revenue chart", "--heatmap", "hit.png", "--save-pages", "hits")[0] == 0
    before = {file: file.read_bytes() for file in (Path("hit.png"), *Path("hits").iterdir())}

    def full(*_: object, **__: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(images, "encode_png", full)
    assert pictures.images is images
    for option, name in (("--heatmap", "hit.png"), ("--save-pages", "hits")):
        code, _, err = run("query", "revenue chart", option, name)
        assert (code, "No space left on device" in err) == (2, True)
    assert {file: file.read_bytes() for file in (Path("hit.png"), *Path("hits").iterdir())} == before


@pytest.mark.usefixtures("no_search")
@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_that_may_not_be_written_to_is_told(
    run: Run, files: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    (files / "fixed").mkdir()
    if is_there:
        (files / "fixed/hit.png").write_bytes(b"old")  # this file may be written to, and is replaced as a whole
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "fixed" and access(path, mode))
    told = refused(run, "query", "revenue", "--heatmap", "fixed/hit.png")
    assert f"no permission to write in {files / 'fixed'}" in told
    assert ("completed before it replaces the old one" in told) == is_there


@pytest.mark.usefixtures("no_search")
def test_a_file_that_is_mounted_is_not_replaced(run: Run, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (files / "hit.png").write_bytes(b"old")
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path).name == "hit.png")
    assert "mount its folder" in refused(run, "query", "revenue", "--heatmap", "hit.png")
    assert (files / "hit.png").read_bytes() == b"old"
