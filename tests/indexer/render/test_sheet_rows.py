"""Of a spreadsheet with very many rows the first are kept, and the rest of the document stays as it is."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from docsearch.engine.store.unread import PARTIAL
from docsearch.indexer.discover import Document
from docsearch.indexer.render import libreoffice, office, sheet_rows
from docsearch.indexer.render.renderer import DocumentOpened, PageRendered, Renderer
from docsearch.indexer.render.unread import Unread

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
FEW = 100


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that small files reach, and blocks that cut them at many places."""
    limits = {"ROWS_MAX": FEW, "SHEET_ROWS_LEAST": 10, "BIG_SHEET_BYTES": 1000, "STRINGS_MAX_BYTES": 100}
    for name, value in {**limits, "BLOCK_BYTES": 501}.items():
        monkeypatch.setattr(sheet_rows, name, value)


def workbook(file: Path, *counts: int, prefix: str = "") -> Path:
    """An .xlsx file whose sheets have so many rows, each of a shared text; only what is looked at."""
    total = sum(counts)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
        p = f"{prefix}:" if prefix else ""
        space = f"xmlns:{prefix}" if prefix else "xmlns"
        texts = "".join(f"<{p}si><{p}t>text {number} &lt;row </{p}t></{p}si>" for number in range(total))
        book.writestr("xl/sharedStrings.xml", f'<{p}sst {space}="{MAIN}">{texts}</{p}sst>')
        start = 0
        for sheet, count in enumerate(counts, 1):
            rows = "".join(
                f'<{p}row r="{n}"><{p}c r="A{n}" t="s"><{p}v>{start + n - 1}</{p}v></{p}c></{p}row>'
                for n in range(1, count + 1)
            )
            data = f"<{p}rowBreaks/><{p}sheetData>{rows}</{p}sheetData><{p}pageMargins left='1'/>"
            sheet_part = f'<{p}worksheet {space}="{MAIN}">{data}</{p}worksheet>'
            book.writestr(f"xl/worksheets/sheet{sheet}.xml", sheet_part)
            start += count
    return file


def part(file: Path, name: str) -> ET.Element:
    with zipfile.ZipFile(file) as book:
        return ET.fromstring(book.read(name))


@pytest.mark.parametrize("prefix", ["", "x"])
def test_the_first_rows_of_each_sheet_are_kept_and_the_texts_that_they_use(
    few: None, tmp_path: Path, prefix: str
) -> None:
    file = workbook(tmp_path / "a.xlsx", 70, 300, 50, 5, prefix=prefix)
    assert sheet_rows.prepare(file) == (70 + 30 + 10, 420)  # the last one is too small to be counted
    for sheet, count in enumerate((70, 30, 10, 5), 1):
        root = part(file, f"xl/worksheets/sheet{sheet}.xml")
        rows = root.findall(f"{{{MAIN}}}sheetData/{{{MAIN}}}row")
        assert [row.get("r") for row in rows] == [str(number) for number in range(1, count + 1)]
        assert root.find(f"{{{MAIN}}}pageMargins") is not None
    texts = part(file, "xl/sharedStrings.xml").findall(f"{{{MAIN}}}si")
    assert len(texts) == 70 + 300 + 50 + 5  # the last sheet uses the last ones
    assert sheet_rows.prepare(file) is None


def test_texts_that_no_row_uses_are_left_out(few: None, tmp_path: Path) -> None:
    file = workbook(tmp_path / "a.xlsx", 400)
    sheet_rows.prepare(file)
    assert len(part(file, "xl/sharedStrings.xml").findall(f"{{{MAIN}}}si")) == FEW


def ods(file: Path, *tables: int, before: str = "", row: str = "<table:table-row>{}</table:table-row>") -> Path:
    names = " ".join(f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text"))
    sheets = "".join(
        f'<table:table table:name="S{number}"><table:table-column/>{before}'
        + "".join(row.format(f"<table:table-cell><text:p>{n}</text:p></table:table-cell>") for n in range(count))
        + "</table:table>"
        for number, count in enumerate(tables)
    )
    body = f"<office:body><office:spreadsheet>{sheets}<table:named-expressions/></office:spreadsheet></office:body>"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as document:
        document.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        document.writestr("content.xml", f"<office:document-content {names}>{body}</office:document-content>")
    return file


def test_the_first_rows_of_open_documents_are_kept(few: None, tmp_path: Path) -> None:
    file = ods(tmp_path / "a.ods", 20, 300, 5, 200)
    assert sheet_rows.prepare(file) == (20 + 80 + 5 + 10, 525)
    root = part(file, "content.xml")
    space = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
    assert [len(each.findall(f"{space}table-row")) for each in root.iter(f"{space}table")] == [20, 80, 5, 10]
    assert root.find(f".//{space}named-expressions") is not None
    assert sheet_rows.prepare(file) is None


@pytest.mark.parametrize("group", ["row-group", "header-rows", "rows"])
def test_rows_in_groups_are_left_as_they_are(few: None, tmp_path: Path, group: str) -> None:
    begin = f"<table:table-{group}><table:table-row/></table:table-{group}>"
    file = ods(tmp_path / "a.ods", 300, before=begin)
    content = file.read_bytes()
    assert sheet_rows.prepare(file) is None
    assert file.read_bytes() == content


def test_what_is_no_spreadsheet_is_left_as_it_is(tmp_path: Path) -> None:
    for content in (b"", b"PK\x03\x04 no"):
        (tmp_path / "a.xlsx").write_bytes(content)
        with pytest.raises(zipfile.BadZipFile):
            sheet_rows.prepare(tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as empty:
        empty.writestr("a", "b")
    assert sheet_rows.prepare(tmp_path / "b.xlsx") is None


@pytest.mark.skipif(libreoffice.program() is None, reason="needs LibreOffice")
def test_rows_that_were_left_out_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="makes the documents")
    source = Path(sheet_rows.__file__).read_text("utf-8")
    shorter = re.sub(r"ROWS_MAX, SHEET_ROWS_LEAST = .*", "ROWS_MAX, SHEET_ROWS_LEAST = 80, 5", source)
    (tmp_path / "rows.py").write_text(
        re.sub(r"(BIG_SHEET_BYTES, CONTENT_MAX_BYTES =) 1 << 20", r"\1 10", shorter), "utf-8"
    )
    monkeypatch.setitem(office.PREPARED, ".xlsx", (tmp_path / "rows.py", office.SHEET_COLUMNS))
    book = openpyxl.Workbook()
    for number in range(500):
        book.active.append([f"row{number}", number])
    book.save(tmp_path / "a.xlsx")
    with Renderer(dpi=40, max_pixels=1_000_000) as renderer:
        events = list(renderer.render([(Document("a.xlsx", tmp_path / "a.xlsx", 0, 0), frozenset())]))
    (opened,) = (event for event in events if isinstance(event, DocumentOpened))
    assert opened.unread == (Unread(PARTIAL, 0, "the first 80 of 500 rows"),)
    text = " ".join(event.image.text for event in events if isinstance(event, PageRendered))
    assert re.findall(r"row(\d+)", text) == [str(number) for number in range(80)]
