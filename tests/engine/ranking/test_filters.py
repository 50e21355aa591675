"""Path filters and look-ups of one document take time for what they select, not for what the index holds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import toy_words
from docsearch.engine.ranking.filters import PageFilter
from docsearch.engine.store import Snapshot, catalog, open_snapshot
from docsearch.engine.where import paths
from docsearch.engine.where.paths import DocumentNames, path_matches

PATHS = [
    "a.pdf", "b/a.pdf", "b/c.pdf", "B/D.pdf", "b/c/a.pdf", "bb/a.pdf", "c [x].pdf", "b/e\u0301.pdf",
    "z*/a?.pdf", "new\nline.pdf",
]  # fmt: skip
PATTERNS = [
    "a.pdf", "b/*", "b/a.pdf", "*", "*.pdf", "b*/a.pdf", "c [x].pdf", "[bc]*", "b/\u00e9.pdf", "B/d.PDF", "c/a.pdf",
    "*c*",
    "a?.pdf", "z*/a?.pdf", "none", "none/*", "", "/a.pdf", "b?/*", "new*",
]  # fmt: skip


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    directory = tmp_path_factory.mktemp("filters") / "index"
    for first in (slice(0, None, 2), slice(1, None, 2)):
        toy_words.write(directory, {path: [[1], [2]] for path in PATHS[first]})
    with open_snapshot(directory) as opened:
        yield opened


@pytest.mark.parametrize("compared", [paths.COMPARED, 0], ids=["few documents", "many documents"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_filter_finds_the_rows_of_all_documents_that_match(
    snapshot: Snapshot, pattern: str, compared: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "COMPARED", compared)
    wanted = [row for row, path in enumerate(snapshot.paths().tolist()) if path_matches(path, pattern)]
    found = PageFilter(snapshot)
    rows = found.rows(pattern, None)
    assert rows is not None
    assert rows.tolist() == wanted
    without = found.rows(pattern, 3)
    assert without is not None
    assert without.tolist() == [row for row in wanted if row != 3]


def test_filter_without_pattern_leaves_out_one_page_at_most(snapshot: Snapshot) -> None:
    assert PageFilter(snapshot).rows(None, None) is None
    rows = PageFilter(snapshot).rows(None, 3)
    assert rows is not None
    assert rows.tolist() == [row for row in range(len(snapshot)) if row != 3]


@pytest.mark.parametrize(("pattern", "most"), [
    ("year 7/12.pdf", 1000), ("year 7/*", 101), ("12.pdf", 1000), ("*r 77/1?.pdf", 100), ("year*/777.pdf", 0),
    ("*year 123*", 100),
])  # fmt: skip
def test_only_documents_that_begin_or_end_alike_are_compared(pattern: str, most: int) -> None:
    names = DocumentNames({100 * year + i: f"year {year}/{i}.pdf" for year in range(1000) for i in range(100)})
    found = names.candidates(pattern)
    assert (most > 0) <= len(found) <= most


def test_documents_are_read_from_the_catalog_once(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    found = PageFilter(snapshot)
    found.rows("b/*", None)
    monkeypatch.setattr(paths, "_forms", None)  # folding all paths again would fail
    assert np.array_equal(found.rows("*", None), np.arange(len(snapshot)))  # type: ignore[arg-type]


def test_one_document_is_found_without_reading_the_others(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    known = snapshot.documents()
    monkeypatch.setattr(catalog, "read_documents", None)
    assert snapshot.document(path="b/c.pdf") == known["b/c.pdf"]
    assert snapshot.document(doc_id=known["b/c.pdf"].id) == known["b/c.pdf"]
    assert snapshot.document(path="none.pdf") is None
    assert snapshot.document(doc_id="none") is None
    assert snapshot.document_count() == len(PATHS)


def test_some_documents_are_those_of_all_in_path_order(snapshot: Snapshot) -> None:
    every = list(snapshot.documents())
    assert every == sorted(PATHS)
    for first, count in ((0, 3), (4, 2), (9, 5), (20, 5)):
        assert list(snapshot.documents(first, count)) == every[first : first + count]
