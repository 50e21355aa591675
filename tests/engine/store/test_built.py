"""Segments that another process built: added as a whole, each page once, or not at all."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from docsearch.engine import store
from docsearch.engine.errors import IndexDamaged
from docsearch.engine.records import PagesToStore
from docsearch.engine.store import BuiltSegment, SegmentBuilder, built, layout

Listing = Callable[[Path], dict[str, list[int]]]


def build(synthetic: ModuleType, folder: Path, path: str, numbers: list[int], *, codec: str = "int8") -> BuiltSegment:
    """Build a segment of pages of a document, as a process without the writer's lock does."""
    builder = SegmentBuilder(codec)
    vectors = synthetic.pages("", path, synthetic.content(path, 0), numbers)
    texts = [f"{path} version 0 page {number}" for number in numbers]
    builder.add_pages(PagesToStore(vectors, texts, np.full((len(numbers), 2), 595.0)))
    assert len(builder) == len(numbers)
    segment = builder.write(folder)
    assert len(builder) == 0
    return segment


def named(segment: BuiltSegment, doc_id: str) -> BuiltSegment:
    return replace(segment, pages=tuple(replace(each, ref=replace(each.ref, doc_id=doc_id)) for each in segment.pages))


def add(writer: store.IndexWriter, synthetic: ModuleType, path: str, segment: BuiltSegment, folder: Path) -> int:
    begun = writer.begin_document(path, synthetic.content(path, 0), 1000, 0)
    return writer.add_segment(named(segment, begun.doc_id), folder)


def rows(index: Path) -> list[tuple[object, ...]]:
    with store.open_snapshot(index) as snapshot:
        assert snapshot.verify() == []
        return [
            (ref, snapshot.text(row), snapshot.boxes(row).tobytes(), snapshot.dense_vectors([row]).tobytes())
            for row, ref in enumerate(snapshot.refs(range(len(snapshot))))
        ]


def test_pages_of_a_built_segment_are_stored_as_if_the_writer_had_added_them(
    index: Path, synthetic: ModuleType, tmp_path: Path
) -> None:
    segment = pickle.loads(pickle.dumps(build(synthetic, tmp_path / "built", "a.pdf", list(range(1, 8)))))
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        assert add(writer, synthetic, "a.pdf", segment, tmp_path / "built") == 7
        writer.finish_document(writer.begin_document("a.pdf", synthetic.content("a.pdf", 0), 1000, 0).doc_id, 7)
        synthetic.add(writer, "b.pdf")
    with store.open_writer(tmp_path / "other", fingerprint=synthetic.FINGERPRINT) as writer:
        synthetic.add(writer, "a.pdf")
        synthetic.add(writer, "b.pdf")
    assert rows(index) == rows(tmp_path / "other")
    assert not (tmp_path / "built").exists()


def test_a_page_that_is_in_the_index_is_left_out(
    index: Path, synthetic: ModuleType, tmp_path: Path, listing: Listing
) -> None:
    first = build(synthetic, tmp_path / "first", "a.pdf", [1, 2, 3])
    again = build(synthetic, tmp_path / "again", "a.pdf", [1, 2, 3])
    more = build(synthetic, tmp_path / "more", "a.pdf", [3, 4, 5])
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        assert add(writer, synthetic, "a.pdf", first, tmp_path / "first") == 3
        assert add(writer, synthetic, "a.pdf", again, tmp_path / "again") == 0
        assert add(writer, synthetic, "a.pdf", more, tmp_path / "more") == 2
        writer.commit()
        assert listing(index) == {"a.pdf": [1, 2, 3, 4, 5]}
        assert (tmp_path / "again").exists()
        rows(index)
        writer.compact()
    assert listing(index) == {"a.pdf": [1, 2, 3, 4, 5]}
    rows(index)


def test_an_error_after_the_move_leaves_nothing_behind(
    filled: Path, synthetic: ModuleType, tmp_path: Path, listing: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, folders = listing(filled), sorted((filled / layout.SEGMENTS).iterdir())
    segment = build(synthetic, tmp_path / "built", "d.pdf", [1, 2])
    monkeypatch.setattr(built, "insert_pages", lambda *_: 1 / 0)
    with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer, pytest.raises(ZeroDivisionError):
        add(writer, synthetic, "d.pdf", segment, tmp_path / "built")
    assert (listing(filled), sorted((filled / layout.SEGMENTS).iterdir())) == (before, folders)


def test_a_segment_that_is_not_as_it_was_written_is_refused(index: Path, synthetic: ModuleType, tmp_path: Path) -> None:
    segment = build(synthetic, tmp_path / "built", "a.pdf", [1, 2])
    with (tmp_path / "built" / layout.VECTORS).open("ab") as file:
        file.write(b"more")
    with (
        store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer,
        pytest.raises(IndexDamaged, match=r"vectors\.npy: the file is missing or not"),
    ):
        add(writer, synthetic, "a.pdf", segment, tmp_path / "built")


def test_a_segment_of_another_codec_is_refused(filled: Path, synthetic: ModuleType, tmp_path: Path) -> None:
    segment = build(synthetic, tmp_path / "built", "d.pdf", [1], codec="float16")
    with (
        store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer,
        pytest.raises(ValueError, match="a segment of float16"),
    ):
        add(writer, synthetic, "d.pdf", segment, tmp_path / "built")


def test_the_next_writer_deletes_what_a_killed_one_had_staged(filled: Path, synthetic: ModuleType) -> None:
    build(synthetic, filled / layout.STAGING / "left", "d.pdf", [1])
    store.open_writer(filled, fingerprint=synthetic.FINGERPRINT).close()
    assert not (filled / layout.STAGING).exists()
