"""What an Office document has that its pages do not show: speaker notes of slides, comments on them and descriptions of
their pictures, sheets that are hidden or too many.

Runs only inside the child process (`worker`). A document is read here as it is, not as what it was converted to; one
whose structure cannot be told costs its notes only.
"""

from __future__ import annotations

import logging
import posixpath
import struct
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree as ET

from ...engine.store.unread import PARTIAL
from ..kinds import NOTED_SUFFIXES
from .archive import read_within
from .embedded import embedded_files
from .legacy_slides import notes_of_slides
from .sheet_columns import SHEETS_READ_MAX
from .undrawn import Undrawn, comment, description, lines
from .unread import Unread, attachments

log = logging.getLogger(__name__)

SHEETS_OOXML, SHEETS_ODF, SHEETS_BIFF = frozenset((".xlsx", ".xlsm")), frozenset((".ods",)), frozenset((".xls",))
SLIDES_BINARY = frozenset((".ppt", ".pps"))
ZIPPED = frozenset((*NOTED_SUFFIXES, *SHEETS_OOXML, *SHEETS_ODF, ".docx", ".docm")) - SLIDES_BINARY
"""Documents that are .zip files, and in which something is looked for."""
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
    """What each slide of a presentation has that is `undrawn`, in order, and what of the document is `unread`.

    `hidden` says which slides are hidden. With `has_comments`, the slides' comments are among what is undrawn.
    """

    undrawn: tuple[Undrawn, ...] = ()
    unread: tuple[Unread, ...] = ()
    hidden: tuple[bool, ...] = ()
    has_comments: bool = False

    def of_pages(self, count: int) -> BesidePages:
        """The same for a document of `count` pages: what is undrawn stays only if these are its slides, or those that
        are not hidden, which is told.
        """
        shown = tuple(each for each, is_hidden in zip(self.undrawn, self.hidden, strict=False) if not is_hidden)
        if count < len(self.undrawn) and len(shown) == count:
            left_out = len(self.undrawn) - count
            told = Unread(PARTIAL, 0, f"without {left_out:,} hidden slide{'s' if left_out > 1 else ''}")
            return replace(self, undrawn=shown, unread=(*self.unread, told), hidden=())
        if len(self.undrawn) == count or not any(each != Undrawn() for each in self.undrawn):
            return self
        told = Unread(PARTIAL, 0, "without the speaker notes, because the pages are not the slides")
        return replace(self, undrawn=(), unread=(*self.unread, told), has_comments=False)

    def of_page(self, page: int) -> Undrawn:
        """What is not drawn on a page, counted from 1."""
        return self.undrawn[page - 1] if page <= len(self.undrawn) else Undrawn()


def beside_pages(file: Path, *, by_library: bool = False) -> BesidePages:
    """What the pages of an Office document do not show, as far as it can be told.

    `by_library`: they were laid out by office2pdf, which leaves out more than LibreOffice does.
    """
    suffix = file.suffix.lower()
    try:
        if suffix in SLIDES_BINARY:
            return BesidePages(tuple(Undrawn(notes) for notes in notes_of_slides(file)))
        if suffix in SHEETS_BIFF:
            return BesidePages(unread=_left_out(_sheets_of_biff(file)))
        if suffix in ZIPPED:
            with zipfile.ZipFile(file) as document:
                return _beside_pages(document, suffix, by_library=by_library)
    except Exception as err:  # noqa: BLE001 - documents that are damaged, or something else, raise anything
        log.debug("it cannot be told what is beside the pages: %s", err)
    return BesidePages()


def _beside_pages(document: zipfile.ZipFile, suffix: str, *, by_library: bool) -> BesidePages:
    if suffix == ".odp":
        return BesidePages(tuple(_slides_of_odf(document)))
    if suffix in NOTED_SUFFIXES:
        slides = list(_slides_of_ooxml(document))
        undrawn, hidden = tuple(slide[0] for slide in slides), tuple(slide[1] for slide in slides)
        return BesidePages(undrawn, _embedded(document), hidden, has_comments=True)
    if suffix in SHEETS_ODF:
        return BesidePages(unread=_left_out(_sheets_of_odf(document)))
    if suffix in SHEETS_OOXML:
        left_out = _left_out(_sheets_of_ooxml(document), most=SHEETS_READ_MAX)
        remarks = _counted(_remarks_of_sheets(document)) if by_library else ()
        return BesidePages(unread=(*_embedded(document), *left_out, *remarks))
    return BesidePages(unread=(*_embedded(document), *(_counted(_remarks_of_text(document)) if by_library else ())))


def _embedded(document: zipfile.ZipFile) -> tuple[Unread, ...]:
    """The report of embedded files, which are documents of their own."""
    try:
        return tuple(attachments([name for _, name in embedded_files(document)[0]]))
    except Exception as err:  # noqa: BLE001 - what is damaged raises anything
        log.debug("embedded files cannot be listed: %s", err)
        return ()


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


def _counted(counts: Mapping[str, int]) -> tuple[Unread, ...]:
    """The report of what a library leaves out, by the noun for one of each."""
    found = [f"{count:,} {noun}{'s' if count > 1 else ''}" for noun, count in counts.items() if count]
    return (Unread(PARTIAL, 0, f"without {', '.join(found)}"),) if found else ()


