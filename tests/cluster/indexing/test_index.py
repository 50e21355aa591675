"""An index that a cluster made is the one that a single machine makes, whatever happens to the workers."""

from __future__ import annotations

import os
import signal
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from docsearch.cluster.indexing import coordinator, tasks
from docsearch.cluster.indexing.coordinator import ClusterOptions
from docsearch.cluster.indexing.index import index_documents
from docsearch.cluster.indexing.pool import PoolOptions
from docsearch.cluster.indexing.staging import SharedFolder
from docsearch.engine.errors import StorageFull
from docsearch.engine.store import BuiltSegment, SegmentBuilder, layout, open_snapshot
from docsearch.indexer import pipeline
from docsearch.indexer.settings import FileChoice, IndexSettings
from fake_encoder import FakeEncoder
from object_storage import Storage
from same_index import content, pages

pytest.importorskip("ray", reason="needs the extra ray")

PLAIN = ClusterOptions(PoolOptions(cpus=1))
TWO_WORKERS, ONE_WORKER = (ClusterOptions(PoolOptions(workers=workers, cpus=1)) for workers in (2, 1))
"""For runs in which nothing depends on how many there are, or that there are several: each takes seconds to start."""


@pytest.fixture
def documents(tmp_path: Path, make_pdf: Callable[..., Path]) -> Path:
    """Twelve documents of 1 to 5 pages, a long one, other kinds, one in an e-mail, and files that cannot be read."""
    folder = tmp_path / "documents"
    for number in range(12):
        make_pdf(folder / f"{number % 3}/{number}.pdf", [f"page {page} of {number}" for page in range(1 + number % 5)])
    make_pdf(folder / "long.pdf", [f"page {page} of the long one" for page in range(70)])
    make_pdf(folder / "locked.pdf", ["secret"], password="secret")
    (folder / "damaged.pdf").write_bytes(b"%PDF-1.7 and nothing else")
    (folder / "empty.pdf").write_bytes(b"")
    mail = EmailMessage()
    mail["Subject"] = "The figures"
    mail.set_content("They are attached.")
    figures = make_pdf(tmp_path / "figures.pdf", ["figures of the year", "and of the last"])
    mail.add_attachment(figures.read_bytes(), maintype="application", subtype="pdf", filename="figures.pdf")
    (folder / "mail.eml").write_bytes(mail.as_bytes())
    Image.new("RGB", (300, 200), "white").save(folder / "scan.png")
    (folder / "letter.html").write_text("<h1>Dear reader</h1><p>Yours, the writer")
    return folder


@pytest.fixture
def small_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks of two documents, so that there are several."""
    monkeypatch.setattr(tasks, "TASK_DOCUMENTS_MAX", 2)


def test_a_cluster_makes_the_index_that_one_machine_makes(
    three_nodes: Any, documents: Path, tmp_path: Path, small_tasks: None
) -> None:
    encoder = FakeEncoder(fails_on=4)
    alone = pipeline.index_documents([documents], tmp_path / "alone", encoder=encoder)
    together = index_documents([documents], tmp_path / "together", options=PLAIN, encoder=encoder)
    assert content(tmp_path / "together") == content(tmp_path / "alone")
    assert (together.documents, together.pages) == (alone.documents, alone.pages)
    assert sorted(map(str, together.failed)) == sorted(map(str, alone.failed))
    assert not (tmp_path / "together" / layout.STAGING).exists()


def test_unchanged_documents_are_skipped_and_changed_ones_replaced(
    three_nodes: Any, documents: Path, tmp_path: Path, make_pdf: Callable[..., Path]
) -> None:
    index = tmp_path / "index"
    index_documents([documents], index, options=ONE_WORKER, encoder=FakeEncoder())
    make_pdf(documents / "0/0.pdf", ["another page", "and one more"])
    (documents / "1/1.pdf").rename(documents / "moved.pdf")
    report = index_documents([documents], index, options=ONE_WORKER, encoder=FakeEncoder())
    assert (report.documents, report.pages, report.moved) == (1, 2, 1)
    pipeline.index_documents([documents], tmp_path / "alone", encoder=FakeEncoder())
    found, expected = content(index), content(tmp_path / "alone")
    assert {page: row[1:] for page, row in found["pages"].items()} == {
        page: row[1:] for page, row in expected["pages"].items()
    }


def test_a_long_document_is_shared_out_by_ranges_of_its_pages(
    three_nodes: Any, documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int] = []
    give = coordinator.Pool.give
    monkeypatch.setattr(tasks, "RANGE_PAGES", 16)

    def noted(self: Any, member: Any, task: tasks.Task) -> None:
        given.append(task.first)
        give(self, member, task)

    monkeypatch.setattr(coordinator.Pool, "give", noted)
    make_long = documents / "long.pdf"
    index_documents([make_long], tmp_path / "together", options=TWO_WORKERS, encoder=FakeEncoder())
    assert sorted(given) == [1, 17, 33, 49, 65]
    pipeline.index_documents([make_long], tmp_path / "alone", encoder=FakeEncoder())
    assert content(tmp_path / "together") == content(tmp_path / "alone")


class Killed(FakeEncoder):
    """Its process is killed in the middle of a task, of all processes twice: each leaves a file in the folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def encode_pages(self, pages: Any) -> Any:
        for death in ("first", "second"):
            with suppress(FileExistsError):
                (self._folder / death).touch(exist_ok=False)
                os.kill(os.getpid(), signal.SIGKILL)
        return super().encode_pages(pages)


