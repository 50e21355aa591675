"""Watching folders: what is new is found, what is being written is waited for, what is out of reach stays."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from docsearch.engine.errors import IndexNotFound, UsageError
from docsearch.engine.store import open_snapshot, open_writer
from docsearch.indexer import pipeline, watch
from docsearch.indexer.report import IndexReport
from docsearch.indexer.update import update_index
from docsearch.indexer.watch import PendingFiles, Watcher, WatchLock
from fake_encoder import FakeEncoder

pytest.importorskip("watchfiles", reason="needs watchfiles (extra watch)")

MakePdf = Callable[..., Path]
WAIT_S = 60.0
"""How long a test waits at most."""


@pytest.fixture
def docs(tmp_path: Path, make_pdf: MakePdf) -> Path:
    make_pdf(tmp_path / "docs/a.pdf", ["a"])
    pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", encoder=FakeEncoder())
    return tmp_path / "docs"


@contextmanager
def watching(index: Path, *, prune: bool = False) -> Iterator[list[IndexReport]]:
    """Watch an index in a thread while the block runs; yields the reports of its updates."""
    stop, reports, first = threading.Event(), list[IndexReport](), threading.Event()
    watcher, encoder = Watcher(index, stop), FakeEncoder()

    def apply(within: Collection[Path] | None) -> None:
        reports.append(update_index(index, prune=prune, encoder=encoder, find=partial(watcher.find, within=within)))
        first.set()

    thread = threading.Thread(target=watcher.run, args=(apply,))
    thread.start()
    try:
        assert first.wait(WAIT_S)
        time.sleep(0.5)  # until the system reports changes
        yield reports
    finally:
        stop.set()
        thread.join(WAIT_S)
        assert not thread.is_alive()


def paths(index: Path) -> set[str]:
    with open_snapshot(index) as snapshot:
        return {path for path, row in snapshot.documents().items() if row.state == "done"}


def wait_for(condition: Callable[[], bool], seconds: float = WAIT_S) -> float:
    """Wait until something is true; return how long it took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "waited in vain"
        time.sleep(0.05)
    return time.monotonic() - started


def test_new_changed_renamed_and_deleted_files_are_noticed(tmp_path: Path, docs: Path, make_pdf: MakePdf) -> None:
    index = tmp_path / "index"
    with watching(index, prune=True):
        make_pdf(docs / "sub/b.pdf", ["b"])
        wait_for(lambda: paths(index) == {"a.pdf", "sub/b.pdf"})
        with open_snapshot(index) as snapshot:
            before = snapshot.documents()
        make_pdf(docs / "a.pdf", ["another", "two pages"])
        (docs / "sub/b.pdf").rename(docs / "c.pdf")
        wait_for(lambda: paths(index) == {"a.pdf", "c.pdf"})

        def changed() -> bool:
            with open_snapshot(index) as snapshot:
                after = snapshot.documents()
            return after["a.pdf"].page_count == 2 and after["c.pdf"].id == before["sub/b.pdf"].id

        wait_for(changed)
        (docs / "c.pdf").unlink()
        wait_for(lambda: paths(index) == {"a.pdf"})


