"""What an Office document has that its pages do not show: speaker notes of slides, and sheets that are hidden or too
many.

Runs only inside the child process (`worker`). A document is read here as it is, not as what it was converted to; one
whose structure cannot be told costs its notes only.
"""

from __future__ import annotations

import logging
import posixpath
import struct
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from ...engine.store.unread import PARTIAL
from ..kinds import NOTED_SUFFIXES
from .archive import read_within
from .sheet_columns import SHEETS_READ_MAX
from .unread import Unread

log = logging.getLogger(__name__)

SHEETS_OOXML, SHEETS_ODF, SHEETS_BIFF = frozenset((".xlsx", ".xlsm")), frozenset((".ods",)), frozenset((".xls",))
SPEAKER_NOTES = "Speaker notes:"
"""The line before the notes in the text of a slide: they are not printed on its page."""
PART_MAX_BYTES = 32 << 20
"""A larger part of a document is not looked at: parsed, it would not fit into the process's memory."""
NAMES_SHOWN, NAME_MAX_CHARS = 3, 40
BOUNDSHEET, END_OF_GLOBALS = 0x0085, 0x000A
"""Records of an .xls file: a sheet, and the end of the part that lists them."""
RECORD, SHEET = struct.Struct("<HH"), struct.Struct("<IBBBB")
"""A record's number and length; a sheet's place, state, type, and the length and form of its name."""
STATE_MASK, WIDE_NAME = 3, 1


@dataclass(frozen=True, slots=True)
class BesidePages:
    """The speaker `notes` of each slide of a presentation, in order, and what of the document is `unread`."""

    notes: tuple[str, ...] = ()
    unread: tuple[Unread, ...] = ()

    def of_pages(self, count: int) -> BesidePages:
        """The same for a document of `count` pages: notes stay only if these are its slides."""
        if len(self.notes) == count or not any(self.notes):
            return self
        told = Unread(PARTIAL, 0, "without the speaker notes, because the pages are not the slides")
        return BesidePages((), (*self.unread, told))

    def notes_of(self, page: int) -> str:
        """The speaker notes of a page, counted from 1, "" if it has none."""
        return self.notes[page - 1] if page <= len(self.notes) else ""


def with_notes(text: str, notes: str) -> str:
    """The text of a page with the speaker notes, if any, after what it shows."""
    return f"{text.rstrip()}\n\n{SPEAKER_NOTES}\n{notes}\n".lstrip() if notes else text


def beside_pages(file: Path) -> BesidePages:
    """What the pages of an Office document do not show, as far as it can be told."""
    suffix = file.suffix.lower()
    try:
        if suffix in NOTED_SUFFIXES:
            with zipfile.ZipFile(file) as document:
                return BesidePages(tuple((_notes_of_odf if suffix == ".odp" else _notes_of_ooxml)(document)))
        if suffix in SHEETS_OOXML:
            with zipfile.ZipFile(file) as document:
                return BesidePages(unread=_left_out(_sheets_of_ooxml(document), most=SHEETS_READ_MAX))
        if suffix in SHEETS_ODF:
            with zipfile.ZipFile(file) as document:
                return BesidePages(unread=_left_out(_sheets_of_odf(document)))
        if suffix in SHEETS_BIFF:
            return BesidePages(unread=_left_out(_sheets_of_biff(file)))
    except Exception as err:  # noqa: BLE001 - documents that are damaged, or something else, raise anything
        log.debug("it cannot be told what is beside the pages: %s", err)
    return BesidePages()


def _left_out(sheets: Sequence[tuple[str, bool]], most: int | None = None) -> tuple[Unread, ...]:
    """The report of sheets, each a name and whether it is hidden, of which the first `most` are read."""
    found = []
    if most is not None and len(sheets) > most:
        found.append(f"the first {most:,} of {len(sheets):,} sheets")
    if hidden := [name for name, is_hidden in sheets[:most] if is_hidden]:
        names = ", ".join(" ".join(name.split())[:NAME_MAX_CHARS] for name in hidden[:NAMES_SHOWN])
        more = ", …" if len(hidden) > NAMES_SHOWN else ""
        found.append(f"without {len(hidden):,} hidden sheet{'s' if len(hidden) > 1 else ''} ({names}{more})")
    return (Unread(PARTIAL, 0, "; ".join(found)),) if found else ()


def _notes_of_ooxml(document: zipfile.ZipFile) -> Iterator[str]:
    main = next(iter(_related(document, "", "officeDocument").values()))
    slides = _related(document, main, "slide")
    for each in _named(_part(document, main), "sldId"):
        try:
            yield _notes_of_slide(document, slides[_attribute(each, "id", namespaced=True)])
        except Exception as err:  # noqa: BLE001 - what is damaged raises anything, and costs the notes of one slide
            log.debug("the notes of a slide cannot be read: %s", err)
            yield ""