def test_a_killed_worker_costs_nothing_but_time(
    three_nodes: Any, documents: Path, tmp_path: Path, small_tasks: None
) -> None:
    deaths = tmp_path / "deaths"
    deaths.mkdir()
    index_documents([documents], tmp_path / "together", options=PLAIN, encoder=Killed(deaths))
    assert len([*deaths.iterdir()]) == 2
    pipeline.index_documents([documents], tmp_path / "alone", encoder=FakeEncoder())
    assert content(tmp_path / "together") == content(tmp_path / "alone")


class Deadly(FakeEncoder):
    """Kills its process on a page of black print as wide as the page: only the poison has one."""

    def encode_pages(self, pages: Any) -> Any:
        if any(page.ref.path == "poison.pdf" for page in pages):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().encode_pages(pages)


def test_a_document_that_kills_its_workers_fails_alone(
    three_nodes: Any, documents: Path, tmp_path: Path, make_pdf: Callable[..., Path]
) -> None:
    make_pdf(documents / "poison.pdf", ["poison"])
    report = index_documents([documents], tmp_path / "together", options=TWO_WORKERS, encoder=Deadly())
    (documents / "poison.pdf").unlink()
    alone = pipeline.index_documents([documents], tmp_path / "alone", encoder=FakeEncoder())
    failed = {failure.path: failure.reason for failure in report.failed}
    assert failed.pop("poison.pdf").startswith("3 workers died of it")
    assert failed == {failure.path: failure.reason for failure in alone.failed}
    found, expected = content(tmp_path / "together"), content(tmp_path / "alone")
    assert found["documents"].pop("poison.pdf")["state"] == "failed"
    assert found == expected


def test_documents_and_segments_in_object_storage(
    three_nodes: Any, object_storage: Storage, documents: Path, tmp_path: Path, small_tasks: None
) -> None:
    with zipfile.ZipFile(documents / "old.zip", "w") as archive:
        archive.write(documents / "2/5.pdf", "papers/old.pdf")
        archive.write(documents / "mail.eml", "more.eml")
    kinds = ["pdf", "image", "web", "mail", "archive"]
    object_storage.client.create_bucket(Bucket="archive")
    files = [file for file in documents.rglob("*") if file.is_file()]
    for file in files:
        object_storage.client.upload_file(str(file), "archive", f"reports/{file.relative_to(documents).as_posix()}")
    object_storage.client.put_object(Bucket="archive", Key="reports/notes.xyz", Body=b"of another kind")
    options = replace(TWO_WORKERS, staged="s3://archive/staging")
    index = tmp_path / "together"
    urls, choice = ["s3://archive/reports"], FileChoice(kinds=tuple(kinds))
    report = index_documents(urls, index, choice, options=options, encoder=FakeEncoder())
    alone = pipeline.index_documents([documents], tmp_path / "alone", encoder=FakeEncoder(), kinds=kinds)
    assert (report.documents, report.pages) == (alone.documents, alone.pages)
    assert report.unread == alone.unread
    assert [(kind.kind, kind.files) for kind in report.other_kinds] == [(".xyz", 1)]
    found, expected = content(index), content(tmp_path / "alone")
    for row in (*found["documents"].values(), *expected["documents"].values()):
        del row["mtime_ns"]  # when it was uploaded
    assert found == expected
    assert object_storage.client.list_objects_v2(Bucket="archive", Prefix="staging").get("Contents", []) == []

    assert {path for path, _ in found["pages"]} >= {"mail.eml/figures.pdf", "old.zip/more.eml/figures.pdf"}

    options = replace(ONE_WORKER, staged=options.staged)
    again = index_documents(urls, index, choice, options=options, encoder=FakeEncoder())
    alone_again = pipeline.index_documents([documents], tmp_path / "alone", encoder=FakeEncoder(), kinds=kinds)
    assert (again.documents, again.pages, again.skipped) == (0, 0, alone_again.skipped)
    elsewhere = pipeline.index_documents([documents / "0"], index, encoder=FakeEncoder(), prune=True)
    assert elsewhere.removed == 0
    object_storage.client.delete_object(Bucket="archive", Key="reports/long.pdf")
    object_storage.client.delete_object(Bucket="archive", Key="reports/mail.eml")
    pruned = index_documents(urls, index, choice, IndexSettings(prune=True), options=options, encoder=FakeEncoder())
    assert pruned.removed == 2
    with open_snapshot(index) as snapshot:
        paths = {row.path for row in snapshot.documents().values()}
    assert "old.zip/more.eml/figures.pdf" in paths
    assert not any(path.startswith(("mail.eml", "long.pdf")) for path in paths)


