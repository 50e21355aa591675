"""Files with the same content on the command line: one hit that says where else it is, or each with --all-copies."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from pyarrow import parquet

Run = Callable[..., tuple[int, str, str]]
COPIES = ["docs/b/copy.pdf", "docs/c/copy.pdf", "docs/d.pdf", "docs/e.pdf"]


@pytest.fixture
def filed(run: Run, docs: Path) -> Path:
    """`docs/a.pdf` filed five times in one folder, and once in another that is indexed beside it."""
    for copy in COPIES:
        (docs.parent / copy).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(docs / "a.pdf", docs.parent / copy)
    (docs.parent / "more").mkdir()
    shutil.copy(docs / "a.pdf", docs.parent / "more/z.pdf")
    assert run("index", docs, docs.parent / "more")[0] == 0
    return docs.parent


ALSO = ["b/copy.pdf", "c/copy.pdf", "d.pdf", "e.pdf", "z.pdf"]


def hits(out: str) -> list[tuple[str, int, list[str]]]:
    return [(hit["path"], hit["page"], hit["also"]) for hit in map(json.loads, out.splitlines())]


def test_copies_are_one_hit_that_says_where_else_it_is(run: Run, filed: Path) -> None:
    found = hits(run("query", "revenue", "--json")[1])
    assert sorted(found) == [("a.pdf", 1, ALSO), ("a.pdf", 2, ALSO), ("sub/b.pdf", 1, [])]
    _, out, _ = run("query", "revenue")
    head, *lines = [line.split("\t") for line in out.splitlines()]
    assert head == ["rank", "score", "file", "page", "copies"]
    also = "also at b/copy.pdf, c/copy.pdf, d.pdf and 2 more"
    assert {(line[2], line[4]) for line in lines} == {("a.pdf", also), ("sub/b.pdf", "")}


def test_without_copies_the_table_has_no_column_of_them(run: Run, filed: Path) -> None:
    for filters in (["--all-copies"], ["--path", "b.pdf"]):
        assert run("query", "revenue", *filters)[1].startswith("rank\tscore\tfile\tpage\n")


def test_a_terminal_shows_copies_below_the_file(run: Run, filed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    out = run("query", "revenue", "-k", "1")[1]
    assert "a.pdf" in out
    assert "also at b/copy.pdf, c/copy.pdf, d.pdf and 2 more" in out


def test_all_copies_are_shown_on_request(run: Run, filed: Path) -> None:
    found = hits(run("query", "revenue", "--json", "-k", "20", "--all-copies")[1])
    assert sorted(found) == sorted(
        [(path, page, []) for path in ["a.pdf", *ALSO] for page in (1, 2)] + [("sub/b.pdf", 1, [])]
    )
    one = {page: score for _, page, score in scored(run, "--path", "a.pdf")}
    assert {page: score for path, page, score in scored(run, "--all-copies") if path == "e.pdf"} == one


def scored(run: Run, *options: str) -> list[tuple[str, int, float]]:
    lines = run("query", "revenue", "--json", "-k", "20", *options)[1].splitlines()
    return [(hit["path"], hit["page"], hit["score"]) for hit in map(json.loads, lines)]


def test_a_filter_shows_the_copies_that_it_selects(run: Run, filed: Path) -> None:
    assert {hit[0] for hit in hits(run("query", "revenue", "--json", "--path", "copy.pdf")[1])} == {"b/copy.pdf"}
    found = hits(run("query", "revenue", "--json", "--path", "?.pdf")[1])
    assert {(path, *also) for path, _, also in found} == {("a.pdf", "d.pdf", "e.pdf", "z.pdf")}


def test_the_heat_map_and_pages_are_of_the_copy_that_is_shown(run: Run, filed: Path) -> None:
    code, _, err = run("query", "revenue", "-k", "2", "--path", "c/*", "--heatmap", "hit.png", "--save-pages", "pages")
    assert code == 0
    assert err.startswith("hit.png: c/copy.pdf, page ")
    with Image.open(filed / "hit.png") as picture:
        assert picture.width > 50
    assert sorted(file.name[3:] for file in (filed / "pages").iterdir()) == ["copy-page-1.png", "copy-page-2.png"]


def test_a_heat_map_is_drawn_from_a_copy_where_the_file_is_gone(run: Run, filed: Path) -> None:
    query = ("query", "revenue", "-k", "1", "--path", "[ad].pdf", "--heatmap", "hit.png")
    assert run(*query)[0] == 0
    wanted = (filed / "hit.png").read_bytes()
    (filed / "hit.png").unlink()
    (filed / "docs/a.pdf").unlink()
    code, _, err = run(*query)
    assert (code, err[:16]) == (0, "hit.png: a.pdf, ")
    assert (filed / "hit.png").read_bytes() == wanted
    for copy in [*COPIES, "more/z.pdf"]:
        (filed / copy).unlink()
    code, _, err = run(*query)
    assert code == 2
    assert "a.pdf: the document is not where it was indexed" in err


def test_answers_of_a_batch_list_copies(run: Run, filed: Path) -> None:
    (filed / "q.txt").write_text("revenue\n", "utf-8")
    for suffix in ("jsonl", "csv", "parquet"):
        assert run("batch", "q.txt", "-o", f"out.{suffix}")[0] == 0
    (answer,) = map(json.loads, (filed / "out.jsonl").read_text("utf-8").splitlines())
    wanted = [(hit["path"], hit["also"]) for hit in answer["hits"]]
    assert sorted(wanted) == [("a.pdf", ALSO), ("a.pdf", ALSO), ("sub/b.pdf", [])]
    with (filed / "out.csv").open(encoding="utf-8", newline="") as stream:
        rows = [(row["path"], json.loads(row["also"] or "[]")) for row in csv.DictReader(stream)]
    assert rows == wanted
    (row,) = parquet.read_table(filed / "out.parquet").to_pylist()
    assert [(hit["path"], hit["also"]) for hit in row["hits"]] == wanted
    assert run("batch", "q.txt", "-o", "every.jsonl", "-k", "20", "--all-copies")[0] == 0
    (answer,) = map(json.loads, (filed / "every.jsonl").read_text("utf-8").splitlines())
    assert len(answer["hits"]) == 13
    assert answer["run"]["all_copies"] is True


def test_removing_the_copy_that_is_shown_leaves_the_others(run: Run, filed: Path) -> None:
    before = scored(run)
    assert run("remove", "a.pdf")[0] == 0
    found = hits(run("query", "revenue", "--json")[1])
    assert sorted(found)[:1] == [("b/copy.pdf", 1, ALSO[1:])]
    assert [(page, score) for _, page, score in scored(run)] == [(page, score) for _, page, score in before]
