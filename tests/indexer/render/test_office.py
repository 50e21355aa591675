"""Office documents are pages: through LibreOffice, or else office2pdf; what they hold cannot run, fetch or outlive."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import hostile

pytest.importorskip("pymupdf", reason="draws what was converted")

from docsearch.indexer import kinds
from docsearch.indexer.discover import Document, find
from docsearch.indexer.render import libreoffice, office, sheet_columns
from docsearch.indexer.render.office import OfficeConverter
from docsearch.indexer.render.renderer import DocumentFailed, DocumentOpened, PageRendered, Renderer, RenderEvent
from docsearch.indexer.render.unread import Unread

needs_libreoffice = pytest.mark.skipif(libreoffice.program() is None, reason="needs LibreOffice")


@pytest.fixture
def renderer() -> Iterator[Renderer]:
    with Renderer(dpi=40, max_pixels=1_000_000, page_timeout_s=300) as renderer:
        renderer._converter._timeout_s = 600  # LibreOffice takes its time to start on a busy machine
        yield renderer


@pytest.fixture
def without_libreoffice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libreoffice, "program", lambda: None)


def render(renderer: Renderer, *files: Path) -> list[RenderEvent]:
    return list(renderer.render((Document(file.name, file, 0, 0), frozenset()) for file in files))


def texts(events: list[RenderEvent]) -> dict[str, str]:
    found: dict[str, str] = {}
    for event in events:
        if isinstance(event, PageRendered):
            found[event.document.path] = found.get(event.document.path, "") + event.image.text
    return found


def made(folder: Path) -> list[Path]:
    """A document of each format, each with the word "turbine"."""
    docx, pptx, xlsx = (
        pytest.importorskip(name, reason="makes the documents") for name in ("docx", "pptx", "openpyxl")
    )
    text = docx.Document()
    text.add_heading("The turbine", 1)
    text.save(folder / "a.docx")
    slides = pptx.Presentation()
    slides.slides.add_slide(slides.slide_layouts[0]).shapes.title.text = "The turbine"
    slides.save(folder / "a.pptx")
    sheets = xlsx.Workbook()
    sheets.active["B2"] = "The turbine"
    sheets.save(folder / "a.xlsx")
    (folder / "a.rtf").write_text(r"{\rtf1 The turbine}")
    return [folder / f"a.{suffix}" for suffix in ("docx", "pptx", "xlsx", "rtf")]


def others(folder: Path, files: list[Path]) -> list[Path]:
    """The same documents in the older and the open formats, as LibreOffice writes them."""
    path, found = libreoffice.program(), []
    assert path is not None
    for file, formats in zip(files, (("doc", "odt"), ("ppt", "odp"), ("xls", "ods")), strict=False):
        for each in formats:
            profile = (folder / "profile").as_uri()
            command = [path, f"-env:UserInstallation={profile}", "--headless", "--convert-to", each, "--outdir"]
            subprocess.run([*command, str(folder), str(file)], check=True, capture_output=True, timeout=120)
            found.append(file.with_suffix(f".{each}"))
    return found


@pytest.mark.slow
@needs_libreoffice
def test_each_format_is_pages_with_their_text(renderer: Renderer, tmp_path: Path) -> None:
    files = made(tmp_path)
    files += others(tmp_path, files)
    found = texts(render(renderer, *files))
    assert {name: "turbine" in text for name, text in found.items()} == {file.name: True for file in files}


@pytest.mark.slow
@needs_libreoffice
def test_a_document_is_converted_once_for_all_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, started = OfficeConverter._run, []
    monkeypatch.setattr(OfficeConverter, "_run", lambda self, *arguments: started.append(1) or run(self, *arguments))
    pages = "".join(r"page \page " for _ in range(40))
    (tmp_path / "a.rtf").write_text(rf"{{\rtf1 {pages}}}")
    with Renderer(dpi=40, max_pixels=1_000_000, workers=2) as renderer:
        events = render(renderer, tmp_path / "a.rtf")
    assert sum(isinstance(event, PageRendered) for event in events) >= 40
    assert started == [1]


@pytest.mark.slow
@needs_libreoffice
def test_a_broken_document_costs_itself_only(renderer: Renderer, tmp_path: Path) -> None:
    (tmp_path / "a.odt").write_bytes(b"PK\x03\x04" + bytes(200))
    (tmp_path / "b.xls").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + os.urandom(4000))
    (tmp_path / "c.rtf").write_text(r"{\rtf1 The turbine}")
    events = render(renderer, *(tmp_path / name for name in ("a.odt", "b.xls", "c.rtf")))
    failed = [event for event in events if isinstance(event, DocumentFailed)]
    assert "a.odt" in [event.document.path for event in failed]
    assert "turbine" in texts(events)["c.rtf"]


@pytest.mark.slow
@needs_libreoffice
def test_no_document_makes_libreoffice_ask_a_server(
    renderer: Renderer, tmp_path: Path, listener: tuple[str, list[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where the system does not let a process leave the network."""
    url, seen = listener
    source = office.SANDBOX.read_text("utf-8")
    assert "    without_network()\n" in source
    networked = tmp_path / "sandbox.py"
    networked.write_text(source.replace("    without_network()\n", ""), "utf-8")
    monkeypatch.setattr(office, "SANDBOX", networked)
    files = hostile.write_office(tmp_path, url)
    opened = [event for event in render(renderer, *files) if isinstance(event, DocumentOpened)]
    assert len(opened) > len(files) // 2
    assert seen == []


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that starts another one and hangs, in place of LibreOffice; returns the file that gets its id."""
    pid, script = tmp_path / "pid", tmp_path / "soffice"
    script.write_text(f"#!/bin/sh\nsleep 300 &\necho $! > {pid}.new; mv {pid}.new {pid}\nwait\n")
    script.chmod(0o755)
    monkeypatch.setattr(libreoffice, "program", lambda: str(script))
    return pid


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False


def wait_until(happens: Callable[[], bool], seconds: float = 120) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if happens():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_conversion_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path, hanging: Path) -> None:
    (tmp_path / "a.rtf").write_text("{}")
    for limit_s in (2.0, 30.0):  # the second where the program does not get under way in 2 s
        converter = OfficeConverter(timeout_s=limit_s)
        with pytest.raises(office.DocumentError, match=f"took longer than {limit_s:.0f} s"):
            converter.pdf(tmp_path / "a.rtf")
        converter.close()
        if hanging.exists():
            break
    assert wait_until(lambda: not is_running(int(hanging.read_text())))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_leaving_the_renderer_ends_a_conversion(tmp_path: Path, hanging: Path) -> None:
    (tmp_path / "a.rtf").write_text("{}")
    with Renderer(dpi=40, max_pixels=1_000_000, workers=2) as renderer:
        renderer._enqueue_from(iter([(Document("a.rtf", tmp_path / "a.rtf", 0, 0), frozenset())]), 1, None)
        assert wait_until(hanging.exists)
        started = time.monotonic()
    assert time.monotonic() - started < 100  # the conversion may take two minutes
    assert wait_until(lambda: not is_running(int(hanging.read_text())))


def test_the_temporary_folder_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "soffice"
    script.write_text('#!/bin/sh\nfor last; do :; done\nprintf %%PDF > "$(dirname "$last")/document.pdf"\n')
    script.chmod(0o755)
    monkeypatch.setattr(libreoffice, "program", lambda: str(script))
    converter = OfficeConverter()
    made = []
    for number in range(office.KEPT + 3):
        (tmp_path / f"{number}.rtf").write_text("{}")
        made.append(converter.pdf(tmp_path / f"{number}.rtf"))
    assert [pdf.exists() for pdf in made] == [False] * 3 + [True] * office.KEPT
    assert not (made[-1].parent / "document.rtf").exists()
    converter.close()
    assert not made[-1].parent.parent.exists()


@pytest.mark.usefixtures("without_libreoffice")
def test_without_libreoffice_documents_are_listed_with_what_to_install(tmp_path: Path) -> None:
    for name in ("a.odt", "b.doc", "c.pdf"):
        (tmp_path / name).write_bytes(b"x")
    found = find([tmp_path])
    assert [document.path for document in found.documents] == ["c.pdf"]
    assert {each.kind: each.advice for each in found.other_kinds} == {
        ".doc": "install LibreOffice to read them",
        ".odt": "install LibreOffice to read them",
    }


@pytest.mark.usefixtures("without_libreoffice")
def test_without_any_converter_it_is_said_what_reads_word_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "_is_installed", lambda module: module != "office2pdf")
    (tmp_path / "a.docx").write_bytes(b"x")
    (tmp_path / "a.pdf").write_bytes(b"x")
    found = find([tmp_path / "a.docx", tmp_path / "a.pdf"])
    [refused] = found.unreadable
    assert "LibreOffice" in refused.reason
    assert 'pip install -e ".[office]"' in refused.reason


@pytest.mark.usefixtures("without_libreoffice")
def test_without_libreoffice_office2pdf_reads_what_it_can(renderer: Renderer, tmp_path: Path) -> None:
    pytest.importorskip("office2pdf", reason="needs the extra office")
    files = made(tmp_path)[:3]
    (tmp_path / "broken.docx").write_bytes(b"PK\x03\x04" + bytes(100))
    events = render(renderer, *files, tmp_path / "broken.docx")
    assert {name: "turbine" in text for name, text in texts(events).items()} == {file.name: True for file in files}
    [failed] = [event for event in events if isinstance(event, DocumentFailed)]
    assert failed.document.path == "broken.docx"


def test_a_pdf_with_the_name_of_an_office_document_is_read_as_it_is(
    renderer: Renderer, tmp_path: Path, make_pdf: Callable[..., Path]
) -> None:
    make_pdf(tmp_path / "a.pdf", ["turbine"]).rename(tmp_path / "a.doc")
    assert "turbine" in texts(render(renderer, tmp_path / "a.doc"))["a.doc"]


@needs_libreoffice
def test_hidden_slides_are_pages_so_that_pages_are_numbered_as_slides_are(renderer: Renderer, tmp_path: Path) -> None:
    pptx = pytest.importorskip("pptx", reason="makes the presentation")
    slides = pptx.Presentation()
    for number in range(3):
        slide = slides.slides.add_slide(slides.slide_layouts[0])
        slide.shapes.title.text = f"Number {number + 1}"
    slides.slides[1]._element.set("show", "0")
    slides.save(tmp_path / "a.pptx")
    events = [event for event in render(renderer, tmp_path / "a.pptx") if isinstance(event, PageRendered)]
    assert [" ".join(event.image.text.split()) for event in events] == ["Number 1", "Number 2", "Number 3"]


@needs_libreoffice
def test_columns_without_a_width_show_their_content(renderer: Renderer, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="makes the table")
    book = openpyxl.Workbook()
    for number in range(3):
        date = dt.date(2024, 11, 20 + number)
        book.active.append([f"ORDER-2024-{number:06}", date, 123456789.25, "a long remark on this order", "end"])
    book.save(tmp_path / "a.xlsx")
    text = texts(render(renderer, tmp_path / "a.xlsx"))["a.xlsx"]
    assert "###" not in text
    for part in ("ORDER-2024-000002", "2024-11-22", "123456789.25", "a long remark on this order"):
        assert part in text


@needs_libreoffice
def test_of_a_long_table_the_first_pages_are_read_and_that_is_told(
    renderer: Renderer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="makes the table")
    monkeypatch.setattr(office, "SHEET_PAGES_MAX", 2)
    book = openpyxl.Workbook()
    for number in range(300):
        book.active.append([f"row {number}"])
    book.save(tmp_path / "a.xlsx")
    events = render(renderer, tmp_path / "a.xlsx")
    assert len([event for event in events if isinstance(event, PageRendered)]) == 2
    (opened,) = [event for event in events if isinstance(event, DocumentOpened)]
    assert opened.unread == (Unread("partial", 0, "the first 2 pages of the spreadsheet"),)
    assert opened.page_count == 2


def test_widths_that_a_table_states_stay(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="makes the table")
    file = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["a text that is longer than that"])
    book.active.column_dimensions["A"].width = 5
    book.save(file)
    before = file.read_bytes()
    assert not sheet_columns.prepare(file)
    assert file.read_bytes() == before


def test_a_table_that_expands_without_end_is_not_written_again(tmp_path: Path) -> None:
    file = tmp_path / "a.xlsx"
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed,
        packed.open("xl/worksheets/sheet1.xml", "w") as sheet,
    ):
        for _ in range(300):
            sheet.write(bytes(1 << 20))
    assert not sheet_columns.prepare(file)


def test_only_the_first_sheets_of_very_many_are_kept() -> None:
    most = sheet_columns.SHEETS_READ_MAX
    sheets = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="rId{n}"/>' for n in range(most + 5))
    names = '<definedName name="a" localSheetId="3">S3!$A$1</definedName>'
    late = f'<definedName name="b" localSheetId="{most}">S{most}!$A$1</definedName>'
    begin, end = '<x:workbook xmlns:x="x"><sheets>', f"</sheets><definedNames>{names}{late}</definedNames></x:workbook>"
    shorter = sheet_columns.first_sheets(f"{begin}{sheets}{end}")
    assert shorter.count("<sheet ") == most
    assert shorter.endswith(f"</sheets><definedNames>{names}</definedNames></x:workbook>")
    assert f'name="S{most - 1}"' in shorter
    assert sheet_columns.first_sheets(f'{begin}<sheet name="S1"/>{end}') == ""
    assert sheet_columns.first_sheets(f"{begin}{sheets}") == ""


def test_a_workbook_of_10000_sheets_is_written_again_with_the_first_ones(tmp_path: Path) -> None:
    file = tmp_path / "a.xlsx"
    sheets = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="rId{n}"/>' for n in range(10_000))
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("xl/workbook.xml", f"<workbook><sheets>{sheets}</sheets></workbook>")
        packed.writestr("xl/worksheets/sheet1.xml", "<worksheet><cols/><sheetData/></worksheet>")
    assert sheet_columns.prepare(file)
    with zipfile.ZipFile(file) as packed:
        assert packed.read("xl/workbook.xml").count(b"<sheet ") == sheet_columns.SHEETS_READ_MAX
        assert packed.read("xl/worksheets/sheet1.xml") == b"<worksheet><cols/><sheetData/></worksheet>"
    assert office.SHEET_PAGES_MAX == sheet_columns.SHEETS_READ_MAX
