"""Marks: what people said of hits, kept with the index."""

from __future__ import annotations

import errno
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from docsearch.engine.errors import StorageFull, UsageError
from docsearch.engine.records import PageRef
from docsearch.engine.store import layout, open_snapshot
from docsearch.evaluation import marks, readers
from docsearch.indexer import pipeline
from docsearch.training.finetune import rows as training_rows
from fake_encoder import FakeEncoder


@pytest.fixture
def index(tmp_path: Path, make_pdf: Callable[..., Path]) -> Path:
    make_pdf(tmp_path / "docs/a.pdf", ["revenue chart", "notes"])
    make_pdf(tmp_path / "docs/b.pdf", ["minutes"])
    pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", encoder=FakeEncoder())
    return tmp_path / "index"


def page(index: Path, path: str, number: int) -> PageRef:
    with open_snapshot(index) as snapshot:
        row = snapshot.document(path=path)
    assert row is not None
    return PageRef(row.id, path, number)


def test_the_latest_mark_counts_and_can_be_taken_back(index: Path) -> None:
    ref = page(index, "a.pdf", 1)
    marks.set_mark(index, "revenue ", ref, right=False)
    marks.set_mark(index, " revenue", ref, right=True)
    (mark,) = marks.read(index)
    assert (mark.query, mark.path, mark.page, mark.right) == ("revenue", "a.pdf", 1, True)
    marks.set_mark(index, "revenue", ref, right=None)
    assert marks.read(index) == []


def test_marks_from_many_threads_are_all_kept(index: Path) -> None:
    ref = page(index, "a.pdf", 1)
    threads = [
        threading.Thread(target=marks.set_mark, args=(index, f"question {i}", ref), kwargs={"right": True})
        for i in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {mark.query for mark in marks.read(index)} == {f"question {i}" for i in range(16)}


def test_an_export_serves_eval_and_train(index: Path, tmp_path: Path) -> None:
    marks.set_mark(index, "revenue", page(index, "a.pdf", 1), right=True)
    marks.set_mark(index, "revenue", page(index, "b.pdf", 1), right=False)
    marks.set_mark(index, "never found", page(index, "b.pdf", 1), right=False)
    exported = tmp_path / "questions.jsonl"
    exported.write_text("".join(json.dumps(row) + "\n" for row in marks.export(index)))
    (question,) = readers.read(exported).items
    assert (question.text, question.judgements[0].path, question.judgements[0].page) == ("revenue", "a.pdf", 1)
    (row,) = training_rows.read(exported)[0]
    assert row.positive.file == (tmp_path / "docs/a.pdf").resolve()
    assert [negative.file.name for negative in row.negatives] == ["b.pdf"]


def test_a_renamed_document_keeps_its_marks(index: Path, tmp_path: Path) -> None:
    marks.set_mark(index, "revenue", page(index, "a.pdf", 1), right=True)
    (tmp_path / "docs/a.pdf").rename(tmp_path / "docs/renamed.pdf")
    pipeline.index_documents([tmp_path / "docs"], index, encoder=FakeEncoder())
    assert [row["path"] for row in marks.export(index)] == ["renamed.pdf"]


def test_without_a_right_mark_there_are_no_questions(index: Path) -> None:
    marks.set_mark(index, "revenue", page(index, "a.pdf", 1), right=False)
    with pytest.raises(UsageError, match="no hit was marked right"):
        marks.questions(index)


def test_a_line_that_is_no_mark_is_named(index: Path) -> None:
    (index / layout.MARKS).write_text('{"query": "x"}\n')
    with pytest.raises(UsageError, match=r"marks\.jsonl:1: not a mark"):
        marks.read(index)


def test_a_full_disk_is_said_and_keeps_what_was_there(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = page(index, "a.pdf", 1)
    marks.set_mark(index, "one", ref, right=True)

    def full(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(marks, "atomic_file", full)
    with pytest.raises(StorageFull):
        marks.set_mark(index, "two", ref, right=True)
    monkeypatch.undo()
    assert [mark.query for mark in marks.read(index)] == ["one"]
    marks.set_mark(index, "two", ref, right=True)  # the lock was released


def test_a_blank_query_is_refused_before_it_spoils_the_file(index: Path) -> None:
    with pytest.raises(UsageError, match="the query is empty"):
        marks.set_mark(index, " \n", page(index, "a.pdf", 1), right=True)
    assert marks.read(index) == []


def test_there_is_a_limit(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "MARKS_MAX", 1)
    marks.set_mark(index, "one", page(index, "a.pdf", 1), right=True)
    with pytest.raises(UsageError, match="marks already"):
        marks.set_mark(index, "two", page(index, "a.pdf", 1), right=True)
    assert [mark.query for mark in marks.read(index)] == ["one"]
