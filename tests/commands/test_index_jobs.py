"""`docsearch index` in a nightly job: what it leaves out, what it would do, what it says, how it exits."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from docsearch.commands import progress

Run = Callable[..., tuple[int, str, str]]
MakePdf = Callable[..., Path]


@pytest.fixture
def docs(tmp_path: Path, make_pdf: MakePdf) -> Path:
    for name in ("a", "sub/b", "sub/drafts/c"):
        make_pdf(tmp_path / f"docs/{name}.pdf", [name])
    return tmp_path / "docs"


def indexed(run: Run) -> list[str]:
    return [path for path in ("a.pdf", "sub/b.pdf", "sub/drafts/c.pdf") if run("remove", path)[0] == 0]


@pytest.mark.parametrize(
    ("globs", "kept"),
    [
        (["drafts"], ["a.pdf", "sub/b.pdf"]),
        (["sub/"], ["a.pdf"]),
        (["*/c.pdf", "a.*"], ["sub/b.pdf"]),
        (["b*"], ["a.pdf", "sub/drafts/c.pdf"]),
        (["rafts"], ["a.pdf", "sub/b.pdf", "sub/drafts/c.pdf"]),
    ],
)
def test_exclude_leaves_out_files_and_folders(run: Run, docs: Path, globs: list[str], kept: list[str]) -> None:
    code, out, _ = run("index", docs, *(word for glob in globs for word in ("--exclude", glob)))
    assert code == 0
    assert ("left out" in out) == (len(kept) < 3)
    assert indexed(run) == kept


def test_excluded_documents_of_the_index_stay_and_so_do_their_failures(run: Run, docs: Path) -> None:
    (docs / "sub/gone.pdf").symlink_to("nothing.pdf")
    run("index", docs)
    code, out, _ = run("index", docs, "--exclude", "sub", "--prune", "--json")
    report = json.loads(out)
    assert (code, report["excluded"], report["removed"], report["vanished"]) == (0, 1, 0, 0)
    assert "sub/gone.pdf" in run("failed")[1]
    assert indexed(run) == ["a.pdf", "sub/b.pdf", "sub/drafts/c.pdf"]


def test_excluding_everything_is_an_error_that_says_so(run: Run, docs: Path) -> None:
    code, _, err = run("index", docs, "--exclude", "*")
    assert code == 2
    assert "--exclude left out 2" in err


def test_dry_run_says_what_would_be_read_and_changes_nothing(run: Run, docs: Path, make_pdf: MakePdf) -> None:
    code, out, _ = run("index", docs, "--dry-run")
    assert code == 0
    assert out.splitlines() == [
        "new: a.pdf",
        "new: sub/b.pdf",
        "new: sub/drafts/c.pdf",
        "3 documents would be read",
    ]
    assert not Path(".docsearch").exists()
    (docs / "a.pdf").write_bytes(b"%PDF-1.4 no")
    run("index", docs)
    make_pdf(docs / "sub/b.pdf", ["changed"])
    (docs / "sub/drafts/c.pdf").rename(docs / "d.pdf")
    (docs / "e.zip").write_text("text")
    (docs / "gone.pdf").symlink_to("nothing.pdf")
    before = {file: file.read_bytes() for file in Path(".docsearch").rglob("*") if file.is_file()}
    plan = json.loads(run("index", docs, "--dry-run", "--json")[1])
    assert [(each["path"], each["why"]) for each in plan["to_read"]] == [
        ("a.pdf", "again"),
        ("d.pdf", "new"),
        ("sub/b.pdf", "compare"),
    ]
    assert (plan["unchanged"], plan["vanished"]) == (0, ["sub/drafts/c.pdf"])
    assert [each["path"] for each in plan["failed"]] == ["gone.pdf"]
    assert plan["other_kinds"][0]["kind"] == ".zip"
    for file, content in before.items():
        assert file.read_bytes() == content
    assert run("index", docs, "--dry-run", "--rehash")[0] == 2


def test_dry_run_reads_the_table_of_metadata(run: Run, docs: Path) -> None:
    table = docs.parent / "table.csv"
    table.write_text("team\nx\n")
    code, _, err = run("index", docs, "--dry-run", "--metadata", table)
    assert code == 2
    assert "no column 'path'" in err
    assert run("index", docs, "--dry-run", "--metadata", table, "--no-metadata")[0] == 2
    table.write_text("path,team\na.pdf,x\n")
    assert run("index", docs, "--dry-run", "--metadata", table)[0] == 0
    assert run("index", docs, "--metadata", table)[0] == 0
    table.unlink()
    code, out, err = run("index", docs, "--dry-run", "--where", "team = 'x'")
    assert (code, "1 unchanged" in out) == (0, True)
    assert "metadata: the table" in err


def test_what_was_skipped_is_told_in_one_line_where_nothing_is_found(run: Run, docs: Path) -> None:
    code, _, err = run("index", docs / "a.pdf", "--kinds", "image")
    assert code == 2
    assert "skipped: .pdf 1; .pdf: --kinds pdf reads them)" in err


def test_files_of_metadata_beside_documents_are_not_told_as_skipped(run: Run, docs: Path) -> None:
    (docs / "a.pdf.json").write_text('{"author": "Kim"}')
    (docs / "b.json").write_text("{}")
    (docs / "nothing.pdf.json").write_text("{}")
    (kind,) = json.loads(run("index", docs, "--dry-run", "--json")[1])["other_kinds"]
    assert (kind["kind"], sorted(kind["paths"])) == (".json", ["b.json", "nothing.pdf.json"])


@pytest.mark.skipif(sys.platform == "win32", reason="the name is not allowed there")
def test_dry_run_escapes_control_characters_of_names(run: Run, docs: Path) -> None:
    (docs / "\x1b[2J.pdf").write_bytes(b"%PDF")
    out = run("index", docs, "--dry-run")[1]
    assert "\x1b" not in out
    assert "[2J.pdf" in out


def test_known_failures_that_did_not_change_are_no_failure(run: Run, docs: Path) -> None:
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4 no")
    (docs / "gone.pdf").symlink_to("nothing.pdf")
    job = ("index", docs, "--known-failures", "ok")
    code, _, err = run(*job)
    assert (code, err.count("failed: ")) == (1, 2)
    code, out, err = run(*job)
    assert (code, err) == (0, "")
    assert "2 failed as before" in out
    report = json.loads(run(*job, "--json")[1])
    assert (len(report["failed"]), report["new_failures"]) == (2, [])
    assert run("index", docs)[0] == 1
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4 neither")
    code, _, err = run(*job)
    assert code == 1
    assert err.startswith("failed: broken.pdf: ")
    assert err.count("failed: ") == 1


def test_known_failures_can_be_a_list_to_accept(run: Run, docs: Path) -> None:
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4 no")
    run("index", docs)
    Path("accepted.jsonl").write_text(run("failed", "--json")[1] + "\n")
    assert run("index", docs, "--index", "other", "--known-failures", "accepted.jsonl")[0] == 0
    (docs / "gone.pdf").symlink_to("nothing.pdf")
    code, _, err = run("index", docs, "--index", "other", "--known-failures", "accepted.jsonl")
    assert code == 1
    assert err.startswith("failed: gone.pdf: ")
    for content in ("no json", '["a"]', '{"page": 1}'):
        Path("accepted.jsonl").write_text(content)
        code, _, err = run("index", docs, "--known-failures", "accepted.jsonl")
        assert code == 2
        assert "accepted.jsonl:1: " in err
    assert "none.jsonl: " in run("index", docs, "--known-failures", "none.jsonl")[2]


def test_a_line_of_progress_is_printed_now_and_then_where_no_bar_is_drawn(
    run: Run, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("index", docs, "--index", "one")[2] == ""
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    err = run("index", docs, "--index", "two", "--json")[2]
    assert "100%  3/3 documents · 3 pages · " in err
    assert run("index", docs, "--index", "three", "--quiet")[2] == ""