def _remarks_of_text(document: zipfile.ZipFile) -> dict[str, int]:
    """How many footnotes, endnotes and comments a .docx file has."""
    main = _main(document)
    counts = {}
    for noun in ("footnote", "endnote", "comment"):
        parts = [_part(document, name) for name in _related(document, main, f"{noun}s").values()]
        written = [each for part in parts for each in _named(part, noun) if not _attribute(each, "type")]
        counts[noun] = sum(1 for each in written if next(_named(each, "t"), None) is not None)
    return counts


def _remarks_of_sheets(document: zipfile.ZipFile) -> dict[str, int]:
    """How many cells of an .xlsx file have a comment."""
    sheets = _related(document, _main(document), "worksheet").values()
    parts = [_part(document, name) for sheet in sheets for name in _related(document, sheet, "comments").values()]
    return {"comment": sum(1 for part in parts for _ in _named(part, "comment"))}


def _slides_of_ooxml(document: zipfile.ZipFile) -> Iterator[tuple[Undrawn, bool]]:
    """What each slide has that is not drawn, and whether it is hidden."""
    main = _main(document)
    slides, authors = _related(document, main, "slide"), _authors(document, main)
    for each in _named(_part(document, main), "sldId"):
        undrawn, is_hidden = Undrawn(), False
        try:
            name = slides[_attribute(each, "id", namespaced=True)]
            shown = _part(document, name)
            is_hidden = _attribute(shown, "show") in ("0", "false")
            undrawn = Undrawn(descriptions=_descriptions(_named(shown, "cNvPr")))
            undrawn = replace(undrawn, comments=lines(_comments_of_slide(document, name, authors)))
            undrawn = replace(undrawn, notes=_notes_of_slide(document, name))
        except Exception as err:  # noqa: BLE001 - what is damaged raises anything, and costs the notes of one slide
            log.debug("what is not drawn of a slide cannot be read: %s", err)
        yield undrawn, is_hidden


def _notes_of_slide(document: zipfile.ZipFile, slide: str) -> str:
    notes = [_part(document, name) for name in _related(document, slide, "notesSlide").values()]
    bodies = [shape for part in notes for shape in _named(part, "sp") if _is_body(shape)]
    return _joined(line for body in bodies for paragraph in _named(body, "p") for line in _lines(paragraph))


def _authors(document: zipfile.ZipFile, main: str) -> dict[str, str]:
    """Who wrote comments on slides, by their ids: in the form of PowerPoint 2007 and in that of 2021."""
    try:
        parts = [name for kind in ("commentAuthors", "authors") for name in _related(document, main, kind).values()]
        people = [each for name in parts for each in _part(document, name)]
        return {_attribute(each, "id"): _attribute(each, "name") for each in people}
    except Exception as err:  # noqa: BLE001 - comments are read without their authors
        log.debug("the authors of comments cannot be read: %s", err)
        return {}


def _comments_of_slide(document: zipfile.ZipFile, slide: str, authors: Mapping[str, str]) -> Iterator[str]:
    for name in _related(document, slide, "comments").values():
        for each in _part(document, name).iter():
            if isinstance(each.tag, str) and each.tag.rpartition("}")[2] in ("cm", "reply"):
                said = [own for kind in ("text", "txBody") for own in each if own.tag.rpartition("}")[2] == kind]
                text = " ".join(" ".join(_pieces(own)) for own in said)
                yield comment(authors.get(_attribute(each, "authorId"), ""), text)


def _descriptions(shapes: Iterable[ET.Element]) -> tuple[str, ...]:
    return lines(dict.fromkeys(description(_attribute(each, "title"), _attribute(each, "descr")) for each in shapes))


def _is_body(shape: ET.Element) -> bool:
    """Whether a shape of a page of notes is the notes: others are the slide, its number, a date, a footer."""
    return any(_attribute(place, "type") == "body" for place in _named(shape, "ph"))


def _slides_of_odf(document: zipfile.ZipFile) -> Iterator[Undrawn]:
    """What each slide has that is not drawn, but for comments, which LibreOffice puts into its PDF."""
    for page in _named(_part(document, "content.xml"), "page"):
        beside = list(_named(page, "notes"))
        frames = [frame for part in beside for frame in _named(part, "frame")]
        written = [frame for frame in frames if _attribute(frame, "class") == "notes"]
        notes = _joined(line for frame in written for paragraph in _named(frame, "p") for line in _lines(paragraph))
        not_shown = {id(each) for part in beside for each in part.iter()}
        told = [each for kind in ("title", "desc") for each in _named(page, kind) if id(each) not in not_shown]
        yield Undrawn(notes, descriptions=lines(dict.fromkeys(description("", _joined(_lines(each))) for each in told)))


def _sheets_of_ooxml(document: zipfile.ZipFile) -> list[tuple[str, bool]]:
    main = _main(document)
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


def _main(document: zipfile.ZipFile) -> str:
    return next(iter(_related(document, "", "officeDocument").values()))


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
