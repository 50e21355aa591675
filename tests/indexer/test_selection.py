"""A condition chooses which of the documents that were found are indexed, and later runs remember it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pymupdf
import pytest

from docsearch.engine.errors import NothingFound, UsageError
from docsearch.engine.store import open_snapshot
from docsearch.indexer import pipeline, plan
from docsearch.indexer.report import IndexReport
from docsearch.indexer.settings import FileChoice, IndexSettings
from docsearch.indexer.update import update_index
from fake_encoder import FakeEncoder

DAY_S = 24 * 3600
OF_STONE = FileChoice(where="client = 'Stone'")


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """a.pdf of 2020, b.pdf and sub/c.pdf of 2024, a picture; a table gives clients, a file beside b.pdf a matter."""
    docs = tmp_path / "docs"
    (docs / "sub").mkdir(parents=True)
    for name, days in (("a.pdf", 18300), ("b.pdf", 19800), ("sub/c.pdf", 19800)):
        document = pymupdf.open()
        document.new_page(width=200, height=200).insert_text((20, 40), name)
        document.save(docs / name)
        os.utime(docs / name, (days * DAY_S, days * DAY_S))
    document.load_page(0).get_pixmap().save(docs / "d.png")
    (docs / "b.pdf.json").write_text(json.dumps({"matter": "harbour", "tags": ["audit", "tax"], "author": "Kim"}))
    (tmp_path / "clients.csv").write_text("path,client,rank\na.pdf,Stone,1\nsub/*,Rivera,2\n")
    return docs


def index(docs: Path, where: str | None, *, table: bool = False) -> IndexReport:
    metadata = docs.parent / "clients.csv" if table else None
    directory = docs.parent / "index"
    return pipeline.index_documents([docs], directory, where=where, metadata=metadata, encoder=FakeEncoder())


def paths(docs: Path) -> list[str]:
    with open_snapshot(docs.parent / "index") as snapshot:
        return sorted(snapshot.documents())


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("modified >= 2023", ["b.pdf", "d.png", "sub/c.pdf"]),
        ("kind = 'pdf' and modified between 2019 and 2022", ["a.pdf"]),
        ("path matches 'sub/*' or kind = 'png'", ["d.png", "sub/c.pdf"]),
        ("size < 1 gb and not kind = 'png'", ["a.pdf", "b.pdf", "sub/c.pdf"]),
        ("client in ('Rivera', 'Other')", ["sub/c.pdf"]),
        ("rank = 1 or matter = 'harbour'", ["a.pdf", "b.pdf"]),
        ("tags = 'tax' and author contains 'kim'", ["b.pdf"]),
        ("client is null", ["b.pdf", "d.png"]),
    ],
)
def test_only_documents_are_taken_for_which_the_condition_holds(docs: Path, where: str, expected: list[str]) -> None:
    report = index(docs, where, table=True)
    assert paths(docs) == expected
    assert (report.documents, report.unselected) == (len(expected), 4 - len(expected))


def test_an_update_remembers_the_condition(docs: Path) -> None:
    index(docs, "path matches 'sub/*'")
    (docs / "sub" / "e.pdf").write_bytes((docs / "a.pdf").read_bytes())
    (docs / "f.pdf").write_bytes((docs / "b.pdf").read_bytes())
    report = update_index(docs.parent / "index", encoder=FakeEncoder())
    assert paths(docs) == ["sub/c.pdf", "sub/e.pdf"]
    assert (report.documents, report.skipped, report.unselected) == (1, 1, 4)
    index(docs, None)  # without a condition it is forgotten
    update_index(docs.parent / "index", encoder=FakeEncoder())
    assert paths(docs) == ["a.pdf", "b.pdf", "d.png", "f.pdf", "sub/c.pdf", "sub/e.pdf"]


def test_documents_of_the_index_that_are_left_out_now_stay(docs: Path) -> None:
    index(docs, None)
    report = index(docs, "kind = 'png'")
    assert (report.removed, report.vanished, report.unselected) == (0, 0, 3)
    assert len(paths(docs)) == 4


def test_a_condition_on_what_only_a_read_document_has_is_refused(docs: Path) -> None:
    with pytest.raises(UsageError, match=r"no column 'pages'.*path, kind, modified, size.*once a document was read"):
        index(docs, "pages > 3")
    with pytest.raises(UsageError, match="where"):
        index(docs, "kind = ")
    assert not (docs.parent / "index").exists()


@pytest.mark.parametrize("where", ["nosuch = 1", "kind =", "kind = 'docx'", "", "   "])
def test_a_mistake_in_a_condition_is_told_before_an_index_is_made(docs: Path, where: str) -> None:
    with pytest.raises((UsageError, NothingFound), match="where"):
        index(docs, where)
    assert not (docs.parent / "index").exists()


@pytest.mark.parametrize("where", ["", "   "])
def test_an_empty_condition_is_an_error(docs: Path, where: str) -> None:
    index(docs, "kind = 'pdf'")
    with pytest.raises(UsageError, match="the condition is empty"):
        index(docs, where)
    with pytest.raises(UsageError, match="the condition is empty"):
        plan.plan([docs], docs.parent / "index", FileChoice(where=where))


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("client = 'Stone'", ["a.pdf"]),
        ("rank >= 1 and kind = 'pdf'", ["a.pdf", "sub/c.pdf"]),
        ("not client = 'Rivera'", ["a.pdf", "b.pdf", "d.png"]),
    ],
)
def test_while_the_table_is_away_a_condition_has_what_was_recorded(docs: Path, where: str, kept: list[str]) -> None:
    index(docs, where, table=True)
    assert paths(docs) == kept
    (docs.parent / "clients.csv").rename(docs.parent / "away.csv")
    (docs / "new.pdf").write_bytes((docs / "b.pdf").read_bytes())  # nothing says whose it is
    (docs / "beside.pdf").write_bytes((docs / "a.pdf").read_bytes())
    (docs / "beside.pdf.json").write_text(json.dumps({"client": "Stone", "rank": 3}))
    report = update_index(docs.parent / "index", prune=True, encoder=FakeEncoder())
    assert paths(docs) == sorted([*kept, "beside.pdf"])
    assert (report.skipped, report.removed) == (len(kept), 0)
    assert report.metadata is not None
    assert "is gone" in report.metadata.problems[0]
    (docs.parent / "away.csv").rename(docs.parent / "clients.csv")
    update_index(docs.parent / "index", encoder=FakeEncoder())
    assert ("new.pdf" in paths(docs)) == where.startswith("not")


def test_a_condition_that_nothing_fulfils_is_no_silent_success(docs: Path) -> None:
    with pytest.raises(NothingFound, match="--where holds for none of the 4 documents that were found"):
        index(docs, "kind = 'docx'")


def test_a_dry_run_tells_what_would_be_taken(docs: Path) -> None:
    planned = plan.plan([docs], docs.parent / "index", OF_STONE, IndexSettings(metadata=docs.parent / "clients.csv"))
    assert [each.path for each in planned.to_read] == ["a.pdf"]
    assert planned.unselected == 3


def test_a_dry_run_has_the_table_that_the_index_remembers(docs: Path) -> None:
    directory = docs.parent / "index"
    index(docs, None, table=True)
    planned = plan.plan([docs], directory, OF_STONE)
    assert (planned.unchanged, planned.unselected, planned.problems) == (1, 3, ())
    with pytest.raises(UsageError, match="no column 'client'"):
        plan.plan([docs], directory, OF_STONE, IndexSettings(forget_metadata=True))
    (docs.parent / "clients.csv").write_text("path,client\nb.pdf,Stone\nd.png,Stone\n")
    assert plan.plan([docs], directory, OF_STONE).unchanged == 2
    (docs.parent / "clients.csv").write_text("client\nStone\n")
    with pytest.raises(UsageError, match="no column 'path'"):
        plan.plan([docs], directory)


def test_a_dry_run_has_what_was_recorded_while_the_table_is_away(docs: Path) -> None:
    index(docs, None, table=True)
    (docs.parent / "clients.csv").unlink()
    planned = plan.plan([docs], docs.parent / "index", OF_STONE)
    assert (planned.unchanged, planned.unselected) == (1, 3)
    assert "is gone" in planned.problems[0]


def test_a_dry_run_has_the_conditions_of_folders_inside(docs: Path) -> None:
    directory = docs.parent / "index"
    pipeline.index_documents([docs / "sub"], directory, where="size > 1 gb or path = 'c.pdf'", encoder=FakeEncoder())
    (docs / "sub" / "e.pdf").write_bytes((docs / "a.pdf").read_bytes())
    planned = plan.plan([docs], directory)
    report = index(docs, None)
    assert (len(planned.to_read), planned.unselected) == (report.documents + report.skipped, report.unselected)
