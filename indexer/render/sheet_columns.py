"""Prepares a spreadsheet (.xlsx) for LibreOffice: columns get the widths that their content needs, where the file
states none, and only the first sheets of very many are kept.

Programs that write tables seldom state widths. LibreOffice prints such columns as wide as an empty one: numbers and
dates become "###", and texts are cut off. It takes LibreOffice minutes to open a workbook of thousands of sheets, each
at least a page, of which only the first pages are read. `python -I sheet_columns.py FILE` changes the file in its
place. It imports nothing but the standard library, and runs within the limits of `sandbox`.
"""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

SHEETS = re.compile(r"xl/worksheets/[^/]+\.xml")
STRINGS = "xl/sharedStrings.xml"
WORKBOOK = "xl/workbook.xml"
SHEETS_READ_MAX = 1000
"""Sheets of a workbook that are read: as many as pages (`office.SHEET_PAGES_MAX`)."""
SHEET = re.compile(r"<(?:\w+:)?sheet\b[^>]*?/>")
NAME = re.compile(r"<(?:\w+:)?definedName\b[^>]*\blocalSheetId=\"(\d{1,9})\"[^>]*>[^<]*</(?:\w+:)?definedName>")
WORKBOOK_READ_BYTES = 32 << 20
READ_BYTES = 256 << 10
"""Bytes of a sheet that its widths are told from: some hundred rows."""
STRINGS_READ_BYTES = 4 << 20
FILE_MAX_BYTES, CONTENT_MAX_BYTES, SHEETS_MAX = 8 << 20, 256 << 20, 200
"""Larger files, and more sheets, are left as they are: writing them again would take as long as printing them."""
LEAST, MOST, ROOM = 11, 60, 1
"""Widths of columns in characters: at least a date, at most a line of text; and what is left free."""
CELL = re.compile(r"<c\b([^>]*)(?:/>|>(.*?)</c>)", re.DOTALL)
PLACE = re.compile(r'\br="([A-Z]{1,3})\d+"')
KIND = re.compile(r'\bt="(\w+)"')
VALUE = re.compile(r"<v>([^<]*)</v>")
TEXT = re.compile(r"<t(?:\s[^>]*)?>([^<]*)</t>")
STRING = re.compile(r"<si>(.*?)</si>", re.DOTALL)


def prepare(file: Path) -> bool:
    """Write the file again with widths for the columns of sheets that state none, and without the sheets after the
    first SHEETS_READ_MAX; return whether there was anything to change.
    """
    with zipfile.ZipFile(file) as book:
        if sum(info.file_size for info in book.infolist()) > CONTENT_MAX_BYTES:
            return False
        added = _widths(book) if file.stat().st_size <= FILE_MAX_BYTES else {}
        shorter = first_sheets(_start(book, WORKBOOK, WORKBOOK_READ_BYTES))
        if not (added or shorter):
            return False
        target = file.with_suffix(".wide")
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as changed:
            for info in book.infolist():
                with book.open(info) as source, changed.open(info.filename, "w", force_zip64=True) as copy:
                    if info.filename == WORKBOOK and shorter:
                        copy.write(shorter.encode())
                        continue
                    if added.get(info.filename):
                        start = source.read(READ_BYTES)
                        widths = added[info.filename].encode()
                        copy.write(re.sub(rb"<sheetData\b", widths + b"<sheetData", start, count=1))
                    while block := source.read(1 << 20):
                        copy.write(block)
    target.replace(file)
    return True


def first_sheets(workbook: str) -> str:
    """A workbook's list of sheets, cut after the first SHEETS_READ_MAX, with the names that belong to these alone; ""
    if it has no more of them, or is no whole list.
    """
    sheets = list(SHEET.finditer(workbook))
    if len(sheets) <= SHEETS_READ_MAX or not workbook.rstrip().endswith("workbook>"):
        return ""
    shorter = workbook[: sheets[SHEETS_READ_MAX].start()] + workbook[sheets[-1].end() :]
    return NAME.sub(lambda found: found[0] if int(found[1]) < SHEETS_READ_MAX else "", shorter)


def _widths(book: zipfile.ZipFile) -> dict[str, str]:
    """The element of the columns' widths for each sheet that states none, by the sheet's name in the archive."""
    names = [name for name in book.namelist() if SHEETS.fullmatch(name)][:SHEETS_MAX]
    starts = {name: _start(book, name, READ_BYTES) for name in names}
    wanting = {name: start for name, start in starts.items() if "<cols" not in start.partition("<sheetData")[0]}
    if not wanting:
        return {}
    strings = [len("".join(TEXT.findall(each))) for each in STRING.findall(_start(book, STRINGS, STRINGS_READ_BYTES))]
    return {name: columns(start, strings) for name, start in wanting.items()}


def columns(start: str, strings: list[int]) -> str:
    """The element of the columns' widths for a sheet that begins so; `strings` are the lengths of the shared texts.

    >>> columns('<sheetData><row r="1"><c r="A1"><v>43831</v></c><c r="B1" t="s"><v>0</v></c></row>', [30])
    '<cols><col min="1" max="1" width="12" customWidth="1"/><col min="2" max="2" width="31" customWidth="1"/></cols>'
    """
    longest: dict[int, int] = {}
    for attributes, content in CELL.findall(start):
        place = PLACE.search(attributes)
        if place is None or not content:
            continue
        kind = KIND.search(attributes)
        value = VALUE.search(content)
        length = len("".join(TEXT.findall(content)))
        if value is not None:
            length = len(value[1])
            if kind is not None and kind[1] == "s":
                number = int(value[1]) if value[1].isdigit() else len(strings)
                length = strings[number] if number < len(strings) else 0
        column = 0
        for letter in place[1]:
            column = column * 26 + ord(letter) - ord("A") + 1
        longest[column] = max(longest.get(column, LEAST), min(length, MOST))
    each = (
        f'<col min="{column}" max="{column}" width="{length + ROOM}" customWidth="1"/>'
        for column, length in sorted(longest.items())
    )
    return f"<cols>{''.join(each)}</cols>" if longest else ""


def _start(book: zipfile.ZipFile, name: str, limit: int) -> str:
    """The first bytes of a file in the archive as text; "" if it is not there."""
    try:
        with book.open(name) as stream:
            return stream.read(limit).decode("utf-8", "ignore")
    except KeyError:
        return ""


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