def _notes_of_slide(document: zipfile.ZipFile, slide: str) -> str:
    notes = [_part(document, name) for name in _related(document, slide, "notesSlide").values()]
    bodies = [shape for part in notes for shape in _named(part, "sp") if _is_body(shape)]
    return _joined(line for body in bodies for paragraph in _named(body, "p") for line in _lines(paragraph))


def _is_body(shape: ET.Element) -> bool:
    """Whether a shape of a page of notes is the notes: others are the slide, its number, a date, a footer."""
    return any(_attribute(place, "type") == "body" for place in _named(shape, "ph"))


def _notes_of_odf(document: zipfile.ZipFile) -> Iterator[str]:
    for page in _named(_part(document, "content.xml"), "page"):
        frames = [frame for notes in _named(page, "notes") for frame in _named(notes, "frame")]
        written = [frame for frame in frames if _attribute(frame, "class") == "notes"]
        yield _joined(line for frame in written for paragraph in _named(frame, "p") for line in _lines(paragraph))


def _sheets_of_ooxml(document: zipfile.ZipFile) -> list[tuple[str, bool]]:
    main = next(iter(_related(document, "", "officeDocument").values()))
    sheets = _named(_part(document, main), "sheet")
    return [(_attribute(each, "name"), _attribute(each, "state") in ("hidden", "veryHidden")) for each in sheets]


def _sheets_of_odf(document: zipfile.ZipFile) -> list[tuple[str, bool]]:
    content = _part(document, "content.xml")
    hiding = {
        _attribute(style, "name")
        for style in _named(content, "style")
        if any(_attribute(each, "display") == "false" for each in _named(style, "table-properties"))
    }
    return [(_attribute(each, "name"), _attribute(each, "style-name") in hiding) for each in _named(content, "table")]


def _sheets_of_biff(file: Path) -> list[tuple[str, bool]]:
    """The sheets of an .xls file, as [MS-XLS] has them (BoundSheet8)."""
    import olefile

    with olefile.OleFileIO(str(file)) as opened:
        stream = next(name for name in ("Workbook", "Book") if opened.exists(name))
        content = opened.openstream(stream).read(PART_MAX_BYTES)
    found = []
    place = 0
    while place + RECORD.size <= len(content):
        number, length = RECORD.unpack_from(content, place)
        place += RECORD.size
        if number == END_OF_GLOBALS:
            break
        if number == BOUNDSHEET and length > SHEET.size:
            _, state, _, characters, form = SHEET.unpack_from(content, place)
            name = content[place + SHEET.size : place + length]
            text = name.decode("utf-16-le" if form & WIDE_NAME else "latin-1", "replace")[:characters]
            found.append((text, bool(state & STATE_MASK)))
        place += length
    return found


def _related(document: zipfile.ZipFile, part: str, kind: str) -> dict[str, str]:
    """The parts of a `kind` that `part` refers to, by the ids that it has for them; those of the document for ""."""
    folder, name = posixpath.split(part)
    relations = posixpath.join(folder, "_rels", f"{name}.rels")
    if relations not in document.namelist():
        return {}
    return {
        _attribute(each, "Id"): posixpath.normpath(posixpath.join("/", folder, _attribute(each, "Target"))).lstrip("/")
        for each in _named(_part(document, relations), "Relationship")
        if posixpath.basename(_attribute(each, "Type")) == kind and _attribute(each, "TargetMode") != "External"
    }


def _part(document: zipfile.ZipFile, name: str) -> ET.Element:
    with document.open(name) as stream:
        return ET.fromstring(read_within(stream, PART_MAX_BYTES))  # noqa: S314 - within limits; expat fetches nothing


def _named(element: ET.Element, name: str) -> Iterator[ET.Element]:
    """The elements of a name in an element, whatever their namespace: transitional and strict OOXML differ in it."""
    return (each for each in element.iter() if isinstance(each.tag, str) and each.tag.rpartition("}")[2] == name)


def _attribute(element: ET.Element, name: str, *, namespaced: bool = False) -> str:
    """An attribute by its name, whatever its namespace; with `namespaced`, only one that has a namespace."""
    keys = (key for key in element.attrib if key.rpartition("}")[2] == name and ("}" in key or not namespaced))
    return next((element.attrib[key] for key in keys), "")


def _lines(paragraph: ET.Element) -> Iterator[str]:
    """The lines of a paragraph of OOXML or ODF."""
    text = ""
    for piece in _pieces(paragraph):
        if piece == "\n":
            yield text
            text = ""
        else:
            text += piece
    yield text


def _pieces(element: ET.Element) -> Iterator[str]:
    """The texts in an element, with its line breaks, tabs and spaces. OOXML has text in elements `t` alone."""
    name = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
    if name in ("br", "line-break"):
        yield "\n"
    elif name in ("tab", "s"):
        yield " "
    else:
        yield (element.text or "").replace("\n", " ")
    for child in element:
        yield from _pieces(child)
        yield (child.tail or "").replace("\n", " ")


def _joined(lines: Iterator[str]) -> str:
    return "\n".join(" ".join(line.split()) for line in lines).strip()
