"""The name index: what `name_terms` says of each path, from a file that goes with these paths and pages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import toy_words
from docsearch.engine.query.terms import name_terms
from docsearch.engine.retrieval import name_index
from docsearch.engine.retrieval.name_index import NameIndex
from docsearch.engine.searcher import open_searcher
from docsearch.engine.store import Snapshot, open_snapshot, open_writer
from toy_words import ToyEncoder

PATHS = ("reports/acmeGroup_2019Q4.pdf", "reports/Société X 10K.pdf", "b/acme.pdf", "b/margins 2019.pdf", "数据库.pdf")


def add(directory: Path, *paths: str) -> None:
    toy_words.write(directory, {path: [[1], [2]] for path in paths})


def files(directory: Path) -> list[Path]:
    return sorted((directory / "cache").glob("names-*"))


def check(snapshot: Snapshot, index: NameIndex) -> None:
    """Assert that the index finds what the terms of the paths are."""
    keys, paths = snapshot.page_documents()
    rows = np.unique(snapshot.first_pages())
    terms = {row: name_terms(paths[keys[row]]) for row in rows.tolist()}
    for term in {*frozenset().union(*terms.values()), "unknown"}:
        assert index.first_pages(term).tolist() == [row for row, own in terms.items() if term in own]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index whose names are in a file."""
    monkeypatch.setattr(name_index, "CACHED_DOCUMENTS", 1)
    add(tmp_path, *PATHS)
    with open_snapshot(tmp_path) as snapshot:
        check(snapshot, NameIndex(snapshot))
    assert len(files(tmp_path)) == 1
    return tmp_path


def test_documents_are_found_by_the_terms_of_their_paths(tmp_path: Path) -> None:
    for path in PATHS:
        add(tmp_path, path)
    with open_snapshot(tmp_path) as snapshot:
        check(snapshot, NameIndex(snapshot))
        assert len(NameIndex(snapshot).first_pages("2019")) == 2
    assert not files(tmp_path)


def test_a_prepared_index_has_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_index, "CACHED_DOCUMENTS", 1)
    toy_words.write(tmp_path, {"acme.pdf": [[1], [2]]}, texts={"acme.pdf": ["some text", "more"]})
    with open_searcher(tmp_path, encoder=ToyEncoder()) as searcher:
        assert searcher.default_mode == "hybrid"
        assert not files(tmp_path)
        searcher.prepare()
        assert len(files(tmp_path)) == 1


def test_the_file_is_read_again(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_snapshot(kept) as snapshot:
        expected = NameIndex(snapshot).first_pages("acme")
        monkeypatch.setattr(name_index, "name_terms", None)
        np.testing.assert_array_equal(NameIndex(snapshot).first_pages("acme"), expected)


def test_a_document_that_moved_is_found_by_its_new_path(kept: Path) -> None:
    (before,) = files(kept)
    with open_writer(kept, fingerprint=toy_words.SPEC.fingerprint) as writer:
        writer.move_document("b/acme.pdf", "b/other.pdf", 1, 1)
    with open_snapshot(kept) as snapshot:
        check(snapshot, NameIndex(snapshot))
    (after,) = files(kept)
    assert after != before


def test_removed_documents_are_not_found(kept: Path) -> None:
    with open_writer(kept, fingerprint=toy_words.SPEC.fingerprint) as writer:
        writer.remove(["b/acme.pdf"])
    with open_snapshot(kept) as snapshot:
        check(snapshot, NameIndex(snapshot))


def test_a_damaged_file_is_made_again(kept: Path) -> None:
    (file,) = files(kept)
    content = file.read_bytes()
    for at in (8, 140, len(content) - 1):
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with open_snapshot(kept) as snapshot:
            check(snapshot, NameIndex(snapshot))
        assert files(kept) == [file]
        assert file.read_bytes() == content


def test_names_of_an_index_that_cannot_be_written_to_are_found(kept: Path) -> None:
    (file,) = files(kept)
    file.unlink()
    (kept / "cache").rename(kept / "moved")
    (kept / "cache").write_text("not a folder")
    with open_snapshot(kept) as snapshot:
        check(snapshot, NameIndex(snapshot))


def describe(directory: Path, path: str, **columns: str | tuple[str, ...]) -> None:
    with open_writer(directory, fingerprint=None) as writer:
        row = writer.document(path=path)
        assert row is not None
        writer.record_properties(row.id, columns)


@pytest.mark.parametrize("cached", [1, 1000])
def test_what_files_say_of_themselves_names_them_at_the_weight_of_its_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cached: int
) -> None:
    monkeypatch.setattr(name_index, "CACHED_DOCUMENTS", cached)
    add(tmp_path, "acme.pdf", "x.pdf")
    describe(tmp_path, "x.pdf", title="Annual margins", author="Acme Group", keywords=("margins", "audit report"))
    for _ in range(2):  # built, then read
        with open_snapshot(tmp_path) as snapshot:
            index = NameIndex(snapshot)
            named = index.first_pages_of(["acme", "margin", "audit", "nothing"])
            first = {path: row for row, path in enumerate(snapshot.paths().tolist()) if row % 2 == 0}
        weights = {
            term: dict(zip(found.rows.tolist(), found.weights.tolist(), strict=True)) for term, found in named.items()
        }
        assert weights == {
            "acme": {first["acme.pdf"]: 1.0, first["x.pdf"]: 0.5},
            "margin": {first["x.pdf"]: 1.0},
            "audit": {first["x.pdf"]: 0.5},
        }


def test_columns_that_change_are_read_anew(kept: Path) -> None:
    describe(kept, "b/acme.pdf", title="Something else")
    with open_snapshot(kept) as snapshot:
        assert len(NameIndex(snapshot).first_pages("something")) == 1
    describe(kept, "b/acme.pdf", title="Other words")
    with open_snapshot(kept) as snapshot:
        assert len(NameIndex(snapshot).first_pages("something")) == 0
    assert len(files(kept)) == 1
