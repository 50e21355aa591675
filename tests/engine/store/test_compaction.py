"""Compaction gives fewer and fuller segments with the same pages and ids."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from docsearch.engine import store
from docsearch.engine.compression.codecs import CODECS, decode
from docsearch.engine.errors import IndexDamaged
from docsearch.engine.store import compaction, layout

Contents = dict[tuple[str, str, int], tuple[list[float], list[int], float, str]]


@pytest.fixture
def contents() -> Callable[[Path], Contents]:
    """`contents(index)`: what is stored of each page."""

    def read(index: Path) -> Contents:
        found: Contents = {}
        with store.open_snapshot(index) as snapshot:
            refs, dense = snapshot.refs(range(len(snapshot))), snapshot.dense_vectors()
            for row, ref in enumerate(refs):
                (block,) = snapshot.blocks(rows=np.array([row]))
                vectors = decode(block.coded).round(1).ravel().tolist()
                key = (ref.doc_id, ref.path, ref.page)
                found[key] = (vectors, snapshot.boxes(row).ravel().tolist(), float(dense[row, 0]), snapshot.text(row))
        return found

    return read


@pytest.mark.parametrize("codec", [None, "int8", "float16"])
def test_every_page_survives_with_its_id(filled: Path, contents: Callable[[Path], Contents], codec: str | None) -> None:
    before = contents(filled)
    with store.open_writer(filled, fingerprint=None) as writer:
        report = writer.compact(codec)
    assert contents(filled) == before
    assert (report.pages, report.segments_before, report.segments_after) == (21, 3, 1)
    with store.open_snapshot(filled) as snapshot:
        assert snapshot.codec == (codec or "int8")
        assert snapshot.info()["segments_by_codec"] == {codec or "int8": 1}
        assert snapshot.verify() == []


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec != "residual"])
def test_vectors_are_encoded_as_if_written_in_that_codec(
    index: Path, synthetic: ModuleType, codec: str, tmp_path: Path
) -> None:
    at_once = tmp_path / "at-once"
    for directory, first in ((index, "float16"), (at_once, codec)):
        with store.open_writer(directory, fingerprint=synthetic.FINGERPRINT, codec=first) as writer:
            for path in ("a.pdf", "b.pdf"):
                synthetic.add(writer, path)
            writer.compact(codec)
    with store.open_snapshot(index) as later, store.open_snapshot(at_once) as wanted:
        assert later.verify() == wanted.verify() == []
        assert later.info()["segments_by_codec"] == {codec: 1}
        for one, other in zip(later.blocks(), wanted.blocks(), strict=True):
            np.testing.assert_array_equal(one.coded.values, other.coded.values)
            np.testing.assert_array_equal(decode(one.coded), decode(other.coded))


def test_disk_space_of_deleted_pages_is_freed(
    filled: Path, synthetic: ModuleType, contents: Callable[[Path], Contents]
) -> None:
    with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer:
        writer.compact()
        writer.remove(["b.pdf"])
        synthetic.add(writer, "a.pdf", version=1, count=2)
        writer.commit()
        with store.open_snapshot(filled) as snapshot:
            assert snapshot.info()["dead_pages"] == 14
        before = contents(filled)
        report = writer.compact()
        assert report.bytes_after < report.bytes_before
    with store.open_snapshot(filled) as snapshot:
        assert snapshot.info()["dead_pages"] == 0
    assert contents(filled) == before
    assert len(list((filled / layout.SEGMENTS).iterdir())) == 1


def test_rows_come_in_path_order(index: Path, synthetic: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "COMPACTED_PAGES", 10)
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        for path in ("c.pdf", "a.pdf", "b.pdf"):
            synthetic.add(writer, path, step=3)
        writer.compact()
    with store.open_snapshot(index) as snapshot:
        assert snapshot.paths().tolist() == ["a.pdf"] * 7 + ["b.pdf"] * 7 + ["c.pdf"] * 7
        assert snapshot.info()["segments"] == 3
        assert snapshot.verify() == []


def test_a_second_compaction_changes_nothing(filled: Path) -> None:
    with store.open_writer(filled, fingerprint=None) as writer:
        writer.compact()
        names = [folder.name for folder in (filled / layout.SEGMENTS).iterdir()]
        report = writer.compact()
        assert report.segments_before == report.segments_after == 1
    assert [folder.name for folder in (filled / layout.SEGMENTS).iterdir()] == names


def test_later_pages_get_the_codec_of_the_last_compaction(filled: Path, synthetic: ModuleType) -> None:
    with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer:
        writer.compact("float16")
        synthetic.add(writer, "d.pdf")
    with store.open_snapshot(filled) as snapshot:
        assert snapshot.info()["segments_by_codec"] == {"float16": 2}


def test_an_empty_index_can_be_compacted(filled: Path) -> None:
    with store.open_writer(filled, fingerprint=None) as writer:
        writer.remove(["a.pdf", "b.pdf", "c.pdf"])
        assert writer.compact().pages == 0
    assert list((filled / layout.SEGMENTS).iterdir()) == []
    with store.open_snapshot(filled) as snapshot:
        assert len(snapshot) == 0
        assert snapshot.dense_vectors().shape[0] == 0
        assert list(snapshot.blocks()) == []
        assert snapshot.refs([]) == []
        assert snapshot.paths().tolist() == []
        assert snapshot.verify() == []


def test_damage_is_not_copied(filled: Path) -> None:
    path = filled / layout.SEGMENTS / "00000002" / layout.VECTORS
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with store.open_writer(filled, fingerprint=None) as writer, pytest.raises(IndexDamaged, match="not compacted"):
        writer.compact()
    with store.open_snapshot(filled) as snapshot:
        assert len(snapshot.verify()) == 1
