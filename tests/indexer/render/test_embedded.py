"""Files that are embedded in Office documents are documents of their own; what is damaged costs itself only."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import outlook_files as ole
import pytest

from docsearch.engine.errors import DocumentError
from docsearch.engine.store import open_snapshot
from docsearch.engine.store.unread import ATTACHMENT
from docsearch.indexer import pipeline
from docsearch.indexer.render import embedded, libreoffice
from docsearch.indexer.render.embedded import EmbeddedObjects
from docsearch.indexer.render.office_content import beside_pages
from fake_encoder import FakeEncoder

MakePdf = Callable[..., Path]
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def native(name: str, content: bytes, *, path: str = r"C:\Users\kim\report.pdf") -> bytes:
    """A file as Windows puts it into an OLE object."""
    names = name.encode("cp1252") + b"\0" + path.encode("cp1252") + b"\0"
    temporary = b"C:\\Temp\\x.pdf\0"
    body = struct.pack("<H", 2) + names + struct.pack("<HHI", 0, 3, len(temporary)) + temporary
    body += struct.pack("<I", len(content)) + content + b"what follows"
    return struct.pack("<I", len(body)) + body


def workbook() -> bytes:
    openpyxl = pytest.importorskip("openpyxl", reason="makes the documents")
    book, stream = openpyxl.Workbook(), io.BytesIO()
    book.active["A1"] = "dividend"
    book.save(stream)
    return stream.getvalue()


def document(file: Path, parts: dict[str, bytes], *, relations: str = "word/_rels/document.xml.rels") -> Path:
    """A .zip with embedded parts, each referred to by a relationship."""
    each = "".join(
        f'<Relationship Id="r{number}" Type="{RELATIONS}/{"oleObject" if name.endswith(".bin") else "package"}" '
        f'Target="embeddings/{name}"/>'
        for number, name in enumerate(parts)
    )
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(relations, f"<Relationships>{each}</Relationships>")
        for name, content in parts.items():
            archive.writestr(f"word/embeddings/{name}", content)
    return file


def objects(tmp_path: Path) -> dict[str, bytes]:
    """Parts with files in every form that programs write."""

    def made(streams: dict[str, bytes]) -> bytes:
        return ole.write(tmp_path / "object", streams).read_bytes()

    legacy = made({"WordDocument": bytes(600)})
    return {
        "book.xlsx": workbook(),
        "oleObject1.bin": made({"\x01Ole10Native": native("Köln.pdf", b"%PDF-1.7 one")}),
        "oleObject2.bin": made({"\x01Ole10Native": native("Report", b"%PDF-1.7 two")}),
        "oleObject3.bin": made({"Package": workbook()}),
        "oleObject4.bin": made({"CONTENTS": b"%PDF-1.7 three"}),
        "oleObject5.bin": legacy,
        "oleObject6.bin": made({"Equation Native": bytes(600)}),
        "oleObject7.bin": workbook(),  # as python-pptx writes it
        "oleObject8.bin": b"neither",
    }


def test_files_are_listed_by_their_names_and_taken_out(tmp_path: Path) -> None:
    parts = objects(tmp_path)
    held = EmbeddedObjects(document(tmp_path / "a.docx", parts))
    expected = {
        "book.xlsx": parts["book.xlsx"],
        "Köln.pdf": b"%PDF-1.7 one",
        "report.pdf": b"%PDF-1.7 two",
        "oleObject3.xlsx": workbook(),
        "oleObject4.pdf": b"%PDF-1.7 three",
        "oleObject5.doc": parts["oleObject5.bin"],
        "oleObject7.xlsx": parts["oleObject7.bin"],
    }
    found = {name: held.read(number) for number, name in enumerate(held.names)}
    held.close()
    assert list(found) == list(expected)
    assert found["oleObject3.xlsx"][:4] == b"PK\x03\x04"
    assert {name: found[name] for name in found if name != "oleObject3.xlsx"} == {
        name: content for name, content in expected.items() if name != "oleObject3.xlsx"
    }


def test_the_numbers_of_a_chart_are_no_file(tmp_path: Path) -> None:
    file = document(tmp_path / "a.docx", {"book.xlsx": workbook()}, relations="word/charts/_rels/chart1.xml.rels")
    assert EmbeddedObjects(file).names == []


def test_damaged_objects_cost_themselves_only(tmp_path: Path) -> None:
    whole = objects(tmp_path)["oleObject1.bin"]
    lying = bytearray(native("a.pdf", b"%PDF"))
    lying[-20:-12] = b"\xff" * 8
    parts = {
        "oleObject1.bin": whole[:700],
        "oleObject2.bin": whole[:8],
        "oleObject3.bin": ole.write(tmp_path / "x", {"\x01Ole10Native": b"\2\0\0\0\0\0abc"}).read_bytes(),
        "oleObject4.bin": ole.write(tmp_path / "y", {"\x01Ole10Native": bytes(lying)}).read_bytes(),
        "book.xlsx": workbook(),
    }
    held = EmbeddedObjects(document(tmp_path / "a.docx", parts))
    assert "book.xlsx" in held.names
    for number in range(len(held.names)):
        try:
            held.read(number)
        except DocumentError:
            assert held.names[number] != "book.xlsx"


@pytest.mark.parametrize("relations", ["<broken", "<!DOCTYPE a [<!ENTITY b 'x'>]><a>&b;</a>", ""])
def test_relationships_that_cannot_be_read_have_no_files(tmp_path: Path, relations: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as archive:
        archive.writestr("word/_rels/document.xml.rels", relations)
    assert beside_pages(tmp_path / "a.docx").unread == ()
    with zipfile.ZipFile(tmp_path / "b.docx", "w") as archive:
        archive.writestr(
            "word/_rels/document.xml.rels", "<r><Relationship Type='package' Target='../../../etc/passwd'/></r>"
        )
    assert EmbeddedObjects(tmp_path / "b.docx").names == []


@pytest.mark.parametrize("has_libreoffice", [True, False])
def test_they_are_documents_below_the_one_that_they_lie_in(
    tmp_path: Path, make_pdf: MakePdf, monkeypatch: pytest.MonkeyPatch, has_libreoffice: bool
) -> None:
    if has_libreoffice and libreoffice.program() is None:
        pytest.skip("needs LibreOffice")
    if not has_libreoffice:
        pytest.importorskip("office2pdf", reason="converts where LibreOffice does not")
        monkeypatch.setattr(libreoffice, "program", lambda: None)
    pptx = pytest.importorskip("pptx", reason="makes the documents")
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    pdf = make_pdf(tmp_path / "report.pdf", ["turbine"])
    (tmp_path / "budget.xlsx").write_bytes(workbook())
    packed = ole.write(tmp_path / "packed.bin", {"\x01Ole10Native": native("report.pdf", pdf.read_bytes())})
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.add_ole_object(str(tmp_path / "budget.xlsx"), "Excel.Sheet.12", Inches(1), Inches(1))
    slide.shapes.add_ole_object(str(packed), "Package", Inches(3), Inches(3))
    chart = CategoryChartData()
    chart.categories = ["2021"]
    chart.add_series("Sales", [1])
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(4), Inches(2), Inches(2), chart)
    (tmp_path / "docs").mkdir()
    deck.save(tmp_path / "docs" / "deck.pptx")

    def run() -> dict[str, str]:
        pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", encoder=FakeEncoder())
        with open_snapshot(tmp_path / "index") as snapshot:
            paths = sorted(snapshot.documents())
            assert [each for each in snapshot.unread.all() if each.kind == ATTACHMENT] == []
            return {
                ref.path: snapshot.text(row).strip() for row, ref in enumerate(snapshot.refs(range(len(snapshot))))
            } | {"": " ".join(paths)}

    found = run()
    embedded = next(path for path in found if path.endswith(".xlsx"))
    assert found[""].split() == sorted(["deck.pptx", embedded, "deck.pptx/report.pdf"])
    assert found[embedded] == "dividend"
    assert found["deck.pptx/report.pdf"] == "turbine"
    assert run() == found


def test_damaged_relationships_hide_no_files_of_others(tmp_path: Path) -> None:
    file = document(tmp_path / "a.docx", {"book.xlsx": workbook()})
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("word/_rels/a.xml.rels", "<broken")
    assert EmbeddedObjects(file).names == ["book.xlsx"]


def test_files_beyond_the_most_that_are_read_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = document(tmp_path / "a.docx", {f"book{number}.xlsx": b"PK" for number in range(7)})
    assert EmbeddedObjects(file).left_out == 0
    monkeypatch.setattr(embedded, "EMBEDDED_MAX", 5)
    held = EmbeddedObjects(file)
    assert (len(held.names), held.left_out) == (5, 2)
