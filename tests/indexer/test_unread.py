"""What was not read of indexed documents is recorded with them, and goes with them."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pymupdf
import pytest
from PIL import Image

from docsearch.engine.models.encoder import EmbeddedPages
from docsearch.engine.records import PageImage
from docsearch.engine.store import UnreadContent, layout, open_snapshot, open_writer
from docsearch.indexer import pipeline
from docsearch.indexer.report import IndexReport
from fake_encoder import FakeEncoder

STORED = Path(__file__).parents[1] / "engine/store/stored_indexes/format_1"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A document with two attached files and a comment on its second page, which has no text; and one without."""
    (tmp_path / "docs").mkdir()
    write(tmp_path / "docs/a.pdf", comments=1)
    write(tmp_path / "docs/b.pdf", attached=(), comments=0)
    return tmp_path / "docs"


def write(file: Path, *, attached: tuple[str, ...] = ("x.csv", "y.csv"), comments: int = 0) -> None:
    document = pymupdf.open()
    for text in ("first", "" if comments else "second"):
        page = document.new_page(width=200, height=260)
        page.insert_text((20, 40), text, fontsize=14)
    for name in attached:
        document.embfile_add(name, b"1,2")
    for i in range(comments):
        page.add_text_annot((100, 60 + 20 * i), "check this")
    document.save(file)


def run(docs: Path) -> IndexReport:
    return pipeline.index_documents([docs], docs.parent / "index", encoder=FakeEncoder())


def unread(docs: Path) -> list[UnreadContent]:
    with open_snapshot(docs.parent / "index") as snapshot:
        return snapshot.unread.all()


ATTACHED = UnreadContent("a.pdf", None, "attachment", 2, "x.csv, y.csv")


def test_unread_content_is_stored_and_reported(docs: Path) -> None:
    assert run(docs).unread == {"attachment": 1, "comment": 1}
    assert unread(docs) == [ATTACHED, UnreadContent("a.pdf", 2, "comment", 1)]
    assert ATTACHED.reason == "2 attached files were not read: x.csv, y.csv"
    with open_snapshot(docs.parent / "index") as snapshot:
        assert snapshot.info()["unread"] == {"attachment": 1, "comment": 1}
        ids = [row.id for row in snapshot.documents().values()]
        assert snapshot.unread.places_of(ids) == {ids[0]: {"attachment": 1, "comment": 1}}
        assert snapshot.unread.places_of([]) == {}


@dataclass
class CrowdedEncoder(FakeEncoder):
    """Leaves out seven words of each second page; fails on a batch of pages if told so."""

    batches_fail: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        if self.batches_fail and len(pages) > 1:
            raise RuntimeError("out of memory")
        left_out = tuple(7 * (page.ref.page == 2) for page in pages)
        return replace(super().encode_pages(pages), left_out=left_out)


@pytest.mark.parametrize("batches_fail", [False, True])
def test_words_that_a_model_leaves_out_are_recorded(docs: Path, batches_fail: bool) -> None:
    report = pipeline.index_documents([docs], docs.parent / "index", encoder=CrowdedEncoder(batches_fail))
    assert report.unread["crowded"] == 2
    [of_a, of_b] = [each for each in unread(docs) if each.kind == "crowded"]
    assert (of_a, of_b.path) == (UnreadContent("a.pdf", 2, "crowded", 7), "b.pdf")
    assert of_a.reason == "the page was read in part: 7 words were left out, those hardest to read"


def test_frames_of_an_animation_are_recorded(docs: Path) -> None:
    frames = [Image.new("RGB", (300, 300), colour) for colour in ("red", "blue", "green")]
    frames[0].save(docs / "c.webp", save_all=True, append_images=frames[1:], lossless=True)
    assert run(docs).unread["frames"] == 1
    assert unread(docs)[-1].reason == "2 frames of an animation after the first one were not read"


def test_unchanged_documents_keep_what_is_known_of_them(docs: Path) -> None:
    run(docs)
    assert run(docs).unread == {}
    assert unread(docs)[0] == ATTACHED


def test_new_content_of_a_document_replaces_what_was_unread_of_the_old(docs: Path) -> None:
    run(docs)
    write(docs / "a.pdf", attached=(), comments=3)
    run(docs)
    assert unread(docs) == [UnreadContent("a.pdf", 2, "comment", 3)]


def test_a_removed_document_takes_it_along_and_a_moved_one_keeps_it(docs: Path) -> None:
    run(docs)
    (docs / "a.pdf").rename(docs / "z.pdf")
    run(docs)
    assert [each.path for each in unread(docs)] == ["z.pdf", "z.pdf"]
    with open_writer(docs.parent / "index", fingerprint=None) as writer:
        writer.remove(["z.pdf"])
    assert unread(docs) == []


def test_unread_content_survives_compaction(docs: Path) -> None:
    run(docs)
    before = unread(docs)
    with open_writer(docs.parent / "index", fingerprint=None) as writer:
        writer.compact("float16")
    assert unread(docs) == before


def test_an_earlier_version_that_removes_a_document_removes_it(docs: Path) -> None:
    run(docs)
    with sqlite3.connect(docs.parent / "index" / layout.CATALOG) as connection:
        connection.execute("DELETE FROM pages WHERE document = (SELECT key FROM documents WHERE path = 'a.pdf')")
        connection.execute("DELETE FROM documents WHERE path = 'a.pdf'")
        assert connection.execute("SELECT count(*) FROM unread_content").fetchone() == (0,)


@pytest.mark.parametrize(
    "stored", sorted(path for path in STORED.iterdir() if path.is_dir()), ids=lambda path: path.name
)
def test_an_index_of_an_earlier_version_has_none_and_gets_the_table_from_a_writer(stored: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    shutil.copytree(stored, index)
    with open_snapshot(index) as snapshot:
        assert snapshot.unread.all() == []
        assert snapshot.info()["unread"] == {}
        (path, row), *_ = snapshot.documents().items()
        assert snapshot.unread.places_of([row.id]) == {}
    with open_writer(index, fingerprint=None) as writer:
        begun = writer.begin_document(path, row.sha256, row.size, row.mtime_ns)
        writer.record_unread(begun.doc_id, UnreadContent(path, None, "attachment", 1, "x"))
    with open_snapshot(index) as snapshot:
        assert snapshot.unread.all() == [UnreadContent(path, None, "attachment", 1, "x")]
