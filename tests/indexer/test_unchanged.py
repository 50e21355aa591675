"""A run over unchanged documents reads none of them: size and modification time decide."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from docsearch.engine.store import open_snapshot, open_writer
from docsearch.indexer import discover, pipeline, properties, source_folders
from docsearch.indexer.report import IndexReport
from fake_encoder import SPEC, FakeEncoder

MakePdf = Callable[..., Path]


@pytest.fixture
def docs(tmp_path: Path, make_pdf: MakePdf) -> Path:
    for name in ("a", "b", "c"):
        make_pdf(tmp_path / f"docs/{name}.pdf", [name])
    return tmp_path / "docs"


def run(*paths: Path, rehash: bool = False) -> IndexReport:
    return pipeline.index_documents(paths, paths[0].parent / "index", encoder=FakeEncoder(), rehash=rehash)


@contextmanager
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the documents that are hashed meanwhile."""
    names: list[str] = []
    sha256 = discover.Document.sha256
    with monkeypatch.context() as patch:
        patch.setattr(discover.Document, "sha256", lambda each: names.append(each.path) or sha256(each))
        yield names


def put(file: Path, content: bytes, stamp: os.stat_result) -> None:
    """Write `content` under the modification time of `stamp`."""
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


def test_a_run_over_unchanged_documents_reads_none(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(docs)
    with reads(monkeypatch) as read:
        assert run(docs).skipped == 3
    assert read == []


def test_rehash_reads_every_document(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(docs)
    with reads(monkeypatch) as read:
        assert run(docs, rehash=True).skipped == 3
    assert read == ["a.pdf", "b.pdf", "c.pdf"]


def test_a_touched_document_is_read_once(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(docs)
    os.utime(docs / "b.pdf", (1, 1))
    for expected in (["b.pdf"], []):
        with reads(monkeypatch) as read:
            assert run(docs).skipped == 3
        assert read == expected


def test_a_document_that_is_not_done_is_read_again(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (docs / "b.pdf").write_bytes(b"%PDF-1.7\nno more than this")
    for _ in range(2):
        assert [failure.path for failure in run(docs).failed] == ["b.pdf"]


def test_documents_of_a_folder_that_is_new_to_the_index_are_read(docs: Path, tmp_path: Path) -> None:
    """Pages of one scanner have one size, and files from an archive one time."""
    run(docs)
    content = (docs / "a.pdf").read_bytes()
    put(tmp_path / "other/a.pdf", content[:-1] + b" ", (docs / "a.pdf").stat())
    assert "from another folder" in run(tmp_path / "other").failed[0].reason
    assert "from another folder" in run(tmp_path / "other").failed[0].reason


def test_an_upload_is_read_whatever_its_time(docs: Path, tmp_path: Path) -> None:
    run(docs)
    content = (docs / "a.pdf").read_bytes()
    put(docs / "a.pdf", content[:-1] + b" ", (docs / "a.pdf").stat())
    document = next(each for each in discover.find([docs]).documents if each.path == "a.pdf")
    assert pipeline.add(document, tmp_path / "index", encoder=FakeEncoder()).documents == 1


def test_a_document_is_not_hashed_in_the_instant_it_was_written(tmp_path: Path) -> None:
    """A change within one tick of the file system's clock keeps the time; it would never be noticed."""
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    (document,) = discover.find([tmp_path]).documents
    written = replace(document, mtime_ns=time.time_ns())
    written.sha256()
    assert time.time_ns() - written.mtime_ns >= discover.CLOCK_TICK_NS


@pytest.mark.slow
def test_ten_thousand_unchanged_files_take_a_second(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for number in range(10_000):
        (tmp_path / f"docs/{number}.pdf").write_bytes(b"%PDF")
    source = discover.find([tmp_path / "docs"])
    index = tmp_path / "index"
    with open_writer(index, fingerprint=SPEC.fingerprint) as writer:
        source_folders.record(index, source.roots)
        for each in source.documents:
            doc_id = writer.begin_document(each.path, "0" * 64, each.size, each.mtime_ns).doc_id
            properties.record(writer, doc_id, each.path, {})  # else the run would open each of them for its title
            writer.finish_document(doc_id, 0)
    started = time.process_time()  # a busy machine has only the clock run on
    assert run(tmp_path / "docs").skipped == 10_000
    assert time.process_time() - started < 3.0  # 0.3 s
    with open_snapshot(index) as snapshot:
        assert len(snapshot.documents()) == 10_000
