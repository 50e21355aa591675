"""Failures recorded for one folder outlive runs over other folders, and end when their document is seen again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from docsearch.engine.errors import DocumentError
from docsearch.engine.store import open_snapshot
from docsearch.indexer import discover, pipeline
from docsearch.indexer.report import IndexReport
from fake_encoder import FakeEncoder
from unprivileged import as_user

MakePdf = Callable[..., Path]


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def docs(tmp_path: Path, make_pdf: MakePdf) -> Path:
    """A document, and a link that leads nowhere."""
    folder = make_pdf(tmp_path / "docs/a.pdf", ["a"]).parent
    (folder / "gone.pdf").symlink_to(folder / "nothing.pdf")
    return folder


def run(*paths: Path, prune: bool = False) -> IndexReport:
    parent = next(parent for parent in paths[0].parents if (parent / "docs").exists())
    return pipeline.index_documents(paths, parent / "index", encoder=FakeEncoder(), prune=prune)


def failed(index: Path) -> list[str]:
    with open_snapshot(index) as snapshot:
        return [failure.path for failure in snapshot.failures()]


def test_a_run_over_another_folder_keeps_the_failures_of_the_first(
    docs: Path, index: Path, tmp_path: Path, make_pdf: MakePdf
) -> None:
    run(docs)
    other = make_pdf(tmp_path / "other/b.pdf", ["b"]).parent
    for prune in (False, True):
        run(other, prune=prune)
        assert failed(index) == ["gone.pdf"]


def test_a_run_over_one_file_keeps_the_failures_of_its_folder(docs: Path, index: Path) -> None:
    run(docs)
    run(docs / "a.pdf")
    assert failed(index) == ["gone.pdf"]


def test_the_failure_of_a_file_that_vanished_stays_until_prune(docs: Path, index: Path) -> None:
    run(docs)
    (docs / "gone.pdf").unlink()
    assert run(docs).vanished == 1
    assert failed(index) == ["gone.pdf"]
    assert run(docs, prune=True).removed == 1
    assert failed(index) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs Unix file permissions")
def test_prune_keeps_the_documents_of_a_folder_that_cannot_be_read(open_path: Path, make_pdf: MakePdf) -> None:
    make_pdf(open_path / "docs/sub/a.pdf", ["a"])
    (open_path / "docs/sub/gone.pdf").symlink_to("nothing.pdf")
    run(open_path / "docs")
    (open_path / "docs/sub").chmod(0)
    try:
        report = as_user(partial(run, open_path / "docs", prune=True), open_path)
    finally:
        (open_path / "docs/sub").chmod(0o700)
    assert (report.removed, report.vanished) == (0, 0)
    assert failed(open_path / "index") == ["sub", "sub/gone.pdf"]


def test_a_failure_ends_when_its_document_is_seen_again(docs: Path, index: Path, make_pdf: MakePdf) -> None:
    run(docs)
    make_pdf(docs / "nothing.pdf", ["found"])
    assert run(docs).failed == ()
    assert failed(index) == []


def test_the_failure_of_a_folder_ends_when_it_is_searched(docs: Path, index: Path, make_pdf: MakePdf) -> None:
    run(docs)
    (docs / "gone.pdf").unlink()
    make_pdf(docs / "gone.pdf/inside.pdf", ["inside"])
    run(docs)
    assert failed(index) == []


def test_an_unreadable_file_does_not_fail_a_document_of_that_name_in_another_folder(
    docs: Path, index: Path, tmp_path: Path
) -> None:
    run(docs)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/a.pdf").symlink_to(tmp_path / "nothing.pdf")
    assert [failure.path for failure in run(tmp_path / "other").failed] == ["a.pdf"]
    assert failed(index) == ["gone.pdf"]
    assert run(docs).skipped == 1


def test_a_document_does_not_replace_the_failure_of_another_folder(
    docs: Path, index: Path, tmp_path: Path, make_pdf: MakePdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    (docs / "gone.pdf").unlink()
    make_pdf(docs / "locked.pdf", ["locked"])
    sha256 = discover.Document.sha256

    def refuse(document: discover.Document) -> str:
        if document.file == docs / "locked.pdf":
            raise DocumentError("the file cannot be read: Permission denied")
        return sha256(document)

    monkeypatch.setattr(discover.Document, "sha256", refuse)
    run(docs)
    other = make_pdf(tmp_path / "other/locked.pdf", ["open"]).parent
    assert "from another folder" in run(other).failed[0].reason
    with open_snapshot(index) as snapshot:
        assert [failure.reason for failure in snapshot.failures()] == ["the file cannot be read: Permission denied"]


def test_a_failure_and_a_document_of_one_name_in_two_folders_are_both_recorded(
    docs: Path, index: Path, tmp_path: Path, make_pdf: MakePdf
) -> None:
    other = make_pdf(tmp_path / "other/gone.pdf", ["not gone"]).parent
    report = run(docs, other)
    assert [failure.path for failure in report.failed] == ["docs/gone.pdf"] == failed(index)
    with open_snapshot(index) as snapshot:
        assert sorted(snapshot.paths()) == ["a.pdf", "other/gone.pdf"]


def test_a_document_that_claims_a_billion_pages_fails_as_a_whole(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pages that can be read stay, and nothing lists the others."""
    monkeypatch.syspath_prepend(Path(__file__).parent / "render/faulty")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.pdf").write_text("%PDF claims 1000000000\nok\nok", "utf-8")
    for seen in (2, 0):  # a failed document is tried again, but not the pages that are stored
        report = run(tmp_path / "docs")
        assert report.pages == seen
        whole = next(failure for failure in report.failed if failure.page is None)
        assert whole.reason.startswith("it claims 1,000,000,000 pages, and 999,999,8")
        assert "pages in a row failed" in whole.reason
        with open_snapshot(index) as snapshot:
            assert (len(snapshot), snapshot.verify()) == (2, [])
            assert whole in snapshot.failures()
            assert len(snapshot.failures()) < 200
