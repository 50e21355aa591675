"""Files that lie in documents: attached to e-mails, embedded in PDFs, packed in archives; their names and contents.

A document that lies in another one has that one's path, and its own name after it: `mail.eml/report.pdf`.
"""

from __future__ import annotations

import os
import re
import tempfile
import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ..engine.errors import DocumentError
from .kinds import suffix_of
from .left_out import is_tool_folder
from .render.unpack import MemberReader

NAME_PARTS_MAX, NAME_MAX_CHARS = 12, 150
"""Folders of a name in an archive, and characters of each, that are kept."""
UNNAMED = "attachment"
SUFFIX = re.compile(r"(\.tar)?\.[a-z0-9]{1,10}")


def unique_names(names: Iterable[str]) -> list[str]:
    r"""Paths for files of these names in a document: plain, relative, none twice, none at another's place.

    >>> unique_names(["a.pdf", "../../etc/a.pdf", "C:\\docs\\b.pdf", "a.pdf", ""])
    ['a.pdf', 'etc/a.pdf', 'C_/docs/b.pdf', 'a (2).pdf', 'attachment']
    """
    taken: set[str] = set()
    found = []
    for name in names:
        plain = path = plain_name(name)
        number = 1
        while path in taken:
            number += 1
            place = PurePosixPath(plain)
            path = str(place.with_name(f"{place.stem} ({number}){place.suffix}"))
        taken.add(path)
        found.append(path)
    return found


def plain_name(name: str) -> str:
    """A relative path with forward slashes, without control characters and "..", from whatever name a document has."""
    text = name.encode("utf-8", "backslashreplace").decode().replace("\\", "/")
    text = "".join("_" if unicodedata.category(each)[0] == "C" or each == ":" else each for each in text)
    parts = [part for part in (each.strip() for each in text.split("/")) if part not in ("", ".", "..")]
    return "/".join(_shortened(part) for part in parts[-NAME_PARTS_MAX:]) or UNNAMED


def _shortened(part: str) -> str:
    stem, suffix = os.path.splitext(part)  # noqa: PTH122 - a name of a document, not of a file here
    return f"{stem[: NAME_MAX_CHARS - len(suffix)]}{suffix}" if len(suffix) < NAME_MAX_CHARS else part[:NAME_MAX_CHARS]


def is_of_a_tool(path: str) -> bool:
    """Whether a file in an archive is hidden, or in a folder that systems and tools fill."""
    parts = path.split("/")
    return any(part.startswith(".") for part in parts) or any(is_tool_folder(part) for part in parts[:-1])


def take_out(reader: MemberReader, file: Path, inner: str, folder: Path) -> Path:
    """Write the file at the path `inner` in `file` to a new file in `folder`, with its extension, and return that.

    It may lie in files that lie in `file`. Returns `file` for an empty path. Raises DocumentError.
    """
    outermost = file
    while inner:
        names = unique_names(reader.names(file).names)
        held = [number for number, name in enumerate(names) if inner == name or inner.startswith(f"{name}/")]
        if not held:
            raise DocumentError(f"{outermost.name} has no {inner} in it now")
        number = max(held, key=lambda number: len(names[number]))
        target = new_file(folder, names[number])
        reader.extract(file, number, target)
        if file != outermost:
            file.unlink(missing_ok=True)
        file, inner = target, inner[len(names[number]) + 1 :]
    return file


def new_file(folder: Path, name: str) -> Path:
    """A new file in `folder`, with the extension of `name` if that is a plain one, under a name that no other file had.

    A renderer takes a file of the same name for the same document.
    """
    suffix = suffix_of(name)
    number, path = tempfile.mkstemp(suffix if SUFFIX.fullmatch(suffix) else "", dir=folder)
    os.close(number)
    return Path(path)
