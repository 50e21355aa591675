"""Prepares a spreadsheet (.xlsx, .ods) for LibreOffice: of a table of very many rows, the first ones are kept.

LibreOffice needs minutes for a million rows, of which the first pages are read. `python -I sheet_rows.py FILE` changes
the file in its place and prints how many rows were kept, and how many there were; nothing where all are kept. It
imports nothing but the standard library, and runs within the limits of `sandbox`.
"""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

ROWS_MAX, SHEET_ROWS_LEAST = 60_000, 1000
"""Rows of all sheets together that are kept, more than are printed on the pages that are read; but so many of each."""
BIG_SHEET_BYTES, CONTENT_MAX_BYTES = 1 << 20, 3 << 30
"""A smaller part has no more rows than that; a document of more content is left as it is."""
STRINGS_MAX_BYTES = 4 << 20
"""Shared texts of more bytes are cut, too, after the last one that is used."""
BLOCK_BYTES, TAG_MAX_BYTES = 1 << 20, 4096
OOXML_SHEETS, STRINGS, ODF_CONTENT = (
    re.compile(r"xl/worksheets/sheet(\d{1,6})\.xml"),
    "xl/sharedStrings.xml",
    "content.xml",
)
OOXML_ROW, OOXML_END = re.compile(rb"<(?:\w+:)?row[\s>/]"), re.compile(rb"</(?:\w+:)?sheetData>")
ODF_ROW, ODF_END = re.compile(rb"<table:table-row[\s>/]"), re.compile(rb"</table:table>")
ODF_GROUPS = re.compile(rb"<table:table-(?:row-group|header-rows|rows)[\s>]")
"""What holds rows together: where one is open, the rows after it cannot be left out."""
STRING_END = re.compile(rb"</(?:\w+:)?si>|<(?:\w+:)?si\s*/>")
STRING_USED = re.compile(rb't="s"[^>]*>\s*<(?:\w+:)?v>(\d{1,9})<')


def prepare(file: Path) -> tuple[int, int] | None:
    """Write the file again with fewer rows; return how many were kept and how many there were, None if that is all."""
    with zipfile.ZipFile(file) as book:
        if sum(info.file_size for info in book.infolist()) > CONTENT_MAX_BYTES:
            return None
        is_odf = ODF_CONTENT in book.namelist()
        counts = _counted(book, is_odf=is_odf)
        kept = _kept(counts)
        if kept == counts:
            return None
        target = file.with_suffix(".short")
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as changed:
            used = 0
            last = {STRINGS: 1}  # written when it is known which of them are used
            for info in sorted(book.infolist(), key=lambda info: last.get(info.filename, 0)):
                with book.open(info) as source, changed.open(info.filename, "w", force_zip64=True) as copy:
                    is_sheet = OOXML_SHEETS.fullmatch(info.filename) is not None
                    blocks: Iterator[bytes] = _blocks(source)
                    if is_odf and info.filename == ODF_CONTENT:
                        blocks = _first_rows(source, ODF_ROW, ODF_END, list(kept.values()))
                    elif info.filename in kept:
                        blocks = _first_rows(source, OOXML_ROW, OOXML_END, [kept[info.filename]])
                    elif info.filename == STRINGS and info.file_size > STRINGS_MAX_BYTES:
                        blocks = _first_strings(source, used + 1)
                    tail = b""
                    for block in blocks:
                        copy.write(block)
                        if is_sheet:
                            found = STRING_USED.findall(tail + block)
                            used = max([used, *map(int, found)])
                            tail = block[-TAG_MAX_BYTES:]
    target.replace(file)
    return sum(kept.values()), sum(counts.values())


def _kept(counts: dict[str, int]) -> dict[str, int]:
    """How many rows of each sheet are kept, given how many it has.

    >>> _kept({"a": 50_000, "b": 20_000, "c": 20_000, "d": 10})
    {'a': 50000, 'b': 10000, 'c': 1000, 'd': 10}
    """
    left, kept = ROWS_MAX, {}
    for name, count in counts.items():
        kept[name] = min(count, max(left, SHEET_ROWS_LEAST))
        left = max(0, left - count)
    return kept


def _counted(book: zipfile.ZipFile, *, is_odf: bool) -> dict[str, int]:
    """The rows of each sheet, by its part of an .xlsx file, or its number in an .ods file; of big parts only. Empty for
    what cannot be cut.
    """
    if is_odf:
        counts, rows, places = [], 0, 0
        with book.open(ODF_CONTENT) as source:
            for text in _whole_tags(source):
                if ODF_GROUPS.search(text):
                    return {}
                place = 0
                for end in ODF_END.finditer(text):
                    rows += _count(ODF_ROW, text, place, end.start())
                    counts.append(rows)
                    rows, place, places = 0, end.end(), places + 1
                rows += _count(ODF_ROW, text, place, len(text))
        return {str(number): count for number, count in enumerate(counts)}
    found = {}
    for info in book.infolist():
        number = OOXML_SHEETS.fullmatch(info.filename)
        if number is not None and info.file_size > BIG_SHEET_BYTES:
            with book.open(info) as source:
                rows = sum(_count(OOXML_ROW, text, 0, len(text)) for text in _whole_tags(source))
            found[int(number[1])] = (info.filename, rows)
    return dict(found[number] for number in sorted(found))


def _count(pattern: re.Pattern[bytes], text: bytes, start: int, end: int) -> int:
    return sum(1 for _ in pattern.finditer(text, start, end))


def _first_rows(source: IO[bytes], row: re.Pattern[bytes], end: re.Pattern[bytes], kept: list[int]) -> Iterator[bytes]:
    """A part without the rows of its sheets after the first ones, of each as many as are `kept`."""
    sheet, rows, skipping = 0, 0, False
    for text in _whole_tags(source):
        place = start = 0
        while True:
            if not skipping:
                limit = kept[sheet] if sheet < len(kept) else sys.maxsize
                ends = end.search(text, place)
                for found in row.finditer(text, place, ends.start() if ends else len(text)):
                    rows += 1
                    if rows > limit:
                        yield text[start : found.start()]
                        skipping, place = True, found.start()
                        break
            ends = end.search(text, place)
            if ends is None:
                break
            if skipping:
                start = ends.start()
            place, sheet, rows, skipping = ends.end(), sheet + 1, 0, False
        if not skipping:
            yield text[start:]


def _first_strings(source: IO[bytes], count: int) -> Iterator[bytes]:
    """The shared texts, without those after the first `count`."""
    seen = 0
    for text in _whole_tags(source):
        for found in STRING_END.finditer(text):
            seen += 1
            if seen == count:
                yield text[: found.end()]
                prefix = re.match(rb"</(\w+:)?", found[0])
                yield b"</" + ((prefix[1] if prefix else b"") or b"") + b"sst>"
                return
        yield text


def _blocks(source: IO[bytes]) -> Iterator[bytes]:
    while block := source.read(BLOCK_BYTES):
        yield block


def _whole_tags(source: IO[bytes]) -> Iterator[bytes]:
    """The content in blocks that end before a tag, so that none is cut in two."""
    rest = b""
    for block in _blocks(source):
        text = rest + block
        cut = text.rfind(b"<")
        if cut <= 0 or len(text) - cut > TAG_MAX_BYTES:
            cut = len(text)
        yield text[:cut]
        rest = text[cut:]
    if rest:
        yield rest


if __name__ == "__main__":
    if (found := prepare(Path(sys.argv[1]))) is not None:
        sys.stdout.write(f"{found[0]} {found[1]}\n")