@pytest.mark.slow
def test_object_storage_that_fails_requests_costs_nothing_but_time(
    three_nodes: Any, object_storage: Storage, documents: Path, tmp_path: Path, small_tasks: None
) -> None:
    """One request in fifty fails here, in which libraries below try nothing again."""
    (documents / "mail.eml").unlink()
    object_storage.client.create_bucket(Bucket="failing")
    for file in [file for file in documents.rglob("*") if file.is_file()]:
        object_storage.client.upload_file(str(file), "failing", f"reports/{file.relative_to(documents).as_posix()}")
    options = ClusterOptions(PoolOptions(cpus=1), staged="s3://failing/staging")
    before, object_storage.fails_each = object_storage.failed, 50
    try:
        report = index_documents(["s3://failing/reports"], tmp_path / "index", options=options, encoder=FakeEncoder())
    finally:
        object_storage.fails_each = 0
    assert object_storage.failed > before
    alone = pipeline.index_documents([documents], tmp_path / "alone", encoder=FakeEncoder())
    assert sorted(map(str, report.failed)) == sorted(map(str, alone.failed))
    assert pages(tmp_path / "index") == pages(tmp_path / "alone")


@pytest.mark.slow
def test_a_worker_that_cannot_write_is_replaced_and_a_full_disk_everywhere_ends_the_run(
    three_nodes: Any, documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_tasks: None
) -> None:
    full = FullAtTimes(tmp_path / "local", tmp_path / "counted", times=3)
    monkeypatch.setattr(coordinator, "_staging", lambda _run, _staged: full)
    index_documents([documents], tmp_path / "together", options=PLAIN, encoder=FakeEncoder())
    pipeline.index_documents([documents], tmp_path / "alone", encoder=FakeEncoder())
    assert len(list((tmp_path / "counted").iterdir())) == 3
    assert content(tmp_path / "together") == content(tmp_path / "alone")

    always = FullAtTimes(tmp_path / "local", tmp_path / "again", times=10**6)
    monkeypatch.setattr(coordinator, "_staging", lambda _run, _staged: always)
    monkeypatch.setattr(coordinator, "FAILURES_IN_A_ROW_MAX", 4)
    with pytest.raises(StorageFull, match="no space"):
        index_documents([documents], tmp_path / "full", options=PLAIN, encoder=FakeEncoder())
    with open_snapshot(tmp_path / "full") as snapshot:
        assert len(snapshot) == 0


class SlowOnce(FakeEncoder):
    """Takes a minute for the first page that any process embeds after the first task, and notes when that is over."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def encode_pages(self, pages: Any) -> Any:
        done = len(list(self._folder.glob("task-*")))
        (self._folder / f"task-{done}").touch()
        if done >= 2:
            with suppress(FileExistsError):
                (self._folder / "slow").touch(exist_ok=False)
                time.sleep(60)
                (self._folder / "over").touch()
        return super().encode_pages(pages)


@pytest.mark.slow
def test_a_task_on_a_slow_machine_is_given_to_another_one(
    three_nodes: Any, documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_tasks: None
) -> None:
    monkeypatch.setattr(coordinator, "STRAGGLER_MIN_S", 2.0)
    noted = tmp_path / "noted"
    noted.mkdir()
    index_documents([documents], tmp_path / "together", options=PLAIN, encoder=SlowOnce(noted))
    assert (noted / "slow").exists()
    assert not (noted / "over").exists()
    pipeline.index_documents([documents], tmp_path / "alone", encoder=FakeEncoder())
    assert content(tmp_path / "together") == content(tmp_path / "alone")


@dataclass(frozen=True)
class FullAtTimes:
    """A staging area whose disk is full the first `times` that a segment is written, which it notes in `counted`."""

    root: Path
    counted: Path
    times: int

    def open(self) -> None:
        SharedFolder(self.root, self.root).open()

    def check(self) -> None:
        SharedFolder(self.root, self.root).check()

    def write(self, builder: SegmentBuilder, name: str) -> BuiltSegment:
        self.counted.mkdir(exist_ok=True)
        if len(list(self.counted.iterdir())) < self.times:
            (self.counted / name).touch()
            raise StorageFull("there is no space left on this disk")
        return SharedFolder(self.root, self.root).write(builder, name)

    def receive(self, name: str, segment: BuiltSegment) -> Path:
        return SharedFolder(self.root, self.root).receive(name, segment)

    def delete(self, name: str) -> None:
        SharedFolder(self.root, self.root).delete(name)

    def clear(self) -> None:
        SharedFolder(self.root, self.root).clear()
