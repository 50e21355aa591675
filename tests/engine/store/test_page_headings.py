"""Headings of pages in the catalog: stored, kept through changes, and deleted with their pages."""

from __future__ import annotations

import pickle
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np

from docsearch.engine import store
from docsearch.engine.records import PagesToStore
from docsearch.engine.store import SegmentBuilder
from docsearch.engine.store.combined import open_combined


def pages(synthetic: ModuleType, doc_id: str, path: str, headings: list[str]) -> PagesToStore:
    numbers = list(range(1, len(headings) + 1))
    vectors = synthetic.pages(doc_id, path, synthetic.content(path, 0), numbers)
    return PagesToStore(vectors, [""] * len(headings), np.full((len(headings), 2), 595.0), headings=headings)


def add(writer: store.IndexWriter, synthetic: ModuleType, path: str, headings: list[str]) -> None:
    begun = writer.begin_document(path, synthetic.content(path, 0), 1000, 0)
    writer.add_pages(pages(synthetic, begun.doc_id, path, headings))
    writer.finish_document(begun.doc_id, len(headings))


def headings_of(index: Path) -> dict[tuple[str, int], str]:
    with store.open_snapshot(index) as snapshot:
        assert snapshot.verify() == []
        rows = range(len(snapshot))
        refs = snapshot.refs(rows)
        return {(ref.path, ref.page): each for ref, each in zip(refs, snapshot.headings(rows), strict=True)}


def stored(index: Path) -> int:
    with closing(sqlite3.connect(index / "catalog.sqlite")) as connection:
        return int(connection.execute("SELECT count(*) FROM page_headings").fetchone()[0])


def test_headings_are_stored_and_deleted_with_their_pages(index: Path, synthetic: ModuleType) -> None:
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        add(writer, synthetic, "a.pdf", ["Debt\nEquity", ""])
        add(writer, synthetic, "b.pdf", ["Schulden \ud800"])
    assert headings_of(index)["a.pdf", 1] == "Debt\nEquity"
    assert headings_of(index)["a.pdf", 2] == ""
    assert headings_of(index)["b.pdf", 1].startswith("Schulden")
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        writer.remove(["a.pdf"])
    assert list(headings_of(index)) == [("b.pdf", 1)]
    assert stored(index) == 1


def test_headings_of_segments_that_another_process_built(index: Path, synthetic: ModuleType, tmp_path: Path) -> None:
    builder = SegmentBuilder("int8")
    builder.add_pages(pages(synthetic, "", "a.pdf", ["Debt", ""]))
    segment = pickle.loads(pickle.dumps(builder.write(tmp_path / "built")))
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        begun = writer.begin_document("a.pdf", synthetic.content("a.pdf", 0), 1000, 0)
        its_pages = tuple(replace(each, ref=replace(each.ref, doc_id=begun.doc_id)) for each in segment.pages)
        writer.add_segment(replace(segment, pages=its_pages), tmp_path / "built")
        writer.finish_document(begun.doc_id, 2)
    assert headings_of(index) == {("a.pdf", 1): "Debt", ("a.pdf", 2): ""}


def test_headings_of_several_indexes_as_one(synthetic: ModuleType, tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        with store.open_writer(folder, fingerprint=synthetic.FINGERPRINT) as writer:
            add(writer, synthetic, f"{folder.name}.pdf", [f"Part {folder.name}", ""])
    with open_combined({folder.name: folder for folder in folders}) as snapshot:
        rows = [3, 0, 1, 2]
        refs = [ref.path for ref in snapshot.refs(rows)]
        assert refs == ["two.pdf", "one.pdf", "one.pdf", "two.pdf"]
        assert snapshot.headings(rows) == ["", "Part one", "", "Part two"]
