"""An update reads again what an index was made from: folders, files, exclusions; documents keep their ids and paths."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from docsearch.engine.errors import IndexNotFound, UsageError
from docsearch.engine.store import DocumentRow, open_snapshot, open_writer
from docsearch.indexer import pipeline, sources
from docsearch.indexer.report import IndexReport
from docsearch.indexer.update import update_index
from fake_encoder import FakeEncoder

MakePdf = Callable[..., Path]
Docs = Callable[..., Path]


@pytest.fixture
def docs(tmp_path: Path, make_pdf: MakePdf) -> Docs:
    """Make a folder of one-page documents; each says its own name and folder."""

    def make(folder: str, *names: str) -> Path:
        for name in names:
            make_pdf(tmp_path / folder / f"{name}.pdf", [f"{folder} {name}"])
        return tmp_path / folder

    return make


def index(tmp_path: Path, *paths: Path, exclude: tuple[str, ...] = ()) -> IndexReport:
    return pipeline.index_documents(paths, tmp_path / "index", encoder=FakeEncoder(), exclude=exclude)


def update(tmp_path: Path, *, prune: bool = False, forget: tuple[Path, ...] = ()) -> IndexReport:
    return update_index(tmp_path / "index", encoder=FakeEncoder(), prune=prune, forget=forget)


def rows(tmp_path: Path) -> dict[str, DocumentRow]:
    with open_snapshot(tmp_path / "index") as snapshot:
        return snapshot.documents()


def ids(tmp_path: Path) -> dict[str, str]:
    return {path: row.id for path, row in rows(tmp_path).items()}


def test_all_folders_and_files_that_were_ever_given_are_read_again(tmp_path: Path, docs: Docs) -> None:
    index(tmp_path, docs("one", "a"))
    index(tmp_path, docs("two", "b"))
    index(tmp_path, docs("three", "c") / "c.pdf")
    for folder in ("one", "two", "three"):
        docs(folder, f"new-{folder}")
    report = update(tmp_path)
    assert (report.documents, report.skipped, report.failed) == (2, 3, ())
    assert sorted(rows(tmp_path)) == ["a.pdf", "b.pdf", "c.pdf", "new-one.pdf", "new-two.pdf"]


def test_each_folder_keeps_its_own_exclusions(tmp_path: Path, docs: Docs) -> None:
    index(tmp_path, docs("one", "a", "draft"), exclude=("draft.pdf",))
    index(tmp_path, docs("two", "b"))
    docs("two", "draft")
    report = update(tmp_path)
    assert (report.documents, report.excluded) == (1, 1)
    assert sorted(rows(tmp_path)) == ["a.pdf", "b.pdf", "draft.pdf"]


def test_a_folder_given_again_has_the_options_given_last(tmp_path: Path, docs: Docs) -> None:
    index(tmp_path, docs("one", "a", "draft"), exclude=("draft.pdf",))
    index(tmp_path, docs("one", "a", "draft"))
    assert update(tmp_path).excluded == 0


def test_changed_moved_and_renamed_documents_keep_their_ids(tmp_path: Path, docs: Docs, make_pdf: MakePdf) -> None:
    index(tmp_path, docs("one", "a", "b", "c"), docs("two", "d"))
    before = ids(tmp_path)
    make_pdf(tmp_path / "one/a.pdf", ["another text"])
    (tmp_path / "one/b.pdf").rename(tmp_path / "one/renamed.pdf")
    (tmp_path / "one/c.pdf").rename(tmp_path / "two/c.pdf")
    report = update(tmp_path, prune=True)
    assert (report.documents, report.moved, report.removed) == (1, 1, 0)
    after = ids(tmp_path)
    assert after["a.pdf"] == before["a.pdf"]
    assert after["renamed.pdf"] == before["b.pdf"]
    assert before["c.pdf"] in after.values()


def test_files_of_one_name_in_two_folders_are_all_found(tmp_path: Path, docs: Docs) -> None:
    """'docsearch index' refuses the second one; an update knows both folders, and which file the index has."""
    index(tmp_path, docs("one", "a"))
    assert index(tmp_path, docs("two", "a", "b")).failed
    before = ids(tmp_path)
    assert update(tmp_path).failed == ()
    assert ids(tmp_path) == before | {"two/a.pdf": ids(tmp_path)["two/a.pdf"]}
    assert update(tmp_path).skipped == 3


def test_paths_stay_where_a_later_file_has_the_same(tmp_path: Path, docs: Docs) -> None:
    index(tmp_path, docs("one", "a"), docs("two", "b"))
    before = ids(tmp_path)
    docs("two", "a")
    assert update(tmp_path, prune=True).documents == 1
    after = ids(tmp_path)
    assert {path: after[path] for path in before} == before
    assert len(after) == 3


def test_what_is_gone_stays_unless_it_is_pruned(tmp_path: Path, docs: Docs) -> None:
    index(tmp_path, docs("one", "a", "b"))
    (tmp_path / "one/b.pdf").unlink()
    assert (update(tmp_path).vanished, sorted(rows(tmp_path))) == (1, ["a.pdf", "b.pdf"])
    assert (update(tmp_path, prune=True).removed, sorted(rows(tmp_path))) == (1, ["a.pdf"])


def test_a_folder_that_is_gone_or_empty_is_not_pruned(tmp_path: Path, docs: Docs) -> None:
    """A disk that is not mounted leaves no folder, or an empty one."""
    index(tmp_path, docs("one", "a"), docs("two", "b"))
    before = ids(tmp_path)
    shutil.move(tmp_path / "two", tmp_path / "away")
    for _ in range(2):
        report = update(tmp_path, prune=True)
        assert (report.removed, report.vanished, report.unreachable) == (0, 1, (str(tmp_path / "two"),))
        (tmp_path / "two").mkdir(exist_ok=True)
    (tmp_path / "two").rmdir()
    shutil.move(tmp_path / "away", tmp_path / "two")
    report = update(tmp_path, prune=True)
    assert (report.skipped, report.documents, report.unreachable) == (2, 0, ())
    assert ids(tmp_path) == before


def test_index_does_not_prune_folders_out_of_reach_either(tmp_path: Path, docs: Docs) -> None:
    index(tmp_path, docs("one", "a"))
    index(tmp_path, docs("two", "b"))
    shutil.move(tmp_path / "two", tmp_path / "away")
    pipeline.index_documents([tmp_path / "one"], tmp_path / "index", encoder=FakeEncoder(), prune=True)
    assert sorted(rows(tmp_path)) == ["a.pdf", "b.pdf"]


def test_a_mount_point_inside_a_folder_is_not_pruned_while_nothing_is_mounted(
    tmp_path: Path, docs: Docs, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted = {str(tmp_path / "one/disk")}
    monkeypatch.setattr(os.path, "ismount", lambda path: os.fspath(path) in mounted)
    index(tmp_path, docs("one", "a", "disk/b", "other/c"))
    shutil.move(tmp_path / "one/disk", tmp_path / "away")
    (tmp_path / "one/disk").mkdir()
    shutil.rmtree(tmp_path / "one/other")
    mounted.clear()
    report = update(tmp_path, prune=True)
    assert (report.removed, report.unreachable) == (1, (str(tmp_path / "one/disk"),))
    assert sorted(rows(tmp_path)) == ["a.pdf", "disk/b.pdf"]


def test_a_new_file_does_not_take_the_path_of_one_out_of_reach(tmp_path: Path, docs: Docs) -> None:
    index(tmp_path, docs("one", "a"))
    index(tmp_path, docs("two", "b"))
    before = ids(tmp_path)
    shutil.move(tmp_path / "one", tmp_path / "away")
    docs("two", "a")
    update(tmp_path, prune=True)
    shutil.move(tmp_path / "away", tmp_path / "one")
    assert update(tmp_path, prune=True).documents == 0
    assert ids(tmp_path)["a.pdf"] == before["a.pdf"]
    assert len(ids(tmp_path)) == 3


def test_a_forgotten_folder_is_not_read_and_its_documents_go_with_prune(tmp_path: Path, docs: Docs) -> None:
    index(tmp_path, docs("one", "a"), docs("two", "b"))
    docs("two", "c")
    assert update(tmp_path, forget=(tmp_path / "two",)).documents == 0
    assert sorted(rows(tmp_path)) == ["a.pdf", "b.pdf"]
    index(tmp_path, tmp_path / "two")
    assert update(tmp_path, forget=(tmp_path / "two",), prune=True).removed == 2
    assert sorted(rows(tmp_path)) == ["a.pdf"]
    with pytest.raises(UsageError, match="not among what the index was made from"):
        update(tmp_path, forget=(tmp_path / "two",))


def test_a_renamed_folder_that_is_indexed_again_replaces_the_old_one(tmp_path: Path, docs: Docs) -> None:
    index(tmp_path, docs("one", "a", "b"))
    before = ids(tmp_path)
    (tmp_path / "one").rename(tmp_path / "two")
    assert index(tmp_path, tmp_path / "two").documents == 0
    report = update(tmp_path, prune=True)
    assert (report.skipped, report.unreachable) == (2, ())
    assert ids(tmp_path) == before


def test_an_index_without_a_record_asks_for_its_folders_once(tmp_path: Path, docs: Docs) -> None:
    with pytest.raises(IndexNotFound):
        update(tmp_path)
    index(tmp_path, docs("one", "a"))
    (tmp_path / "index/sources.json").unlink()
    with pytest.raises(UsageError, match="does not know what it was made from"):
        update(tmp_path)
    index(tmp_path, tmp_path / "one")
    assert update(tmp_path).skipped == 1


def test_a_damaged_record_counts_as_none(tmp_path: Path, docs: Docs) -> None:
    index(tmp_path, docs("one", "a"))
    (tmp_path / "index/sources.json").write_text('{"sources": [1]}')
    assert sources.read(tmp_path / "index") is None


def test_files_of_removed_documents_are_forgotten(tmp_path: Path, docs: Docs) -> None:
    index(tmp_path, docs("one", "a", "b"))
    with open_writer(tmp_path / "index", fingerprint=None) as writer:
        writer.remove(["b.pdf"])
        assert writer.files() == {"a.pdf": os.fsencode(tmp_path / "one/a.pdf")}
