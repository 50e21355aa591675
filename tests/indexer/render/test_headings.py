"""Headings of a page: what is larger or bolder than its running text, and titles of tables and figures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pymupdf
import pytest
from PIL import Image

from docsearch.indexer.render.headings import HEADINGS_MAX_CHARS, PrintedLine, headings
from docsearch.indexer.render.process import RenderProcess, RenderSettings

TEXT = PrintedLine("The amounts that we owe are those which we owed, less those that we have paid.", 9, 0)
LONG = "word " * 40


@pytest.fixture
def process() -> Iterator[RenderProcess]:
    process = RenderProcess(RenderSettings(72.0, 2_000_000))
    yield process
    process.stop()


def plain(text: str) -> PrintedLine:
    return PrintedLine(text, 9, 0)


@pytest.mark.parametrize(
    "line",
    [
        PrintedLine("Long-term debt", 12, 0),
        PrintedLine("Long-term debt", 9, 1),
        plain("Table 4: long-term debt by year"),
        plain("Abbildung 12. Umsatz"),
        plain("Note 5 – Debt"),
        plain("Item 7A. Market risk"),
    ],
)
def test_what_is_a_heading(line: PrintedLine) -> None:
    assert headings([TEXT, line, TEXT]) == line.text


@pytest.mark.parametrize(
    "line",
    [
        plain("Long-term debt"),
        PrintedLine("Long-term debt", 9, 0.5),
        PrintedLine("2,023", 12, 1),
        PrintedLine(LONG, 12, 1),
        plain("Tables are shown where they are needed"),
        plain("Note that 5 are missing"),
        PrintedLine("1 Less what was paid before, as a footnote says in smaller print than the text", 7, 1),
    ],
)
def test_what_is_none(line: PrintedLine) -> None:
    assert headings([TEXT, line, TEXT]) == ""


def test_on_a_page_that_is_bold_throughout_bold_tells_nothing() -> None:
    bold = [TEXT._replace(bold=1.0)] * 5
    assert headings([PrintedLine("Debt", 9, 1), *bold]) == ""
    assert headings([PrintedLine("Debt", 12, 1), *bold]) == "Debt"


def test_a_page_without_text_has_none_and_headings_have_a_bound() -> None:
    assert headings([]) == headings([PrintedLine("", 9, 0)]) == ""
    many = [PrintedLine("A heading of six words altogether", 12, 0), TEXT, TEXT, TEXT, TEXT] * 1000
    assert len(headings(many)) == HEADINGS_MAX_CHARS


def test_headings_of_a_pdf(process: RenderProcess, tmp_path: Path) -> None:
    with pymupdf.open() as document:
        page = document.new_page(width=400, height=400)
        page.insert_text((20, 40), "Annual report", fontsize=20)
        page.insert_text((20, 80), "Liquidity", fontsize=9, fontname="hebo")
        page.insert_text((20, 100), "Table 3. What we owe", fontsize=9)
        for line in range(8):
            page.insert_text((20, 120 + 12 * line), "Running text goes on and on and on.", fontsize=9)
        document.new_page()
        document.save(tmp_path / "a.pdf")
    assert process.render(tmp_path / "a.pdf", 1).headings == "Annual report\nLiquidity\nTable 3. What we owe"
    assert process.render(tmp_path / "a.pdf", 2).headings == ""


def test_headings_of_other_files(process: RenderProcess, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Opening hours\n\n" + "We are open on all days but one. " * 9)
    (tmp_path / "a.html").write_text("<h1>Opening hours</h1><p>" + "We are open on all days but one. " * 9)
    mail = "From: a@example.org\nSubject: Hours\n\n" + "We are open on all days but one.\n" * 9
    (tmp_path / "a.eml").write_text(mail)
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    assert process.render(tmp_path / "a.md", 1).headings == "Opening hours"
    assert process.render(tmp_path / "a.html", 1).headings == "Opening hours"
    assert "We are open" not in process.render(tmp_path / "a.eml", 1).headings
    assert process.render(tmp_path / "a.png", 1).headings == ""


def test_pdfium_tells_none(tmp_path: Path) -> None:
    pytest.importorskip("pypdfium2")
    with pymupdf.open() as document:
        page = document.new_page(width=400, height=400)
        page.insert_text((20, 40), "Annual report", fontsize=20)
        document.save(tmp_path / "a.pdf")
    process = RenderProcess(RenderSettings(72.0, 2_000_000, renderer="pdfium"))
    try:
        assert process.render(tmp_path / "a.pdf", 1).headings == ""
    finally:
        process.stop()


def test_headings_that_fail_cost_neither_the_page_nor_its_text(
    process: RenderProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pymupdf.open() as document:
        document.new_page(width=400, height=400).insert_text((20, 40), "Annual report", fontsize=20)
        document.save(tmp_path / "a.pdf")
    monkeypatch.setattr("docsearch.indexer.render.process.HEADINGS_MAX_BYTES", 3)
    page = process.render(tmp_path / "a.pdf", 1)
    assert (page.text.strip(), page.headings) == ("Annual report", "")
