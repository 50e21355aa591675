"""Speaker notes of a presentation in the format of PowerPoint 97 to 2003 (.ppt), as [MS-PPT] has them.

Runs only inside the child process (`worker`). LibreOffice draws the slides; this reads the file beside it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

STREAM, STREAM_MAX_BYTES = "PowerPoint Document", 64 << 20
HEADER = struct.Struct("<HHI")
"""The header of a record: version (4 bits) and instance, type, length."""
VERSION_MASK, CONTAINER = 0xF, 0xF
DOCUMENT, NOTES, SLIDE_LIST, SLIDE_PLACE, NOTES_ATOM = 0x03E8, 0x03F0, 0x0FF0, 0x03F3, 0x03F1
TEXT_HEADER, TEXT_CHARS, TEXT_BYTES = 0x0F9F, 0x0FA0, 0x0FA8
TEXTBOX = 0xF00D
SLIDES, NOTES_TEXT = 0, 2
"""The instance of the list of slides; the type of the text that is the notes, not a date or a footer."""
DEPTH_MAX = 12


class Record(NamedTuple):
    """A record: its `instance` and `type`, whether it holds others, and its content between `start` and `end`."""

    instance: int
    type: int
    is_container: bool
    start: int
    end: int


def notes_of_slides(file: Path) -> list[str]:
    """The speaker notes of each slide, in order, "" for one without. Raises anything for what is no presentation.

    A file that was saved many times holds earlier versions of its notes, too; the last one of a slide counts.
    """
    import olefile

    with olefile.OleFileIO(str(file)) as opened:
        content = opened.openstream(STREAM).read(STREAM_MAX_BYTES)
    slides: list[int] = []
    notes: dict[int, str] = {}
    for record in _records(content, 0, len(content)):
        if record.type == DOCUMENT:
            slides = list(_slide_ids(content, record)) or slides
        elif record.type == NOTES:
            inside = list(_within(content, record))
            slide = next((_number(content, each.start) for each in inside if each.type == NOTES_ATOM), 0)
            notes[slide] = _notes_text(content, inside)
    return [notes.get(slide, "") for slide in slides]


def _records(content: bytes, start: int, end: int) -> Iterator[Record]:
    """The records that follow each other between two places; a damaged one ends them."""
    while start + HEADER.size <= end:
        version, kind, length = HEADER.unpack_from(content, start)
        start += HEADER.size
        if start + length > end:
            return
        yield Record(version >> 4, kind, version & VERSION_MASK == CONTAINER, start, start + length)
        start += length


def _within(content: bytes, record: Record, depth: int = 0) -> Iterator[Record]:
    """All records in a record, at any depth; of a text box, what it consists of."""
    for each in _records(content, record.start, record.end):
        yield each
        if (each.is_container or each.type == TEXTBOX) and depth < DEPTH_MAX:
            yield from _within(content, each, depth + 1)


def _slide_ids(content: bytes, document: Record) -> Iterator[int]:
    """The ids of the slides, in their order."""
    for each in _records(content, document.start, document.end):
        if each.type == SLIDE_LIST and each.instance == SLIDES:
            for place in _records(content, each.start, each.end):
                if place.type == SLIDE_PLACE:
                    yield _number(content, place.start + 12)  # after the reference, flags and number of texts


def _notes_text(content: bytes, records: list[Record]) -> str:
    parts = []
    is_notes = False
    for each in records:
        if each.type == TEXT_HEADER:
            is_notes = _number(content, each.start) == NOTES_TEXT
        elif each.type in (TEXT_CHARS, TEXT_BYTES) and is_notes:
            encoding = "utf-16-le" if each.type == TEXT_CHARS else "latin-1"
            parts.append(content[each.start : each.end].decode(encoding, "replace"))
    text = "\n".join(parts).replace("\r", "\n").replace("\v", "\n")
    return "\n".join(" ".join(line.split()) for line in text.split("\n")).strip()


def _number(content: bytes, start: int) -> int:
    return int(struct.unpack_from("<I", content, start)[0])