def test_a_file_is_read_once_it_is_complete(tmp_path: Path, docs: Path, make_pdf: MakePdf) -> None:
    content = make_pdf(tmp_path / "other/b.pdf", ["b"]).read_bytes()
    index = tmp_path / "index"
    with watching(index) as reports:
        with (docs / "b.pdf").open("wb") as file:
            for start in range(0, len(content), 1 + len(content) // 5):
                file.write(content[start : start + 1 + len(content) // 5])
                file.flush()
                time.sleep(0.5)
        wait_for(lambda: "b.pdf" in paths(index))
        assert not any(report.failed for report in reports)


def test_a_folder_that_is_moved_in_is_read_with_all_its_files(tmp_path: Path, docs: Path, make_pdf: MakePdf) -> None:
    for number in range(3):
        make_pdf(tmp_path / f"new/deep/{number}.pdf", [str(number)])
    with watching(tmp_path / "index"):
        (tmp_path / "new").rename(docs / "new")
        wait_for(lambda: len(paths(tmp_path / "index")) == 4)


def test_a_folder_that_vanishes_and_comes_back_keeps_its_documents(tmp_path: Path, docs: Path) -> None:
    index = tmp_path / "index"
    with watching(index, prune=True) as reports:
        shutil.move(docs, tmp_path / "away")
        wait_for(lambda: any(report.unreachable for report in reports))
        assert paths(index) == {"a.pdf"}
        shutil.move(tmp_path / "away", docs)
        (docs / "b.pdf").write_bytes((docs / "a.pdf").read_bytes() + b" ")
        wait_for(lambda: paths(index) == {"a.pdf", "b.pdf"})


def test_hidden_files_other_kinds_and_the_index_itself_cause_no_update(tmp_path: Path, make_pdf: MakePdf) -> None:
    make_pdf(tmp_path / "docs/a.pdf", ["a"])
    index = tmp_path / "docs/.docsearch"
    pipeline.index_documents([tmp_path / "docs"], index, encoder=FakeEncoder())
    with watching(index) as reports:
        time.sleep(2.5)
        count = len(reports)
        (tmp_path / "docs/.b.pdf.part").write_bytes(b"%PDF")
        time.sleep(2.5)
        assert len(reports) == count


def test_an_ignore_file_counts_when_it_changes(tmp_path: Path, docs: Path, make_pdf: MakePdf) -> None:
    index = tmp_path / "index"
    (docs / ".docsearchignore").write_text("drafts\n")
    with watching(index):
        make_pdf(docs / "drafts/d.pdf", ["draft"])
        make_pdf(docs / "b.pdf", ["b"])
        wait_for(lambda: "b.pdf" in paths(index))
        assert "drafts/d.pdf" not in paths(index)
        (docs / ".docsearchignore").unlink()
        wait_for(lambda: "drafts/d.pdf" in paths(index))


def test_an_update_waits_for_another_writer(tmp_path: Path, docs: Path, make_pdf: MakePdf) -> None:
    index = tmp_path / "index"
    with watching(index):
        with open_writer(index, fingerprint=None):
            make_pdf(docs / "b.pdf", ["b"])
            time.sleep(3)
            assert paths(index) == {"a.pdf"}
        wait_for(lambda: paths(index) == {"a.pdf", "b.pdf"})


@pytest.mark.slow
def test_a_burst_of_a_thousand_files_is_indexed(tmp_path: Path, docs: Path) -> None:
    content, index = (docs / "a.pdf").read_bytes(), tmp_path / "index"
    with watching(index):
        for number in range(1000):
            (docs / f"{number:04}.pdf").write_bytes(content + b" " * (1 + number))
        wait_for(lambda: len(paths(index)) == 1001, seconds=300)


@pytest.mark.slow
def test_a_new_pdf_is_found_within_five_seconds(tmp_path: Path, docs: Path, make_pdf: MakePdf) -> None:
    with watching(tmp_path / "index") as reports:
        before = len(reports)
        make_pdf(docs / "b.pdf", ["b"])
        waited = wait_for(lambda: "b.pdf" in paths(tmp_path / "index") and len(reports) > before)
        indexing = sum(report.seconds for report in reports[before:])  # half a second, or many on a busy machine
        assert waited - indexing < 5.0


def test_one_process_watches_an_index(tmp_path: Path, docs: Path) -> None:
    lock = WatchLock(tmp_path / "index")
    with pytest.raises(UsageError, match="another process watches"):
        WatchLock(tmp_path / "index")
    lock.release()
    WatchLock(tmp_path / "index").release()
    with pytest.raises(IndexNotFound):
        WatchLock(tmp_path / "nothing")


def test_files_rest_before_they_are_taken(tmp_path: Path) -> None:
    now = 0.0
    pending, file = PendingFiles(lambda: now), tmp_path / "a.pdf"
    file.write_bytes(b"1")
    pending.add([file, tmp_path / "gone.pdf"])
    now = watch.REST_S / 2
    file.write_bytes(b"12")
    assert pending.take_rested() == set()
    now = watch.REST_S * 1.2
    assert pending.take_rested() == {tmp_path / "gone.pdf"}
    assert file in pending
    now = watch.REST_S * 1.6
    assert pending.take_rested() == {file}
    assert pending.take_rested() == set()
