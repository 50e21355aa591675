"""Files that are embedded in Word, PowerPoint and Excel documents (OOXML): other Office documents, and any file that
somebody dragged into one.

Runs only inside the child process (`worker`). What a chart is drawn from is no file of its own.
"""

from __future__ import annotations

import io
import logging
import posixpath
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from ...engine.errors import DocumentError
from ..kinds import PDF_MAGIC, ZIP_MAGIC, suffix_of
from .archive import DAMAGED, MEMBER_MAX_BYTES, check_size, read_within

log = logging.getLogger(__name__)

KINDS = frozenset(("package", "oleObject"))
"""The kinds of relationships by which a part of a document has an embedded file."""
DATA_OF = "/charts/"
"""What lies there has the numbers of a chart as its embedded file."""
EMBEDDED_MAX, RELATIONS_MAX_BYTES = 500, 4 << 20
UNNAMED_SUFFIX = ".bin"
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
NATIVE, PACKAGE, CONTENTS = "\x01Ole10Native", "Package", "CONTENTS"
"""Streams of an OLE object with a file of any kind, an OOXML document, and what a program chose."""
PROGRAMS = {"WordDocument": ".doc", "Workbook": ".xls", "Book": ".xls", "PowerPoint Document": ".ppt"}
"""Streams that tell that the object is a document of Office 97 to 2003, with its extension."""
MAIN_PARTS = {"word/document.xml": ".docx", "xl/workbook.xml": ".xlsx", "ppt/presentation.xml": ".pptx"}


def embedded_files(document: zipfile.ZipFile) -> tuple[list[tuple[str, str]], int]:
    """The part of each embedded file of a document with the name of the file, and how many more objects it has."""
    found = []
    parts = list(dict.fromkeys(_embedded_parts(document)))
    for number, part in enumerate(parts, start=1):
        try:
            name = _name(document, part)
        except Exception as err:  # noqa: BLE001 - what is damaged raises anything, and costs itself only
            log.debug("the embedded object %s cannot be opened: %s", part, err)
            continue
        if name:
            found.append((part, name))
        if len(found) == EMBEDDED_MAX:
            return found, len(parts) - number
    return found, 0


class EmbeddedObjects:
    """The files in an open document, as `archive.Members`."""

    def __init__(self, file: Path) -> None:
        try:
            self._document = zipfile.ZipFile(file)
        except (*DAMAGED, OSError) as err:
            raise DocumentError(f"the document cannot be opened: {err}") from err
        self._parts, self.left_out = embedded_files(self._document)
        self.names = [name for _, name in self._parts]

    def read(self, number: int) -> bytes:
        """As `Members.read`."""
        part = self._parts[number][0]
        try:
            content = _content(self._document, part)
            return _inner(content) if content.startswith(OLE_MAGIC) else content
        except (*DAMAGED, OSError, KeyError, struct.error, RuntimeError) as err:
            raise DocumentError(f"it cannot be taken out: {err}") from err

    def close(self) -> None:
        """Close the document."""
        self._document.close()


def _embedded_parts(document: zipfile.ZipFile) -> Iterator[str]:
    names = set(document.namelist())
    for relations in sorted(name for name in names if name.endswith(".rels") and DATA_OF not in f"/{name}"):
        folder = posixpath.dirname(posixpath.dirname(relations))
        try:
            with document.open(relations) as stream:
                root = ET.fromstring(read_within(stream, RELATIONS_MAX_BYTES))  # noqa: S314 - expat fetches nothing
        except Exception as err:  # noqa: BLE001 - what is damaged raises anything, and costs itself only
            log.debug("the relationships %s cannot be read: %s", relations, err)
            continue
        for each in root:
            if posixpath.basename(each.get("Type", "")) in KINDS and each.get("TargetMode") != "External":
                part = posixpath.normpath(posixpath.join("/", folder, each.get("Target", ""))).lstrip("/")
                if part in names:
                    yield part


def _content(document: zipfile.ZipFile, part: str) -> bytes:
    info = document.getinfo(part)
    check_size(info.file_size, info.compress_size)
    with document.open(info) as stream:
        return read_within(stream, MEMBER_MAX_BYTES)


def _name(document: zipfile.ZipFile, part: str) -> str:
    """The name of an embedded file, "" for an object that is no file, such as an equation."""
    own = posixpath.basename(part)
    stem, suffix = posixpath.splitext(own)
    if suffix.lower() != UNNAMED_SUFFIX:
        return own
    content = _content(document, part)
    if not content.startswith(OLE_MAGIC):
        suffix = ".pdf" if content.startswith(PDF_MAGIC) else _zipped_suffix(content)
        return f"{stem}{suffix}" if suffix else ""
    with _opened(content) as ole:
        if ole.exists(NATIVE):
            return _native(_stream(ole, NATIVE))[0] or own
        if ole.exists(PACKAGE):
            return f"{stem}{_zipped_suffix(_stream(ole, PACKAGE))}"
        if ole.exists(CONTENTS) and PDF_MAGIC in _stream(ole, CONTENTS)[:1024]:
            return f"{stem}.pdf"
        return next((f"{stem}{suffix}" for stream, suffix in PROGRAMS.items() if ole.exists(stream)), "")


def _inner(content: bytes) -> bytes:
    """The file in an OLE object; the object itself, if it is a document."""
    with _opened(content) as ole:
        if ole.exists(NATIVE):
            return _native(_stream(ole, NATIVE))[1]
        wrapped = next((stream for stream in (PACKAGE, CONTENTS) if ole.exists(stream)), None)
        return content if wrapped is None else _stream(ole, wrapped)


def _opened(content: bytes) -> Any:
    import olefile

    try:
        return olefile.OleFileIO(io.BytesIO(content))
    except Exception as err:  # a damaged file raises anything
        raise DocumentError(f"the object cannot be opened: {err}") from err


def _stream(ole: Any, name: str) -> bytes:
    return bytes(ole.openstream(name).read())


def _native(content: bytes) -> tuple[str, bytes]:
    """The name and the content of a file in a stream NATIVE, as [MS-OLEDS] 2.3.6 and every program have it."""
    place = struct.calcsize("<IH")
    label, place = _string(content, place)
    path, place = _string(content, place)
    place += struct.calcsize("<HH")
    (length,) = struct.unpack_from("<I", content, place)
    place += struct.calcsize("<I") + length
    (size,) = struct.unpack_from("<I", content, place)
    start = place + struct.calcsize("<I")
    name = (label if suffix_of(label) else path).replace("\\", "/")
    return posixpath.basename(name), content[start : start + size]


def _string(content: bytes, start: int) -> tuple[str, int]:
    end = content.index(b"\0", start)
    return content[start:end].decode("cp1252", "replace"), end + 1


def _zipped_suffix(content: bytes) -> str:
    if not content.startswith(ZIP_MAGIC):
        return ""
    with zipfile.ZipFile(io.BytesIO(content)) as inner:
        return next((suffix for part, suffix in MAIN_PARTS.items() if part in inner.namelist()), "")
