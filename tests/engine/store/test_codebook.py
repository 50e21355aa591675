"""The codec residual in an index: residuals of visual words, and the codebook file with their centroids."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import toy_words
from docsearch.engine import store
from docsearch.engine.compression import codecs
from docsearch.engine.errors import IndexDamaged, UsageError
from docsearch.engine.store import layout
from toy_words import ToyEncoder

PAGES = {f"{i}.pdf": [[3 * i + j for j in range(20)], [], [7, 2 * i, 9]] for i in range(5)}
CODEBOOK = ToyEncoder().visual_words.codebook


@pytest.fixture
def exact(tmp_path: Path) -> Path:
    """An index in float16."""
    toy_words.write(tmp_path / "exact", PAGES, "float16")
    return tmp_path / "exact"


@pytest.fixture
def residual(exact: Path, tmp_path: Path) -> Path:
    """The same, compacted to residual."""
    directory = shutil.copytree(exact, tmp_path / "residual")
    with store.open_writer(directory, fingerprint=None) as writer:
        writer.compact("residual", CODEBOOK)
    return directory


def decoded(directory: Path) -> np.ndarray:
    with store.open_snapshot(directory) as snapshot:
        assert snapshot.verify() == []
        return np.concatenate([codecs.decode(block.coded) for block in snapshot.blocks()])


def test_vectors_are_encoded_by_their_stored_visual_words(exact: Path, residual: Path) -> None:
    with store.open_snapshot(residual) as snapshot:
        words = snapshot.words().values
        facts = snapshot.info()
    coded = codecs.encode("residual", decoded(exact).astype(np.float16), words, CODEBOOK)
    np.testing.assert_array_equal(decoded(residual), codecs.decode(coded))
    assert facts["codec"] == "residual"
    assert facts["segments_by_codec"] == {"residual": 1}
    bytes_of_all = sum(file.stat().st_size for file in residual.rglob("*.npy"))
    assert facts["bytes"] == bytes_of_all + layout.catalog_file(residual).stat().st_size


def test_an_index_made_in_residual_equals_one_compacted_to_it(residual: Path, tmp_path: Path) -> None:
    toy_words.write(tmp_path / "at-once", PAGES, "residual")
    np.testing.assert_array_equal(decoded(tmp_path / "at-once"), decoded(residual))


def test_scattered_pages_decode_as_in_the_whole_index(residual: Path) -> None:
    rows = np.array([0, 2, 3, 6, 11])
    with store.open_snapshot(residual) as snapshot:
        (whole,), (some,) = snapshot.blocks(), snapshot.blocks(rows=rows)
    for i, row in enumerate(rows.tolist()):
        own = slice(*some.offsets[i : i + 2].tolist())
        there = slice(*whole.offsets[row : row + 2].tolist())
        np.testing.assert_array_equal(codecs.decode(some.coded[own]), codecs.decode(whole.coded[there]))


def test_later_writers_need_no_codebook(residual: Path) -> None:
    with store.open_writer(residual, fingerprint=None) as writer:
        writer.remove(["1.pdf"])
    toy_words.write(residual, {"9.pdf": [[1, 2, 3]]}, None)
    with store.open_writer(residual, fingerprint=None) as writer:
        assert writer.compact().segments_after == 1
    with store.open_snapshot(residual) as snapshot:
        assert snapshot.info()["segments_by_codec"] == {"residual": 1}
        assert snapshot.verify() == []


def test_the_codebook_is_deleted_when_no_segment_needs_it(residual: Path) -> None:
    before = decoded(residual)
    with store.open_writer(residual, fingerprint=None) as writer:
        writer.compact("float16")
    np.testing.assert_array_equal(decoded(residual), before.astype(np.float16).astype(np.float32))
    assert not layout.codebook_file(residual).exists()
    with store.open_writer(residual, fingerprint=None) as writer:
        writer.compact("residual", CODEBOOK)
    assert decoded(residual).shape == before.shape


def test_an_open_snapshot_keeps_its_codebook(residual: Path) -> None:
    wanted = decoded(residual)
    with store.open_snapshot(residual) as snapshot:
        with store.open_writer(residual, fingerprint=None) as writer:
            writer.compact("int8")
        (block,) = snapshot.blocks()
        np.testing.assert_array_equal(codecs.decode(block.coded), wanted)
    assert layout.codebook_file(residual).exists()
    store.open_writer(residual, fingerprint=None).close()
    assert not layout.codebook_file(residual).exists()


def test_residual_is_refused_without_visual_words(filled: Path, tmp_path: Path, exact: Path) -> None:
    with store.open_writer(exact, fingerprint=None) as writer, pytest.raises(UsageError, match="model with visual"):
        writer.compact("residual")
    with store.open_writer(filled, fingerprint=None) as writer, pytest.raises(UsageError, match="has none"):
        writer.compact("residual", CODEBOOK)
    with pytest.raises(UsageError, match="model with visual"):
        store.open_writer(tmp_path / "new", fingerprint=toy_words.SPEC.fingerprint, codec="residual")
    assert not (tmp_path / "new").exists()
    for directory in (filled, exact):
        assert not layout.codebook_file(directory).exists()
        with store.open_snapshot(directory) as snapshot:
            assert snapshot.codec != "residual"
            assert snapshot.verify() == []


def test_a_damaged_codebook_is_found(residual: Path) -> None:
    path = layout.codebook_file(residual)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with store.open_snapshot(residual) as snapshot:
        assert snapshot.verify() == [f"{path}: its checksum is not the committed one"]
    path.unlink()
    with store.open_snapshot(residual) as snapshot:
        assert len(snapshot.verify()) == 1
        with pytest.raises(IndexDamaged, match=r"codebook\.npy"):
            list(snapshot.blocks())
    for _ in range(2):  # the first releases its lock
        with pytest.raises(IndexDamaged, match=r"codebook\.npy"):
            store.open_writer(residual, fingerprint=None)


def test_a_codebook_that_a_killed_writer_left_is_deleted(exact: Path) -> None:
    layout.codebook_file(exact).write_bytes(b"half a file")
    store.open_writer(exact, fingerprint=None).close()
    assert not layout.codebook_file(exact).exists()
