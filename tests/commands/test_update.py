"""`docsearch update` on the command line: no arguments, a summary, JSON, exit codes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., tuple[int, str, str]]
MakePdf = Callable[..., Path]


def test_update_needs_no_arguments(run: Run, indexed: Path, make_pdf: MakePdf) -> None:
    make_pdf(indexed / "docs/new.pdf", ["new"])
    code, out, _ = run("update")
    assert code == 0
    assert out.startswith("1 document indexed, 1 page")
    assert "2 unchanged" in out


def test_update_prints_json(run: Run, indexed: Path) -> None:
    (indexed / "docs/a.pdf").unlink()
    report = json.loads(run("update", "--json")[1])
    assert (report["skipped"], report["vanished"], report["unreachable"]) == (1, 1, [])
    report = json.loads(run("update", "--json", "--prune")[1])
    assert (report["skipped"], report["removed"]) == (1, 1)


def test_update_names_a_folder_out_of_reach_and_how_to_drop_it(run: Run, indexed: Path, make_pdf: MakePdf) -> None:
    make_pdf(indexed / "more/c.pdf", ["more"])
    run("index", indexed / "more")
    shutil.rmtree(indexed / "more")
    code, out, _ = run("update", "--prune")
    assert code == 0
    assert f"cannot be reached, or empty now: {indexed / 'more'}" in out
    code, out, _ = run("update", "--prune", "--forget", "more")
    assert code == 0
    assert "1 removed" in out
    assert "cannot be reached" not in out


def test_update_of_a_failed_document_exits_as_index_does(run: Run, indexed: Path) -> None:
    (indexed / "docs/bad.pdf").write_bytes(b"%PDF-1.7 no")
    assert run("update")[0] == 1
    assert run("update", "--known-failures", "ok")[0] == 0


def test_update_without_an_index_says_what_to_do(run: Run) -> None:
    code, _, err = run("update")
    assert code == 2
    assert "docsearch index" in err
