"""The writer: adding, resuming, replacing, moving, failing and removing documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from docsearch.engine import store
from docsearch.engine.compression.codecs import decode, encode
from docsearch.engine.errors import EncoderMismatch, IndexFormatError, IndexNotFound, UsageError
from docsearch.engine.records import PagesToStore
from docsearch.engine.store import buffer, layout
from docsearch.engine.store.catalog import Failure

Listing = Callable[[Path], dict[str, list[int]]]
EVERY_PAGE = list(range(1, 8))


def segment_names(index: Path) -> list[str]:
    return sorted(folder.name for folder in (index / layout.SEGMENTS).iterdir())


def test_a_page_is_visible_after_its_commit_and_not_before(
    index: Path, synthetic: ModuleType, listing: Listing
) -> None:
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        synthetic.add(writer, "a.pdf")
        assert listing(index) == {}
        writer.commit()
        assert listing(index) == {"a.pdf": EVERY_PAGE}


def test_the_end_of_the_with_block_commits(index: Path, synthetic: ModuleType, listing: Listing) -> None:
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        synthetic.add(writer, "a.pdf")
    assert listing(index) == {"a.pdf": EVERY_PAGE}


def test_an_error_rolls_back_to_the_last_commit(filled: Path, synthetic: ModuleType, listing: Listing) -> None:
    before = listing(filled)

    def stop_halfway() -> None:
        with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer:
            synthetic.add(writer, "d.pdf")
            writer.remove(["a.pdf"])
            raise KeyError("stop")

    with pytest.raises(KeyError):
        stop_halfway()
    assert listing(filled) == before
    assert len(segment_names(filled)) == 3


def test_a_full_buffer_is_committed(index: Path, synthetic: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffer, "SEGMENT_PAGES", 10)
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        for number in range(3):
            synthetic.add(writer, f"{number}.pdf")
        with store.open_snapshot(index) as snapshot:
            assert len(snapshot) == 14


def test_an_unfinished_document_continues_after_its_last_committed_page(index: Path, synthetic: ModuleType) -> None:
    sha256 = synthetic.content("a.pdf", 0)
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        begun = writer.begin_document("a.pdf", sha256, 1, 1, 7)
        assert begun.done_pages == frozenset()
        writer.add_pages(
            PagesToStore(synthetic.pages(begun.doc_id, "a.pdf", sha256, [1, 2]), ["", ""], np.ones((2, 2)))
        )
        writer.fail_page(begun.doc_id, 3, "too slow")
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        assert writer.documents()["a.pdf"].state == "indexing"
        again = writer.begin_document("a.pdf", sha256, 1, 1, 7)
        assert again == store.BegunDocument(begun.doc_id, frozenset({1, 2, 3}))


def test_a_finished_document_is_tried_again_where_it_failed(index: Path, synthetic: ModuleType) -> None:
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        sha256 = synthetic.content("a.pdf", 0)
        begun = writer.begin_document("a.pdf", sha256, 1, 1, 2)
        writer.add_pages(PagesToStore(synthetic.pages(begun.doc_id, "a.pdf", sha256, [1]), [""], np.ones((1, 2))))
        writer.fail_page(begun.doc_id, 2, "too slow")
        writer.finish_document(begun.doc_id, 2)
        assert writer.documents()["a.pdf"].state == "done"
        assert writer.begin_document("a.pdf", sha256, 1, 1, 2).done_pages == {1}
        writer.add_pages(PagesToStore(synthetic.pages(begun.doc_id, "a.pdf", sha256, [2]), [""], np.ones((1, 2))))
        writer.finish_document(begun.doc_id, 2)
    with store.open_snapshot(index) as snapshot:
        assert snapshot.failures() == []
        assert len(snapshot) == 2


def test_new_content_replaces_the_old_pages_in_one_commit_and_keeps_the_id(
    filled: Path, synthetic: ModuleType, listing: Listing
) -> None:
    with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer:
        old = writer.documents()["b.pdf"].id
        sha256 = synthetic.content("b.pdf", 1)
        begun = writer.begin_document("b.pdf", sha256, 1, 1, 2)
        assert begun == store.BegunDocument(old, frozenset())
        synthetic.add(writer, "d.pdf")
        writer.commit()
        assert listing(filled)["b.pdf"] == EVERY_PAGE
        writer.add_pages(PagesToStore(synthetic.pages(old, "b.pdf", sha256, [1]), ["new"], np.ones((1, 2))))
        writer.commit()
        assert listing(filled)["b.pdf"] == [1]
    assert segment_names(filled) == ["00000001", "00000003", "00000004", "00000005"]


def test_a_document_whose_new_content_cannot_be_read_loses_its_old_pages(
    filled: Path, synthetic: ModuleType, listing: Listing
) -> None:
    with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer:
        begun = writer.begin_document("b.pdf", "f" * 64, 1, 1)
        writer.fail_document(begun.doc_id, "not a PDF")
    assert "b.pdf" not in listing(filled)
    with store.open_snapshot(filled) as snapshot:
        assert snapshot.failures() == [Failure("b.pdf", None, "not a PDF")]


def test_a_document_that_was_not_begun_can_fail_by_its_path(filled: Path, synthetic: ModuleType) -> None:
    with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer:
        writer.fail_document("locked.pdf", "permission denied", size=5)
        begun = writer.begin_document("a.pdf", synthetic.content("a.pdf", 0), 1, 1)
        writer.fail_page(begun.doc_id, 8, "bad \udcff page")
    with store.open_snapshot(filled) as snapshot:
        assert snapshot.failures() == [
            Failure("a.pdf", 8, "bad ? page"),
            Failure("locked.pdf", None, "permission denied"),
        ]
        assert snapshot.info()["failed"] == 2


def test_a_moved_document_keeps_its_id_and_its_pages(filled: Path, synthetic: ModuleType, listing: Listing) -> None:
    with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer:
        old = writer.documents()["a.pdf"].id
        writer.move_document("a.pdf", "deep/z.pdf", 7, 8)
        assert writer.documents()["deep/z.pdf"].id == old
        assert writer.begin_document("a.pdf", "0" * 64, 1, 1).doc_id != old
    assert listing(filled)["deep/z.pdf"] == EVERY_PAGE


def test_a_document_cannot_move_onto_another(filled: Path, synthetic: ModuleType) -> None:
    with (
        store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer,
        pytest.raises(ValueError, match=r"b\.pdf: that document is in the index too"),
    ):
        writer.move_document("a.pdf", "b.pdf", 1, 1)


def test_touching_a_document_changes_only_its_modification_time(filled: Path, synthetic: ModuleType) -> None:
    with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer:
        before = writer.documents()["a.pdf"]
        writer.touch_document("a.pdf", 1000, 99)
        assert writer.documents()["a.pdf"] == replace(before, mtime_ns=99)


def test_removing_a_document_removes_its_pages_texts_and_segment(filled: Path, listing: Listing) -> None:
    with store.open_writer(filled, fingerprint=None) as writer:
        assert writer.remove(["a.pdf", "c.pdf"]) == 14
    assert listing(filled) == {"b.pdf": EVERY_PAGE}
    assert segment_names(filled) == ["00000002"]
    with store.open_snapshot(filled) as snapshot:
        assert snapshot.verify() == []
        assert snapshot.text(0) == "b.pdf version 0 page 1"


def test_removing_an_unknown_document_is_refused(filled: Path) -> None:
    with store.open_writer(filled, fingerprint=None) as writer, pytest.raises(UsageError, match=r"nope\.pdf: no such"):
        writer.remove(["nope.pdf"])


def test_a_path_that_returns_gets_the_same_id(filled: Path, synthetic: ModuleType) -> None:
    with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer:
        old = writer.documents()["a.pdf"].id
        writer.remove(["a.pdf"])
        synthetic.add(writer, "a.pdf", version=2)
        assert writer.documents()["a.pdf"].id == old


def test_a_document_cannot_finish_before_all_its_pages(index: Path, synthetic: ModuleType) -> None:
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        begun = writer.begin_document("a.pdf", "0" * 64, 1, 1, 2)
        writer.add_pages(PagesToStore(synthetic.pages(begun.doc_id, "a.pdf", "0" * 64, [1]), [""], np.ones((1, 2))))
        with pytest.raises(ValueError, match=r"a\.pdf has 2 pages; not accounted for, or too many: \[2\]"):
            writer.finish_document(begun.doc_id, 2)


def test_a_page_is_never_stored_twice(filled: Path, synthetic: ModuleType, listing: Listing) -> None:
    with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer:
        sha256 = synthetic.content("a.pdf", 0)
        begun = writer.begin_document("a.pdf", sha256, 1, 1)
        with pytest.raises(ValueError, match="already in the index"):
            writer.add_pages(PagesToStore(synthetic.pages(begun.doc_id, "a.pdf", sha256, [4]), [""], np.ones((1, 2))))
        with pytest.raises(UsageError, match="open the index again"):
            writer.commit()
    assert listing(filled)["a.pdf"] == EVERY_PAGE


def test_vectors_of_another_width_are_refused(filled: Path, synthetic: ModuleType) -> None:
    with store.open_writer(filled, fingerprint=synthetic.FINGERPRINT) as writer:
        begun = writer.begin_document("d.pdf", "0" * 64, 1, 1)
        with pytest.raises(ValueError, match=r"\(16, 4, False\)"):
            writer.add_pages(
                PagesToStore(synthetic.pages(begun.doc_id, "d.pdf", "0" * 64, [1], dim=16), [""], np.ones((1, 2)))
            )


def test_another_encoder_is_refused_by_name(filled: Path, synthetic: ModuleType) -> None:
    with pytest.raises(EncoderMismatch, match="made with revision 1 of the model synthetic, and this version"):
        store.open_writer(filled, fingerprint={**synthetic.FINGERPRINT, "revision": "2"})


def test_an_index_without_pages_takes_another_encoder_and_codec(index: Path, synthetic: ModuleType) -> None:
    with store.open_writer(index, fingerprint={"name": "mistaken"}, codec="float16") as writer:
        writer.fail_document("a.pdf", "cannot be read")
    store.open_writer(index, fingerprint=None).close()
    with store.open_snapshot(index) as snapshot:
        assert snapshot.info()["model"] == "mistaken"
    with store.open_writer(index, fingerprint=synthetic.FINGERPRINT) as writer:
        synthetic.add(writer, "a.pdf")
    with store.open_snapshot(index) as snapshot:
        assert (snapshot.info()["model"], snapshot.info()["codec"], len(snapshot)) == ("synthetic", "int8", 7)
    with pytest.raises(EncoderMismatch):
        store.open_writer(index, fingerprint={"name": "mistaken"})


def test_an_index_without_pages_keeps_its_codec_for_the_same_encoder(index: Path, synthetic: ModuleType) -> None:
    for codec in ("binary", None):
        store.open_writer(index, fingerprint=synthetic.FINGERPRINT, codec=codec).close()
        with store.open_snapshot(index) as snapshot:
            assert snapshot.info()["codec"] == "binary"
    with pytest.raises(UsageError, match="needs a model with visual words"):
        store.open_writer(index, fingerprint=synthetic.FINGERPRINT, codec="residual")


def test_another_format_is_refused_with_what_to_do(filled: Path, synthetic: ModuleType) -> None:
    import sqlite3

    connection = sqlite3.connect(filled / layout.CATALOG)
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(IndexFormatError, match=r"format 9, this version reads format 1; .*'docsearch index'"):
        store.open_writer(filled, fingerprint=synthetic.FINGERPRINT)
    with pytest.raises(IndexFormatError):
        store.open_snapshot(filled)


def test_another_codec_is_refused_with_what_to_do(filled: Path, synthetic: ModuleType) -> None:
    with pytest.raises(UsageError, match="first run 'docsearch compact --codec float16'"):
        store.open_writer(filled, fingerprint=synthetic.FINGERPRINT, codec="float16")


def test_a_writer_that_may_not_create_the_index_creates_no_folder(index: Path, synthetic: ModuleType) -> None:
    with pytest.raises(IndexNotFound, match="docsearch index"):
        store.open_writer(index, fingerprint=synthetic.FINGERPRINT, create=False)
    with pytest.raises(IndexNotFound):
        store.open_writer(index, fingerprint=None)
    assert not index.exists()


@pytest.mark.parametrize(("dim", "dense"), [(1, 0), (63, 129), (128, 256)])
@pytest.mark.parametrize("codec", ["int8", "float16", "int4", "binary"])
def test_pages_of_any_encoder_are_read_as_written(
    index: Path, synthetic: ModuleType, dim: int, dense: int, codec: str
) -> None:
    words = np.arange(20, dtype=np.uint16)
    with store.open_writer(index, fingerprint={"name": "any"}, codec=codec) as writer:
        begun = writer.begin_document("a.pdf", "0" * 64, 1, 1)
        pages = synthetic.pages(begun.doc_id, "a.pdf", "0" * 64, EVERY_PAGE, dim=dim, dense=dense)
        total = len(pages.vectors.values)
        writer.add_pages(PagesToStore(pages, [""] * 7, np.ones((7, 2)), words[:total]))
    with store.open_snapshot(index) as snapshot:
        (block,) = snapshot.blocks()
        np.testing.assert_array_equal(decode(block.coded), decode(encode(codec, pages.vectors.values)))
        np.testing.assert_array_equal(block.offsets, pages.vectors.offsets)
        np.testing.assert_array_equal(snapshot.dense_vectors(), pages.single)
        np.testing.assert_array_equal(snapshot.words().values, words[:total])
        np.testing.assert_array_equal(snapshot.boxes(1), pages.boxes[2:5])
        assert snapshot.verify() == []


def test_an_index_of_blank_pages_can_be_read(index: Path, synthetic: ModuleType) -> None:
    with store.open_writer(index, fingerprint={"name": "any"}) as writer:
        begun = writer.begin_document("a.pdf", "0" * 64, 1, 1)
        writer.add_pages(PagesToStore(synthetic.pages(begun.doc_id, "a.pdf", "0" * 64, [3]), [""], np.ones((1, 2))))
    with store.open_snapshot(index) as snapshot:
        (block,) = snapshot.blocks()
        assert block.coded.values.shape == (0, 8)
        assert snapshot.boxes(0).shape == (0, 4)
        assert snapshot.lengths.tolist() == [0]


def test_the_same_run_gives_the_same_index_byte_for_byte(tmp_path: Path, synthetic: ModuleType) -> None:
    generations = []
    for name in ("one", "two"):
        with store.open_writer(tmp_path / name, fingerprint=synthetic.FINGERPRINT) as writer:
            synthetic.add(writer, "a.pdf")
            synthetic.add(writer, "b.pdf", step=3)
        with store.open_snapshot(tmp_path / name) as snapshot:
            generations.append(snapshot.generation)
    one, two = (
        {p.relative_to(tmp_path / n): p.read_bytes() for p in (tmp_path / n / "segments").rglob("*.npy")}
        for n in ("one", "two")
    )
    assert one == two
    assert generations[0] == generations[1]
