"""What files say of themselves is recorded with their documents: also for documents of earlier versions."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pymupdf
import pytest
from PIL import Image

from docsearch.engine.store import layout, open_snapshot
from docsearch.engine.store.column_values import Value
from docsearch.indexer import pipeline, properties
from docsearch.indexer.render.properties import VALUE_MAX_CHARS, of_pdf, received
from docsearch.indexer.report import IndexReport
from fake_encoder import FakeEncoder

GERMAN = "Die Rechnung ist nicht bezahlt, und der Betrag wird mit dem Konto verrechnet, das für uns ist."


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A PDF that says something of itself, one whose title a program wrote, and a picture."""
    folder = tmp_path / "docs"
    folder.mkdir()
    write(folder / "a.pdf", GERMAN, title="Jahresbericht", author="K. Kim", subject="Zahlen", keywords="Audit; Steuer")
    write(folder / "b.pdf", title="Microsoft Word - draft.doc", author="Administrator")
    Image.new("RGB", (40, 60), "white").save(folder / "c.JPG")
    return folder


def write(file: Path, text: str = "", **information: str) -> None:
    document = pymupdf.open()
    page = document.new_page(width=200, height=260)
    if text:
        page.insert_textbox((10, 10, 190, 250), text, fontsize=12)
    document.set_metadata(information)
    document.save(file)


def run(docs: Path, **options: object) -> IndexReport:
    return pipeline.index_documents([docs], docs.parent / "index", **{"encoder": FakeEncoder(), **options})  # type: ignore[arg-type]


def columns(docs: Path) -> dict[str, dict[str, Value]]:
    """The columns of each document by its path, without those that every version keeps."""
    with open_snapshot(docs.parent / "index") as snapshot:
        paths = {row.id: row.path for row in snapshot.documents().values()}
        found = snapshot.columns.of(paths)
    kept = ("path", "modified", "size", "pages")
    return {paths[i]: {name: value for name, value in its.items() if name not in kept} for i, its in found.items()}


A = {
    "kind": "pdf",
    "title": "Jahresbericht",
    "author": "K. Kim",
    "subject": "Zahlen",
    "keywords": ("Audit", "Steuer"),
    "language": "de",
    "has_text": True,
}
B = {"kind": "pdf", "has_text": False}


@pytest.mark.parametrize("renderer", ["mupdf", "pdfium"])
def test_what_a_file_says_of_itself_is_recorded(docs: Path, renderer: str) -> None:
    if renderer == "pdfium":
        pytest.importorskip("pypdfium2")
    run(docs, renderer=renderer)
    assert columns(docs) == {"a.pdf": A, "b.pdf": B, "c.JPG": {"kind": "jpeg", "has_text": False}}


def test_what_every_version_records_is_a_column_too(docs: Path) -> None:
    run(docs)
    with open_snapshot(docs.parent / "index") as snapshot:
        row = snapshot.documents()["a.pdf"]
        found = snapshot.columns.of([row.id])[row.id]
    assert (found["path"], found["pages"], found["size"]) == ("a.pdf", 1, (docs / "a.pdf").stat().st_size)
    assert str(found["modified"]).endswith("Z")


def test_changed_content_says_other_things(docs: Path) -> None:
    run(docs)
    write(docs / "a.pdf", title="Annual report")
    run(docs)
    assert columns(docs)["a.pdf"] == B | {"title": "Annual report"}


def test_a_document_of_an_earlier_version_is_described_without_being_embedded_again(docs: Path) -> None:
    run(docs)
    before = columns(docs)
    with sqlite3.connect(layout.catalog_file(docs.parent / "index")) as connection:
        connection.executescript("DROP TABLE document_values; DROP TABLE user_columns")
        for trigger in ("values_document_deleted", "values_document_changed"):
            connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
    connection.close()
    assert columns(docs)["a.pdf"] == {}
    encoder = FakeEncoder()
    report = run(docs, encoder=encoder)
    assert (encoder.pages, report.skipped, report.pages) == (0, 3, 0)
    assert columns(docs) == before


def test_a_document_that_cannot_be_opened_any_more_is_described_by_its_text(
    docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(docs)
    with sqlite3.connect(layout.catalog_file(docs.parent / "index")) as connection:
        connection.execute("DELETE FROM document_values")
    connection.close()
    status, content = (docs / "a.pdf").stat(), (docs / "a.pdf").read_bytes()
    (docs / "a.pdf").write_bytes(b"x" * len(content))

    os.utime(docs / "a.pdf", ns=(status.st_atime_ns, status.st_mtime_ns))
    run(docs)
    assert columns(docs)["a.pdf"] == {"kind": "pdf", "language": "de", "has_text": True}


def test_removed_documents_take_their_columns_along(docs: Path) -> None:
    run(docs)
    for file in docs.iterdir():
        file.unlink()
    write(docs / "z.pdf")
    run(docs, prune=True)
    with sqlite3.connect(layout.catalog_file(docs.parent / "index")) as connection:
        assert connection.execute("SELECT count(DISTINCT document) FROM document_values").fetchone() == (1,)
    connection.close()


@pytest.mark.parametrize(
    ("title", "says"),
    [
        ("Annual report 2023", True),
        ("Document retrieval", True),
        ("Title IX", True),
        ("Microsoft Word - Minutes.doc", False),
        ("Microsoft PowerPoint - talk", False),
        ("PowerPoint Presentation", False),
        ("Untitled-3", False),
        ("untitled", False),
        ("report_final_v2.indd", False),
        ("00012345", False),
        ("---", False),
    ],
)
def test_titles_that_programs_write_are_no_titles(title: str, says: bool) -> None:
    assert ("title" in properties.columns("a.pdf", {"title": title}, [])) is says


def test_the_kind_is_told_by_the_name_or_else_by_the_renderer() -> None:
    assert properties.columns("a.TIF", {"kind": "png"}, [])["kind"] == "tiff"
    assert properties.columns("a", {"kind": "png"}, [])["kind"] == "png"


def test_the_language_is_that_of_most_pages() -> None:
    english = "The invoice was not paid, and the amount will be taken from the account that you gave us with it."
    assert properties.language([english, GERMAN, GERMAN]) == "de"
    assert properties.language(["42"]) == ""


def test_properties_of_hostile_files_are_cut_and_checked() -> None:
    assert len(of_pdf({"Title": "x" * 5000})["title"]) == VALUE_MAX_CHARS
    assert of_pdf({"title": None, "author": 7}) == {"kind": "pdf"}
    for sent in ([], {"title": 1}, {"other": "x"}, {"title": "x" * (VALUE_MAX_CHARS + 1)}):
        with pytest.raises(ValueError, match="properties"):
            received(sent)
