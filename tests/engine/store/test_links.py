"""Symbolic links inside an index: nothing is ever deleted or written behind one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from docsearch.engine import store
from docsearch.engine.errors import UsageError
from docsearch.engine.store import durable, layout
from docsearch.server import stored_uploads

FOREIGN = {"thesis.pdf": b"a thesis", ".tmp-notes": b"notes", "00000009/data": b"data", "lists-1-2/photo": b"photo"}
"""Files of somebody else, with names that the store would delete in a folder of its own."""


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    folder = tmp_path / "foreign"
    for name, content in FOREIGN.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def replace_by_link(path: Path, target: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


@pytest.mark.parametrize("name", [layout.SEGMENTS, layout.CACHE, layout.UPLOADS])
def test_an_index_whose_own_folder_is_a_link_is_refused_and_the_link_not_followed(
    filled: Path, foreign: Path, name: str
) -> None:
    replace_by_link(filled / name, foreign)
    with pytest.raises(UsageError, match=rf"{name}.* is a symbolic link"):
        store.open_writer(filled, fingerprint=None)
    with pytest.raises(UsageError, match=rf"{name}.* is a symbolic link"):
        store.open_snapshot(filled)
    assert content(foreign) == FOREIGN


@pytest.mark.parametrize(
    "name", [layout.CATALOG, layout.CODEBOOK, layout.ROOTS, layout.WRITER_LOCK, layout.READERS_LOCK]
)
def test_a_writer_does_not_write_to_what_a_link_points_to(filled: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / "target"
    target.write_bytes((filled / name).read_bytes() if (filled / name).exists() else b"mine")
    before = target.read_bytes()
    replace_by_link(filled / name, target)
    with pytest.raises(UsageError, match=rf"{name}.* is a symbolic link"):
        store.open_writer(filled, fingerprint=None)
    assert target.read_bytes() == before


def test_a_folder_where_an_index_is_to_be_made_has_no_links_of_its_names(
    index: Path, foreign: Path, synthetic: ModuleType
) -> None:
    index.mkdir()
    (index / layout.SEGMENTS).symlink_to(foreign)
    with pytest.raises(UsageError, match="is a symbolic link"):
        store.open_writer(index, fingerprint=synthetic.FINGERPRINT)
    assert content(foreign) == FOREIGN
    assert [entry.name for entry in index.iterdir()] == [layout.SEGMENTS]


def test_links_within_the_folders_are_deleted_themselves(filled: Path, foreign: Path) -> None:
    (filled / layout.CACHE).mkdir(exist_ok=True)
    links = [
        filled / layout.SEGMENTS / ".tmp-1",
        filled / layout.SEGMENTS / "00000009",
        filled / layout.CACHE / "lists-00000007-00000008",
        filled / layout.CACHE / "other",
        filled / ".tmp-2-0a1b2c3d",
    ]
    for link in links:
        link.symlink_to(foreign)
    with store.open_writer(filled, fingerprint=None) as writer:
        writer.remove(["a.pdf"])
        writer.compact()
    assert content(foreign) == FOREIGN
    assert not [link for link in links if link.is_symlink()]


def test_an_index_behind_a_link_and_one_with_linked_files_of_segments_are_read(filled: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(filled)
    vectors = filled / layout.SEGMENTS / "00000001" / layout.VECTORS
    vectors.rename(tmp_path / "vectors")
    vectors.symlink_to(tmp_path / "vectors")
    with store.open_snapshot(tmp_path / "link") as snapshot:
        assert snapshot.verify() == []
    store.open_writer(tmp_path / "link", fingerprint=None).close()


def test_a_catalog_with_a_second_name_is_not_written_to(filled: Path, tmp_path: Path) -> None:
    """As after `cp -al`: SQLite would change the copy's catalog, but not its segments."""
    os.link(filled / layout.CATALOG, tmp_path / "backup")
    with pytest.raises(UsageError, match="hard link"):
        store.open_writer(filled, fingerprint=None)
    with store.open_snapshot(filled) as snapshot:
        assert len(snapshot) == 21


def test_leftovers_of_uploads_behind_a_link_stay(filled: Path, foreign: Path) -> None:
    replace_by_link(filled / layout.UPLOADS, foreign)
    stored_uploads.delete_leftovers(filled, [])
    stored_uploads.delete(filled, f"{layout.UPLOADS}/{'0' * 16}/a.pdf")
    assert content(foreign) == FOREIGN
    (filled / layout.UPLOADS).unlink()
    (filled / layout.UPLOADS).mkdir()
    link = filled / layout.UPLOADS / ("0" * 16)
    link.symlink_to(foreign)
    stored_uploads.delete_leftovers(filled, [])
    assert content(foreign) == FOREIGN
    assert not link.is_symlink()


def test_deleting_a_link_deletes_nothing_behind_it(tmp_path: Path, foreign: Path) -> None:
    (tmp_path / "link").symlink_to(foreign)
    durable.delete_folder(tmp_path / "link")
    assert not (tmp_path / "link").is_symlink()
    assert content(foreign) == FOREIGN
    durable.delete_folder(foreign)
    durable.delete_folder(foreign)
    assert not foreign.exists()
