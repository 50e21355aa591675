"""Watching folders: what is new is found, what is being written is waited for, what is out of reach stays."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

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
WAIT_S = 300.0
"""How long a test waits at most."""


@pytest.fixture
def docs(tmp_path: Path, make_pdf: MakePdf) -> Path:
    make_pdf(tmp_path / "docs/a.pdf", ["a"])
    pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", encoder=FakeEncoder())
    return tmp_path / "docs"


class Told(Watcher):
    """Sets `told` once the system reports changes."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.told = threading.Event()

    def _changes(self, folders: Sequence[Path]) -> Iterator[list[Path]]:
        for each in super()._changes(folders):
            self.told.set()
            yield each


@contextmanager
def watching(
    index: Path,
    *,
    prune: bool = False,
    asked: list[Collection[Path] | None] | None = None,
    on_trouble: Callable[[str], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[list[IndexReport]]:
    """Watch an index in a thread while the block runs; yields the reports of its updates. `asked` gets their paths."""
    stop, reports = threading.Event(), list[IndexReport]()
    watcher, encoder = Told(index, stop, on_trouble, clock), FakeEncoder()

    def apply(within: Collection[Path] | None) -> None:
        if asked is not None:
            asked.append(within)
        reports.append(update_index(index, prune=prune, encoder=encoder, find=partial(watcher.find, within=within)))

    thread = threading.Thread(target=watcher.run, args=(apply,))
    thread.start()
    try:
        assert watcher.told.wait(WAIT_S)
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
    index, now = tmp_path / "index", [0.0]

    def is_indexed() -> bool:
        now[0] += watch.REST_S / 5
        return "b.pdf" in paths(index)

    with watching(index, clock=lambda: now[0]) as reports:
        with (docs / "b.pdf").open("wb") as file:
            for start in range(0, len(content), 1 + len(content) // 5):
                file.write(content[start : start + 1 + len(content) // 5])
                file.flush()
                time.sleep(0.5)  # the file does not rest meanwhile, as long as this may take: the clock stands
        wait_for(is_indexed)
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


def test_hidden_files_and_the_index_itself_cause_no_update(tmp_path: Path, make_pdf: MakePdf) -> None:
    make_pdf(tmp_path / "docs/a.pdf", ["a"])
    index = tmp_path / "docs/.docsearch"
    pipeline.index_documents([tmp_path / "docs"], index, encoder=FakeEncoder())
    asked: list[Collection[Path] | None] = []
    with watching(index, asked=asked):
        (tmp_path / "docs/.b.pdf.part").write_bytes(b"%PDF")
        for name in ("c.pdf", "d.pdf"):  # the second one after the index has been written for the first one
            make_pdf(tmp_path / "docs" / name, [name])
            wait_for(lambda name=name: name in paths(index))  # type: ignore[misc]
    first, *others = asked
    assert first is None
    names = {file.name for within in others for file in within or ()}
    assert names - {"a.pdf"} == {"c.pdf", "d.pdf"}, "the first one may have been young still"


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
    index, troubles = tmp_path / "index", list[str]()
    with watching(index, on_trouble=troubles.append):
        with open_writer(index, fingerprint=None):
            make_pdf(docs / "b.pdf", ["b"])
            wait_for(lambda: len(troubles) > 0)
            assert paths(index) == {"a.pdf"}
        assert "is writing to this index" in troubles[0]
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
    waited = []
    with watching(tmp_path / "index") as reports:
        for name in ("b.pdf", "c.pdf", "d.pdf"):  # on a busy machine, one of them may take longer
            before = len(reports)
            make_pdf(docs / name, [name])
            seconds = wait_for(lambda: name in paths(tmp_path / "index") and len(reports) > before)  # noqa: B023
            waited.append(seconds - sum(report.seconds for report in reports[before:]))
    assert min(waited) < 5.0


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
    assert pending.take_rested() == set()
    now = watch.REST_S * 1.6
    assert pending.take_rested() == {file, tmp_path / "gone.pdf"}
    assert pending.take_rested() == set()


def test_a_file_that_is_gone_does_not_wait_for_one_that_is_always_written(tmp_path: Path) -> None:
    now = 0.0
    pending, log, gone = PendingFiles(lambda: now), tmp_path / "log.txt", tmp_path / "gone.pdf"
    log.write_bytes(b"")
    pending.add([log, gone])
    taken: list[float] = []
    while not taken:
        assert now < 3 * watch.REST_S
        now += watch.REST_S / 4
        with log.open("ab") as stream:
            stream.write(b"a line\n")
        taken += [now] * (gone in pending.take_rested())
    assert watch.REST_S <= taken[0] <= 2 * watch.REST_S
    assert log in pending


def test_a_renamed_file_is_the_same_document_although_the_old_name_is_reported_earlier(
    tmp_path: Path, docs: Path, make_pdf: MakePdf
) -> None:
    os.utime(docs / "a.pdf", (1, 1))
    os.utime(make_pdf(docs / "stays.pdf", ["stays"]), (1, 1))
    index, now, stop, encoder = tmp_path / "index", [0.0], threading.Event(), FakeEncoder()

    class Late(Watcher):
        def _changes(self, folders: Sequence[Path]) -> Iterator[list[Path]]:
            (docs / "a.pdf").rename(docs / "b.pdf")
            for seconds, name in ((0.0, "a.pdf"), (0.4, "b.pdf"), (1.1, ""), (1.5, "")):
                now[0] = seconds * watch.REST_S
                yield [docs / name] if name else []
            stop.set()

    watcher = Late(index, stop, clock=lambda: now[0])
    with open_snapshot(index) as snapshot:
        before = snapshot.documents()["a.pdf"].id
    watcher.run(
        lambda within: update_index(index, prune=True, encoder=encoder, find=partial(watcher.find, within=within))  # type: ignore[arg-type, return-value]
    )
    with open_snapshot(index) as snapshot:
        after = {path: row.id for path, row in snapshot.documents().items()}
    assert (after.keys(), after["b.pdf"]) == ({"b.pdf", "stays.pdf"}, before)
